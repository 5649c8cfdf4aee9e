import { sql } from 'kysely';
import type { Catalogue, CheckInfo, ColumnInfo, IndexInfo, TableInfo } from './catalogue.ts';
import type { Database } from './connect.ts';

/** Reads MySQL's and MariaDB's catalogue. MySQL 8 returns upper-case column names: every column has an alias. */
export const mysqlCatalogue: Catalogue = { list, describe };

// --- internal ---

async function list({ kysely }: Database, schema?: string): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = coalesce(${schema ?? null}, database()) and table_type in ('BASE TABLE', 'SYSTEM VERSIONED')
  `.execute(kysely);
  return rows.map((row) => row.name);
}

async function describe(db: Database, table: string): Promise<TableInfo | undefined> {
  const head = await tableRow(db, table);
  if (!head) return undefined;
  const flavour = await flavourOf(db);
  const place: Where = { schema: head.db, table: head.name };
  const checks = await checksOf(db, place, flavour);
  const indexes = await indexesOf(db, place);
  const rows = await columnRows(db, place);
  return {
    name: table.includes('.') ? `${head.db}.${head.name}` : head.name,
    columns: rows.map((row) => column(row, flavour, checks)),
    uniques: indexes.filter((index) => index.unique && index.whole).map((index) => index.columns),
    primaryKey: indexes.find((index) => index.name === 'PRIMARY')?.columns ?? [],
    indexes: indexes.map(({ name, columns, unique }): IndexInfo => ({ name, columns, unique })),
    triggers: await triggersOf(db, place),
    transactional: head.transactions === 'YES',
    systemVersioned: head.type === 'SYSTEM VERSIONED',
    views: await viewsOf(db, place),
    checks: checks.map(({ name, expression }): CheckInfo => ({ name, expression })),
    maxKeyBytes: head.engine === 'InnoDB' && /^(dynamic|compressed)$/i.test(head.format ?? '') ? 3072 : 767,
    ...(head.estimate === null ? {} : { rowEstimate: Number(head.estimate) }),
  };
}

interface Where {
  readonly schema: string;
  readonly table: string;
}

/** The plain comparison lets the server find the table by name, the binary one keeps `Users` apart from `users`. */
const isTable = ({ schema, table }: Where) =>
  sql`table_schema = ${schema} and table_name = ${table} and binary table_name = ${table}`;

async function tableRow({ kysely }: Database, table: string) {
  const [name = '', schema] = table.split('.', 2).reverse();
  const { rows } = await sql<TableRow>`
    select t.table_schema as db, t.table_name as name, t.table_type as type, t.table_rows as estimate,
      e.transactions as transactions, t.engine as engine, t.row_format as format, @@lower_case_table_names as folded
    from information_schema.tables t left join information_schema.engines e on e.engine = t.engine
    where t.table_schema = ${schema === undefined ? sql`database()` : schema} and t.table_name = ${name}
      and t.table_type in ('BASE TABLE', 'SYSTEM VERSIONED')
  `.execute(kysely);
  return rows.find((row) => row.name === name) ?? rows.find((row) => Number(row.folded) !== 0);
}

interface TableRow {
  db: string;
  name: string;
  type: string;
  estimate: string | null;
  transactions: string | null;
  engine: string | null;
  format: string | null;
  folded: number;
}

interface Flavour {
  readonly mariadb: boolean;
  readonly backslashEscapes: boolean;
}

async function flavourOf({ kysely }: Database): Promise<Flavour> {
  const { rows } = await sql<{ version: string; mode: string }>`
    select version() as version, @@sql_mode as mode
  `.execute(kysely);
  const row = rows[0];
  return {
    mariadb: /mariadb/i.test(row?.version ?? ''),
    backslashEscapes: !/NO_BACKSLASH_ESCAPES/.test(row?.mode ?? ''),
  };
}

interface ColumnRow {
  name: string;
  type: string;
  data_type: string;
  chars: string | null;
  bytes: string | null;
  nullable: string;
  charset: string | null;
  collation: string | null;
  comment: string | null;
  dflt: string | null;
  extra: string;
  expression: string | null;
}

async function columnRows({ kysely }: Database, place: Where): Promise<ColumnRow[]> {
  const { rows } = await sql<ColumnRow>`
    select column_name as name, column_type as type, data_type as data_type, character_maximum_length as chars,
      character_octet_length as bytes, is_nullable as nullable, character_set_name as charset,
      collation_name as collation, column_comment as comment, column_default as dflt, extra as extra,
      generation_expression as expression
    from information_schema.columns where ${isTable(place)} order by ordinal_position
  `.execute(kysely);
  return rows;
}

function column(row: ColumnRow, flavour: Flavour, checks: readonly MysqlCheck[]): ColumnInfo {
  const kind = KINDS[row.data_type.toLowerCase()] ?? 'other';
  const dflt = defaultOf(row, kind, flavour);
  const check = checks.find((c) => c.column === row.name)?.expression;
  return {
    name: row.name,
    type: row.type,
    kind,
    // TEXT is limited in bytes; what character_maximum_length says of it counts bytes, too.
    ...(kind === 'char' || kind === 'varchar' ? { maxChars: Number(row.chars) } : {}),
    ...(row.bytes === null ? {} : { maxBytes: Number(row.bytes) }),
    nullable: row.nullable === 'YES',
    ...(row.charset === null ? {} : { charset: row.charset }),
    utf8: /^utf8(mb3|mb4)?$/.test(row.charset ?? '') || kind === 'json',
    ...(row.collation === null ? {} : { collation: row.collation }),
    ...(row.comment === null || row.comment === '' ? {} : { comment: row.comment }),
    ...(dflt === undefined ? {} : { default: dflt }),
    generated: row.expression !== null && row.expression !== '',
    onUpdate: /on update/i.test(row.extra),
    invisible: /\binvisible\b/i.test(row.extra),
    ...(check === undefined ? {} : { check }),
    dependents: [],
  };
}

const KINDS: Readonly<Record<string, ColumnInfo['kind']>> = {
  char: 'char',
  varchar: 'varchar',
  tinytext: 'text',
  text: 'text',
  mediumtext: 'text',
  longtext: 'text',
  binary: 'bytes',
  varbinary: 'bytes',
  tinyblob: 'bytes',
  blob: 'bytes',
  mediumblob: 'bytes',
  longblob: 'bytes',
  json: 'json',
  tinyint: 'int',
  smallint: 'int',
  mediumint: 'int',
  int: 'int',
  bigint: 'int',
  uuid: 'uuid',
};

/** MariaDB gives an expression, literals quoted and NULL as a word; MySQL the bare literal unless it says otherwise. */
function defaultOf(row: ColumnRow, kind: ColumnInfo['kind'], flavour: Flavour): string | undefined {
  if (row.dflt === null) return undefined;
  if (flavour.mariadb) return row.dflt === 'NULL' ? undefined : row.dflt;
  if (/default_generated/i.test(row.extra)) {
    const expression = unescaped(row.dflt);
    return /^current_timestamp/i.test(expression) ? expression : `(${expression})`;
  }
  if (kind === 'int' || /^current_timestamp/i.test(row.dflt)) return row.dflt;
  const quoted = row.dflt.replaceAll("'", "''");
  return `'${flavour.backslashEscapes ? quoted.replaceAll('\\', '\\\\') : quoted}'`;
}

/** MySQL escapes a stored expression once more than SHOW CREATE TABLE does. */
const unescaped = (expression: string) => expression.replace(/\\(['\\])/g, '$1');

interface MysqlIndex extends IndexInfo {
  /** Every part is a whole column: no prefix, no expression. */
  readonly whole: boolean;
}

async function indexesOf({ kysely }: Database, place: Where): Promise<MysqlIndex[]> {
  const { rows } = await sql<{ name: string; other: number; part: string | null; prefix: string | null }>`
    select index_name as name, non_unique as other, column_name as part, sub_part as prefix
    from information_schema.statistics where ${isTable(place)} order by index_name, seq_in_index
  `.execute(kysely);
  return [...Map.groupBy(rows, (row) => row.name)].map(([name, parts]) => ({
    name,
    columns: parts.flatMap((row) => (row.part === null ? [] : [row.part])),
    unique: Number(parts[0]?.other) === 0,
    whole: parts.every((row) => row.part !== null && row.prefix === null),
  }));
}

async function triggersOf({ kysely }: Database, { schema, table }: Where): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select trigger_name as name from information_schema.triggers
    where event_object_schema = ${schema} and event_object_table = ${table} and binary event_object_table = ${table}
      and event_manipulation = 'UPDATE' order by trigger_name
  `.execute(kysely);
  return rows.map((row) => row.name);
}

