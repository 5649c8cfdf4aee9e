import { type RawBuilder, sql } from 'kysely';
import type { Database, Engine } from './connect.ts';
import { guarded } from './driver-error.ts';
import type { Session } from './session.ts';

/** Milliseconds since 1970 by the database's clock: the one clock that all processes share. */
export function clock(engine: Engine): RawBuilder<number> {
  return CLOCKS[engine];
}

/** The time by that clock. */
export function readClock(db: Pick<Database, 'engine' | 'kysely'> | Session): Promise<number> {
  return guarded(async () => {
    const { rows } = await sql<{ clock: unknown }>`select ${clock(db.engine)} as clock`.execute(db.kysely);
    return Number(rows[0]?.clock);
  });
}

// --- internal ---

const CLOCKS: Readonly<Record<Engine, RawBuilder<number>>> = {
  postgres: sql`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`,
  // sysdate: now() stands still within a statement, and its time zone is the session's.
  mysql: sql`cast(unix_timestamp(sysdate(3)) * 1000 as signed)`,
  sqlite: sql`cast((julianday('now') - 2440587.5) * 86400000 as integer)`,
};
