import { hashToken, randomToken, type StateKey } from '@casehard/core/state';
import type { StateRows } from '../../database/state-rows.ts';
import type { Account, Accounts } from './accounts.ts';

const IDLE_MS = 30 * 60_000;
const ABSOLUTE_MS = 12 * 60 * 60_000;
/** Not more often than this is it written down that a session is used. */
const SEEN_MS = 60_000;

export interface Session {
  readonly account: Account;
  /** The synchronizer token of its forms. */
  readonly csrf: string;
}

/** Who is signed in. Of a token only its hash is kept, and a session ends with its account's generation. */
export class Sessions {
  readonly #rows: StateRows;
  readonly #key: StateKey;
  readonly #accounts: Accounts;
  readonly #now: () => number;

  constructor(options: {
    readonly rows: StateRows;
    readonly key: StateKey;
    readonly accounts: Accounts;
    readonly now: () => number;
  }) {
    this.#rows = options.rows;
    this.#key = options.key;
    this.#accounts = options.accounts;
    this.#now = options.now;
  }

  /** Begins a session, always under a new token; clears away what has expired. */
  async begin(account: Account): Promise<{ readonly token: string }> {
    const token = randomToken();
    const now = this.#now();
    await this.#rows.removeOlder('casehard_sessions', 'started_at', now - ABSOLUTE_MS);
    await this.#rows.insert('casehard_sessions', {
      id: hashToken(token),
      account: account.id,
      generation: account.generation,
      started_at: now,
      seen_at: now,
    });
    return { token };
  }

  /** The session of a token, unless it is idle for half an hour, older than twelve, or its account has changed. */
  async find(token: string): Promise<Session | undefined> {
    const id = hashToken(token);
    const [row] = await this.#rows.find('casehard_sessions', { id });
    if (!row) return undefined;
    const now = this.#now();
    if (now - Number(row.seen_at) > IDLE_MS || now - Number(row.started_at) > ABSOLUTE_MS) {
      await this.#rows.remove('casehard_sessions', { id });
      return undefined;
    }
    const account = await this.#accounts.find(String(row.account));
    if (account?.state !== 'active' || account.generation !== Number(row.generation)) return undefined;
    // Two requests at once: one of them writes it down, which is enough.
    if (now - Number(row.seen_at) > SEEN_MS) await this.#rows.update('casehard_sessions', row, { seen_at: now });
    return { account, csrf: this.#key.tag('csrf of a session', [id]) };
  }

  async end(token: string): Promise<void> {
    await this.#rows.remove('casehard_sessions', { id: hashToken(token) });
  }
}
