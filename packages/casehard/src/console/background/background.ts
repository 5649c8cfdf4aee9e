import { Worker } from 'node:worker_threads';
import { CasehardError, type ErrorCode, type Keyring } from '@casehard/core';
import type { Message, Order, Outcome, Progress, Task, Trouble } from './task.ts';

/** A piece of work in a thread of its own. */
export interface Running<O extends Outcome> {
  /** Rejects with a CasehardError. */
  readonly done: Promise<O>;
  /** Asks it to end between two pages; `done` settles then. */
  stop(): void;
  /** Ends it now. What was not committed is undone by the database. */
  kill(): Promise<void>;
}

/**
 * Starts work in a thread, with connections of its own: pages answer while every value is opened, and a SQLite database,
 * which answers on the thread that asks, holds nobody up.
 */
export function startTask<T extends Task>(
  task: T,
  options: {
    readonly configPath: string;
    readonly keyring: Keyring;
    readonly onProgress?: (progress: Progress) => void;
  },
): Running<Extract<Outcome, { kind: T['kind'] }>> {
  const order: Order = { configPath: options.configPath, keyring: options.keyring.share(), task };
  const worker = new Worker(new URL(WORKER, import.meta.url), { workerData: order, stdout: false, stderr: false });
  worker.unref();
  const done = new Promise<Extract<Outcome, { kind: T['kind'] }>>((resolve, reject) => {
    worker.on('message', (message: Message) => {
      if ('progress' in message) options.onProgress?.(message.progress);
      else if ('failed' in message) reject(errorOf(message.failed));
      else resolve(message.outcome as Extract<Outcome, { kind: T['kind'] }>);
    });
    // What made it end may quote a value, so that it ended is all that is said.
    worker.on('error', () => reject(endedError()));
    worker.on('exit', () => reject(endedError()));
  });
  done.catch(() => {}); // whoever asked awaits it; until then a failure is not unhandled
  return {
    done,
    stop: () => worker.postMessage('stop'),
    kill: async () => {
      await worker.terminate();
    },
  };
}

// --- internal ---

// Tests run the sources, everything else the build.
const WORKER = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';

function errorOf({ code, message, hint, field }: Trouble): CasehardError {
  const details = { ...(hint === undefined ? {} : { hint }), ...(field === undefined ? {} : { field }) };
  return new CasehardError(code as ErrorCode, message, details);
}

function endedError(): CasehardError {
  return new CasehardError('CANCELLED', 'the work in the background has ended before its end', {
    hint: 'start it again; it goes on where it stopped',
  });
}
