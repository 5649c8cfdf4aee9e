import { CasehardError, printVerdict, type Verdict, type VerdictKind } from '@casehard/core';
import { readCell } from '../database/cells.ts';
import type { RowKey } from '../database/place.ts';
import type { Session } from '../database/session.ts';
import { findOrigins, type Misplaced } from '../inventory/origin.ts';
import type { ResolvedField } from '../inventory/resolve.ts';
import { scan } from '../inventory/scan.ts';
import { readValue, type Value } from '../inventory/value.ts';

/** Values of one field with the same verdict. */
export interface Seen {
  readonly kind: VerdictKind;
  /** As printed: `unreadable MAC`. */
  readonly verdict: string;
  count: number;
  /** The row keys of the first of them; of ordinary ones none. */
  readonly keys: RowKey[];
}

/** What a look at every value of a field has found so far. Holds no content. */
export interface FieldLook {
  readonly name: string;
  /** Values that were looked at; empty ones are not. */
  rows: number;
  /** By printed verdict. */
  readonly seen: Record<string, Seen>;
  /** How far it came. */
  after?: RowKey;
  done: boolean;
}

export interface LookOptions {
  /** Row keys to keep for each verdict of a field. */
  readonly keep: number;
  /** Called after each page. */
  readonly onPage: () => void;
  readonly signal?: AbortSignal;
}

export function newLook(name: string): FieldLook {
  return { name, rows: 0, seen: {}, done: false };
}

/** Opens every value of a field from where `look` stands, and counts into it. Returns false where it was stopped. */
export async function lookAt(
  session: Session,
  field: ResolvedField,
  look: FieldLook,
  options: LookOptions,
): Promise<boolean> {
  const { keep, onPage, signal } = options;
  // Counted page by page: a stop in between leaves whole pages, and the next look begins after them.
  let page: { key: RowKey; verdict: Verdict }[] = [];
  try {
    await scan(session, field, {
      ...(look.after ? { after: look.after } : {}),
      ...(signal ? { signal } : {}),
      onRow: ({ key }, verdict) => page.push({ key, verdict }),
      onPage: (rows, last) => {
        for (const { key, verdict } of page) add(look, key, verdict, keep);
        page = [];
        look.rows += rows;
        if (last) look.after = last;
        onPage();
      },
    });
  } catch (error) {
    if (error instanceof CasehardError && error.code === 'CANCELLED') return false;
    throw error;
  }
  look.done = true;
  return true;
}

/** By locator id (see `idOf`), where values that fail their MAC open. Reads the values again: nothing of them is kept. */
export async function findMoved(
  session: Session,
  fields: readonly ResolvedField[],
  looks: readonly FieldLook[],
): Promise<ReadonlyMap<string, string>> {
  const misplaced: Misplaced[] = [];
  for (const look of looks) {
    const resolved = fields.find(({ name }) => name === look.name);
    for (const key of resolved ? (look.seen[FAILS_MAC]?.keys ?? []) : []) {
      const value = resolved && (await readAgain(session, resolved, key));
      if (resolved && value) misplaced.push({ resolved, value });
    }
  }
  if (misplaced.length === 0) return new Map();
  const found = await findOrigins(session, fields, misplaced);
  return new Map([...found].map(([{ resolved, value }, from]) => [idOf(resolved.name, value.key), from]));
}

/** One text per field and row. */
export function idOf(field: string, key: RowKey): string {
  return JSON.stringify([field, key]);
}

export const FAILS_MAC = printVerdict({ kind: 'unreadable', why: 'MAC', kid: undefined });

// --- internal ---

const MOST_MISPLACED = 1000;

function add(look: FieldLook, key: RowKey, verdict: Verdict, keep: number): void {
  const printed = printVerdict(verdict);
  let seen = look.seen[printed];
  if (!seen) {
    seen = { kind: verdict.kind, verdict: printed, count: 0, keys: [] };
    look.seen[printed] = seen;
  }
  seen.count++;
  const ordinary = verdict.kind === 'empty' || (verdict.kind === 'current' && !verdict.nested);
  // Each of those that fail their MAC is looked for elsewhere: what was not must not be called altered.
  const most = printed === FAILS_MAC ? Math.max(keep, MOST_MISPLACED) : keep;
  if (!ordinary && seen.keys.length < most) seen.keys.push(key);
}

/** Where a place has no row key, its first row that fails is meant. */
async function readAgain(session: Session, resolved: ResolvedField, key: RowKey): Promise<Value | undefined> {
  const cells = await readCell(session, resolved.place, key);
  return cells
    .map((cell) => readValue(resolved, cell))
    .find(({ stored, problem }) => problem === undefined && stored !== null && stored !== undefined);
}
