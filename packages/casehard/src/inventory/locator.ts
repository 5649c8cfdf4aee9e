import { CasehardError, keyPiece, printLocator } from '@casehard/core';
import type { RowKey } from '../database/place.ts';
import type { ResolvedField } from './resolve.ts';

/** The row key of a locator as the database spells it: `0042` is 42, a UUID lower-case. Throws USAGE where it fits not. */
export function rowKeyOf({ name, place, engine }: ResolvedField, key: RowKey): RowKey {
  const pieces = place.keys.map(({ type }, i) => keyPiece(type, key[i]));
  if (key.length === pieces.length && pieces.every(isPiece)) {
    // SQLite's driver takes no larger number, and no row has one.
    const huge =
      engine === 'sqlite' &&
      pieces.some((piece, i) => place.keys[i]?.type === 'int' && BigInt.asIntN(64, BigInt(piece)) !== BigInt(piece));
    if (!huge) return pieces;
    throw new CasehardError('NOT_FOUND', `there is no row ${printLocator(name, key)}`, {
      field: name,
      hint: 'no number is that large',
    });
  }
  const keys = place.keys.map(({ column, type }) => `${column} (${type})`).join(', ');
  throw new CasehardError('USAGE', `the locator ${printLocator(name, key)} does not fit the row key of its field`, {
    field: name,
    hint: keys === '' ? `write ${name} alone: it has no row key` : `write ${name}# and then ${keys}`,
  });
}

// --- internal ---

function isPiece(piece: string | undefined): piece is string {
  return piece !== undefined;
}
