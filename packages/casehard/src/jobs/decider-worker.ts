import { parentPort, workerData } from 'node:worker_threads';
import {
  CasehardError,
  createCasehard,
  type Field,
  type FieldSpec,
  type Outcome,
  receiveKeyring,
  type SharedKeyring,
} from '@casehard/core';
import type { KeyColumn } from '../database/place.ts';
import { type Deciding, decideAll, type Undecided } from './decider.ts';

/** What the thread is started with. */
export interface Order {
  readonly keyring: SharedKeyring;
  readonly name: string;
  readonly spec: FieldSpec<never>;
  readonly keys: readonly KeyColumn[];
  readonly act: 'harden' | 'soften';
}

/** A page of values, as columns: structured clone takes half the time for a few arrays than for many objects. */
export interface Question {
  readonly id: number;
  readonly stored: readonly Undecided['stored'][];
  /** The pieces of all row keys, one behind the other. */
  readonly pieces: readonly string[];
  readonly problems: readonly Undecided['problem'][];
}

export interface Answer {
  readonly id: number;
  readonly writes?: readonly Outcome['write'][];
  readonly verdicts?: readonly Outcome['verdict'][];
  readonly tight?: readonly Outcome['tight'][];
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

// The entry of the thread that decider-thread.ts starts; nothing else imports it but for its types.
if (parentPort) answerAll(parentPort, workerData as Order);

// --- internal ---

function answerAll(port: NonNullable<typeof parentPort>, { keyring, name, spec, keys, act }: Order): void {
  const hard = createCasehard({ fields: { [name]: spec }, keyring: receiveKeyring(keyring), warn: () => {} });
  const deciding: Deciding = { name, field: hard.field(name) as unknown as Field<unknown>, place: { keys } };
  port.on('message', (question: Question) => {
    port.postMessage(answer(question.id, () => decideAll(deciding, valuesOf(question, keys.length), { act })));
  });
}

function valuesOf({ stored, pieces, problems }: Question, width: number): Undecided[] {
  return stored.map((value, i) => {
    const key = pieces.slice(i * width, (i + 1) * width);
    const problem = problems[i];
    return problem === undefined ? { key, stored: value } : { key, stored: value, problem };
  });
}

function answer(id: number, decide: () => Outcome[]): Answer {
  try {
    const outcomes = decide();
    return {
      id,
      writes: outcomes.map(({ write }) => write),
      verdicts: outcomes.map(({ verdict }) => verdict),
      tight: outcomes.map(({ tight }) => tight),
    };
  } catch (error) {
    // Structured clone would drop the code, and an unknown message may quote a value.
    if (!(error instanceof CasehardError))
      return { id, error: { code: 'DATABASE', message: 'the sealing thread failed' } };
    const { code, message, hint } = error;
    return { id, error: hint === undefined ? { code, message } : { code, message, hint } };
  }
}
