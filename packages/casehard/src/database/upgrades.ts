import { sql } from 'kysely';
import type { Database } from './connect.ts';
import { guarded } from './driver-error.ts';

/** A step of an upgrade that was made here. Evidence: what is to be done is always read from the catalogue. */
export interface MadeUpgrade {
  /** The step, such as `widen users.smtp_password`. */
  readonly what: string;
  /** UTC, ISO 8601. */
  readonly at: string;
}

/** Every upgrade step that was noted, the oldest first. */
export function readUpgrades(db: Pick<Database, 'kysely'>): Promise<readonly MadeUpgrade[]> {
  return guarded(async () => {
    const { rows } = await sql<{ what: string; applied_at: string }>`
      select what, applied_at from ${sql.table('casehard_upgrades')} order by applied_at, id`.execute(db.kysely);
    return rows.map(({ what, applied_at }) => ({ what: String(what), at: String(applied_at) }));
  });
}
