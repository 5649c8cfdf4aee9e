import { CasehardError, isQuarantined, type Outcome, type Verdict } from '@casehard/core';
import type { Cell } from '../database/cells.ts';
import type { RowKey } from '../database/place.ts';
import type { Session } from '../database/session.ts';
import { type Change, swapPage } from '../database/swap.ts';
import type { ResolvedField } from '../inventory/resolve.ts';
import { changeOf, readValue, verdictOf } from '../inventory/value.ts';
import type { Decider } from './decider.ts';
import type { Walked } from './walk.ts';

/** A page that was read and decided, not yet written. */
export interface Decided {
  readonly changes: readonly Decision[];
  /** Verdicts on values that stay as they are. */
  readonly left: readonly Verdict[];
}

interface Decision {
  readonly change: Change;
  readonly outcome: Outcome;
  /** Rows that this change stands for: more than one only without a row key, where equal values are swapped together. */
  rows: number;
}

/** Decides what becomes of each cell of a page. Writes nothing. */
export async function decidePage(resolved: ResolvedField, decider: Decider, cells: readonly Cell[]): Promise<Decided> {
  const values = cells.map((cell) => readValue(resolved, cell));
  const outcomes = await decider.decide(values);
  const changes: Decision[] = [];
  const left: Verdict[] = [];
  const twins = new Map<string, Decision>();
  values.forEach((value, i) => {
    const outcome = outcomes[i];
    if (!outcome) throw new TypeError('"decider" must give one outcome per value');
    if (outcome.write === undefined) {
      left.push(outcome.verdict);
      return;
    }
    const change = changeOf(resolved, value, outcome.write);
    if (typeof change === 'string') {
      left.push({ kind: 'unexpected', why: change });
      return;
    }
    if (resolved.place.keys.length > 0) {
      changes.push({ change, outcome, rows: 1 });
      return;
    }
    const twin = twins.get(String(change.expected));
    if (twin) {
      twin.rows++;
      return;
    }
    const decision = { change, outcome, rows: 1 };
    twins.set(String(change.expected), decision);
    changes.push(decision);
  });
  return { changes, left };
}

/** Swaps what was decided, and counts. Returns the keys of rows to visit again. */
export async function putPage(
  session: Session,
  resolved: ResolvedField,
  { changes, left }: Decided,
  { act, dryRun, walked }: { readonly act: 'harden' | 'soften'; readonly dryRun: boolean; readonly walked: Walked },
): Promise<readonly RowKey[]> {
  const again: RowKey[] = [];
  if (!dryRun && changes.length > 0) {
    const results = await swapPage(
      session,
      resolved.place,
      changes.map(({ change }) => change),
      (cells) => {
        if (act === 'harden') checkDocuments(resolved, cells);
      },
    );
    changes.forEach((decision, i) => {
      const result = results[i];
      if (result === 'swapped') countChanged(walked, decision);
      else if (result === 'refused') countRefused(resolved, walked, decision);
      else if (result !== 'gone') again.push(decision.change.key);
    });
  } else {
    for (const decision of changes) countChanged(walked, decision);
  }
  for (const verdict of left) count(walked, verdict);
  return again;
}

// --- internal ---

/**
 * Runs inside the transaction, on what the database gave back. A whole value has been opened before, and the swap accepts
 * only those very bytes; in a document the value is looked up again and opened where it now stands.
 */
function checkDocuments(resolved: ResolvedField, cells: readonly Cell[]): void {
  if (!resolved.document) return;
  for (const cell of cells) {
    const { kind } = verdictOf(resolved, readValue(resolved, cell));
    if (kind === 'current') continue;
    throw new CasehardError(
      'DATABASE',
      `field ${resolved.name}: a written value did not read back as written; the page was undone`,
      { field: resolved.name, hint: 'look for a trigger or a rule on the table' },
    );
  }
}

function count(walked: Walked, verdict: Verdict): void {
  if (verdict.kind === 'empty') return;
  walked.rows++;
  if (isQuarantined(verdict)) walked.quarantined++;
  else walked.kept++;
  if ('nested' in verdict && verdict.nested) walked.nested++;
}

/** Rows that their table would not take again. Where no row at all is taken, it is the column that is constrained. */
function countRefused({ name }: ResolvedField, walked: Walked, { rows }: Decision): void {
  walked.rows += rows;
  walked.refused += rows;
  if (walked.refused < MANY_REFUSED || walked.changed > 0) return;
  throw new CasehardError('REFUSED', `field ${name}: a constraint of its table refuses every row`, {
    field: name,
    hint: 'look at the CHECK and foreign key constraints of the table; nothing of this page was written',
  });
}

const MANY_REFUSED = 50;

function countChanged(walked: Walked, { outcome, rows }: Decision): void {
  walked.rows += rows;
  walked.changed += rows;
  if (outcome.tight) walked.tight += rows;
  if ('nested' in outcome.verdict && outcome.verdict.nested) walked.nested += rows;
}
