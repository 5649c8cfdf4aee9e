import { type Keyring, VERDICT_KINDS, type Verdict, type VerdictKind } from '@casehard/core';
import { countByPrefix, countRows } from '../database/count.ts';
import type { Session } from '../database/session.ts';
import type { ResolvedField } from './resolve.ts';
import { scan } from './scan.ts';
import type { Value } from './value.ts';

/** How many values of a field have which verdict. */
export interface Tally {
  /** Rows of the field, empty ones included. */
  rows: number;
  readonly verdicts: Record<VerdictKind, number>;
  /** Sealed values by key id. */
  readonly kids: Record<string, number>;
  /** Values whose content itself looks sealed; known after a deep count only. */
  nested: number;
}

export interface TallyOptions {
  /** Open every value. Otherwise rows are counted by prefix, and only odd ones are read. */
  readonly deep: boolean;
  readonly keyring: Keyring;
  readonly signal?: AbortSignal;
  readonly onRow?: (value: Value, verdict: Verdict) => void;
  readonly onPage?: (rows: number) => void;
}

/** More odd rows than this, and reading everything once is the faster way. */
const MANY_ODD = 20_000;

/** Counts a field's values by verdict. */
export async function tally(session: Session, resolved: ResolvedField, options: TallyOptions): Promise<Tally> {
  const counts = newTally();
  const keyless = resolved.place.keys.length === 0;
  const byPrefix =
    options.deep || resolved.document || keyless || resolved.field.strict
      ? undefined
      : await countByPrefix(session, resolved.place, resolved.definition.scheme?.name);
  const odd = byPrefix?.find(({ shape }) => shape === 'odd')?.rows ?? 0;
  const full = byPrefix === undefined || odd > MANY_ODD;
  if (full) {
    counts.rows = await countRows(session, resolved.place);
  } else {
    for (const { shape, kid, rows } of byPrefix) {
      counts.rows += rows;
      if (shape === 'sealed') addSealed(counts, options.keyring, kid ?? '', rows);
      else if (shape === 'plain') counts.verdicts.legacy += rows;
    }
  }
  if (full || odd > 0) {
    await scan(session, resolved, {
      oddOnly: !full,
      ...(options.signal ? { signal: options.signal } : {}),
      ...(options.onPage ? { onPage: options.onPage } : {}),
      onRow: (value, verdict) => {
        add(counts, verdict);
        options.onRow?.(value, verdict);
      },
    });
  }
  // Whatever was neither counted nor read has no value. Rows saved meanwhile may make the difference negative.
  const seen = VERDICT_KINDS.reduce((sum, kind) => sum + counts.verdicts[kind], 0);
  counts.verdicts.empty += Math.max(0, counts.rows - seen);
  counts.rows = Math.max(counts.rows, seen);
  return counts;
}

/** Values that are neither current nor empty: what `status --check` waits for. */
export function notHardened({ verdicts }: Tally): number {
  return verdicts.legacy + verdicts.stale + verdicts.foreign + verdicts.unexpected + verdicts.unreadable;
}

// --- internal ---

function newTally(): Tally {
  const verdicts = Object.fromEntries(VERDICT_KINDS.map((kind) => [kind, 0])) as Record<VerdictKind, number>;
  return { rows: 0, verdicts, kids: {}, nested: 0 };
}

function add(counts: Tally, verdict: Verdict): void {
  counts.verdicts[verdict.kind]++;
  if ('kid' in verdict && verdict.kid !== undefined) counts.kids[verdict.kid] = (counts.kids[verdict.kid] ?? 0) + 1;
  if ('nested' in verdict && verdict.nested) counts.nested++;
}

/** Without opening: what the key id alone says. */
function addSealed(counts: Tally, keyring: Keyring, kid: string, rows: number): void {
  const state = keyring.stateOf(kid);
  const kind: VerdictKind =
    state === 'previous' && keyring.active !== undefined
      ? 'stale'
      : state === undefined || state === 'withdrawn'
        ? 'unreadable'
        : 'current';
  counts.verdicts[kind] += rows;
  // What stands in the key id's place of a value that is none of ours is part of that value: never shown.
  if (/^[a-z2-7]{8}$/.test(kid)) counts.kids[kid] = (counts.kids[kid] ?? 0) + rows;
}
