import { CasehardError } from '@casehard/core';
import type { Kysely } from 'kysely';
import type { Cell } from './cells.ts';
import type { Tables } from './connect.ts';
import type { Layout, Row } from './layout.ts';
import type { RowKey } from './place.ts';
import { keyId } from './row-key.ts';
import { rowsOf, type Update } from './rows.ts';
import type { Change, SwapResult } from './swap.ts';
import { checkWritten, intended, updateOf } from './swap-checks.ts';
import { isSame } from './value.ts';

/** Swaps rows that have a key, inside the given transaction: lock, compare, write, read back, check. */
export async function swapKeyed(
  kysely: Kysely<Tables>,
  layout: Layout,
  changes: readonly Change[],
  check: (cells: readonly Cell[]) => void,
): Promise<readonly SwapResult[]> {
  const rows = rowsOf(layout.session.engine);
  const keys = changes.map((change) => change.key);
  const locked = byKey(layout, await rows.read(kysely, layout, { keys, lock: true }));
  const missing = keys.filter((key) => !locked.has(keyId(key)));
  const present =
    missing.length === 0 ? locked : byKey(layout, await rows.read(kysely, layout, { keys: missing, lock: false }));

  const updates: Update[] = [];
  const results = changes.map((change): SwapResult => {
    const id = keyId(change.key);
    const row = locked.get(id);
    if (!row) return present.has(id) ? 'locked' : 'gone';
    const update = updateOf(layout, change);
    if (!isSame(row.stored, update.expected)) return 'changed';
    updates.push(update);
    return 'swapped';
  });
  if (updates.length === 0) return results;

  await rows.write(kysely, layout, updates);
  // On MySQL a plain read could be stale under REPEATABLE READ. PostgreSQL always shows a transaction its own writes, and
  // locking the new row versions would write each of them a second time.
  const lock = layout.session.engine === 'mysql';
  const back = byKey(layout, await rows.read(kysely, layout, { keys: updates.map(keyOf), lock }));
  const cells = updates.map((update): Cell => {
    const stored = back.get(keyId(update.key))?.stored;
    checkWritten(layout, stored, intended(update));
    return { key: update.key, stored: stored ?? null };
  });
  check(cells);
  return results;
}

// --- internal ---

const keyOf = (update: Update): RowKey => update.key;

function byKey({ place }: Layout, rows: readonly Row[]): ReadonlyMap<string, Row> {
  const map = new Map<string, Row>();
  for (const row of rows) {
    const id = keyId(row.key);
    if (map.has(id)) {
      throw new CasehardError('REFUSED', `${place.table}: the declared row key is not unique`, {
        hint: 'declare all columns of a unique key, in its order',
      });
    }
    map.set(id, row);
  }
  return map;
}
