import type { RowKeys, RowKeyType } from '@casehard/core';
import type { ColumnInfo, TableInfo } from '../database/catalogue.ts';

/** The row key of a table, or why it has none that values can be bound to. */
export type RowKeyChoice =
  | { readonly kind: 'key'; readonly row: RowKeys; readonly because: string }
  | { readonly kind: 'none'; readonly because: string };

/** Chooses the primary key, else the best unique index, over NOT NULL columns of types that have one spelling. */
export function chooseRowKey(table: TableInfo): RowKeyChoice {
  const primary = typed(table, table.primaryKey);
  if (primary !== undefined && table.primaryKey.length > 0) {
    return { kind: 'key', row: primary, because: `row key: the primary key (${table.primaryKey.join(', ')})` };
  }
  const unique = table.uniques
    .map((columns) => ({ columns, row: typed(table, columns) }))
    .filter((each) => each.row !== undefined)
    .sort((a, b) => rank(a.row) - rank(b.row))[0];
  if (unique?.row !== undefined) {
    const columns = unique.columns.join(', ');
    return { kind: 'key', row: unique.row, because: `row key: the unique index on ${columns}; it must never change` };
  }
  return { kind: 'none', because: reason(table) };
}

// --- internal ---

const TYPES: Partial<Record<ColumnInfo['kind'], RowKeyType>> = {
  int: 'int',
  uuid: 'uuid',
  char: 'char',
  varchar: 'text',
  text: 'text',
  bytes: 'binary',
};
const MAX_COLUMNS = 16;

function typed(table: TableInfo, names: readonly string[]): RowKeys | undefined {
  if (names.length === 0 || names.length > MAX_COLUMNS) return undefined;
  const entries: [string, RowKeyType][] = [];
  for (const name of names) {
    const column = table.columns.find((each) => each.name === name);
    const type = column && TYPES[column.kind];
    if (type === undefined || column?.nullable !== false) return undefined;
    entries.push([name, type]);
  }
  return Object.fromEntries(entries);
}

/** Few columns first, and numbers before texts, which people edit. */
function rank(row: RowKeys | undefined): number {
  const types = Object.values(row ?? {});
  return types.length * 10 + types.filter((type) => type === 'text' || type === 'char').length;
}

function reason(table: TableInfo): string {
  if (table.uniques.length === 0) return 'the table has neither a primary key nor a unique index to bind values to';
  const columns = table.uniques.map((unique) => unique.join(', ')).join('; ');
  return `no unique index (${columns}) is over NOT NULL columns of type int, uuid, text or binary`;
}
