import type { SchemeName } from '@casehard/core';
import { sql } from 'kysely';
import { isOdd } from './count.ts';
import { guarded } from './driver-error.ts';
import { decodeRow, isAfter, type Layout, layoutOf, type RawRow, type Row, selectRow } from './layout.ts';
import type { Place, RowKey } from './place.ts';
import { rowsOf } from './rows.ts';
import { exactTexts } from './rows-sqlite.ts';
import type { Session } from './session.ts';

/** One stored value and the row that it lives in. */
export interface Cell {
  /** Empty for a place without a row key. */
  readonly key: RowKey;
  readonly stored: string | Uint8Array | null;
  /** SQLite: a BLOB or a number in a column of texts. */
  readonly alien?: true;
}

export interface PageOptions {
  /** The key of the last row of the page before. */
  readonly after?: RowKey;
  readonly limit: number;
  /** Only rows whose value needs a look, given the field's legacy scheme: see `isOdd`. */
  readonly oddFor?: SchemeName;
}

/**
 * The next rows in the order of their key, without a lock. NULL and empty values, and the JSON tokens `null` and `""`, are
 * passed over. A place without a row key has one page: every row, whatever the options say.
 */
export function readPage(session: Session, place: Place, options: PageOptions): Promise<readonly Cell[]> {
  const { after, limit } = options;
  if (!Number.isSafeInteger(limit) || limit < 1) throw new TypeError('"limit" must be a positive integer');
  return guarded(async () => {
    const layout = await layoutOf(session, place);
    const odd = options.oddFor === undefined ? sql`` : sql` and ${isOdd(session, place, options.oddFor)}`;
    const seek = after && !layout.keyless ? sql` and ${isAfter(layout, after)}` : sql``;
    const order = layout.keyless
      ? sql``
      : sql` order by ${sql.join(layout.keys.map((key) => key.order))} limit ${sql.lit(limit)}`;
    const { rows } = await sql<RawRow>`
      select ${selectRow(layout)} from ${layout.table} as t
      where ${layout.where} and ${layout.value.filled}${odd}${seek}${order}`.execute(session.kysely);
    const found = rows.map((row) => decodeRow(layout, row));
    return cells(layout, session.engine === 'sqlite' ? await exactTexts(session.kysely, layout, found) : found);
  });
}

/** The next row keys, of empty rows too; none for a place without a row key. */
export function readKeys(session: Session, place: Place, options: PageOptions): Promise<readonly RowKey[]> {
  const { after, limit } = options;
  return guarded(async () => {
    const layout = await layoutOf(session, place);
    if (layout.keyless) return [];
    const seek = after ? sql` and ${isAfter(layout, after)}` : sql``;
    const { rows } = await sql<RawRow>`
      select ${sql.join(layout.keys.map((key, i) => sql`${key.read} as ${sql.id(`k${i}`)}`))} from ${layout.table} as t
      where ${layout.where}${seek} order by ${sql.join(layout.keys.map((key) => key.order))} limit ${sql.lit(limit)}`.execute(
      session.kysely,
    );
    return rows.map((row) => layout.keys.map((key, i) => key.decode(row[`k${i}`])));
  });
}

/** The row of one key, empty or not; several only for a place without a row key. */
export function readCell(session: Session, place: Place, key: RowKey): Promise<readonly Cell[]> {
  return guarded(async () => {
    const layout = await layoutOf(session, place);
    const options = layout.keyless ? { lock: false } : { keys: [key], lock: false };
    return cells(layout, await rowsOf(session.engine).read(session.kysely, layout, options));
  });
}

// --- internal ---

function cells({ keyless }: Layout, rows: readonly Row[]): readonly Cell[] {
  return keyless ? rows.map((row) => ({ ...row, key: [] })) : rows;
}
