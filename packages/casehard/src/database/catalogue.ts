import { mysqlCatalogue } from './catalogue-mysql.ts';
import { postgresCatalogue } from './catalogue-postgres.ts';
import { sqliteCatalogue } from './catalogue-sqlite.ts';
import type { Database } from './connect.ts';

/** What a column can hold and what it promises, as the database's catalogue says. */
export interface ColumnInfo {
  readonly name: string;
  /** As declared, for people: `varchar(100)`, `character varying(100)`. */
  readonly type: string;
  /** `json` is native JSON (PostgreSQL json and jsonb, MySQL JSON; MariaDB's is a text). `text` is text of any length. */
  readonly kind: 'char' | 'varchar' | 'text' | 'bytes' | 'json' | 'int' | 'uuid' | 'other';
  /** Undefined: no limit in characters. SQLite enforces no width. */
  readonly maxChars?: number;
  readonly maxBytes?: number;
  readonly nullable: boolean;
  readonly charset?: string;
  /** Whether text is spelled in UTF-8 (utf8mb3 counts); false for anything that holds no text. */
  readonly utf8: boolean;
  /** PostgreSQL: only where it differs from the database's. */
  readonly collation?: string;
  readonly comment?: string;
  /** As a SQL expression, literals quoted. */
  readonly default?: string;
  readonly generated: boolean;
  /** MySQL's ON UPDATE CURRENT_TIMESTAMP. */
  readonly onUpdate: boolean;
  /** Left out of `SELECT *` (MySQL, MariaDB). */
  readonly invisible: boolean;
  /** MariaDB: the CHECK that is part of the column's definition and that a MODIFY has to restate. */
  readonly check?: string;
  /** PostgreSQL: the domain the column is declared with; `kind` and the widths are those of its base type. */
  readonly domain?: string;
  /** PostgreSQL: what forbids a change of the column's type, in the server's words, such as `view active_users`. */
  readonly dependents: readonly string[];
}

/** What a base table is made of, as far as it matters to whoever writes to it. */
export interface TableInfo {
  /** As the catalogue spells it, with the schema where it was asked for with one. */
  readonly name: string;
  readonly columns: readonly ColumnInfo[];
  /** Unique indexes over whole columns and all rows, the primary key included. */
  readonly uniques: readonly (readonly string[])[];
  readonly primaryKey: readonly string[];
  readonly indexes: readonly IndexInfo[];
  /** Those that fire on UPDATE; PostgreSQL: rules too. */
  readonly triggers: readonly string[];
  readonly transactional: boolean;
  readonly systemVersioned: boolean;
  /** Views that read the table. */
  readonly views: readonly string[];
  /** CHECK constraints; MariaDB's column-level ones too. */
  readonly checks: readonly CheckInfo[];
  /** PostgreSQL: the parent of a partition or an inheriting table, whose columns only the parent can change. */
  readonly parent?: string;
  /** MySQL: the bytes of one column that an index takes whole; of a longer one it would silently keep a prefix. */
  readonly maxKeyBytes?: number;
  /** The server's estimate; undefined where it has none. */
  readonly rowEstimate?: number;
}

export interface IndexInfo {
  readonly name: string;
  /** In index order; an expression is named by the columns it reads where the engine says, else left out. */
  readonly columns: readonly string[];
  readonly unique: boolean;
}

export interface CheckInfo {
  readonly name: string;
  /** The condition, in SQL. */
  readonly expression: string;
}

/** What each engine's reader offers. */
export interface Catalogue {
  /** The tables of a schema; default: the current one. */
  list(db: Database, schema?: string): Promise<readonly string[]>;
  describe(db: Database, table: string): Promise<TableInfo | undefined>;
}

/** The base tables of the current schema (MySQL: database), or of another one, without our own. */
export async function listTables(db: Database, schema?: string): Promise<readonly string[]> {
  const names = await CATALOGUES[db.engine].list(db, schema);
  return names.filter((name) => !/^casehard_/i.test(name)).sort();
}

/** Reads one base table; on PostgreSQL and MySQL also `schema.table`. Undefined: there is none. */
export function describeTable(db: Database, table: string): Promise<TableInfo | undefined> {
  return CATALOGUES[db.engine].describe(db, table);
}

/** Finds a column as the engine would: SQLite and MySQL do not distinguish case. */
export function findColumn(db: Database, table: TableInfo, name: string): ColumnInfo | undefined {
  const exact = table.columns.find((c) => c.name === name);
  if (exact || db.engine === 'postgres') return exact;
  return table.columns.find((c) => c.name.toLowerCase() === name.toLowerCase());
}

// --- internal ---

const CATALOGUES: Readonly<Record<Database['engine'], Catalogue>> = {
  sqlite: sqliteCatalogue,
  postgres: postgresCatalogue,
  mysql: mysqlCatalogue,
};
