import { CasehardError, type Verdict } from '@casehard/core';
import { readPage } from '../database/cells.ts';
import type { RowKey } from '../database/place.ts';
import type { Session } from '../database/session.ts';
import type { ResolvedField } from './resolve.ts';
import { readValue, type Value, verdictsOf } from './value.ts';

export interface ScanOptions {
  /** Only rows that need a look: see `isOdd`. Default: every row that has a value. */
  readonly oddOnly?: boolean;
  /** The key of the row that a scan before had reached; default: from the first row. */
  readonly after?: RowKey;
  readonly signal?: AbortSignal;
  readonly onRow: (value: Value, verdict: Verdict) => void;
  /** After each page: its rows, and the key of the last one. */
  readonly onPage?: (rows: number, last: RowKey | undefined) => void;
}

const PAGE = 2000;

/** Reads a field in keyset pages and gives a verdict on each value. Writes nothing, locks nothing. */
export async function scan(session: Session, resolved: ResolvedField, options: ScanOptions): Promise<void> {
  let after = options.after;
  for (;;) {
    if (options.signal?.aborted) throw new CasehardError('CANCELLED', 'stopped before the end of the scan');
    const { scheme } = resolved.definition;
    const cells = await readPage(session, resolved.place, {
      limit: PAGE,
      ...(after ? { after } : {}),
      ...(options.oddOnly ? { oddFor: scheme?.name ?? 'plaintext' } : {}),
    });
    const values = cells.map((cell) => readValue(resolved, cell));
    verdictsOf(resolved, values).forEach((verdict, i) => {
      options.onRow(values[i] as Value, verdict);
    });
    after = cells.at(-1)?.key;
    options.onPage?.(cells.length, after);
    if (cells.length < PAGE || resolved.place.keys.length === 0) return;
  }
}
