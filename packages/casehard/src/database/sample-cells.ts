import { type RawBuilder, sql } from 'kysely';
import type { Cell } from './cells.ts';
import type { Engine } from './connect.ts';
import { isSealedUnder } from './count.ts';
import { guarded } from './driver-error.ts';
import { decodeRow, layoutOf, type RawRow, selectRow } from './layout.ts';
import type { Place } from './place.ts';
import { exactTexts } from './rows-sqlite.ts';
import type { Session } from './session.ts';

export interface SampleOptions {
  /** Only values under this key. */
  readonly kid: string;
  readonly limit: number;
  /** The value is part of a text document, which is found by the marker of any sealed value in it. */
  readonly inDocument: boolean;
}

/** Random cells of a place that are sealed under a key, in one scan and without a lock. */
export function sampleCells(session: Session, place: Place, options: SampleOptions): Promise<readonly Cell[]> {
  const { kid, limit, inDocument } = options;
  if (!Number.isSafeInteger(limit) || limit < 1) throw new TypeError('"limit" must be a positive integer');
  return guarded(async () => {
    const layout = await layoutOf(session, place);
    const { rows } = await sql<RawRow>`
      select ${selectRow(layout)} from ${layout.table} as t
      where ${layout.where} and ${layout.value.filled} and ${isSealedUnder(session, place, kid, inDocument)}
      order by ${RANDOM[session.engine]} limit ${sql.lit(limit)}`.execute(session.kysely);
    const found = rows.map((row) => decodeRow(layout, row));
    const exact = session.engine === 'sqlite' ? await exactTexts(session.kysely, layout, found) : found;
    return layout.keyless ? exact.map((row) => ({ ...row, key: [] })) : exact;
  });
}

// --- internal ---

const RANDOM: Readonly<Record<Engine, RawBuilder<unknown>>> = {
  postgres: sql`random()`,
  mysql: sql`rand()`,
  sqlite: sql`random()`,
};
