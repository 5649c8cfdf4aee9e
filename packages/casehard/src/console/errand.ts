import { CasehardError } from '@casehard/core';
import { type Running, startTask } from './background/background.ts';
import type { Outcome, Task } from './background/task.ts';
import type { Live } from './live.ts';

/** What a task comes to. */
export type OutcomeOf<T extends Task> = Extract<Outcome, { kind: T['kind'] }>;

/** How an errand ended, when, and who had asked for it; `about` is a key id or a file, for people. */
export type Ended<T extends Task> = { readonly at: number; readonly by: string; readonly about: string } & (
  | { readonly outcome: OutcomeOf<T>; readonly error?: undefined }
  | { readonly outcome?: undefined; readonly error: CasehardError }
);

export interface Order<T extends Task> {
  readonly task: T;
  /** The name of the person; empty: the console itself. */
  readonly by: string;
  readonly about?: string;
  /** Done before the end is shown: what the page says must be true everywhere by then. */
  readonly onEnd?: (ended: Ended<T>) => Promise<void>;
}

/**
 * One kind of work that somebody asks for and looks at later: one at a time, in the background. Its last end is kept in
 * memory; the task is not, since it may hold what opens a backup.
 */
export class Errand<T extends Task> {
  readonly #live: Live;
  readonly #now: () => number;
  readonly #what: string;
  readonly #patient: boolean;
  #task: Running<OutcomeOf<T>> | undefined;
  #running: { readonly since: number; readonly by: string; readonly about: string; rows: number } | undefined;
  #last: Ended<T> | undefined;
  #ending: Promise<Ended<T>> | undefined;
  #closed = false;

  /** `what` names it in a refusal: `the doctor`. `patient`: where the console ends, it is given time to end well. */
  constructor(what: string, options: { readonly live: Live; readonly now: () => number; readonly patient?: boolean }) {
    this.#what = what;
    this.#patient = options.patient === true;
    this.#live = options.live;
    this.#now = options.now;
  }

  get running():
    | { readonly since: number; readonly by: string; readonly about: string; readonly rows: number }
    | undefined {
    return this.#running;
  }
  get last(): Ended<T> | undefined {
    return this.#last;
  }

  /** Starts it; the promise tells its end and never rejects. Throws REFUSED while it is at work. */
  start({ task, by, about = '', onEnd }: Order<T>): Promise<Ended<T>> {
    if (this.#running) {
      throw new CasehardError('REFUSED', `${this.#what} is at work already`, { hint: 'wait for it, then do it again' });
    }
    const running = { since: this.#now(), by, about, rows: 0 };
    this.#running = running;
    const started = startTask(task, {
      ...this.#live.where(),
      onProgress: (progress) => {
        if ('rows' in progress) running.rows = progress.rows;
      },
    }) as Running<OutcomeOf<T>>;
    this.#task = started;
    const ending = started.done
      .then(
        (outcome): Ended<T> => ({ at: this.#now(), by, about, outcome }),
        (error: CasehardError): Ended<T> => ({ at: this.#now(), by, about, error }),
      )
      .then(async (came) => {
        const ended = (this.#closed && !this.#patient) || !onEnd ? came : await settled(came, onEnd);
        this.#last = ended;
        this.#running = undefined;
        return ended;
      });
    this.#ending = ending;
    return ending;
  }

  /** Drops the last end. */
  forget(): void {
    this.#last = undefined;
  }

  /** Ends it now, or in good order where it must leave nothing halfway. What was not committed is undone. */
  async close(): Promise<void> {
    this.#closed = true;
    const task = this.#task;
    if (!this.#running || !task) return;
    if (this.#patient) {
      task.stop();
      const patience = Promise.withResolvers<void>();
      const timer = setTimeout(patience.resolve, PATIENCE_MS); // also keeps the process, which the thread does not
      await Promise.race([this.#ending, patience.promise]);
      clearTimeout(timer);
    }
    await task.kill();
  }
}

// --- internal ---

const PATIENCE_MS = 5000;

/** What could not be written down has not been done, as far as the page can say. */
async function settled<T extends Task>(ended: Ended<T>, onEnd: NonNullable<Order<T>['onEnd']>): Promise<Ended<T>> {
  try {
    await onEnd(ended);
    return ended;
  } catch (error) {
    const { at, by, about } = ended;
    const ours = error instanceof CasehardError ? error : undefined;
    const unwritten = new CasehardError('DATABASE', 'the result could not be written down', { hint: 'do it again' });
    return { at, by, about, error: ours ?? unwritten };
  }
}
