import { printLocator } from '@casehard/core';
import { SAMPLE_COLUMNS, type SampleTable, type SampleValue } from '../database/sample-schema.ts';

/** One credential of the sample that was made by hand to show something. */
export interface SampleSpecial {
  /** As the command prints it. */
  readonly locator: string;
  readonly field: string;
  /** What it shows. */
  readonly because: string;
  /** The verdict, as `printVerdict` spells it; of a foreign value only the first word. */
  readonly verdict: string;
}

/** A row made by hand, and what there is to say about its credentials. */
export interface SpecialRow {
  readonly table: SampleTable;
  readonly values: readonly SampleValue[];
  readonly specials: readonly SampleSpecial[];
}

/** A stored value with its verdict. */
export type Cell = readonly [stored: string | null, verdict: string];

/** A legacy value as the sample's base64 columns hold it. */
export function inBase64(content: string | Uint8Array): Cell {
  return [base64Text(content), content.length === 0 ? 'empty' : 'legacy base64'];
}

/** A legacy value as it is. */
export function inPlaintext(content: string): Cell {
  return [content, content === '' ? 'empty' : 'legacy plaintext'];
}

export function base64Text(content: string | Uint8Array): string {
  return (typeof content === 'string' ? Buffer.from(content) : Buffer.from(content)).toString('base64');
}

/** Text of an exact number of bytes, for secrets at the edge of a column. */
export function textOfLength(bytes: number): string {
  return 'Correct-Horse_7!'.repeat(Math.ceil(bytes / 16)).slice(0, bytes);
}

export function special(field: string, key: readonly string[], because: string, verdict: string): SampleSpecial {
  return { locator: printLocator(field, key), field, because, verdict };
}

/** The values of a row in the order of the table's columns. */
export function inOrder(table: SampleTable, row: Readonly<Record<string, SampleValue>>): readonly SampleValue[] {
  return SAMPLE_COLUMNS[table].map((column) => row[column] ?? null);
}
