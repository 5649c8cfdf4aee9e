import { type RawBuilder, sql } from 'kysely';
import type { Session } from './session.ts';

/** A table `p` made of the given rows, all texts. */
export function mysqlPage(session: Session, names: readonly string[], rows: readonly string[][]): RawBuilder<unknown> {
  return session.skipLocked ? jsonTable(names, rows) : union(names, rows);
}

/** Cuts rows into pieces that one statement can carry: below the smallest usual max_allowed_packet (4 MB). */
export function* batches(session: Session, rows: readonly string[][]): Generator<readonly string[][]> {
  const most = session.skipLocked ? 5000 : 200;
  let from = 0;
  let size = 0;
  for (const [i, row] of rows.entries()) {
    const length = row.reduce((sum, text) => sum + text.length, 0);
    if (i > from && (i - from >= most || size + length > MOST_CHARACTERS)) {
      yield rows.slice(from, i);
      from = i;
      size = 0;
    }
    size += length;
  }
  if (from < rows.length) yield rows.slice(from);
}

// --- internal ---

// A character takes up to three bytes, or six as a JSON escape.
const MOST_CHARACTERS = 500_000;

/** One parameter, so every page is the same prepared statement, and each column has a type that cuts nothing. */
function jsonTable(names: readonly string[], rows: readonly string[][]): RawBuilder<unknown> {
  const columns = names.map((name, i) => {
    const type = name === 'v' ? sql`longtext` : sql`varchar(3100)`; // an index takes keys up to 3072 bytes
    return sql`${sql.id(name)} ${type} path ${sql.lit(`$[${i}]`)}`;
  });
  return sql`json_table(${JSON.stringify(rows)}, '$[*]' columns (${sql.join(columns)})) as p`;
}

/** The casts matter: an untyped column of a UNION is as long as its first value, and longer ones fail. */
function union(names: readonly string[], rows: readonly string[][]): RawBuilder<unknown> {
  const selects = rows.map((row, r) => {
    const columns = row.map((text, i) => {
      const bound = sql`cast(${text} as char)`;
      return r === 0 ? sql`${bound} as ${sql.id(names[i] as string)}` : bound;
    });
    return sql`select ${sql.join(columns)}`;
  });
  return sql`(${sql.join(selects, sql` union all `)}) as p`;
}
