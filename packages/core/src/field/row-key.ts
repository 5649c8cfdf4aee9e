import { CasehardError } from '../errors.ts';
import type { RowKeys, RowKeyType } from './define-config.ts';

/**
 * The row-key pieces of a row, as docs/format.md spells them: text by declared type, whatever a driver returns. Extra
 * properties of `row` are ignored, so that a whole record can be handed in. Throws BAD_ROW.
 */
export function rowPieces(field: string, keys: RowKeys, row: unknown): string[] {
  if (typeof row !== 'object' || row === null)
    throw badRow(field, `the row with ${Object.keys(keys).join(', ')} is missing`);
  const values = row as Readonly<Record<string, unknown>>;
  return entriesOf(keys).map(([column, type]) => {
    const piece = keyPiece(type, values[column]);
    if (piece === undefined) throw badRow(field, `row key "${column}" is not of type ${type}`);
    return piece;
  });
}

/** One row-key value as text; `undefined` where it is not of its type. */
export function keyPiece(type: RowKeyType, value: unknown): string | undefined {
  switch (type) {
    case 'int':
      return integer(value);
    case 'uuid':
      return typeof value === 'string' && UUID.test(value) ? value.toLowerCase() : undefined;
    case 'text':
      return typeof value === 'string' && value.isWellFormed() ? value : undefined;
    case 'char':
      return typeof value === 'string' && value.isWellFormed() ? value.replace(/ +$/, '') : undefined;
    case 'binary':
      if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
      return typeof value === 'string' && /^(?:[0-9a-f]{2})*$/i.test(value) ? value.toLowerCase() : undefined;
  }
}

// --- internal ---

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

const ENTRIES = new WeakMap<RowKeys, readonly (readonly [column: string, type: RowKeyType])[]>();

/** The entries of a declaration, which is looked at for every value and never changes. */
function entriesOf(keys: RowKeys): readonly (readonly [column: string, type: RowKeyType])[] {
  let entries = ENTRIES.get(keys);
  if (!entries) {
    entries = Object.entries(keys);
    ENTRIES.set(keys, entries);
  }
  return entries;
}

function integer(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined;
  if (typeof value === 'bigint') return value.toString();
  // 42 and "42" are one row, and so is a zero-filled "0042".
  return typeof value === 'string' && /^-?[0-9]{1,40}$/.test(value) ? BigInt(value).toString() : undefined;
}

function badRow(field: string, problem: string): CasehardError {
  return new CasehardError('BAD_ROW', `${field}: ${problem}`, {
    field,
    hint: 'pass the row key as declared in the configuration, as the database stores it',
  });
}
