import type { RowKeyType } from '@casehard/core';

/** Where the values of one field live, physically. Made from the configuration and the schema by config/resolve.ts. */
export interface Place {
  readonly table: string;
  readonly column: string;
  /** Constant conditions, from configuration. */
  readonly where: Readonly<Record<string, string | number>>;
  /** The row key, in key order; empty for a name/value table without one. */
  readonly keys: readonly KeyColumn[];
  /**
   * What the database hands over and takes back. `text`: the column's text. `bytes`: a binary column.
   * `json`: a native JSON column (PostgreSQL json and jsonb, MySQL JSON; MariaDB's JSON is text); the value at `pointer` travels
   * as the JSON token that it is, quotes included.
   */
  readonly storage: 'text' | 'bytes' | 'json';
  /** The path inside a native JSON column, one piece per step. */
  readonly pointer?: readonly string[];
}

export interface KeyColumn {
  readonly column: string;
  readonly type: RowKeyType;
}

/** A row key as text, one piece per key column: decimal, lower-case UUID, lower-case hex, or the stored text. */
export type RowKey = readonly string[];
