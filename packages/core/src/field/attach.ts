import { hostname } from 'node:os';
import { randomId } from '../crypto/token.ts';
import { CasehardError } from '../errors.ts';
import type { Keyring } from '../keyring/keyring.ts';
import type { TrackingKeyring } from '../keyring/tracking-keyring.ts';
import { VERSION } from '../version.ts';
import type { Shared } from './read.ts';

/** The little that core asks of a database; `createDriver` of the package `casehard` makes one. */
export interface Driver {
  /** Says whether any of the fields holds a sealed value. */
  holdsSealedValues(): Promise<boolean>;
  /** What the canaries of the database say of these keys, the worst first; empty: they belong here. Reads O(keys) rows. */
  checkKeys?(keyring: Keyring, tracking: TrackingKeyring | undefined): Promise<readonly CasehardError[]>;
  /** Writes this process down, or down again, with the time of the database's clock. */
  report?(report: ProcessReport): Promise<void>;
  /** Strikes this process out. */
  leave?(id: string): Promise<void>;
}

/** What a process tells the others of itself: key ids, never keys. */
export interface ProcessReport {
  readonly id: string;
  /** Of @casehard/core. */
  readonly version: string;
  /** For people: where it runs. */
  readonly host: string;
  readonly activeKid: string | undefined;
  /** Key ids that it can open: all but withdrawn ones. */
  readonly kids: readonly string[];
  readonly trackingKid: string | undefined;
  readonly trackingKids: readonly string[];
  /** Milliseconds until it reports again. */
  readonly heartbeat: number;
  /** Key ids that it has sealed with and opened since the report before; in the last report also the active one. */
  readonly sealed: readonly string[];
  readonly opened: readonly string[];
}

export interface AttachOptions {
  /** The keys of links in mails, so that a rotation of theirs can wait for this process too. */
  readonly tracking?: TrackingKeyring;
  /** Milliseconds between two reports, at most an hour; default 30 000. */
  readonly heartbeat?: number;
}

export interface Attachment {
  /** What is wrong with the keys, the worst first. The first one may be why nothing is saved any more. */
  readonly problems: readonly CasehardError[];
  /** Reports now, besides the regular reports. */
  beat(): Promise<void>;
  /** Strikes the process out and stops reporting. Call it where the process ends in good order, after its last save. */
  detach(): Promise<void>;
}

/** Reports that are missed before a process counts as gone; for those that wait for it. */
export const HEARTBEAT_MS = 30_000;
/** Whoever reports less often could not be told from one that is gone. */
export const LONGEST_HEARTBEAT_MS = 3_600_000;

/** @internal Use `Casehard.attach`. */
export async function attach(shared: Shared, driver: Driver, options: AttachOptions): Promise<Attachment> {
  const { keyring } = shared;
  const { tracking, heartbeat = HEARTBEAT_MS } = options;
  if (!(heartbeat > 0 && heartbeat <= LONGEST_HEARTBEAT_MS)) {
    throw new TypeError('"heartbeat" must be milliseconds, at most an hour');
  }
  const uses = { sealed: new Set<string>(), opened: new Set<string>() };
  shared.uses = uses;
  tracking?.uses.add(uses);
  const id = randomId();
  let warned = false;
  const report = async (): Promise<void> => {
    const [sealed, opened] = [[...uses.sealed], [...uses.opened]];
    try {
      await driver.report?.({ id, ...describe(keyring, tracking), heartbeat, sealed, opened });
      warned = false;
    } catch (error) {
      // What was used goes into the next report; a database that is away is the application's own trouble already.
      if (!warned) shared.warn(`this process cannot be listed in the database: ${codeOf(error)}`);
      warned = true;
      return;
    }
    for (const kid of sealed) uses.sealed.delete(kid);
    for (const kid of opened) uses.opened.delete(kid);
  };
  // One after another: a report that is still on its way must not list a process that has just been struck out.
  let last: Promise<void> = Promise.resolve();
  let detached = false;
  const beat = (): Promise<void> => {
    if (!detached) last = last.then(report);
    return last;
  };
  // Listed before the keys are checked: whoever withdraws a key takes its canary away, then looks at the processes, so that
  // one of the two sees the other.
  await beat();
  const leave = async (): Promise<void> => {
    delete shared.uses;
    tracking?.uses.delete(uses);
    await driver.leave?.(id);
  };
  const judged = new Judged(shared, driver, tracking);
  try {
    await judged.look();
  } catch (error) {
    await leave().catch(() => {});
    throw error;
  }
  const timer = setInterval(() => {
    void beat();
    void judged.lookAgain(heartbeat);
  }, heartbeat);
  timer.unref?.();
  return {
    get problems() {
      return judged.problems;
    },
    beat,
    async detach() {
      clearInterval(timer);
      await judged.close();
      await last;
      // What a last request is still sealing is seen by nobody: the key counts as active until now.
      if (keyring.active && !shared.refusal) uses.sealed.add(keyring.active.kid);
      if (uses.sealed.size + uses.opened.size > 0) await beat();
      detached = true;
      await leave();
    },
  };
}

