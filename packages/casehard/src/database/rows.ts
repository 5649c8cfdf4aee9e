import type { Kysely } from 'kysely';
import type { Engine, Tables } from './connect.ts';
import type { Layout, Row } from './layout.ts';
import type { RowKey } from './place.ts';
import { mysqlRows } from './rows-mysql.ts';
import { postgresRows } from './rows-postgres.ts';
import { sqliteRows } from './rows-sqlite.ts';
import type { Stored } from './value.ts';

/** What a swap needs of an engine. `kysely` is the connection or its open transaction. */
export interface Rows {
  /** The rows with these keys, or all that the place's conditions match; empty ones too. Locked rows are missing. */
  read(kysely: Kysely<Tables>, layout: Layout, options: ReadOptions): Promise<readonly Row[]>;
  /** Writes rows that this transaction has locked. */
  write(kysely: Kysely<Tables>, layout: Layout, updates: readonly Update[]): Promise<void>;
}

export interface ReadOptions {
  /** Default: every row. */
  readonly keys?: readonly RowKey[];
  readonly lock: boolean;
}

export interface Update {
  readonly key: RowKey;
  /** The bytes that the row held under our lock. */
  readonly expected: Stored;
  /** The whole new value, or what replaces the UTF-16 range of the text. */
  readonly value: Stored;
  readonly range?: { readonly start: number; readonly end: number };
}

export function rowsOf(engine: Engine): Rows {
  return ROWS[engine];
}

// --- internal ---

const ROWS: Readonly<Record<Engine, Rows>> = { postgres: postgresRows, mysql: mysqlRows, sqlite: sqliteRows };
