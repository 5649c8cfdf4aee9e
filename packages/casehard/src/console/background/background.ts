import { Worker } from 'node:worker_threads';
import { CasehardError, type ErrorCode, type Keyring } from '@casehard/core';
import type { TrackingKeyring } from '@casehard/core/links';
import type { Message, Order, Outcome, Progress, Task, Trouble } from './task.ts';

/** The database that work is done on, and the keys that the console has. */
export interface Where {
  readonly configPath: string;
  readonly keyring: Keyring;
  readonly tracking: TrackingKeyring;
  /** The environment of the console: key sources and the state key are looked for there. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

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
  options: Where & { readonly onProgress?: (progress: Progress) => void },
): Running<Extract<Outcome, { kind: T['kind'] }>> {
  const { configPath, keyring, tracking, env } = options;
  const order: Order = { configPath, keyring: keyring.share(), tracking: tracking.share(), task };
  const about = { workerData: order, env: environmentOf(env), stdout: false, stderr: false };
  const worker = new Worker(new URL(WORKER, import.meta.url), about);
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

// The build, from the sources too, which only tests run: a thread would strip the types of 150 files each time it starts.
const WORKER = import.meta.url.endsWith('.ts') ? '../../../dist/console/background/worker.js' : './worker.js';

/** The configuration is loaded in the thread once more and may use any variable; the keys are those of the console's. */
function environmentOf(env: Where['env']): NodeJS.Dict<string> {
  const others = Object.entries(process.env).filter(([name]) => !/^(CASEHARD_|SENDSTUDIO_|CREDENTIALS_DIR)/.test(name));
  return Object.fromEntries([...others, ...Object.entries(env).filter(([, value]) => value !== undefined)]);
}

function errorOf({ code, message, hint, field }: Trouble): CasehardError {
  const details = { ...(hint === undefined ? {} : { hint }), ...(field === undefined ? {} : { field }) };
  return new CasehardError(code as ErrorCode, message, details);
}

function endedError(): CasehardError {
  return new CasehardError('CANCELLED', 'the work in the background has ended before its end', {
    hint: 'start it again; it goes on where it stopped',
  });
}
