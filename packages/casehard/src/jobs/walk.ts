import type { Keyring } from '@casehard/core';
import { readCell, readPage } from '../database/cells.ts';
import { countRows } from '../database/count.ts';
import type { RowKey } from '../database/place.ts';
import type { Session } from '../database/session.ts';
import type { ResolvedField } from '../inventory/resolve.ts';
import { type Decider, decideHere } from './decider.ts';
import { decideInThread } from './decider-thread.ts';
import { startPace } from './pace.ts';
import { type Decided, decidePage, putPage } from './page.ts';

export interface WalkOptions {
  readonly act: 'harden' | 'soften';
  /** Write nothing; say what would be done. */
  readonly dryRun?: boolean;
  /** Rows a page; default: found by measuring, so that a page takes about 50 ms. */
  readonly batch?: number;
  /** At most so many rows a second. */
  readonly rate?: number;
  /** Stops between two pages. */
  readonly signal?: AbortSignal;
  /** Seal the quarantined value of this one row as the ordinary credential that it is. */
  readonly asPlaintext?: RowKey;
  /** With it, a long walk seals in a thread of its own. */
  readonly keyring?: Keyring;
  readonly onProgress?: (walked: Walked) => void;
  /** Awaited after each page, outside its transaction. */
  readonly onPage?: (walked: Walked) => Promise<void>;
}

/** What a walk did. Rows are counted once, by what was decided for them last. */
export interface Walked {
  /** Rows with a value that were looked at. */
  rows: number;
  /** Rows written, or that a dry run would write. */
  changed: number;
  /** Rows that were as wanted already. */
  kept: number;
  /** Rows that harden may not touch. */
  quarantined: number;
  /** Rows that a constraint of their table refuses to take again, often for another column. */
  refused: number;
  /** Rows locked or saved by others again and again; run again. */
  busy: number;
  /** Values whose content itself looks sealed. */
  nested: number;
  /** Values sealed in the smallest form, because the bucket does not fit the column. */
  tight: number;
  /** Rows of the field when the walk began, empty ones included. */
  total: number;
  /** Stopped by the signal before the end. */
  stopped: boolean;
}

/** Below this, starting a thread costs more than it gives. */
const MANY_ROWS = 10_000;
const ROUNDS = 6;
const ROUND_WAIT = 100;
const MAX_REVISITS = 20_000;

/**
 * Walks a field in keyset pages. Each page: read without a lock, decide, seal and open what was sealed; then one short
 * transaction that locks, compares bytes, writes, reads back and compares again (docs/operations.md, "What a run does").
 * While one page is written, the next is being decided. A row that was locked or saved in between is visited again.
 */
export async function walk(session: Session, resolved: ResolvedField, options: WalkOptions): Promise<Walked> {
  const walked = newWalked(await countRows(session, resolved.place));
  const revisit = new Map<string, RowKey>();
  const thread = walked.total >= MANY_ROWS && options.asPlaintext === undefined && options.keyring !== undefined;
  const decider = thread ? decideInThread(resolved, options.keyring, options.act) : decideHere(resolved, options);
  const put = async (decided: Decided): Promise<void> => {
    const again = await putPage(session, resolved, decided, {
      act: options.act,
      dryRun: options.dryRun === true,
      walked,
    });
    for (const key of again) revisit.set(JSON.stringify(key), key);
  };
  const visit = async (key: RowKey): Promise<void> =>
    put(await decidePage(resolved, decider, await readCell(session, resolved.place, key)));

  try {
    if (options.asPlaintext) await visit(options.asPlaintext);
    else await walkPages(session, resolved, { options, walked, decider, put, full: () => revisit.size > MAX_REVISITS });

    for (let round = 1; round <= ROUNDS && revisit.size > 0 && !isStopped(options, walked); round++) {
      if (round > 1) await new Promise((done) => setTimeout(done, ROUND_WAIT * round));
      const keys = [...revisit.values()];
      revisit.clear();
      // Pages of one row: these are few, and each has a neighbour who wants it.
      for (const [i, key] of keys.entries()) {
        if (isStopped(options, walked)) for (const left of keys.slice(i)) revisit.set(JSON.stringify(left), left);
        if (walked.stopped) break;
        await visit(key);
        await options.onPage?.(walked);
      }
    }
  } finally {
    await decider.close();
  }
  walked.busy = revisit.size;
  options.onProgress?.(walked);
  return walked;
}

// --- internal ---

interface Walking {
  readonly options: WalkOptions;
  readonly walked: Walked;
  readonly decider: Decider;
  readonly put: (decided: Decided) => Promise<void>;
  /** Too many rows wait for another visit: memory stays flat, and the next run goes on. */
  readonly full: () => boolean;
}

async function walkPages(session: Session, resolved: ResolvedField, walking: Walking): Promise<void> {
  const { options, walked, decider } = walking;
  const pace = startPace(options);
  let after: RowKey | undefined;
  let ended = false;
  /** Reads a page and lets it be decided meanwhile; undefined at the end of the table. */
  const next = async (): Promise<{ rows: number; decided: Promise<Decided> } | undefined> => {
    if (ended) return undefined;
    const limit = pace.limit();
    const cells = await readPage(session, resolved.place, { limit, ...(after ? { after } : {}) });
    after = cells.at(-1)?.key;
    ended = cells.length < limit || resolved.place.keys.length === 0;
    if (cells.length === 0) return undefined;
    const decided = decidePage(resolved, decider, cells);
    decided.catch(() => {}); // awaited one page later; until then a failure is not unhandled
    return { rows: cells.length, decided };
  };

  let page = isStopped(options, walked) ? undefined : await next();
  while (page) {
    const decided = await page.decided;
    // With a rate to keep, reading ahead would only make the values older.
    const following = options.rate === undefined && !walking.full() ? await next() : undefined;
    await walking.put(decided);
    options.onProgress?.(walked);
    await options.onPage?.(walked);
    if (isStopped(options, walked) || walking.full()) return;
    await pace.wait(page.rows, {
      ...(options.signal ? { signal: options.signal } : {}),
      onWait: async () => options.onPage?.(walked),
    });
    page = following ?? (isStopped(options, walked) ? undefined : await next());
  }
}

function isStopped({ signal }: WalkOptions, walked: Walked): boolean {
  if (signal?.aborted) walked.stopped = true;
  return walked.stopped;
}

function newWalked(total: number): Walked {
  return {
    rows: 0,
    changed: 0,
    kept: 0,
    quarantined: 0,
    refused: 0,
    busy: 0,
    nested: 0,
    tight: 0,
    total,
    stopped: false,
  };
}
