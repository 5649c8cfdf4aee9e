import type { FieldSpec } from '@casehard/core';
import type { ColumnInfo, TableInfo } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { type SampleRow, sampleRows } from '../database/sample-values.ts';
import { chooseRowKey } from './choose-row-key.ts';
import { classifyName } from './classify-name.ts';
import { classifyValues } from './classify-values.ts';
import type { Candidate, Found, LeftAlone } from './propose.ts';
import { proposePaths } from './propose-documents.ts';

/** Proposes columns by their names and values, and places inside documents. `except`: columns dealt with already. */
export async function proposeColumns(db: Database, table: TableInfo, except: readonly string[]): Promise<Found> {
  const candidates: Candidate[] = [];
  const leftAlone: LeftAlone[] = [];
  const columns = table.columns.filter((column) => !except.includes(column.name));
  const rows = await sampleRows(
    db,
    table,
    columns.filter((column) => wanted(column)),
  );
  for (const column of columns) {
    const leave = (because: string): unknown => leftAlone.push({ table: table.name, column: column.name, because });
    if (wanted(column)) {
      const paths = proposePaths(table, column, rows);
      candidates.push(...paths.candidates);
      leftAlone.push(...paths.leftAlone);
      if (paths.candidates.length + paths.leftAlone.length > 0) continue;
    }
    const byName = classifyName(column.name);
    if (byName.kind === 'ordinary') continue;
    if (byName.kind === 'about') leave(byName.because);
    else {
      const result = judge(table, column, rows, byName);
      if (typeof result === 'string') leave(result);
      else if (typeof result === 'object' && 'lookedUp' in result) {
        leftAlone.push({ table: table.name, column: column.name, because: result.lookedUp, credential: true });
      } else candidates.push(result);
    }
  }
  return { candidates, leftAlone };
}

/** The width of a column, as fields carry it. */
export function widthOf({ maxChars, maxBytes }: ColumnInfo): Pick<FieldSpec, 'max'> {
  if (maxChars === undefined && maxBytes === undefined) return {};
  return {
    max: {
      ...(maxChars === undefined ? {} : { chars: maxChars }),
      ...(maxBytes === undefined ? {} : { bytes: maxBytes }),
    },
  };
}

// --- internal ---

/** Types that hold text. */
function wanted({ kind, generated }: ColumnInfo): boolean {
  return (
    !generated && (kind === 'char' || kind === 'varchar' || kind === 'text' || kind === 'json' || kind === 'bytes')
  );
}

function judge(
  table: TableInfo,
  column: ColumnInfo,
  rows: readonly SampleRow[],
  byName: { readonly secret: 'password' | 'key'; readonly because: string },
): Candidate | string | { readonly lookedUp: string } {
  if (column.generated) return `${byName.because}, but generated from other columns`;
  if (!wanted(column)) return `${byName.because}, but of type ${column.type}, which holds no text`;
  if (column.kind === 'json') return `${byName.because}, but JSON without a key that looks like a credential`;
  const key = chooseRowKey(table);
  if (key.kind === 'none') return `${byName.because}, but ${key.because}`;
  if (Object.hasOwn(key.row, column.name)) return `${byName.because}, but part of the row key`;
  const values = classifyValues(
    rows.map((row) => row[column.name] ?? null),
    byName.secret,
  );
  if (values.kind === 'not') return values.because;
  const index = table.indexes.find((each) => each.columns.includes(column.name));
  if (index) {
    return {
      lookedUp: `${byName.because}, but the index ${index.name} says that rows are looked up by it; if not, declare it with notLookedUp: true`,
    };
  }
  return {
    inside: [column.name],
    spec: { kind: 'column', table: table.name, column: column.name, row: key.row, was: values.was, ...widthOf(column) },
    because: `${byName.because}; ${values.because}; ${key.because}`,
    confidence: values.confidence,
  };
}
