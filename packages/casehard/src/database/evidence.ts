import { sql } from 'kysely';
import type { Database } from './connect.ts';
import { guarded } from './driver-error.ts';
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

/** The canaries, oldest first. */
export function readCanaries({ kysely }: Executor): Promise<readonly KeptCanary[]> {
  return guarded(async () => {
    const { rows } = await sql<
      Canary & { created_at: string }
    >`select kid, canary, created_at from ${sql.table('casehard_keys')} order by created_at`.execute(kysely);
    return rows.map(({ kid, canary, created_at }) => ({
      kid: String(kid).trim(),
      canary: String(canary),
      createdAt: String(created_at),
    }));
  });
}

/** Keeps the canary of a key. Harmless where there is one already, from this process or from another. */
export async function writeCanary(db: Executor, { kid, canary }: Canary): Promise<void> {
  await guarded(async () => {
    if ((await readCanaries(db)).some((known) => known.kid === kid)) return;
    try {
      await sql`insert into ${sql.table('casehard_keys')} (kid, canary, created_at) values (${kid}, ${canary}, ${now()})`.execute(
        db.kysely,
      );
    } catch (error) {
      if (!(await readCanaries(db)).some((known) => known.kid === kid)) throw error;
    }
  });
}

/** Removes all canaries: nothing is hardened here any more. */
export async function clearCanaries({ kysely }: Executor): Promise<void> {
  await guarded(() => sql`delete from ${sql.table('casehard_keys')}`.execute(kysely));
}

/** Progress of one field in a run. */
export interface JobRow {
  readonly id: string;
  readonly kind: 'harden' | 'soften';
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
      values (${job.id}, ${job.kind}, ${job.field}, 'running', 0, 0, 0, ${now()}, ${now()}, ${job.worker})`.execute(
      kysely,
    ),
  );
}

/** Writes down how far a run is. */
export async function updateJob({ kysely }: Executor, id: string, progress: JobProgress): Promise<void> {
  const finished = progress.state === 'running' ? null : now();
  await guarded(() =>
    sql`update ${sql.table('casehard_jobs')} set state = ${progress.state}, rows_done = ${progress.rows},
      changed = ${progress.changed}, quarantined = ${progress.quarantined}, updated_at = ${now()}, finished_at = ${finished}
      where id = ${id}`.execute(kysely),
  );
}

// --- internal ---

/** UTC, in the one spelling that all three engines take for a point in time. */
function now(): string {
  return new Date().toISOString().slice(0, 19).replace('T', ' ');
}
