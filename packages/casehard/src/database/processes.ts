import { HEARTBEAT_MS, LONGEST_HEARTBEAT_MS, type ProcessReport } from '@casehard/core';
import { sql } from 'kysely';
import { clock } from './clock.ts';
import type { Database, Engine } from './connect.ts';
import { guarded } from './driver-error.ts';
import { noteUses } from './key-uses.ts';
import { isKeyId, plainText } from './plain.ts';
import type { Session } from './session.ts';

/** A process that has attached itself. Evidence: what it says of itself, by the database's clock. */
export interface ListedProcess extends Omit<ProcessReport, 'heartbeat' | 'sealed' | 'opened'> {
  readonly startedAt: number;
  readonly beatAt: number;
  /** Milliseconds since its last report, less what a heartbeat that is slower than usual explains. */
  readonly silent: number;
}

type Executor = Pick<Database, 'engine' | 'kysely'> | Pick<Session, 'engine' | 'kysely'>;

/** Writes a process down, and what it has used its keys for. */
export async function reportProcess(db: Executor, report: ProcessReport): Promise<void> {
  await guarded(async () => {
    const now = clock(db.engine);
    const values = {
      version: report.version,
      host: report.host,
      active_kid: report.activeKid ?? null,
      kids: report.kids.join(' '),
      tracking_kid: report.trackingKid ?? null,
      tracking_kids: report.trackingKids.join(' '),
      heartbeat: Math.round(report.heartbeat),
    };
    const { numAffectedRows } = await sql`
      update ${sql.table(TABLE)} set version = ${values.version}, host = ${values.host}, active_kid = ${values.active_kid},
        kids = ${values.kids}, tracking_kid = ${values.tracking_kid}, tracking_kids = ${values.tracking_kids},
        heartbeat = ${values.heartbeat},
        beat_at = ${now} where id = ${report.id}`.execute(db.kysely);
    if ((numAffectedRows ?? 0n) === 0n && !(await exists(db, report.id))) {
      await sql`
        insert into ${sql.table(TABLE)}
          (id, version, host, active_kid, kids, tracking_kid, tracking_kids, heartbeat, started_at, beat_at)
        values (${report.id}, ${values.version}, ${values.host}, ${values.active_kid}, ${values.kids},
          ${values.tracking_kid}, ${values.tracking_kids}, ${values.heartbeat}, ${now}, ${now})`.execute(db.kysely);
      await forgetOld(db);
    }
    await noteUses(db, report);
  });
}

/** Strikes a process out. */
export async function strikeProcess(db: Executor, id: string): Promise<void> {
  await guarded(() => sql`delete from ${sql.table(TABLE)} where id = ${id}`.execute(db.kysely));
}

/**
 * All processes that have reported within so many milliseconds, the oldest first. `usual` is the heartbeat that `within` is
 * made for.
 */
export function listProcesses(
  db: Executor,
  within: number,
  usual: number = HEARTBEAT_MS,
): Promise<readonly ListedProcess[]> {
  return guarded(async () => {
    const now = clock(db.engine);
    const { rows } = await sql<Readonly<Record<string, unknown>>>`
      select id, version, host, active_kid, kids, tracking_kid, tracking_kids, heartbeat, started_at, beat_at,
        ${now} as clock
      from ${sql.table(TABLE)} order by started_at, id`.execute(db.kysely);
    return rows
      .map((row) => ({
        id: String(row.id),
        version: plainText(row.version),
        host: plainText(row.host),
        activeKid: kidOf(row.active_kid),
        kids: kidsOf(row.kids),
        trackingKid: kidOf(row.tracking_kid),
        trackingKids: kidsOf(row.tracking_kids),
        startedAt: Number(row.started_at),
        beatAt: Number(row.beat_at),
        silent: Math.max(0, Number(row.clock) - Number(row.beat_at) - explained(Number(row.heartbeat), usual)),
      }))
      .filter(({ silent }) => silent <= within);
  });
}

// --- internal ---

const TABLE = 'casehard_processes';
/**
 * What limits are made for is the usual heartbeat: a process counts as gone after 2.5 of them. One that reports less often
 * is silent for longer between two reports, by its own word, up to an hour.
 */
function explained(heartbeat: number, usual: number): number {
  return 2.5 * Math.max(0, Math.min(heartbeat, LONGEST_HEARTBEAT_MS) - usual);
}

const FORGOTTEN_AFTER_MS = 30 * 86_400_000;

/** MySQL counts changed rows only: a report within the same millisecond changes none. */
async function exists(db: Executor, id: string): Promise<boolean> {
  const { rows } = await sql`select 1 from ${sql.table(TABLE)} where id = ${id}`.execute(db.kysely);
  return rows.length > 0;
}

async function forgetOld(db: Executor): Promise<void> {
  const limit = sql`${clock(db.engine as Engine)} - ${sql.lit(FORGOTTEN_AFTER_MS)}`;
  await sql`delete from ${sql.table(TABLE)} where beat_at < ${limit}`.execute(db.kysely);
}

function kidOf(value: unknown): string | undefined {
  const text = String(value ?? '').trim();
  return isKeyId(text) ? text : undefined;
}

function kidsOf(value: unknown): readonly string[] {
  return String(value ?? '')
    .split(' ')
    .filter(isKeyId);
}
