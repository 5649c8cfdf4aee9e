import type { Kysely } from 'kysely';
import type { Cell } from './cells.ts';
import type { Tables } from './connect.ts';
import type { Layout, Row } from './layout.ts';
import { rowsOf, type Update } from './rows.ts';
import type { Change, SwapResult } from './swap.ts';
import { checkWritten, intended, updateOf } from './swap-checks.ts';
import { isSame, type Stored } from './value.ts';

/**
 * Swaps rows of a table without a row key, inside the given transaction. A value is its own address: rows with equal
 * bytes cannot be told apart, so they get one new value together, and changes that expect the same bytes count as one.
 */
export async function swapKeyless(
  kysely: Kysely<Tables>,
  layout: Layout,
  changes: readonly Change[],
  check: (cells: readonly Cell[]) => void,
): Promise<readonly SwapResult[]> {
  const rows = rowsOf(layout.session.engine);
  const locked = await rows.read(kysely, layout, { lock: true });
  const present = await rows.read(kysely, layout, { lock: false });

  const groups: Group[] = [];
  const results = changes.map((change): SwapResult => {
    const update = updateOf(layout, change);
    const known = groups.find((group) => isSame(group.update.expected, update.expected));
    if (known) return known.result;
    const matching = holding(locked, update.expected);
    const result = judge(matching, present, update.expected);
    groups.push({ update, matching, result });
    return result;
  });

  const swapped = groups.filter((group) => group.result === 'swapped');
  if (swapped.length === 0) return results;
  await rows.write(
    kysely,
    layout,
    swapped.flatMap((group) => addressed(layout, group)),
  );
  const back = await rows.read(kysely, layout, { lock: true });
  const cells = swapped.flatMap(({ update, matching }) => {
    const found = back.filter((row) => row.stored !== null && isSame(row.stored, intended(update)));
    // Which rows these are cannot be known, only that none is missing.
    if (found.length < matching.length) checkWritten(layout, strangest(back, present), intended(update));
    return matching.map((): Cell => ({ key: [], stored: intended(update) }));
  });
  check(cells);
  return results;
}

// --- internal ---

interface Group {
  readonly update: Update;
  readonly matching: readonly Row[];
  readonly result: SwapResult;
}

const holding = (rows: readonly Row[], value: Stored): readonly Row[] =>
  rows.filter((row) => isSame(row.stored, value));

function judge(matching: readonly Row[], present: readonly Row[], expected: Stored): SwapResult {
  if (holding(present, expected).length > matching.length) return 'locked';
  if (matching.length > 0) return 'swapped';
  return present.length > 0 ? 'changed' : 'gone';
}

/** MySQL finds the rows of a group by their value; the others by their address. */
function addressed({ keys }: Layout, { update, matching }: Group): readonly Update[] {
  return keys.length === 0 ? [update] : matching.map((row) => ({ ...update, key: row.key }));
}

/** A value that was not there before: what became of ours. */
function strangest(back: readonly Row[], before: readonly Row[]): Stored | null {
  const strange = back.find(({ stored }) => stored !== null && holding(before, stored).length === 0);
  return strange?.stored ?? null;
}
