import { randomId } from '@casehard/core/state';
import type { StateRows } from '../database/state-rows.ts';
import type { Scanned } from './background/task.ts';
import type { Dated } from './watch.ts';

/** The headline figure at a time. */
export interface Point {
  readonly at: number;
  readonly notHardened: number;
  readonly rows: number;
}

const KEPT = 400;

/** The history of the number of credentials that are not hardened. */
export class ScanHistory {
  readonly #rows: StateRows;

  constructor(rows: StateRows) {
    this.#rows = rows;
  }

  /** Writes a scan's figures down; the oldest are dropped. */
  async add({ at, found }: Dated<Scanned>): Promise<void> {
    const figures = found.fields.map(({ name, tally }) => ({ name, rows: tally.rows, verdicts: tally.verdicts }));
    await this.#rows.insert('casehard_scans', {
      id: randomId(),
      taken_at: at,
      not_hardened: found.notHardened,
      figures: JSON.stringify(figures),
    });
    const all = await this.#rows.find(
      'casehard_scans',
      {},
      { orderBy: 'taken_at', descending: true, limit: KEPT + 50 },
    );
    for (const old of all.slice(KEPT)) await this.#rows.remove('casehard_scans', { id: old.id ?? '' });
  }

  /** The last scans, oldest first. */
  async last(count: number): Promise<readonly Point[]> {
    const rows = await this.#rows.find('casehard_scans', {}, { orderBy: 'taken_at', descending: true, limit: count });
    return rows.map(pointOf).reverse();
  }
}

// --- internal ---

function pointOf(row: Readonly<Record<string, string | number | null>>): Point {
  const figures = JSON.parse(String(row.figures)) as readonly { readonly rows: number }[];
  return {
    at: Number(row.taken_at),
    notHardened: Number(row.not_hardened),
    rows: figures.reduce((sum, { rows }) => sum + rows, 0),
  };
}
