import { CasehardError, type Verdict } from '@casehard/core';
import { readPage } from '../database/cells.ts';
import type { RowKey } from '../database/place.ts';
import type { Session } from '../database/session.ts';
import type { ResolvedField } from './resolve.ts';
import { readValue, type Value, verdictOf } from './value.ts';

export interface ScanOptions {
  /** Only rows that need a look: see `isOdd`. Default: every row that has a value. */
  readonly oddOnly?: boolean;
  readonly signal?: AbortSignal;
  readonly onRow: (value: Value, verdict: Verdict) => void;
  readonly onPage?: (rows: number) => void;
}

const PAGE = 2000;

/** Reads a field in keyset pages and gives a verdict on each value. Writes nothing, locks nothing. */
export async function scan(session: Session, resolved: ResolvedField, options: ScanOptions): Promise<void> {
  let after: RowKey | undefined;
  for (;;) {
    if (options.signal?.aborted) throw new CasehardError('CANCELLED', 'stopped before the end of the scan');
    const { scheme } = resolved.definition;
    const cells = await readPage(session, resolved.place, {
      limit: PAGE,
      ...(after ? { after } : {}),
      ...(options.oddOnly ? { oddFor: scheme?.name ?? 'plaintext' } : {}),
    });
    for (const cell of cells) {
      const value = readValue(resolved, cell);
      options.onRow(value, verdictOf(resolved, value));
    }
    options.onPage?.(cells.length);
    after = cells.at(-1)?.key;
    if (cells.length < PAGE || resolved.place.keys.length === 0) return;
  }
}
