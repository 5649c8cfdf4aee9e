import { Worker } from 'node:worker_threads';
import { CasehardError, type ErrorCode, type Keyring, type Outcome } from '@casehard/core';
import type { ResolvedField } from '../inventory/resolve.ts';
import type { Decider, Undecided } from './decider.ts';
import type { Answer, Order, Question } from './decider-worker.ts';

/**
 * Decides in a thread of its own, so that sealing the next page and writing this one go on at once. Node runs the same
 * functions there; keys travel as KeyObjects. An error of the thread comes out of `decide`.
 */
export function decideInThread(resolved: ResolvedField, keyring: Keyring, act: 'harden' | 'soften'): Decider {
  const { name, definition, place } = resolved;
  const { was: _was, check: _check, rowShape: _rowShape, ...spec } = { check: undefined, ...definition.spec };
  const order: Order = {
    keyring: keyring.share(),
    name,
    spec: { ...spec, max: resolved.max, ...(definition.scheme ? { was: definition.scheme.name } : {}) },
    keys: place.keys,
    act,
  };
  const worker = new Worker(new URL(WORKER, import.meta.url), {
    workerData: order,
    resourceLimits: { maxYoungGenerationSizeMb: 24 },
  });
  const waiting = new Map<number, { resolve: (outcomes: Outcome[]) => void; reject: (error: unknown) => void }>();
  let ended = false;
  const fail = (): void => {
    ended = true;
    for (const { reject } of waiting.values()) reject(endedError());
    waiting.clear();
  };
  worker.on('message', (answer: Answer) => {
    const { id, error } = answer;
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (error)
      waiter?.reject(new CasehardError(error.code as ErrorCode, error.message, error.hint ? { hint: error.hint } : {}));
    else waiter?.resolve(outcomesOf(answer));
  });
  worker.on('error', fail);
  worker.on('exit', fail);
  let next = 0;
  return {
    decide: (values) =>
      new Promise((resolve, reject) => {
        if (ended) throw endedError();
        const id = next++;
        waiting.set(id, { resolve, reject });
        worker.postMessage(questionOf(id, values));
      }),
    close: async () => {
      await worker.terminate();
    },
  };
}

// --- internal ---

/** What made it end may quote a value, so that it ended is all that is said. */
function endedError(): CasehardError {
  return new CasehardError('CANCELLED', 'the sealing thread has ended; the page it worked on was not written', {
    hint: 'run it again; it goes on where it stopped',
  });
}

// Tests run the sources, everything else the build.
const WORKER = import.meta.url.endsWith('.ts') ? './decider-worker.ts' : './decider-worker.js';

function questionOf(id: number, values: readonly Undecided[]): Question {
  return {
    id,
    stored: values.map(({ stored }) => stored),
    pieces: values.flatMap(({ key }) => key),
    problems: values.map(({ problem }) => problem),
  };
}

function outcomesOf({ writes = [], verdicts = [], tight = [] }: Answer): Outcome[] {
  return verdicts.map((verdict, i) => {
    const write = writes[i];
    return write === undefined ? { verdict } : { verdict, write, tight: tight[i] === true };
  });
}
