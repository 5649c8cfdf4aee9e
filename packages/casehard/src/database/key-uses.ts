import { sql } from 'kysely';
import { clock } from './clock.ts';
import type { Database } from './connect.ts';
import { guarded } from './driver-error.ts';
import { isKeyId } from './plain.ts';
import type { Session } from './session.ts';

type Executor = Pick<Database, 'engine' | 'kysely'> | Pick<Session, 'engine' | 'kysely'>;

/** When a key was last used, in milliseconds since 1970 by the database's clock, as attached processes reported it. */
export interface KeyUse {
  readonly kid: string;
  readonly sealedAt: number | undefined;
  readonly openedAt: number | undefined;
  /** Milliseconds since it last opened something. */
  readonly quiet: number | undefined;
}

/** Notes that keys were used at this moment. */
export async function noteUses(
  db: Executor,
  uses: { readonly sealed: readonly string[]; readonly opened: readonly string[] },
): Promise<void> {
  await guarded(async () => {
    for (const kid of new Set([...uses.sealed, ...uses.opened])) {
      const now = clock(db.engine);
      const set = [
        ...(uses.sealed.includes(kid) ? [sql`sealed_at = ${now}`] : []),
        ...(uses.opened.includes(kid) ? [sql`opened_at = ${now}`] : []),
      ];
      const known = await sql`select 1 from ${sql.table(TABLE)} where kid = ${kid}`.execute(db.kysely);
      if (known.rows.length === 0) await insert(db, kid);
      await sql`update ${sql.table(TABLE)} set ${sql.join(set)} where kid = ${kid}`.execute(db.kysely);
    }
  });
}

/** The last uses of every key that was ever reported. */
export function readUses(db: Executor): Promise<readonly KeyUse[]> {
  return guarded(async () => {
    const { rows } = await sql<Readonly<Record<string, unknown>>>`
      select kid, sealed_at, opened_at, ${clock(db.engine)} as clock from ${sql.table(TABLE)} order by kid`.execute(
      db.kysely,
    );
    return rows
      .map(({ kid, sealed_at, opened_at, clock: now }) => ({
        kid: String(kid).trim(),
        sealedAt: numberOf(sealed_at),
        openedAt: numberOf(opened_at),
        quiet: opened_at === null || opened_at === undefined ? undefined : Math.max(0, Number(now) - Number(opened_at)),
      }))
      .filter(({ kid }) => isKeyId(kid));
  });
}

// --- internal ---

const TABLE = 'casehard_key_uses';

async function insert(db: Executor, kid: string): Promise<void> {
  try {
    await sql`insert into ${sql.table(TABLE)} (kid) values (${kid})`.execute(db.kysely);
  } catch (error) {
    // Two processes at once: the other one's row will do. On PostgreSQL this is outside of any transaction.
    const { rows } = await sql`select 1 from ${sql.table(TABLE)} where kid = ${kid}`.execute(db.kysely);
    if (rows.length === 0) throw error;
  }
}

function numberOf(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}
