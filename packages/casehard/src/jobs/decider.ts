import { CasehardError, type Item, isQuarantined, type Outcome } from '@casehard/core';
import type { ResolvedField } from '../inventory/resolve.ts';
import { rowOf, type Value } from '../inventory/value.ts';

/** Decides what becomes of values, by the very functions that the application calls. */
export interface Decider {
  /** One outcome per value, in order. What it seals, it has opened again: to the same content. */
  decide(values: readonly Undecided[]): Promise<readonly Outcome[]>;
  close(): Promise<void>;
}

/** The part of a value that the decision needs. */
export type Undecided = Pick<Value, 'key' | 'stored' | 'problem'>;

/** The part of a field that the decision needs. */
export interface Deciding extends Pick<ResolvedField, 'name' | 'field'> {
  readonly place: Pick<ResolvedField['place'], 'keys'>;
}

export interface DeciderOptions {
  readonly act: 'harden' | 'soften';
  /** Present: seal quarantined values as the ordinary credentials that they are. */
  readonly asPlaintext?: unknown;
}

/** Decides in this thread. */
export function decideHere(resolved: Deciding, options: DeciderOptions): Decider {
  return { decide: async (values) => decideAll(resolved, values, options), close: async () => {} };
}

/** What becomes of each value, by the very functions that the application calls. */
export function decideAll(
  resolved: Deciding,
  values: readonly Undecided[],
  { act, asPlaintext }: DeciderOptions,
): Outcome[] {
  const { field } = resolved;
  const items = values.map((value) => ({ value, stored: value.stored, row: rowOf(resolved, value.key) }));
  const known = items.filter(({ value }) => value.problem === undefined);
  const outcomes =
    act === 'soften'
      ? known.map(({ stored, row }) => field.soften(stored, row))
      : asPlaintext !== undefined
        ? known.map(({ stored, row }) => field.harden(stored, row, { asPlaintext: true }))
        : field.hardenMany(known);
  if (act === 'harden') {
    for (const [i, item] of known.entries()) verify(resolved, item, outcomes[i]);
  }
  let next = 0;
  return values.map(({ problem }) =>
    problem === undefined ? (outcomes[next++] as Outcome) : { verdict: { kind: 'unexpected', why: problem } },
  );
}

// --- internal ---

/**
 * Opens what was sealed, before it is written: to what the application reads today. Only these very bytes are then
 * accepted when the page is read back.
 */
function verify({ field, name }: Deciding, { stored, row }: Item<Row>, outcome: Outcome | undefined): void {
  if (outcome?.write === undefined) return;
  const sealed = field.open(outcome.write, row);
  // A quarantined value that was sealed as plaintext has no content before; that it opens is all there is to see.
  if (sealed && (isQuarantined(outcome.verdict) || field.open(stored, row)?.equals(sealed))) return;
  throw new CasehardError('CANNOT_OPEN', `${name}: a value that was just sealed does not open; nothing was written`, {
    field: name,
    hint: 'please report this: it is a bug, or a machine that makes mistakes',
  });
}

type Row = ReturnType<typeof rowOf>;
