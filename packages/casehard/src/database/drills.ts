import { randomId } from '@casehard/core/state';
import { sql } from 'kysely';
import { clock } from './clock.ts';
import type { Database } from './connect.ts';
import { guarded } from './driver-error.ts';
import type { Session } from './session.ts';

type Executor = Pick<Database, 'engine' | 'kysely'> | Pick<Session, 'engine' | 'kysely'>;

/** What a drill found for one key of a backup. */
export interface Drill {
  readonly kid: string;
  /** The canary and every value that was tried opened. */
  readonly proven: boolean;
  /** How many values opened. */
  readonly opened: number;
  /** The name of the backup file, without its folder. */
  readonly file: string;
  /** When, in milliseconds since 1970 by the database's clock. */
  readonly at: number;
}

/** Writes down what a drill found; `tag` authenticates the row, so that nobody but us can say that a backup is proven. */
export async function writeDrill(
  db: Executor,
  drill: Omit<Drill, 'at'>,
  tag: (pieces: readonly string[]) => string,
): Promise<Drill> {
  return guarded(async () => {
    const { rows } = await sql<{ clock: unknown }>`select ${clock(db.engine)} as clock`.execute(db.kysely);
    const whole: Drill = { ...drill, at: Number(rows[0]?.clock) };
    const id = randomId();
    await sql`
      insert into ${sql.table(TABLE)} (id, kid, proven, opened, at, file, mac)
      values (${id}, ${whole.kid}, ${whole.proven ? 1 : 0}, ${whole.opened}, ${whole.at}, ${whole.file},
        ${tag(piecesOf(id, whole))})`.execute(db.kysely);
    return whole;
  });
}

/** All drills whose tag holds, the newest first. */
export function readDrills(
  db: Executor,
  holds: (tag: string, pieces: readonly string[]) => boolean,
): Promise<readonly Drill[]> {
  return guarded(async () => {
    const { rows } = await sql<Readonly<Record<string, unknown>>>`
      select id, kid, proven, opened, at, file, mac from ${sql.table(TABLE)} order by at desc, id`.execute(db.kysely);
    return rows.flatMap((row) => {
      const drill: Drill = {
        kid: String(row.kid).trim(),
        proven: Number(row.proven) === 1,
        opened: Number(row.opened),
        at: Number(row.at),
        file: String(row.file),
      };
      return holds(String(row.mac ?? ''), piecesOf(String(row.id), drill)) ? [drill] : [];
    });
  });
}

// --- internal ---

const TABLE = 'casehard_drills';

function piecesOf(id: string, { kid, proven, opened, at, file }: Drill): string[] {
  return [id, kid, proven ? '1' : '0', String(opened), String(at), file];
}
