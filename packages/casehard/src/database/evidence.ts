import { sql } from 'kysely';
import type { Database } from './connect.ts';
import { guarded } from './driver-error.ts';
import { isKeyId, plainText } from './plain.ts';
import type { Session } from './session.ts';

/*
 * What we write down in our own tables is evidence, for people and for checks that may only make us refuse. Which key
 * is active and which scheme is accepted is configuration of each process, never a row: whoever can write the database
 * must gain nothing by writing here.
 */

/** A sealed constant that shows which key this database was hardened under. */
export interface Canary {
  readonly kid: string;
  readonly canary: string;
}

/** A canary as kept, with the time of the first hardening under its key. */
export interface KeptCanary extends Canary {
  readonly createdAt: string;
}

type Executor = Pick<Database, 'kysely'> | Session;

/** The canaries of sealing keys, oldest first. */
export async function readCanaries(db: Executor): Promise<readonly KeptCanary[]> {
  return (await readAllCanaries(db)).filter(({ kid }) => kid.length === 8);
}

/** The canaries of tracking keys, whose ids have 4 hex digits. */
export async function readTrackingCanaries(db: Executor): Promise<readonly KeptCanary[]> {
  return (await readAllCanaries(db)).filter(({ kid }) => kid.length === 4);
}

function readAllCanaries({ kysely }: Executor): Promise<readonly KeptCanary[]> {
  return guarded(async () => {
    const { rows } = await sql<
      Canary & { created_at: string }
    >`select kid, canary, created_at from ${sql.table('casehard_keys')} order by created_at`.execute(kysely);
    return rows
      .map(({ kid, canary, created_at }) => ({
        kid: String(kid).trim(),
        canary: String(canary),
        createdAt: plainText(created_at),
      }))
      .filter(({ kid }) => isKeyId(kid));
  });
}

/** Keeps the canary of a key. Harmless where there is one already, from this process or from another. */
export async function writeCanary(db: Executor, { kid, canary }: Canary, createdAt: string = utc()): Promise<void> {
  await guarded(async () => {
    if ((await readAllCanaries(db)).some((known) => known.kid === kid)) return;
    try {
      await sql`insert into ${sql.table('casehard_keys')} (kid, canary, created_at) values (${kid}, ${canary}, ${createdAt})`.execute(
        db.kysely,
      );
    } catch (error) {
      if (!(await readAllCanaries(db)).some((known) => known.kid === kid)) throw error;
    }
  });
}

/** Removes all canaries of sealing keys: nothing is hardened here any more. */
export async function clearCanaries(db: Executor): Promise<void> {
  for (const { kid } of await readCanaries(db)) await removeCanary(db, kid);
}

/** Removes the canary of a key and gives it, to be put back. Undefined: there was none. */
export async function takeCanary(db: Executor, kid: string): Promise<KeptCanary | undefined> {
  const canary = (await readAllCanaries(db)).find((known) => known.kid === kid);
  await removeCanary(db, kid);
  return canary;
}

/** Puts a canary back as it was, its age too. */
export function putCanaryBack(db: Executor, { kid, canary, createdAt }: KeptCanary): Promise<void> {
  return writeCanary(db, { kid, canary }, createdAt);
}

/** Removes the canary of a key. */
export async function removeCanary({ kysely }: Executor, kid: string): Promise<void> {
  await guarded(() => sql`delete from ${sql.table('casehard_keys')} where kid = ${kid}`.execute(kysely));
}

/** Progress of one field in a run. */
export interface JobRow {
  readonly id: string;
  readonly kind: 'harden' | 'soften' | 'recover';
  readonly field: string;
  readonly worker: string;
}

export interface JobProgress {
  readonly state: 'running' | 'done' | 'stopped' | 'failed';
  readonly rows: number;
  readonly changed: number;
  readonly quarantined: number;
}

/** Writes down that a run has begun. */
export async function startJob({ kysely }: Executor, job: JobRow): Promise<void> {
  await guarded(() =>
    sql`insert into ${sql.table('casehard_jobs')} (id, kind, field, state, rows_done, changed, quarantined, started_at, updated_at, worker)
      values (${job.id}, ${job.kind}, ${job.field}, 'running', 0, 0, 0, ${utc()}, ${utc()}, ${job.worker})`.execute(
      kysely,
    ),
  );
}

/** Writes down how far a run is. */
export async function updateJob({ kysely }: Executor, id: string, progress: JobProgress): Promise<void> {
  const finished = progress.state === 'running' ? null : utc();
  await guarded(() =>
    sql`update ${sql.table('casehard_jobs')} set state = ${progress.state}, rows_done = ${progress.rows},
      changed = ${progress.changed}, quarantined = ${progress.quarantined}, updated_at = ${utc()}, finished_at = ${finished}
      where id = ${id}`.execute(kysely),
  );
}

/** A field whose lost values are being entered again; for people, like every job. */
export interface Recovery {
  readonly id: string;
  readonly field: string;
  /** Values that did not open when it began. */
  readonly first: number;
}

/** Recoveries that are not finished, the oldest of each field. */
export function readRecoveries({ kysely }: Executor): Promise<readonly Recovery[]> {
  return guarded(async () => {
    const { rows } = await sql<Readonly<Record<'id' | 'field' | 'rows_done', unknown>>>`
      select id, field, rows_done from ${sql.table('casehard_jobs')}
      where kind = 'recover' and state = 'running' order by started_at, id`.execute(kysely);
    const found = new Map<string, Recovery>();
    for (const row of rows) {
      const recovery = { id: String(row.id), field: String(row.field), first: Number(row.rows_done) };
      if (!found.has(recovery.field)) found.set(recovery.field, recovery);
    }
    return [...found.values()];
  });
}

/** UTC, in the one spelling that all three engines take for a point in time. */
export function utc(): string {
  return new Date().toISOString().slice(0, 19).replace('T', ' ');
}
