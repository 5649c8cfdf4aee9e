import type { CasehardError, Keyring } from '@casehard/core';
import { type Running, startTask } from './background/background.ts';
import type { Looked, Scanned } from './background/task.ts';
import type { Live } from './live.ts';
import type { ScanHistory } from './scan-history.ts';

/** A finding, with the time at which it was true. */
export interface Dated<T> {
  readonly at: number;
  readonly found: T;
}

/** What the console knows of the database, as of a time that pages show. Found in the background, never by a page. */
export class Watch {
  readonly #live: Live;
  readonly #history: ScanHistory;
  readonly #now: () => number;
  readonly #onScan: (took: number) => void;
  #look: Dated<Looked> | undefined;
  #lookFailed: CasehardError | undefined;
  #lookKeyring: Keyring | undefined;
  #scan: Dated<Scanned> | undefined;
  #scanFailed: CasehardError | undefined;
  #looking: Promise<void> | undefined;
  #scanning: Promise<void> | undefined;
  #scanRows = 0;
  #scanTook = 0;
  #lookAgain = false;
  #closed = false;
  readonly #tasks = new Set<Running<Looked | Scanned>>();
  #scanAgain = false;

  constructor(options: {
    readonly live: Live;
    readonly history: ScanHistory;
    readonly now: () => number;
    /** Told after each scan, with the milliseconds that it took. */
    readonly onScan: (took: number) => void;
  }) {
    this.#live = options.live;
    this.#history = options.history;
    this.#now = options.now;
    this.#onScan = options.onScan;
  }

  /** Pending upgrade, fit of the keys, fields that cannot be found; undefined before the first look has ended. */
  get look(): Dated<Looked> | undefined {
    return this.#look;
  }
  /** The last look, if it was made with these very keys and none has failed since. */
  lookOf(keyring: Keyring): Dated<Looked> | undefined {
    return this.#lookKeyring === keyring && !this.#lookFailed ? this.#look : undefined;
  }
  /** Why the last look failed: the database is away, usually. */
  get lookFailed(): CasehardError | undefined {
    return this.#lookFailed;
  }
  /** Every value by verdict. */
  get scan(): Dated<Scanned> | undefined {
    return this.#scan;
  }
  get scanFailed(): CasehardError | undefined {
    return this.#scanFailed;
  }
  /** Rows that the scan under way has read; undefined: none is. */
  get scanRows(): number | undefined {
    return this.#scanning ? this.#scanRows : undefined;
  }
  /** An upgrade is pending; undefined: not known yet. */
  get upgradePending(): boolean | undefined {
    return this.#look && this.#look.found.steps.length > 0;
  }

  /** Looks, unless a look is under way; then once more after it, because what it sees may be older than the call. */
  lookNow(): Promise<void> {
    if (this.#looking) {
      this.#lookAgain = true;
      return this.#looking;
    }
    this.#looking = this.#runLook().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Starts a scan, unless one is under way; then once more after it. */
  scanNow(): Promise<void> {
    if (this.#scanning) {
      this.#scanAgain = true;
      return this.#scanning;
    }
    this.#scanning = this.#runScan().finally(() => {
      this.#scanning = undefined;
    });
    return this.#scanning;
  }

  /** After a change of one value: at once where a scan is quick, else not more often than every ten minutes. */
  scanAfterChange(): void {
    const age = this.#now() - (this.#scan?.at ?? 0);
    if (this.#scanTook < QUICK_MS || age > SELDOM_MS) void this.scanNow();
  }

  /** Ends what is under way. Looks and scans read, and count for people, so nothing is left undone. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#tasks].map((task) => task.kill()));
  }

  async #watched<O extends Looked | Scanned>(task: Running<O>): Promise<O> {
    if (this.#closed) await task.kill();
    this.#tasks.add(task);
    try {
      return await task.done;
    } finally {
      this.#tasks.delete(task);
    }
  }

  async #runLook(): Promise<void> {
    do {
      this.#lookAgain = false;
      try {
        const where = this.#live.where();
        const found = await this.#watched(startTask({ kind: 'look' }, where));
        this.#lookKeyring = where.keyring;
        this.#look = { at: this.#now(), found };
        this.#lookFailed = undefined;
      } catch (error) {
        this.#lookFailed = error as CasehardError;
      }
    } while (this.#lookAgain && !this.#closed);
  }

  async #runScan(): Promise<void> {
    do {
      this.#scanAgain = false;
      this.#scanRows = 0;
      const began = performance.now();
      try {
        const onProgress = (progress: { readonly kind: string; readonly rows?: number }): void => {
          this.#scanRows = progress.rows ?? 0;
        };
        const found = await this.#watched(startTask({ kind: 'scan' }, { ...this.#live.where(), onProgress }));
        this.#scanTook = performance.now() - began;
        this.#scan = { at: this.#now(), found };
        this.#scanFailed = undefined;
        if (found.troubles.length === 0) await this.#history.add(this.#scan);
        if (!this.#scanAgain && !this.#closed) this.#onScan(this.#scanTook);
      } catch (error) {
        this.#scanFailed = error as CasehardError;
      }
    } while (this.#scanAgain && !this.#closed);
  }
}

const QUICK_MS = 3000;
const SELDOM_MS = 10 * 60_000;
