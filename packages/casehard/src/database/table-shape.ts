import { CasehardError } from '@casehard/core';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Tables } from './connect.ts';
import type { Session } from './session.ts';

/** What the statements on a table depend on: the types of its columns, and whether a change can be rolled back. */
export interface TableShape {
  readonly table: string;
  readonly columns: ReadonlyMap<string, ColumnShape>;
  /** MySQL columns that move by themselves at every UPDATE. */
  readonly onUpdate: readonly string[];
  /** MySQL: the unique indexes, PRIMARY first, each with its columns. */
  readonly uniqueIndexes: ReadonlyMap<string, readonly string[]>;
  /** False for MyISAM and its kin. */
  readonly transactional: boolean;
}

export interface ColumnShape {
  /** The engine's name of the type, without length; ready for a cast. */
  readonly type: string;
  readonly family: 'text' | 'bytes' | 'integer' | 'uuid' | 'json' | 'jsonb' | 'other';
  readonly unsigned: boolean;
  /** MySQL: of a text column. */
  readonly charset: string | undefined;
  readonly collation: string | undefined;
}

/** The shape of a table, read once per session. */
export function tableShape(session: Session, table: string): Promise<TableShape> {
  const known = shapes.get(session) ?? new Map<string, Promise<TableShape>>();
  shapes.set(session, known);
  let shape = known.get(table);
  if (!shape) {
    shape = READERS[session.engine](session, table);
    known.set(table, shape);
    shape.catch(() => known.delete(table));
  }
  return shape;
}

/** The columns that an UPDATE must restate (`c = c`), because ON UPDATE CURRENT_TIMESTAMP would move them. */
export async function onUpdateColumns(session: Session, table: string): Promise<readonly string[]> {
  return (await tableShape(session, table)).onUpdate;
}

/** The shape of one column; MySQL and SQLite do not mind the case of its name. */
export function columnShape(shape: TableShape, column: string): ColumnShape {
  const found = shape.columns.get(column) ?? shape.columns.get(lowerCase(shape, column));
  if (!found) throw notFound(`${shape.table}.${column}: there is no such column`);
  return found;
}

// --- internal ---

const shapes = new WeakMap<Session, Map<string, Promise<TableShape>>>();

const READERS = { postgres: readPostgres, mysql: readMysql, sqlite: readSqlite } as const;

async function readPostgres({ kysely }: Session, table: string): Promise<TableShape> {
  const quoted = table
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.');
  const { rows } = await sql<{ name: string; type: string; category: string }>`
    select a.attname::text as name, t.typcategory::text as category,
      format_type(coalesce(nullif(t.typbasetype, 0), t.oid), -1) as type
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = to_regclass(${quoted}) and a.attnum > 0 and not a.attisdropped`.execute(kysely);
  return made(table, rows, ({ type, category }) => ({ type, family: postgresFamily(type, category) }));
}

function postgresFamily(type: string, category: string): ColumnShape['family'] {
  if (category === 'S') return 'text';
  if (type === 'bytea') return 'bytes';
  if (type === 'uuid' || type === 'json' || type === 'jsonb') return type;
  return category === 'N' ? 'integer' : 'other';
}

interface MysqlColumn {
  readonly name: string;
  readonly type: string;
  readonly full: string;
  readonly charset: string | null;
  readonly collation: string | null;
  readonly extra: string | null;
}

async function readMysql({ kysely }: Session, table: string): Promise<TableShape> {
  const [name, schema] = table.split('.').reverse();
  const inSchema = schema === undefined ? sql`database()` : sql`${schema}`;
  const columns = await sql<MysqlColumn>`
    select column_name as name, data_type as type, column_type as full, character_set_name as charset,
      collation_name as collation, extra as extra
    from information_schema.columns where table_schema = ${inSchema} and table_name = ${name}`.execute(kysely);
  const engines = await sql<{ transactions: string | null }>`
    select e.transactions as transactions from information_schema.tables t
    left join information_schema.engines e on e.engine = t.engine
    where t.table_schema = ${inSchema} and t.table_name = ${name}`.execute(kysely);
  return {
    ...made(table, columns.rows, ({ type, full, charset, collation }) => ({
      type,
      family: mysqlFamily(type),
      unsigned: /unsigned/i.test(full),
      charset: charset ?? undefined,
      collation: collation ?? undefined,
    })),
    onUpdate: columns.rows.filter(({ extra }) => /on update/i.test(extra ?? '')).map((column) => column.name),
    uniqueIndexes: await readUniqueIndexes(kysely, sql`table_schema = ${inSchema} and table_name = ${name}`),
    transactional: engines.rows[0]?.transactions !== 'NO',
  };
}

async function readUniqueIndexes(
  kysely: Kysely<Tables>,
  ofTable: RawBuilder<unknown>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql<{ name: string; column: string | null }>`
    select index_name as name, column_name as \`column\` from information_schema.statistics
    where ${ofTable} and non_unique = 0 order by index_name <> 'PRIMARY', index_name, seq_in_index`.execute(kysely);
  const indexes = new Map<string, string[]>();
  for (const { name, column } of rows) indexes.set(name, [...(indexes.get(name) ?? []), column ?? '']);
  return indexes;
}

function mysqlFamily(type: string): ColumnShape['family'] {
  if (/^(tiny|small|medium|big)?int(eger)?$|^decimal$/i.test(type)) return 'integer';
  if (/char|text|^enum$|^set$/i.test(type)) return 'text';
  if (/binary|blob/i.test(type)) return 'bytes';
  if (/^(uuid|json)$/i.test(type)) return type.toLowerCase() as 'uuid' | 'json';
  return 'other';
}

async function readSqlite({ kysely }: Session, table: string): Promise<TableShape> {
  const [name, schema] = table.split('.').reverse();
  const from: RawBuilder<unknown> =
    schema === undefined ? sql`pragma_table_xinfo(${name})` : sql`pragma_table_xinfo(${name}, ${schema})`;
  const { rows } = await sql<{ name: string; type: string }>`select name, type from ${from}`.execute(kysely);
  return made(table, rows, ({ type }) => ({ type, family: sqliteFamily(type) }));
}

/** SQLite's own rules of affinity; what a row really holds may differ. */
function sqliteFamily(type: string): ColumnShape['family'] {
  if (/int/i.test(type)) return 'integer';
  if (/char|clob|text/i.test(type)) return 'text';
  return type === '' || /blob/i.test(type) ? 'bytes' : 'other';
}

function made<R extends { readonly name: string }>(
  table: string,
  rows: readonly R[],
  shape: (row: R) => Pick<ColumnShape, 'type' | 'family'> & Partial<ColumnShape>,
): TableShape {
  if (rows.length === 0) throw notFound(`${table}: there is no such table`);
  const columns = new Map(
    rows.map((row) => [row.name, { unsigned: false, charset: undefined, collation: undefined, ...shape(row) }]),
  );
  return { table, columns, onUpdate: [], uniqueIndexes: new Map(), transactional: true };
}

function lowerCase(shape: TableShape, column: string): string {
  const lower = column.toLowerCase();
  return [...shape.columns.keys()].find((name) => name.toLowerCase() === lower) ?? column;
}

function notFound(message: string): CasehardError {
  return new CasehardError('NOT_FOUND', message, { hint: 'compare the field with the schema, or run casehard init' });
}
