import { CasehardError } from '@casehard/core';
import { sha256 } from '@casehard/core/state';
import { type RawBuilder, sql } from 'kysely';
import type { CheckInfo } from './catalogue.ts';
import type { Engine } from './connect.ts';
import { guarded } from './driver-error.ts';
import type { Place } from './place.ts';
import type { Session } from './session.ts';
import { columnShape, tableShape } from './table-shape.ts';

/**
 * The name of the CHECK constraint that lets a column take sealed values only: the same for the same place, another for
 * other conditions.
 */
export function sealedCheckName({ table, column, where }: Place): string {
  const conditions = Object.entries(where).map(([name, value]) => [name, String(value)]);
  const id = sha256(Buffer.from(JSON.stringify([table, column, conditions])))
    .toString('hex')
    .slice(0, 8);
  const readable = `${table}_${column}`.replace(/[^A-Za-z0-9_]/g, '_').slice(0, 38);
  return `casehard_sealed_${readable}_${id}`.toLowerCase();
}

/** Whether that constraint is among those of a table, and is ours: one of its name may say anything. */
export function hasSealedCheck({ checks }: { readonly checks: readonly CheckInfo[] }, place: Place): boolean {
  return checks.some(
    ({ name, expression }) => name.toLowerCase() === sealedCheckName(place) && expression.includes('chd1.'),
  );
}

/** Why a database cannot have that constraint, with what to do instead; undefined: it can. */
export async function sealedCheckProblem(session: Session, place: Place): Promise<CasehardError | undefined> {
  if (place.storage === 'json') {
    return refused(
      'the column holds documents, and a constraint sees no single value in them',
      'the line in the configuration does the same for every process that uses casehard',
    );
  }
  if (session.engine === 'sqlite') {
    return refused(
      'SQLite adds no constraint to a table that exists',
      `when the application makes the table anew, give it: ${await printCheck(session, place)}`,
    );
  }
  if (Object.values(place.where).some((value) => String(value).includes('\\'))) {
    // Two settings of the servers (NO_BACKSLASH_ESCAPES, standard_conforming_strings) change what such a literal means.
    return refused(
      'a value of its `where` has a backslash, which servers read in two ways',
      'the line in the configuration does the same for every process that uses casehard',
    );
  }
  const least = session.mariadb ? '10.2.1' : '8.0.16';
  if (session.engine === 'mysql' && !(await isAtLeast(session, least))) {
    return refused(
      `this server takes CHECK constraints and does not hold them (${session.mariadb ? 'MariaDB' : 'MySQL'} before ${least})`,
      'the line in the configuration does the same for every process that uses casehard',
    );
  }
  return undefined;
}

/**
 * Adds the constraint, or completes it; harmless where it is there. Throws REFUSED where a value is in the way: nothing
 * is left behind then. PostgreSQL looks at the rows without keeping writers out; MariaDB and MySQL copy the table.
 */
export async function addSealedCheck(
  session: Session,
  place: Place,
  options: { readonly there: boolean },
): Promise<void> {
  const { kysely, engine } = session;
  const table = sql.table(place.table);
  const name = sql.id(sealedCheckName(place));
  await guarded(async () => {
    if (!options.there) {
      const condition = await conditionOf(session, place);
      const late = engine === 'postgres' ? sql` not valid` : sql``;
      await sql`alter table ${table} add constraint ${name} check (${condition})${late}`.execute(kysely);
    }
    if (engine !== 'postgres') return;
    try {
      await sql`alter table ${table} validate constraint ${name}`.execute(kysely);
    } catch (error) {
      // Not validated it would refuse every change of the rows in the way, of other columns too.
      if (!options.there) await dropSealedCheck(session, place);
      throw error;
    }
  });
}

/** Removes the constraint. */
export async function dropSealedCheck(session: Session, place: Place): Promise<void> {
  const what = session.engine === 'mysql' && !session.mariadb ? sql`check` : sql`constraint`;
  await guarded(() =>
    sql`alter table ${sql.table(place.table)} drop ${what} ${sql.id(sealedCheckName(place))}`.execute(session.kysely),
  );
}

// --- internal ---

function refused(message: string, hint: string): CasehardError {
  return new CasehardError('REFUSED', `no constraint: ${message}`, { hint });
}

/** For people: the condition in SQL, of values that are in the configuration. */
async function printCheck(session: Session, place: Place): Promise<string> {
  const compiled = sql`check (${await conditionOf(session, place)})`.compile(session.kysely);
  return compiled.sql.replace(/\s+/g, ' ');
}

/** NULL, empty, or the marker of a sealed value, byte for byte: collations take `CHD1.` for it. */
async function conditionOf({ engine, kysely, ...rest }: Session, place: Place): Promise<RawBuilder<unknown>> {
  const shape = await tableShape({ engine, kysely, ...rest }, place.table);
  const column = sql.id(place.column);
  const sealed = SEALED[engine](column, columnShape(shape, place.column).family === 'bytes');
  const matches = Object.entries(place.where).map(([name, value]) => {
    const number = columnShape(shape, name).family === 'integer' && /^-?\d+$/.test(String(value));
    return sql`${sql.id(name)} = ${number ? sql.raw(String(value)) : sql.lit(String(value))}`;
  });
  return matches.length === 0 ? sealed : sql`not (${sql.join(matches, sql` and `)}) or ${sealed}`;
}

const SEALED: Readonly<Record<Engine, (column: RawBuilder<unknown>, binary: boolean) => RawBuilder<unknown>>> = {
  postgres: (column, binary) =>
    binary
      ? sql`${column} is null or octet_length(${column}) = 0 or substring(${column} from 1 for 5) = '\\x636864312e'::bytea`
      : sql`${column} is null or octet_length(${column}::text) = 0 or left(${column}::text, 5) = 'chd1.' collate "C"`,
  mysql: (column, binary) => {
    const head = binary ? sql`left(${column}, 5)` : sql`cast(left(convert(${column} using utf8mb4), 5) as binary)`;
    return sql`${column} is null or octet_length(${column}) = 0 or ${head} = cast('chd1.' as binary)`;
  },
  sqlite: (column) =>
    sql`${column} is null or length(${column}) = 0 or substr(cast(${column} as text), 1, 5) = 'chd1.' collate binary`,
};

async function isAtLeast({ kysely }: Session, least: string): Promise<boolean> {
  const { rows } = await sql<{ version: string }>`select version() as version`.execute(kysely);
  const parts = (text: string): number[] => text.split(/[.-]/).slice(0, 3).map(Number);
  const [there, wanted] = [parts((rows[0]?.version ?? '').replace(/^5\.5\.5-/, '')), parts(least)];
  for (let i = 0; i < 3; i++) {
    const [a = 0, b = 0] = [there[i], wanted[i]];
    if (a !== b) return a > b;
  }
  return true;
}
