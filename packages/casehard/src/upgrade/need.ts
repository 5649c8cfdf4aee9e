import { bucketBlocks, sealedLength, tightBlocks } from '@casehard/core';
import type { ColumnInfo } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { type Longest, measureLongest } from '../database/measure.ts';
import type { UpgradeField } from './plan.ts';

/** How wide a column has to be for what it holds, in the unit of its own limit (characters; bytes for MySQL's TEXT). */
export interface Need {
  /** Below this, something that is stored today, or an ordinary password of tomorrow, does not fit. */
  readonly least: number;
  /** With this, everything fits its bucket, and so does whatever the column could hold before. */
  readonly ample: number;
}

export interface NeedOptions {
  /** The scheme of values that are not sealed yet; undefined: none is accepted, so none will ever be sealed. */
  readonly was?: 'plaintext' | 'base64' | 'hex';
  /** How many sealed values one document takes up; 0: the column holds the value itself. */
  readonly inDocument: number;
}

/** What a column needs for all the fields in it: one scan for each, inside the database. */
export async function measureNeed(db: Database, column: ColumnInfo, fields: readonly UpgradeField[]): Promise<Need> {
  const documents = fields.filter((field) => field.document).length;
  let need: Need = { least: 0, ample: 0 };
  // Native JSON, SQLite's columns and PostgreSQL's text have no width, so nothing has to be measured.
  if (widthOf(column) === undefined) return need;
  for (const { place, document, was } of fields) {
    const longest = await measureLongest(db, place, column);
    const { least, ample } = needOf(column, longest, {
      inDocument: document ? documents : 0,
      ...(was === undefined ? {} : { was }),
    });
    need = { least: Math.max(need.least, least), ample: Math.max(need.ample, ample) };
  }
  return need;
}

/** Eight blocks: an ordinary password, up to 126 bytes, fits whatever the column holds today. */
const ORDINARY = sealedLength(8);

/** What a field's column needs, from the longest values in it. */
export function needOf(column: ColumnInfo, longest: Longest, options: NeedOptions): Need {
  if (options.inDocument > 0) {
    const document = countsBytes(column) ? longest.bytes : longest.chars;
    const growth = options.inDocument * (ORDINARY + LENGTH_DIGITS);
    // Twice, so that the documents which have grown do not look too long again.
    return { least: document + growth, ample: document + 2 * growth };
  }
  const content = contentBytes(longest.legacyChars, longest.legacyBytes, options.was);
  const capacity = contentBytes(widthOf(column) ?? 0, (widthOf(column) ?? 0) * bytesPerCharacter(column), options.was);
  return {
    least: Math.max(ORDINARY, longest.sealed, content === 0 ? 0 : sealedLength(tightBlocks(content))),
    ample: Math.max(
      ORDINARY,
      longest.sealed,
      sealedLength(bucketBlocks(content)),
      // An unlimited column is never widened, and MySQL's TEXT only for what it holds.
      column.kind === 'text' ? 0 : sealedLength(bucketBlocks(capacity)),
    ),
  };
}

/** How many characters of a sealed value, which is ASCII, the column takes. Undefined: no limit. */
export function widthOf(column: ColumnInfo): number | undefined {
  if (column.kind === 'char' || column.kind === 'varchar') return column.maxChars;
  if (column.maxBytes === undefined) return undefined;
  return column.kind === 'text' ? Math.floor(column.maxBytes / asciiBytes(column)) : column.maxBytes;
}

/** The width of a new type that is at least as wide; undefined: beyond those, a text type. */
export function widthFor(ample: number): number | undefined {
  return WIDTHS.find((width) => width >= ample);
}

// --- internal ---

const WIDTHS = [255, 512, 1024, 2048, 4096] as const;

/** A PHP-serialized length (`s:8:` to `s:253:`) grows with its value. */
const LENGTH_DIGITS = 8;

const countsBytes = (column: ColumnInfo): boolean => column.maxChars === undefined && column.maxBytes !== undefined;

/** How many bytes of secret so much legacy text stands for. */
function contentBytes(chars: number, bytes: number, was: NeedOptions['was']): number {
  switch (was) {
    case 'base64':
      return Math.floor((3 * chars) / 4);
    case 'hex':
      return Math.floor(chars / 2);
    case 'plaintext':
      return bytes;
    case undefined:
      return 0;
  }
}

/** Bytes that one character may take in UTF-8, the spelling that is sealed. */
function bytesPerCharacter(column: ColumnInfo): number {
  if (column.kind === 'bytes' || column.charset === 'ascii' || column.charset === 'SQL_ASCII') return 1;
  // Characters of legacy one-byte sets, and of utf8mb3, take at most three.
  return column.charset === 'utf8mb4' || column.charset === 'UTF8' ? 4 : 3;
}

function asciiBytes({ charset = '' }: ColumnInfo): number {
  if (charset === 'utf32') return 4;
  return charset.startsWith('utf16') || charset === 'ucs2' ? 2 : 1;
}
