import type { Cell } from './cells.ts';
import type { Layout, Row } from './layout.ts';
import { rowsOf, type Update } from './rows.ts';
import { writeByHash } from './rows-mysql.ts';
import type { Change, SwapResult } from './swap.ts';
import { checkWritten, intended, isCut, updateOf } from './swap-checks.ts';
import { isSame } from './value.ts';

/**
 * Swaps rows of a table without transactions (MyISAM), one after the other. Each is one statement that compares a
 * hash. Nothing can be rolled back, so `check` comes before the write, and where the table cut
 * the new value, the old one is put back.
 */
export async function swapUntransacted(
  layout: Layout,
  changes: readonly Change[],
  check: (cells: readonly Cell[]) => void,
): Promise<readonly SwapResult[]> {
  const results: SwapResult[] = [];
  const done = new Map<string, SwapResult>();
  for (const change of changes) {
    const update = updateOf(layout, change);
    // Keyless rows with equal bytes were all swapped by the first change that expects them.
    const id = layout.keyless ? Buffer.from(update.expected as string).toString('hex') : JSON.stringify(update.key);
    const result = done.get(id) ?? (await swapOne(layout, update, check));
    done.set(id, result);
    results.push(result);
  }
  return results;
}

// --- internal ---

async function swapOne(layout: Layout, update: Update, check: (cells: readonly Cell[]) => void): Promise<SwapResult> {
  const { kysely } = layout.session;
  const before = await read(layout, update);
  if (before.length === 0) return 'gone';
  const matching = before.filter((row) => isSame(row.stored, update.expected)).length;
  if (matching === 0) return 'changed';
  const written = intended(update);
  check(Array.from({ length: matching }, () => ({ key: update.key, stored: written })));
  if ((await writeByHash(kysely, layout, update)) === 0) return 'changed';
  const back = await read(layout, update);
  if (back.some((row) => isSame(row.stored, written))) return 'swapped';
  const cut = back.find((row) => row.stored !== null && isCut(row.stored, written));
  if (cut?.stored == null) return 'changed'; // the application has saved again since, which is its right
  await writeByHash(kysely, layout, { key: update.key, expected: cut.stored, value: update.expected });
  checkWritten(layout, cut.stored, written);
  return 'changed';
}

function read(layout: Layout, update: Update): Promise<readonly Row[]> {
  const options = layout.keyless ? { lock: false } : { keys: [update.key], lock: false };
  return rowsOf(layout.session.engine).read(layout.session.kysely, layout, options);
}
