import { hashToken, randomToken } from '@casehard/core/state';

const LIFE_MS = 30 * 60_000;

/**
 * The one-time sign-in link of the terminal, which makes an operator. Only whoever starts the console sees it, and it is
 * kept in memory alone: writing the database, or deleting its rows, gives nobody one.
 */
export class Welcome {
  readonly #now: () => number;
  #hash: string | undefined;
  #until = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Makes a link's token; an older one is void. */
  issue(): string {
    const token = randomToken();
    this.#hash = hashToken(token);
    this.#until = this.#now() + LIFE_MS;
    return token;
  }

  /** Hashes are compared, so that the time it takes says nothing of the token. */
  holds(token: string): boolean {
    return this.#hash !== undefined && this.#now() < this.#until && hashToken(token) === this.#hash;
  }

  /** Uses the token up. */
  take(token: string): boolean {
    if (!this.holds(token)) return false;
    this.#hash = undefined;
    return true;
  }

  /** After a form that could not be used: the same person may correct it. */
  putBack(token: string): void {
    if (this.#hash === undefined) this.#hash = hashToken(token);
  }
}