/** No catalogue of MariaDB lists what a view reads; the stored text of a view names its tables in full. */
async function viewsOf({ kysely }: Database, { schema, table }: Where): Promise<string[]> {
  const spelled = `${quote(schema)}.${quote(table)}`;
  const { rows } = await sql<{ name: string; text: string }>`
    select table_name as name, view_definition as text from information_schema.views where table_schema = ${schema}
  `.execute(kysely);
  return rows.filter((row) => row.text.includes(spelled)).map((row) => row.name);
}

const quote = (name: string) => `\`${name.replaceAll('`', '``')}\``;

interface MysqlCheck extends CheckInfo {
  /** The column whose definition the check is part of. */
  readonly column: string | undefined;
}

async function checksOf({ kysely }: Database, { schema, table }: Where, flavour: Flavour): Promise<MysqlCheck[]> {
  const from = flavour.mariadb
    ? sql`select constraint_name as name, check_clause as expression, level as level
        from information_schema.check_constraints where constraint_schema = ${schema} and table_name = ${table}
        and binary table_name = ${table}`
    : sql`select c.constraint_name as name, c.check_clause as expression, 'Table' as level
        from information_schema.check_constraints c join information_schema.table_constraints t
        on t.constraint_schema = c.constraint_schema and t.constraint_name = c.constraint_name
        where t.table_schema = ${schema} and t.table_name = ${table} and binary t.table_name = ${table}
        and t.constraint_type = 'CHECK'`;
  const { rows } = await sql<{ name: string; expression: string; level: string }>`${from}`.execute(kysely);
  return rows.map(({ name, expression, level }) => ({
    name,
    expression: flavour.mariadb ? expression : unescaped(expression),
    column: level === 'Column' ? name : undefined,
  }));
}
