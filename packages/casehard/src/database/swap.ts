import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Cell } from './cells.ts';
import type { Tables } from './connect.ts';
import { guarded, isConstraint, isLockTimeout, isRetryable } from './driver-error.ts';
import { type Layout, layoutOf } from './layout.ts';
import type { Place, RowKey } from './place.ts';
import type { Session } from './session.ts';
import { checkChanges } from './swap-checks.ts';
import { swapKeyed } from './swap-keyed.ts';
import { swapKeyless } from './swap-keyless.ts';
import { swapUntransacted } from './swap-untransacted.ts';

/** One value to be replaced, and what it must still be for that. */
export interface Change {
  readonly key: RowKey;
  readonly expected: string | Uint8Array;
  /** The whole value, or what replaces the UTF-16 range [start, end) of the stored text. */
  readonly write:
    | { readonly kind: 'whole'; readonly value: string | Uint8Array }
    | { readonly kind: 'splice'; readonly start: number; readonly end: number; readonly value: string };
}

/**
 * `changed`: the value is no longer the expected one; it was left alone. `locked`: somebody holds the row; try again.
 * `gone`: there is no such row any more. `refused`: a constraint of the table refuses the row, often for another column.
 */
export type SwapResult = 'swapped' | 'changed' | 'locked' | 'gone' | 'refused';

/**
 * Compare-and-swap of a page of values in one short transaction, with one result per change, in order. `check` sees the
 * swapped rows as they were read back, before the commit, and throws if one does not open: then, as after any error,
 * nothing has changed. It may be called again when the engine asks for a retry. A table without transactions is
 * swapped row by row: an error leaves the rows before it swapped.
 */
export function swapPage(
  session: Session,
  place: Place,
  changes: readonly Change[],
  check: (cells: readonly Cell[]) => void,
): Promise<readonly SwapResult[]> {
  return guarded(async () => {
    if (changes.length === 0) return [];
    const layout = await layoutOf(session, place);
    checkChanges(layout, changes);
    if (!layout.shape.transactional) return swapUntransacted(layout, changes, check);
    return swapPatiently(layout, changes, check);
  });
}

// --- internal ---

const ATTEMPTS = 4;

async function swapPatiently(
  layout: Layout,
  changes: readonly Change[],
  check: (cells: readonly Cell[]) => void,
): Promise<readonly SwapResult[]> {
  const { kysely, engine, skipLocked } = layout.session;
  const swap = layout.keyless ? swapKeyless : swapKeyed;
  let halves = engine === 'mysql' && !skipLocked;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    let failed = false;
    try {
      return await inTransaction(kysely, (transaction) =>
        swap(transaction, layout, changes, (cells) => {
          failed = true; // unless it returns, the error is the caller's, and no reason to try again
          check(cells);
          failed = false;
        }),
      );
    } catch (error) {
      if (!failed && isConstraint(error)) {
        // One row that its table would not take again must not keep its page from being written: find it by halves.
        if (changes.length === 1) return ['refused'];
        halves = true;
        break;
      }
      if (failed || !isRetryable(error)) throw error;
      if (halves && isLockTimeout(error)) break; // it has waited long enough
      if (attempt < ATTEMPTS) await sleep(20 * 3 ** (attempt - 1) * (1 + Math.random()));
    }
  }
  if (halves && changes.length > 1) {
    // One locked row holds up its page where the server cannot pass over it; one refused row does everywhere.
    const middle = changes.length >> 1;
    const first = await swapPatiently(layout, changes.slice(0, middle), check);
    return [...first, ...(await swapPatiently(layout, changes.slice(middle), check))];
  }
  return changes.map(() => 'locked');
}

function inTransaction<T>(kysely: Kysely<Tables>, work: (transaction: Kysely<Tables>) => Promise<T>): Promise<T> {
  return kysely.transaction().execute(work);
}
