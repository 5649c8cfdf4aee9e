import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { ColumnInfo, TableInfo } from './catalogue.ts';
import type { Database } from './connect.ts';
import { guarded } from './driver-error.ts';

/** One row of a sample: the wanted columns as text; null for NULL and for what is too long to look at. */
export type SampleRow = Readonly<Record<string, string | null>>;

/** Reads some rows of a table: from both ends of its primary key, which an index makes cheap, or any rows without one. */
export function sampleRows(
  db: Database,
  table: TableInfo,
  columns: readonly ColumnInfo[],
  limit = 200,
): Promise<readonly SampleRow[]> {
  if (columns.length === 0) return Promise.resolve([]);
  return guarded(async () => {
    if (table.primaryKey.length === 0) return select(db, table, columns, sql`limit ${sql.lit(limit)}`);
    const half = sql.lit(Math.ceil(limit / 2));
    const order = (direction: 'asc' | 'desc'): RawBuilder<unknown> =>
      sql`order by ${sql.join(table.primaryKey.map((key) => sql`t.${sql.id(key)} ${sql.raw(direction)}`))} limit ${half}`;
    const first = await select(db, table, columns, order('asc'));
    // Fewer than asked for: that was the whole table.
    return first.length < limit / 2 ? first : [...first, ...(await select(db, table, columns, order('desc')))];
  });
}

/** Reads the rows of a name/value table whose name contains one of the words, in any case; at most `limit`. */
export function namedRows(
  db: Database,
  table: TableInfo,
  columns: { readonly name: ColumnInfo; readonly value: ColumnInfo },
  words: readonly string[],
  limit = 1000,
): Promise<readonly SampleRow[]> {
  const name = sql`lower(t.${sql.id(columns.name.name)})`;
  const like = sql.join(
    words.map((word) => sql<SqlBool>`${name} like ${`%${word}%`}`),
    sql` or `,
  );
  return guarded(() => select(db, table, [columns.name, columns.value], sql`where ${like} limit ${sql.lit(limit)}`));
}

// --- internal ---

const MAX_CHARS = 20_000;

async function select(
  db: Database,
  table: TableInfo,
  columns: readonly ColumnInfo[],
  rest: RawBuilder<unknown>,
): Promise<readonly SampleRow[]> {
  const read = columns.map((column, i) => sql`${text(db, column)} as ${sql.id(`c${i}`)}`);
  const { rows } = await sql<Record<string, unknown>>`
    select ${sql.join(read)} from ${sql.table(table.name)} as t ${rest}`.execute(db.kysely);
  return rows.map((row) => Object.fromEntries(columns.map((column, i) => [column.name, asText(row[`c${i}`])])));
}

function text(db: Database, column: ColumnInfo): RawBuilder<unknown> {
  const ref = sql`t.${sql.id(column.name)}`;
  if (column.kind === 'bytes') return sql`case when length(${ref}) <= ${sql.lit(MAX_CHARS)} then ${ref} end`;
  const cast = db.engine === 'mysql' ? sql`cast(${ref} as char)` : sql`cast(${ref} as text)`;
  return sql`case when length(${cast}) <= ${sql.lit(MAX_CHARS)} then ${cast} end`;
}

function asText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value);
}
