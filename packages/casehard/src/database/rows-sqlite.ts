import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Tables } from './connect.ts';
import { executeMany, PER_ROW } from './execute-many.ts';
import { decodeRow, keyParameters, type Layout, type RawRow, type Row, selectRow } from './layout.ts';
import type { Rows, Update } from './rows.ts';
import { byteRange } from './splice.ts';
import type { Stored } from './value.ts';

/** One prepared statement, executed once per row. The lock is the transaction's own, taken by BEGIN IMMEDIATE. */
export const sqliteRows: Rows = {
  async read(kysely, layout, { keys }) {
    const select = sql<RawRow>`select ${selectRow(layout)} from ${layout.table} as t where ${layout.where}`;
    const raw =
      keys === undefined
        ? (await select.execute(kysely)).rows
        : (await executeMany<RawRow>(kysely, sql`${select}${onKeys(layout)}`, parameters(layout, keys))).flat();
    return exactTexts(
      kysely,
      layout,
      raw.map((row) => decodeRow(layout, row)),
    );
  },

  async write(kysely, layout, updates) {
    const { place, session } = layout;
    const set = sql`update ${layout.table} as t set ${sql.id(place.column)} =`;
    const whole = updates.filter((update) => !update.range);
    const texts = whole.filter((update) => typeof update.value === 'string' || place.storage === 'bytes');
    const bytes = whole.filter((update) => typeof update.value !== 'string' && place.storage !== 'bytes');
    const splices = updates.filter((update) => update.range);
    const writeAll = async (value: RawBuilder<unknown>, group: readonly Update[], first: (u: Update) => unknown[]) => {
      const rows = group.map((update) => [...first(update), ...keyParameters(layout, update.key)]);
      if (rows.length > 0) await executeMany(kysely, sql`${set} ${value} where ${layout.where}${onKeys(layout)}`, rows);
    };
    await writeAll(sql`${PER_ROW}`, texts, (update) => [update.value]);
    // Bytes that are no UTF-8 stay a TEXT.
    await writeAll(sql`cast(${PER_ROW} as text)`, bytes, (update) => [update.value]);
    // By bytes, because substr() of a text stops at a NUL.
    const blob = sql`cast(t.${sql.id(place.column)} as blob)`;
    const before = sql`cast(substr(${blob}, 1, ${PER_ROW}) as text)`;
    const after = sql`cast(substr(${blob}, ${PER_ROW}) as text)`;
    await writeAll(sql`${before} || ${PER_ROW} || ${after}`, splices, (update) => {
      const { start, end } = byteRange(update, session.encoding);
      return [BigInt(start), update.value, BigInt(end + 1)];
    });
  },
};

/**
 * A SQLite TEXT may hold bytes that are no text (latin1, usually), which node:sqlite decodes with loss. Such a value is
 * read again, and handed over as the bytes it is.
 */
export async function exactTexts(
  kysely: Kysely<Tables>,
  layout: Layout,
  rows: readonly Row[],
): Promise<readonly Row[]> {
  const doubtful = rows.filter(isDoubtful);
  if (doubtful.length === 0) return rows;
  const blob = sql`select cast(${layout.value.column} as blob) as v from ${layout.table} as t where ${layout.where}`;
  const keys = doubtful.map((row) => row.key);
  const read = await executeMany<RawRow>(kysely, sql`${blob}${onKeys(layout)}`, parameters(layout, keys));
  const exact = read.map(([row]) => exactText(row?.v, layout));
  let next = 0;
  return rows.map((row) => (isDoubtful(row) ? { ...row, stored: exact[next++] ?? null } : row));
}

// --- internal ---

const isDoubtful = ({ stored }: Row): boolean => typeof stored === 'string' && stored.includes('\uFFFD');

function exactText(raw: unknown, { session }: Layout): Stored | null {
  if (!(raw instanceof Uint8Array)) return null;
  try {
    return new TextDecoder(session.encoding, { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    return raw;
  }
}

function onKeys({ keys }: Layout): RawBuilder<unknown> {
  return sql.join(
    keys.map((key) => sql` and ${key.column} = ${PER_ROW}`),
    sql``,
  );
}

function parameters(layout: Layout, keys: readonly (readonly string[])[]): unknown[][] {
  return keys.map((key) => [...keyParameters(layout, key)]);
}
