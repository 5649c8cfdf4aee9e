import { CasehardError, printLocator } from '@casehard/core';
import { readPage } from '../database/cells.ts';
import type { RowKey } from '../database/place.ts';
import type { Session } from '../database/session.ts';
import type { ResolvedField } from '../inventory/resolve.ts';
import { readValue, type Value } from '../inventory/value.ts';

/** Values under a key: how many, and where the first of them are. */
export interface Found {
  readonly total: number;
  readonly locators: readonly string[];
}

export interface FindOptions {
  /** Locators that are kept; default 20. */
  readonly most?: number;
  readonly signal?: AbortSignal;
  readonly onPage?: (field: string, rows: number) => void;
}

/**
 * Reads every value of the fields and finds those that name a key, damaged ones too, and sealed values over which an old
 * process has saved its own scheme. Opens nothing. Reads only.
 */
export async function findUnder(
  session: Session,
  fields: readonly ResolvedField[],
  { kid, most = 20, signal, onPage }: FindOptions & { readonly kid: string },
): Promise<Found> {
  let total = 0;
  const locators: string[] = [];
  for (const field of fields) {
    let after: RowKey | undefined;
    for (;;) {
      if (signal?.aborted) throw new CasehardError('CANCELLED', 'stopped before the end of the scan');
      const cells = await readPage(session, field.place, { limit: PAGE, ...(after ? { after } : {}) });
      for (const cell of cells) {
        if (!names(field, readValue(field, cell), kid)) continue;
        total++;
        if (locators.length < most) locators.push(printLocator(field.name, cell.key));
      }
      onPage?.(field.name, cells.length);
      after = cells.at(-1)?.key;
      if (cells.length < PAGE || field.place.keys.length === 0) break;
    }
  }
  return { total, locators };
}

/** What every value under a key has in its text, however its document spells the first letter. */
export function markOf(kid: string): string {
  return `hd1.${kid}.`;
}

// --- internal ---

const PAGE = 2000;

function names({ definition }: ResolvedField, { stored, problem, cell }: Value, kid: string): boolean {
  // Where the document cannot be read, whatever it holds may be the value.
  const content = problem === undefined ? stored : cell.stored;
  if (content === null || content === undefined) return false;
  if (isNamed(content, kid)) return true;
  const inner = problem === undefined ? definition.scheme?.decode(content) : undefined;
  return inner !== undefined && isNamed(inner, kid);
}

function isNamed(content: string | Uint8Array, kid: string): boolean {
  const text = typeof content === 'string' ? content : Buffer.from(content).toString('latin1');
  return text.toLowerCase().includes(markOf(kid));
}
