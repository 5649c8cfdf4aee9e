import type { FieldSpec } from '@casehard/core';
import type { ColumnInfo, TableInfo } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { namedRows, type SampleRow } from '../database/sample-values.ts';
import { chooseRowKey } from './choose-row-key.ts';
import { CREDENTIAL_PARTS, classifyName, wordsOf } from './classify-name.ts';
import { classifyValues } from './classify-values.ts';
import type { Candidate, Found, LeftAlone } from './propose.ts';
import { widthOf } from './propose-columns.ts';

/** The two columns of a name/value table. */
export interface NameValue {
  readonly name: ColumnInfo;
  readonly value: ColumnInfo;
}

/** Recognises a table that holds one setting a row: `name` and `value`, `option_name` and `option_value`, … */
export function nameValueColumns(table: TableInfo): NameValue | undefined {
  const texts = table.columns.filter(
    ({ kind, generated }) => !generated && (kind === 'char' || kind === 'varchar' || kind === 'text'),
  );
  const value = texts.find((column) => VALUES.has(wordsOf(column.name).at(-1) ?? ''));
  const name = texts.find((column) => column !== value && NAMES.has(wordsOf(column.name).at(-1) ?? ''));
  return name && value ? { name, value } : undefined;
}

/** Proposes the rows of a name/value table whose names look like credentials. */
export async function proposeSettings(db: Database, table: TableInfo, pair: NameValue): Promise<Found> {
  const candidates: Candidate[] = [];
  const leftAlone: LeftAlone[] = [];
  const rows = await namedRows(db, table, pair, CREDENTIAL_PARTS);
  // To the usual collations of MySQL and MariaDB, names that differ in case are one.
  const spelled = new Map<string, string>();
  const byName = Map.groupBy(rows, (row) => {
    const name = (row[pair.name.name] ?? '').trimEnd();
    const folded = db.engine === 'mysql' ? name.toLowerCase() : name;
    if (!spelled.has(folded)) spelled.set(folded, name);
    return spelled.get(folded) ?? name;
  });
  for (const name of [...byName.keys()].sort()) {
    const verdict = classifyName(name);
    // A name with other characters may be somebody's text.
    if (verdict.kind === 'ordinary' || !PLAIN_NAME.test(name)) continue;
    const leave = (because: string): unknown => leftAlone.push({ table: table.name, column: pair.value.name, because });
    const values = (byName.get(name) ?? []).map((row: SampleRow) => row[pair.value.name] ?? null);
    if (verdict.kind === 'about') {
      leave(`${name}: ${verdict.because}`);
      continue;
    }
    const judged = classifyValues(values, verdict.secret);
    if (judged.kind === 'not') leave(`${name}: ${judged.because}`);
    else {
      const { spec, because } = declare(table, pair, name, values.length);
      candidates.push({
        inside: [name],
        spec: { ...spec, was: judged.was, ...widthOf(pair.value) },
        because: `${verdict.because}; ${judged.because}; ${because}`,
        confidence: judged.confidence,
      });
    }
  }
  return { candidates, leftAlone };
}

// --- internal ---

const NAMES = new Set('name key setting option param parameter variable property path code slug'.split(' '));
const VALUES = new Set('value val data content setting'.split(' '));
const PLAIN_NAME = /^[\w .:/@[\]-]{1,100}$/;

/** One row a name is a setting. Where a row key exists and a name comes more than once, each row is a credential of its own. */
function declare(
  table: TableInfo,
  { name, value }: NameValue,
  which: string,
  rows: number,
): { spec: FieldSpec<never>; because: string } {
  const where = { [name.name]: which };
  const key = chooseRowKey(table);
  if (key.kind === 'key' && rows > 1) {
    return {
      spec: { kind: 'column', table: table.name, column: value.name, where, row: key.row },
      because: key.because,
    };
  }
  const because = rows > 1 ? `found by its name; there are ${rows} rows of this name` : 'found by its name';
  return { spec: { kind: 'setting', table: table.name, column: value.name, where }, because };
}
