import { setTimeout as sleep } from 'node:timers/promises';
import { CasehardError } from '@casehard/core';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { isKey } from './browse.ts';
import type { Cell } from './cells.ts';
import type { Tables } from './connect.ts';
import { guarded, isRetryable } from './driver-error.ts';
import { type Layout, layoutOf } from './layout.ts';
import type { Place, RowKey } from './place.ts';
import { rowsOf } from './rows.ts';
import type { Session } from './session.ts';
import type { Change } from './swap.ts';
import { checkChanges } from './swap-checks.ts';
import { swapKeyed } from './swap-keyed.ts';
import { swapKeyless } from './swap-keyless.ts';
import { columnShape } from './table-shape.ts';
import { isSame, type Stored } from './value.ts';

/** What is written to one place; everything must still be as it was read. */
export interface PlaceWrite {
  readonly place: Place;
  readonly key: RowKey;
  /** What the place held when it was read; several rows only without a row key, all alike. */
  readonly expected: Stored | null;
  /** Undefined: only to be compared. Null: no value. */
  readonly write: Change['write'] | null | undefined;
  /** `expected` is what an earlier write of this list leaves in the same place: compared then, not before. */
  readonly after?: true;
}

/**
 * Writes a value and its neighbours in one transaction: locks and compares all of them, writes, reads back, lets `check`
 * look. Throws CHANGED_MEANWHILE where one is no longer as it was read, and then nothing has changed. A table without
 * transactions is compared first and then written, place after place.
 */
export function saveRow(
  session: Session,
  writes: readonly PlaceWrite[],
  check: (place: Place, cells: readonly Cell[]) => void,
): Promise<void> {
  return guarded(async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        await session.kysely.transaction().execute((kysely) => saveInside({ ...session, kysely }, writes, check));
        return;
      } catch (error) {
        const again = error === LOCKED || (!(error instanceof CasehardError) && isRetryable(error));
        if (!again || attempt === ATTEMPTS) throw error === LOCKED ? lockedError() : error;
        await sleep(20 * 3 ** attempt * (1 + Math.random()));
      }
    }
  });
}

// --- internal ---

const ATTEMPTS = 4;

/** Thrown where a row is passed over because somebody else holds it: worth another try. */
const LOCKED = new Error('locked');

function lockedError(): CasehardError {
  return new CasehardError('DATABASE', 'the row is locked by somebody else; nothing was written', {
    hint: 'save again',
  });
}

async function saveInside(
  session: Session,
  writes: readonly PlaceWrite[],
  check: (place: Place, cells: readonly Cell[]) => void,
): Promise<void> {
  const layouts = await Promise.all(writes.map(({ place }) => layoutOf(session, place)));
  for (const [i, write] of writes.entries()) {
    if (!write.after) await compare(session, layouts[i] as Layout, write);
  }
  for (const [i, write] of writes.entries()) {
    if (write.write === undefined) continue;
    const cells = await put(session.kysely, layouts[i] as Layout, write);
    check(write.place, cells);
  }
}

/** Locks the rows of a place and throws unless they are as they were read. */
async function compare({ kysely, engine }: Session, layout: Layout, { key, expected }: PlaceWrite): Promise<void> {
  const rows = await rowsOf(engine).read(kysely, layout, layout.keyless ? { lock: true } : { keys: [key], lock: true });
  const same = rows.every(({ stored }) => (expected === null ? stored === null : isSame(stored, expected)));
  if (rows.length === 0) throw LOCKED;
  if (same) return;
  throw new CasehardError('CHANGED_MEANWHILE', 'somebody else has saved this meanwhile; nothing was written', {
    hint: 'look at what is there now, and save again',
  });
}

async function put(
  kysely: Kysely<Tables>,
  layout: Layout,
  { key, expected, write }: PlaceWrite,
): Promise<readonly Cell[]> {
  const isText =
    layout.place.storage !== 'text' || !/^(integer|other)$/.test(columnShape(layout.shape, layout.place.column).family);
  if (write && expected !== null && expected.length > 0 && isText) {
    const change: Change = { key, expected, write };
    checkChanges(layout, [change]);
    let read: readonly Cell[] = [];
    const swap = layout.keyless ? swapKeyless : swapKeyed;
    const [result] = await swap(kysely, layout, [change], (cells) => {
      read = cells;
    });
    if (result === 'swapped') return read;
    throw LOCKED;
  }
  const value = write === null || write === undefined ? null : write.value;
  await update(kysely, layout, key, value);
  const rows = await rowsOf(layout.session.engine).read(
    kysely,
    layout,
    layout.keyless ? { lock: true } : { keys: [key], lock: true },
  );
  if (!rows.every(({ stored }) => (value === null ? stored === null : isSame(stored, value)))) {
    throw new CasehardError(
      'TOO_LONG',
      `${layout.place.table}.${layout.place.column} did not keep the value as it was written; nothing was written`,
      {
        hint: 'the column may be too narrow, or of another kind',
      },
    );
  }
  return rows.map(({ stored }) => ({ key, stored }));
}

/** A value where none was, a number, or none where one was: there are no bytes to swap, and the row is locked. */
async function update(kysely: Kysely<Tables>, layout: Layout, key: RowKey, value: Stored | null): Promise<void> {
  const { table, place, where } = layout;
  const own: RawBuilder<unknown> = layout.keyless ? where : sql`${where} and ${isKey(layout, key)}`;
  await sql`update ${table} as t set ${sql.id(place.column)} = ${value} where ${own}`.execute(kysely);
}