// --- internal ---

/**
 * What the database says of the keys. Where they did not belong, or not everything could be seen, it is asked again: what kept
 * the process from saving may have been a moment of somebody else's, such as a withdrawal that was broken off.
 */
class Judged {
  readonly #shared: Shared;
  readonly #driver: Driver;
  readonly #tracking: TrackingKeyring | undefined;
  /** Ours: another attachment may have found another one. */
  #refusal: CasehardError | undefined;
  #problems: readonly CasehardError[] = [];
  #looking: Promise<void> | undefined;
  #next = 0;
  #closed = false;

  constructor(shared: Shared, driver: Driver, tracking: TrackingKeyring | undefined) {
    this.#shared = shared;
    this.#driver = driver;
    this.#tracking = tracking;
  }

  get problems(): readonly CasehardError[] {
    return this.#problems;
  }

  /** Looks, says what is wrong, and lets nothing be sealed where that would be harmful. Throws what the driver throws. */
  async look(): Promise<void> {
    const { keyring } = this.#shared;
    const problems = (await this.#driver.checkKeys?.(keyring, this.#tracking)) ?? [];
    if (this.#closed) return;
    const said = new Set(this.#problems.map(({ message }) => message));
    for (const { message, hint } of problems) {
      if (!said.has(message)) this.#shared.warn(hint ? `${message}; ${hint}` : message);
    }
    this.#problems = problems;
    const refusal = problems.find(({ code }) => BLOCKING.has(code));
    if (refusal) {
      this.#refusal = refusal;
      this.#shared.refusal = refusal;
    } else if (this.#refusal && this.#isSettled()) {
      if (this.#shared.refusal === this.#refusal) delete this.#shared.refusal;
      this.#refusal = undefined;
      this.#shared.warn('the keys belong to this database by now: saving goes on');
    }
    if (!keyring.active) {
      const missing = problems.some(({ code }) => code === 'KEY_MISSING');
      if (missing || (await this.#driver.holdsSealedValues())) this.#shared.sealedMet = true;
    }
  }

  /** Looks again where the last look left something open, one look at a time and not most of the time. */
  async lookAgain(pause: number): Promise<void> {
    if (this.#isSettled() || this.#looking || Date.now() < this.#next) return;
    const began = Date.now();
    // A database that is away says nothing of the keys.
    this.#looking = this.look().catch(() => {});
    await this.#looking;
    this.#looking = undefined;
    const now = Date.now();
    this.#next = now + Math.max(pause / 2, COSTLY * (now - began));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#looking;
  }

  /** The keys belong here, and nothing kept the driver from seeing that. */
  #isSettled(): boolean {
    return this.#problems.every(({ code }) => HARMLESS.has(code));
  }
}

/** A look that counts every value may take long. */
const COSTLY = 20;

/** What these say was seen, and keeps nobody from saving. */
const HARMLESS: ReadonlySet<string> = new Set(['PREVIOUS_KEY_MISSING', 'KEY_WITHDRAWN']);

/** With these, whatever is saved could not be read by the others, or would be the wrong thing. */
const BLOCKING: ReadonlySet<string> = new Set(['KEY_NOT_KNOWN_HERE', 'KEY_IN_WRONG_SETTING']);

function describe(keyring: Keyring, tracking: TrackingKeyring | undefined) {
  const open = <T extends { readonly state: string }>(list: readonly T[]): readonly T[] =>
    list.filter(({ state }) => state !== 'withdrawn');
  return {
    version: VERSION,
    host: `${hostname()}:${process.pid}`,
    activeKid: keyring.active?.kid,
    kids: open(keyring.list()).map(({ kid }) => kid),
    trackingKid: tracking?.active?.tkid,
    trackingKids: open(tracking?.list() ?? []).map(({ tkid }) => tkid),
  };
}

function codeOf(error: unknown): string {
  return error instanceof CasehardError ? error.message : 'an error of the driver';
}
