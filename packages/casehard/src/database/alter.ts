import { type CompiledQuery, type RawBuilder, sql } from 'kysely';
import type { ColumnInfo, TableInfo } from './catalogue.ts';
import type { Database } from './connect.ts';

/** What a change of a column's type costs the application meanwhile, the cheapest first. */
export const COSTS = ['instant', 'metadata', 'rewrite', 'copy'] as const;
export type Cost = (typeof COSTS)[number];

/** The new type: so many characters, or text without a width. Binary columns get the binary type of the same size. */
export type NewType = number | 'text' | 'mediumtext' | 'longtext';

/** One way to widen a column. */
export interface Alteration {
  readonly cost: Cost;
  readonly statement: CompiledQuery;
}

/** How a column can be widened. */
export interface Widening {
  /** To be tried in this order; the server refuses those it cannot do. */
  readonly ways: readonly Alteration[];
  /** The one that the server is expected to accept. */
  readonly expected: Alteration;
}

/** The statements that widen a column and leave everything else about it as it was. */
export async function widening(db: Database, table: TableInfo, column: ColumnInfo, type: NewType): Promise<Widening> {
  if (db.engine === 'postgres') return postgresWidening(db, table, column, type);
  return mysqlWidening(db, table, column, type);
}

/** Whether an error says that the server cannot do it this way (MySQL: ALGORITHM or LOCK not supported, or unknown). */
export function isOtherWayNeeded(error: unknown): boolean {
  const errno = typeof error === 'object' && error !== null && 'errno' in error ? error.errno : undefined;
  return typeof errno === 'number' && [1800, 1801, 1845, 1846, 1221].includes(errno);
}

/** Runs a compiled statement. */
export async function runStatement(db: Database, statement: CompiledQuery): Promise<void> {
  await db.kysely.executeQuery(statement);
}

/** Whether a MySQL row would grow beyond what the server can declare (65,535 bytes) if a column took so many more. */
export function overflowsRow(db: Database, table: TableInfo, moreBytes: number): boolean {
  if (db.engine !== 'mysql') return false; // elsewhere a row may be as long as it likes
  const declared = table.columns.reduce((sum, c) => {
    const inRow = c.kind !== 'text' && !/blob$/i.test(c.type) && c.maxBytes !== undefined;
    return sum + (inRow ? (c.maxBytes ?? 0) + 2 : OTHER_COLUMN_BYTES);
  }, 0);
  return declared + Math.ceil(table.columns.length / 8) + moreBytes > 65_535;
}

// --- internal ---

/** Upper bound of what a number, a date or the pointer to a TEXT takes up in a row. */
const OTHER_COLUMN_BYTES = 32;

function postgresWidening(db: Database, table: TableInfo, column: ColumnInfo, type: NewType): Widening {
  const name = typeof type === 'number' ? sql`varchar(${sql.lit(type)})` : sql`text`;
  // ALTER … TYPE goes back to the type's own collation unless told.
  const collation = column.collation === undefined ? sql`` : sql` collate ${sql.raw(column.collation)}`;
  const statement = sql`
    alter table ${sql.table(table.name)} alter column ${sql.id(column.name)} type ${name}${collation}`;
  // char(n) has another representation than varchar and text, which share one.
  const cost: Cost = column.kind === 'char' ? 'rewrite' : 'metadata';
  const expected = { cost, statement: compile(db, statement) };
  return { ways: [expected], expected };
}

async function mysqlWidening(db: Database, table: TableInfo, column: ColumnInfo, type: NewType): Promise<Widening> {
  const { rows } = await sql<{ version: string }>`select version() as version`.execute(db.kysely);
  const mariadb = /mariadb/i.test(rows[0]?.version ?? '');
  const modify = sql`
    alter table ${sql.table(table.name)} modify column ${sql.id(column.name)} ${mysqlDefinition(column, type, mariadb)}`;
  const instant: Alteration = { cost: 'instant', statement: compile(db, sql`${modify}, algorithm = instant`) };
  const inPlace: Alteration = {
    cost: 'metadata',
    statement: compile(db, sql`${modify}, algorithm = inplace, lock = none`),
  };
  const copy: Alteration = { cost: 'copy', statement: compile(db, sql`${modify}, algorithm = copy, lock = shared`) };
  const expected = { instant, metadata: inPlace, copy }[mysqlCost(mariadb, table, column, type)];
  return { ways: [instant, inPlace, copy], expected };
}

/** MODIFY drops whatever is not restated. MariaDB wants COMPRESSED right after the type. */
function mysqlDefinition(column: ColumnInfo, type: NewType, mariadb: boolean): RawBuilder<unknown> {
  const binary = column.kind === 'bytes';
  const name =
    typeof type === 'number'
      ? sql`${sql.raw(binary ? 'varbinary' : 'varchar')}(${sql.lit(type)})`
      : sql.raw(binary ? type.replace('text', 'blob') : type);
  const parts: RawBuilder<unknown>[] = [name];
  if (/\bcompressed\b/i.test(column.type)) parts.push(sql`compressed`);
  if (column.charset !== undefined) parts.push(sql`character set ${sql.id(column.charset)}`);
  if (column.collation !== undefined) parts.push(sql`collate ${sql.id(column.collation)}`);
  parts.push(column.nullable ? sql`null` : sql`not null`);
  if (column.default !== undefined) {
    // MySQL allows a TEXT a default only as an expression.
    const wrap = !mariadb && typeof type !== 'number' && column.default.startsWith("'");
    parts.push(sql`default ${sql.raw(wrap ? `(${column.default})` : column.default)}`);
  }
  if (column.invisible) parts.push(sql`invisible`);
  if (column.comment !== undefined) parts.push(sql`comment ${mysqlString(column.comment)}`);
  if (column.check !== undefined) parts.push(sql`check (${sql.raw(column.check)})`);
  return sql.join(parts, sql` `);
}

/** Sessions of ours run without NO_BACKSLASH_ESCAPES. */
function mysqlString(text: string): RawBuilder<unknown> {
  return sql.raw(`'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`);
}

/**
 * As seen on MariaDB 10.11 and told of MySQL 8: the length of a VARCHAR is kept in one byte up to 255 bytes, in two
 * above; a change of that needs a copy, except that InnoDB in MariaDB is ready for it where there were at most 127.
 */
function mysqlCost(
  mariadb: boolean,
  table: TableInfo,
  column: ColumnInfo,
  type: NewType,
): 'instant' | 'metadata' | 'copy' {
  const varying = column.kind === 'varchar' || /^varbinary/i.test(column.type);
  if (!varying || typeof type !== 'number' || !table.transactional) return 'copy';
  const before = column.maxBytes ?? 0;
  const after = column.maxChars === undefined ? type : (type * before) / column.maxChars;
  const crosses = before <= 255 && after > 255;
  if (mariadb) return crosses && before > 127 ? 'copy' : 'instant';
  return crosses ? 'copy' : 'metadata';
}

function compile(db: Database, statement: RawBuilder<unknown>): CompiledQuery {
  const compiled = statement.compile(db.kysely);
  return { ...compiled, sql: compiled.sql.trim().replace(/\n\s+/g, ' ') };
}
