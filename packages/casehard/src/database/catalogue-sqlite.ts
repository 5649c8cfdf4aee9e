import { sql } from 'kysely';
import type { Catalogue, CheckInfo, ColumnInfo, IndexInfo, TableInfo } from './catalogue.ts';
import type { Database } from './connect.ts';
import { checksOf, firesOnUpdate, mentions } from './sqlite-ddl.ts';

/** Reads SQLite's catalogue: pragmas, and the statements in sqlite_schema. */
export const sqliteCatalogue: Catalogue = { list, describe };

// --- internal ---

async function list({ kysely }: Database): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from pragma_table_list where schema = 'main' and type = 'table' and substr(name, 1, 7) <> 'sqlite_'
  `.execute(kysely);
  return rows.map((row) => row.name);
}

async function describe(db: Database, table: string): Promise<TableInfo | undefined> {
  const found = await sql<{ name: string; wr: bigint; strict: bigint }>`
    select name, wr, strict from pragma_table_list
    where schema = 'main' and type = 'table' and name = ${table} collate nocase
  `.execute(db.kysely);
  const head = found.rows[0];
  if (!head) return undefined;
  const { name } = head;
  const indexes = await indexesOf(db, name);
  const statements = await statementsAbout(db, name);
  const rows = await columnRows(db, name);
  const primaryKey = rows
    .filter((row) => row.pk > 0)
    .sort((a, b) => Number(a.pk - b.pk))
    .map((row) => row.name);
  // INTEGER PRIMARY KEY is the rowid and never NULL, but only where no index stands behind it (`… DESC` has one).
  const rowid =
    primaryKey.length === 1 && head.wr === 0n && !indexes.some((index) => index.origin === 'pk')
      ? rows.find((row) => row.pk > 0 && row.type.toUpperCase() === 'INTEGER')?.name
      : undefined;
  const full = indexes.filter((index) => index.unique && index.partial === false && index.whole);
  const uniques = full.map((index) => index.columns);
  if (rowid !== undefined) uniques.unshift([rowid]);
  return {
    name,
    columns: rows.map((row) => column(row, row.name === rowid || (row.pk > 0 && head.strict !== 0n))),
    uniques,
    primaryKey,
    indexes: indexes.map(({ name: index, columns, unique }): IndexInfo => ({ name: index, columns, unique })),
    triggers: statements.filter((s) => s.type === 'trigger' && firesOnUpdate(s.sql)).map((s) => s.name),
    transactional: true,
    systemVersioned: false,
    views: statements.filter((s) => s.type === 'view' && mentions(s.sql, name)).map((s) => s.name),
    checks: statements.filter((s) => s.type === 'table').flatMap((s): readonly CheckInfo[] => checksOf(s.sql)),
  };
}

interface ColumnRow {
  name: string;
  type: string;
  notnull: bigint;
  dflt_value: string | null;
  pk: bigint;
  hidden: bigint;
}

async function columnRows({ kysely }: Database, table: string): Promise<ColumnRow[]> {
  const { rows } = await sql<ColumnRow>`
    select name, type, "notnull", dflt_value, pk, hidden from pragma_table_xinfo(${table}) order by cid
  `.execute(kysely);
  return rows;
}

function column(row: ColumnRow, neverNull: boolean): ColumnInfo {
  const kind = kindOf(row.type);
  return {
    name: row.name,
    type: row.type,
    kind,
    // A PRIMARY KEY alone forbids no NULL; pragma_table_xinfo reports NOT NULL for WITHOUT ROWID tables itself.
    nullable: row.notnull === 0n && !neverNull,
    utf8: kind === 'text' || kind === 'varchar',
    ...(row.dflt_value === null ? {} : { default: row.dflt_value }),
    generated: row.hidden === 2n || row.hidden === 3n,
    onUpdate: false,
    invisible: false,
    dependents: [],
  };
}

/** A declared type is a hint (affinity); a column without one, and `ANY`, take text as it comes. CHAR(n) pads nothing. */
function kindOf(type: string): ColumnInfo['kind'] {
  const declared = type.toLowerCase();
  if (/^uuid\b/.test(declared)) return 'uuid';
  if (declared.includes('int')) return 'int';
  if (/varchar|varying|nvarchar/.test(declared)) return 'varchar';
  if (/char|clob|text|json|string/.test(declared) || declared === '' || declared === 'any') return 'text';
  return /blob|binary/.test(declared) ? 'bytes' : 'other';
}

interface SqliteIndex extends IndexInfo {
  readonly origin: string;
  readonly partial: boolean;
  /** Every part is a column, none an expression. */
  readonly whole: boolean;
}

async function indexesOf({ kysely }: Database, table: string): Promise<SqliteIndex[]> {
  const { rows } = await sql<{ name: string; unique: bigint; origin: string; partial: bigint; column: string | null }>`
    select l.name as name, l."unique" as "unique", l.origin as origin, l.partial as partial, i.name as "column"
    from pragma_index_list(${table}) as l, pragma_index_info(l.name) as i order by l.seq, i.seqno
  `.execute(kysely);
  return [...Map.groupBy(rows, (row) => row.name)].map(([name, parts]) => ({
    name,
    columns: parts.flatMap((part) => (part.column === null ? [] : [part.column])),
    unique: parts[0]?.unique === 1n,
    origin: parts[0]?.origin ?? '',
    partial: parts[0]?.partial === 1n,
    whole: parts.every((part) => part.column !== null),
  }));
}

/** The table's own statement, its triggers, and every view (whose tables only their text names). */
async function statementsAbout({ kysely }: Database, table: string) {
  const { rows } = await sql<{ type: string; name: string; sql: string }>`
    select type, name, sql from sqlite_schema
    where sql is not null and ((tbl_name = ${table} and type in ('table', 'trigger')) or type = 'view')
  `.execute(kysely);
  return rows;
}
