import { CasehardError } from '@casehard/core';
import type { Layout } from './layout.ts';
import { keyId } from './row-key.ts';
import type { Update } from './rows.ts';
import { checkRange, spliced } from './splice.ts';
import type { Change } from './swap.ts';
import { isWritten, type Stored } from './value.ts';

/** Refuses what no caller may ask for, before anything is locked. */
export function checkChanges({ place, keyless, session }: Layout, changes: readonly Change[]): void {
  const seen = new Set<string>();
  for (const { key, expected, write } of changes) {
    if (!keyless && seen.size === seen.add(keyId(key)).size) throw new TypeError('"changes" holds a row twice');
    if (write.kind === 'splice') {
      if (place.storage !== 'text' || typeof expected !== 'string') throw new TypeError('"write": splice needs a text');
      checkRange(expected, write);
    } else if (typeof write.value !== 'string' && place.storage !== 'bytes' && session.engine !== 'sqlite') {
      throw new TypeError('"value" must be a text, because the column is one');
    }
  }
}

/** The change as the engine writes it. */
export function updateOf({ place }: Layout, { key, expected, write }: Change): Update {
  const value = inStorage(place.storage, write.value);
  const base = { key, expected: inStorage(place.storage, expected), value };
  return write.kind === 'whole' ? base : { ...base, range: { start: write.start, end: write.end } };
}

/** What the row holds after an update. */
export function intended({ expected, value, range }: Update): Stored {
  return range ? spliced(expected as string, range, value as string) : value;
}

/** Stops the transaction when the database keeps something else than it was given. */
export function checkWritten({ place }: Layout, back: Stored | null | undefined, written: Stored): void {
  if (back !== undefined && isWritten(place, back, written)) return;
  const what = `${place.table}.${place.column}`;
  if (back !== undefined && back !== null && isCut(back, written)) {
    throw new CasehardError('TOO_LONG', `${what}: the value was cut to the length of the column`, {
      hint: 'run casehard upgrade, which widens the column',
    });
  }
  throw new CasehardError('REFUSED', `${what}: the database keeps something else than it was given`, {
    hint: 'look for a trigger, a rule or a type of the column that changes values',
  });
}

/** Whether a stored value is a beginning of the one that was written. */
export function isCut(back: Stored, written: Stored): boolean {
  const [kept, given] = [Buffer.from(back as string), Buffer.from(written as string)];
  return kept.length < given.length && given.subarray(0, kept.length).equals(kept);
}

// --- internal ---

function inStorage(storage: Layout['place']['storage'], value: Stored): Stored {
  return storage === 'bytes' && typeof value === 'string' ? Buffer.from(value) : value;
}
