import { keyPiece, printLocator } from '@casehard/core';
import { readKeys } from '../database/cells.ts';
import type { RowKey } from '../database/place.ts';
import type { Session } from '../database/session.ts';
import type { ResolvedField } from './resolve.ts';
import { rowOf, type Value } from './value.ts';

/** A value that fails its MAC where it stands. */
export interface Misplaced {
  readonly resolved: ResolvedField;
  readonly value: Value;
}

const MAX_ATTEMPTS = 3_000_000;
const PAGE = 5000;

/**
 * Finds where values that fail their MAC came from, by trying the sibling locators: the same row in other fields, then
 * the other rows of every field. Returns a printed locator for each that was found; gives up after three million
 * attempts. Sealed values that are truncated or altered have no origin.
 */
export async function findOrigins(
  session: Session,
  fields: readonly ResolvedField[],
  misplaced: readonly Misplaced[],
): Promise<ReadonlyMap<Misplaced, string>> {
  const found = new Map<Misplaced, string>();
  let attempts = 0;
  const test = (field: ResolvedField, key: RowKey): void => {
    for (const one of misplaced) {
      if (found.has(one) || (one.resolved === field && String(one.value.key) === String(key))) continue;
      if (!isKeyOf(field, key)) continue;
      attempts++;
      const verdict = field.field.verdict(one.value.stored, rowOf(field, key));
      if (verdict.kind === 'current' || verdict.kind === 'stale') found.set(one, printLocator(field.name, key));
    }
  };
  const done = (): boolean => found.size === misplaced.length || attempts > MAX_ATTEMPTS;

  for (const { value } of misplaced) for (const field of fields) test(field, value.key);
  for (const field of fields) {
    let after: RowKey | undefined;
    while (!done()) {
      const keys =
        field.place.keys.length === 0
          ? [[]]
          : await readKeys(session, field.place, { limit: PAGE, ...(after ? { after } : {}) });
      for (const key of keys) if (!done()) test(field, key);
      after = keys.at(-1);
      if (keys.length < PAGE) break;
    }
  }
  return found;
}

// --- internal ---

/** Whether a row key could be one of this field. */
function isKeyOf({ place }: ResolvedField, key: RowKey): boolean {
  return place.keys.length === key.length && place.keys.every(({ type }, i) => keyPiece(type, key[i]) === key[i]);
}
