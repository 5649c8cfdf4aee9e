import type { LinkEvent } from './event.ts';

export interface DeliveryOptions {
  readonly onEvent: (event: LinkEvent) => void | Promise<void>;
  /** Hears of every failed attempt; with `lost`, of an event that will not be tried again. */
  readonly onFailure: (error: unknown, event: LinkEvent, lost: boolean) => void;
  /** Milliseconds before each further attempt. */
  readonly delays?: readonly number[];
  /** How long an answer waits for its event, in milliseconds. */
  readonly patience?: number;
}

/**
 * Hands events over at least once: an answer waits for its event, so that a crash in between makes the reader ask
 * again; what fails is tried again in the background, and what is slow goes on there.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #delays: readonly number[];
  readonly #patience: number;
  readonly #waiting = new Map<LinkEvent, Waiting>();
  readonly #running = new Map<LinkEvent, Promise<void>>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#delays = options.delays ?? DELAYS_MS;
    this.#patience = options.patience ?? PATIENCE_MS;
  }

  /** Resolves when the event is handed over, or when the answer has waited long enough. Never rejects. */
  async deliver(event: LinkEvent): Promise<void> {
    const isFull = this.#running.size + this.#waiting.size >= MAX_HELD;
    const attempt = isFull ? this.#attemptOnce(event) : this.#attempt(event, 0);
    if (attempt) await within(this.#patience, attempt);
  }

  /** Tries everything that waits until nothing is under way, or the time is over: then the rest is lost. */
  async drain(milliseconds = DRAIN_MS): Promise<void> {
    const end = Date.now() + milliseconds;
    while ((this.#waiting.size > 0 || this.#running.size > 0) && Date.now() < end) {
      for (const event of [...this.#waiting.keys()]) {
        this.#forget(event);
        this.#attempt(event, 0); // the time is the limit, not the number of tries
      }
      await within(end - Date.now(), Promise.all(this.#running.values()));
      if (this.#waiting.size > 0) await within(DRAIN_PAUSE_MS, new Promise(() => {}));
    }
    for (const event of [...this.#waiting.keys(), ...this.#running.keys()]) {
      this.#forget(event);
      this.#running.delete(event);
      this.#options.onFailure(new Error('the time to hand it over was over'), event, true);
    }
  }

  #forget(event: LinkEvent): void {
    clearTimeout(this.#waiting.get(event)?.timer);
    this.#waiting.delete(event);
  }

  #attempt(event: LinkEvent, tries: number): Promise<void> | undefined {
    // A callback that hangs is one that failed: it may have to be tried again, and nobody waits for it for ever.
    return this.#offer(event, ATTEMPT_MS, (error) => this.#retry(error, event, tries));
  }

  /** For an event that there is no room to keep: held no longer than its answer waits, and lost when that was in vain. */
  #attemptOnce(event: LinkEvent): Promise<void> | undefined {
    return this.#offer(event, this.#patience, (cause) => {
      this.#options.onFailure(new Error('too many events wait to be handed over', { cause }), event, true);
    });
  }

  /** The promise of an attempt; `undefined` where the callback was synchronous and is done. */
  #offer(event: LinkEvent, ms: number, failed: (error: unknown) => void): Promise<void> | undefined {
    let pending: void | Promise<void>;
    try {
      pending = this.#options.onEvent(event);
    } catch (error) {
      failed(error);
      return undefined;
    }
    if (!pending) return undefined;
    let failure: unknown = new Error(`the event callback took over ${ms / 1000} s`);
    const handing = Promise.resolve(pending).catch((error: unknown) => {
      failure = error;
      throw error;
    });
    const attempt = within(ms, handing)
      .then((outcome) => {
        if (outcome !== 'done' && this.#running.get(event) === attempt) failed(failure);
      })
      .finally(() => {
        if (this.#running.get(event) === attempt) this.#running.delete(event);
      });
    this.#running.set(event, attempt);
    return attempt;
  }

  #retry(error: unknown, event: LinkEvent, tries: number): void {
    const delay = this.#delays[tries];
    const lost = delay === undefined;
    this.#options.onFailure(error, event, lost);
    if (lost) return;
    const timer = setTimeout(() => {
      this.#waiting.delete(event);
      this.#attempt(event, tries + 1);
    }, delay);
    // A process may end; `drain` is there for those that want to hand everything over first.
    timer.unref?.();
    this.#waiting.set(event, { timer });
  }
}

/** `late` where the promise has not settled in time, `failed` where it rejected. */
export async function within(ms: number, promise: Promise<unknown>): Promise<'done' | 'failed' | 'late'> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, ms, 'late');
  });
  const settled = promise.then(
    () => 'done' as const,
    () => 'failed' as const,
  );
  const outcome = await Promise.race([settled, late]);
  clearTimeout(timer);
  return outcome;
}

// --- internal ---

interface Waiting {
  readonly timer: ReturnType<typeof setTimeout>;
}

const DELAYS_MS = [100, 1_000, 10_000, 60_000, 300_000] as const;
const PATIENCE_MS = 1_000;
const DRAIN_MS = 10_000;
const DRAIN_PAUSE_MS = 200;
const MAX_HELD = 10_000;
const ATTEMPT_MS = 30_000;
