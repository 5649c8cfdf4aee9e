import { CasehardError, keyPiece, printLocator } from '@casehard/core';
import type { RowKey } from '../database/place.ts';
import type { ResolvedField } from './resolve.ts';

/** The row key of a locator as the database spells it: `0042` is 42, a UUID lower-case. Throws USAGE where it fits not. */
export function rowKeyOf({ name, place }: ResolvedField, key: RowKey): RowKey {
  const pieces = place.keys.map(({ type }, i) => keyPiece(type, key[i]));
  if (key.length === pieces.length && pieces.every((piece) => piece !== undefined)) return pieces;
  const keys = place.keys.map(({ column, type }) => `${column} (${type})`).join(', ');
  throw new CasehardError('USAGE', `the locator ${printLocator(name, key)} does not fit the row key of its field`, {
    field: name,
    hint: keys === '' ? `write ${name} alone: it has no row key` : `write ${name}# and then ${keys}`,
  });
}
