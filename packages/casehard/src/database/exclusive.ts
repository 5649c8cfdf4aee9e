import { sql } from 'kysely';
import type { Database } from './connect.ts';
import { isRetryable } from './driver-error.ts';
import { withSession } from './session.ts';

/** `taken`: another process has the lock. `busy`: the engine's own locks were not granted in time. Try again later. */
export type Exclusive<T> = { readonly done: T } | 'taken' | 'busy';

/**
 * Runs schema work while no other casehard process does. PostgreSQL and SQLite undo all of it if it throws; MySQL commits
 * at every DDL statement, so work must be safe to repeat. Errors come out as CasehardError.
 */
export function exclusively<T>(db: Database, work: (db: Database) => Promise<T>): Promise<Exclusive<T>> {
  return withSession(db, async ({ kysely }): Promise<Exclusive<T>> => {
    try {
      return await LOCKED[db.engine]({ ...db, kysely }, work);
    } catch (error) {
      if (isRetryable(error)) return 'busy';
      throw error;
    }
  });
}

// --- internal ---

type Locked = <T>(db: Database, work: (db: Database) => Promise<T>) => Promise<Exclusive<T>>;

const LOCKED: Readonly<Record<Database['engine'], Locked>> = {
  // BEGIN IMMEDIATE is the lock.
  sqlite: (db, work) => db.kysely.transaction().execute(async (kysely) => ({ done: await work({ ...db, kysely }) })),
  postgres: (db, work) =>
    db.kysely.transaction().execute(async (kysely) => {
      const { rows } = await sql<{ granted: boolean }>`
        select pg_try_advisory_xact_lock(hashtextextended('casehard upgrade', 0)) as granted`.execute(kysely);
      if (!rows[0]?.granted) return 'taken';
      return { done: await work({ ...db, kysely }) };
    }),
  mysql: async (db, work) => {
    const name = sql`concat('casehard upgrade ', md5(database()))`; // names are the server's, not the database's
    const { rows } = await sql<{ granted: number | null }>`select get_lock(${name}, 1) as granted`.execute(db.kysely);
    if (Number(rows[0]?.granted) !== 1) return 'taken';
    try {
      return { done: await work(db) };
    } finally {
      await sql`do release_lock(${name})`.execute(db.kysely);
    }
  },
};
