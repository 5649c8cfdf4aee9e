import { CasehardError } from '@casehard/core';
import type { StateRow, StateRows } from '../../database/state-rows.ts';

const FREE = 5;
const FIRST_MS = 1000;
/** An account's wait stays short, or anybody could lock its owner out. */
const LONGEST_MS = { account: 60_000, address: 15 * 60_000 } as const;
const FORGET_MS = 24 * 60 * 60_000;
const FORGIVE_MS = 60 * 60_000;

/** What is throttled: an account's name or an address, such as `account:ada` and `address:192.0.2.1`. */
export type ThrottleKey = `account:${string}` | `address:${string}`;

/** The keys of a sign-in: by name, however it is spelled, and by address. */
export function throttleKeys(name: string, address: string | undefined): readonly ThrottleKey[] {
  const account: ThrottleKey = `account:${name.normalize('NFC').trim().toLowerCase().slice(0, 64)}`;
  return [account, ...addressKeys(address)];
}

/** The key of an address; none where it is not known, because one counter for everybody would lock everybody out. */
export function addressKeys(address: string | undefined): readonly ThrottleKey[] {
  return address === undefined ? [] : [`address:${networkOf(address)}`];
}

/** One subscriber of IPv6 has a whole /64 to guess from. */
export function networkOf(address: string): string {
  if (!address.includes(':') || /^::ffff:[\d.]+$/i.test(address)) return address;
  const [head = '', tail = ''] = address.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const whole = address.includes('::')
    ? [...groups, ...Array<string>(Math.max(0, 8 - groups.length - after.length)).fill('0'), ...after]
    : groups;
  return `${whole
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}

interface Attempts {
  readonly failures: number;
  readonly lastAt: number;
  readonly until: number;
}

/**
 * Slows guessing down: after five failures each wait is twice the one before. Kept in the database, so that a restart
 * forgives nothing, and in memory, so that deleting the rows does not either while the console runs.
 */
export class Throttle {
  readonly #rows: StateRows;
  readonly #now: () => number;
  readonly #memory = new Map<string, Attempts>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: { readonly rows: StateRows; readonly now: () => number }) {
    this.#rows = options.rows;
    this.#now = options.now;
  }

  /**
   * Asks for an attempt: 0 lets it go on, and counts it as failed until `succeed`; otherwise the milliseconds to wait.
   * Counted before and one after the other, so that a thousand attempts at once are not one.
   */
  attempt(keys: readonly ThrottleKey[]): Promise<number> {
    const turn = this.#turn.then(async () => {
      const all = await Promise.all(keys.map((key) => this.#attempts(key)));
      const wait = Math.max(0, ...all.map(({ until }) => until - this.#now()));
      if (wait > 0) return wait;
      for (const [i, key] of keys.entries()) await this.#keep(key, this.#after(key, (all[i] ?? NONE).failures + 1));
      return 0;
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** Forgets the failures of an account. An address loses only this one: it says nothing of its other attempts. */
  async succeed(keys: readonly ThrottleKey[]): Promise<void> {
    for (const key of keys) {
      if (key.startsWith('account:')) {
        this.#memory.delete(key);
        await this.#rows.remove('casehard_attempts', { id: idOf(key) });
      } else {
        const { failures } = await this.#attempts(key);
        const now = this.#now();
        await this.#keep(key, { failures: Math.max(0, failures - 1), lastAt: now, until: now });
      }
    }
  }

  #after(key: ThrottleKey, failures: number): Attempts {
    const now = this.#now();
    const longest = key.startsWith('account:') ? LONGEST_MS.account : LONGEST_MS.address;
    const wait = failures < FREE ? 0 : Math.min(longest, FIRST_MS * 2 ** Math.min(30, failures - FREE));
    return { failures, lastAt: now, until: now + wait };
  }

  async #attempts(key: ThrottleKey): Promise<Attempts> {
    const [row] = await this.#rows.find('casehard_attempts', { id: idOf(key) });
    const known = [row && attemptsOf(row), this.#memory.get(key)].filter((each) => each !== undefined);
    const recent = known.filter(({ lastAt }) => this.#now() - lastAt < FORGET_MS);
    const most = recent.reduce((a, b) => (a.failures >= b.failures ? a : b), NONE);
    // An address may be many people's: one failure an hour is forgiven, or a typo a day would add up for ever.
    const forgiven = key.startsWith('address:') ? Math.floor((this.#now() - most.lastAt) / FORGIVE_MS) : 0;
    return { ...most, failures: Math.max(0, most.failures - forgiven) };
  }

  async #keep(key: ThrottleKey, attempts: Attempts): Promise<void> {
    if (this.#memory.size > 10_000) this.#memory.clear(); // rows remain
    this.#memory.set(key, attempts);
    const id = idOf(key);
    const row = { failures: attempts.failures, last_at: attempts.lastAt, until: attempts.until };
    try {
      const [before] = await this.#rows.find('casehard_attempts', { id });
      if (before) await this.#rows.update('casehard_attempts', before, row);
      else {
        // A row with a wrong tag is in the way of the new one.
        await this.#rows.remove('casehard_attempts', { id });
        await this.#rows.insert('casehard_attempts', { id, ...row });
        await this.#rows.removeOlder('casehard_attempts', 'last_at', this.#now() - FORGET_MS);
      }
    } catch (error) {
      // Two failures at once: the other one was written, and memory counts both.
      if (!(error instanceof CasehardError)) throw error;
    }
  }
}

// --- internal ---

const NONE: Attempts = { failures: 0, lastAt: 0, until: 0 };

function idOf(key: ThrottleKey): string {
  return key.length <= 90 ? key : key.slice(0, 90);
}

function attemptsOf(row: StateRow): Attempts {
  return { failures: Number(row.failures), lastAt: Number(row.last_at), until: Number(row.until) };
}
