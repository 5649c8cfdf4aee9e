import { CasehardError } from '@casehard/core';
import { hashToken, randomId, randomToken, type StateKey } from '@casehard/core/state';
import type { StateRow, StateRows } from '../../database/state-rows.ts';
import type { Role } from '../request.ts';
import { fitsPassword, hashPassword } from './passwords.ts';
import { type Enrolment, enrol, stepOf } from './totp.ts';

/** Who may sign in. */
export interface Account {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly state: 'active' | 'invited';
  /** Signing in asks for a code. */
  readonly totp: boolean;
  /** Rises when password, role or code change: sessions of an older one have ended. */
  readonly generation: number;
}

const INVITATION_MS = 24 * 60 * 60_000;

/** The console's accounts. Rows that somebody else wrote do not exist here. */
export class Accounts {
  readonly #rows: StateRows;
  readonly #key: StateKey;
  readonly #now: () => number;
  readonly #pepper: Uint8Array;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: { readonly rows: StateRows; readonly key: StateKey; readonly now: () => number }) {
    this.#rows = options.rows;
    this.#key = options.key;
    this.#now = options.now;
    this.#pepper = options.key.bytes('password', []);
  }

  async list(): Promise<readonly Account[]> {
    return (await this.#all()).map(accountOf);
  }

  async find(id: string): Promise<Account | undefined> {
    const row = await this.#row(id);
    return row && accountOf(row);
  }

  /** How many operators can sign in. */
  async operators(): Promise<number> {
    return (await this.list()).filter(isWorkingOperator).length;
  }

  /** Makes an account. Throws REFUSED for a name that is taken or wrong, or a weak password. */
  create(order: { readonly name: string; readonly role: Role; readonly password: string }): Promise<Account> {
    return this.#inTurn(async () => {
      const row = await this.#newRow(order.name, order.role);
      const password = await hashPassword(order.password, String(row.name), this.#pepper);
      const whole = { ...row, state: 'active', password };
      await this.#rows.insert('casehard_accounts', whole);
      return accountOf(whole);
    });
  }

  /** Makes an account whose person chooses the password; the token is shown once and works for a day. */
  invite(order: {
    readonly name: string;
    readonly role: Role;
  }): Promise<{ readonly account: Account; readonly token: string }> {
    return this.#inTurn(async () => {
      const token = randomToken();
      const row = {
        ...(await this.#newRow(order.name, order.role)),
        state: 'invited',
        invite_hash: hashToken(token),
        invite_until: this.#now() + INVITATION_MS,
      };
      await this.#rows.insert('casehard_accounts', row);
      return { account: accountOf(row), token };
    });
  }

  /** Uses an invitation. Throws REFUSED for one that was used, is too old or never was. */
  async accept(token: string, password: string): Promise<Account> {
    const [row] = await this.#rows.find('casehard_accounts', { invite_hash: hashToken(token) });
    if (row?.state !== 'invited' || Number(row.invite_until) < this.#now()) {
      throw new CasehardError('REFUSED', 'this invitation was used already, or is older than a day', {
        hint: 'ask an operator for another one',
      });
    }
    const changes = {
      state: 'active',
      invite_hash: null,
      invite_until: null,
      password: await hashPassword(password, String(row.name), this.#pepper),
    };
    await this.#change(row, changes);
    return accountOf({ ...row, ...changes });
  }

  /** The account of a name and password; undefined where either is wrong, after the same work. */
  async verify(name: string, password: string): Promise<Account | undefined> {
    const key = nameKey(name);
    const row = (await this.#all()).find((each) => each.name_key === key && each.state === 'active');
    const fits = await fitsPassword(row ? String(row.password) : undefined, password, this.#pepper);
    return fits && row ? accountOf(row) : undefined;
  }

  /** Throws REFUSED for a weak password. */
  async changePassword(id: string, password: string): Promise<void> {
    const row = await this.#existing(id);
    await this.#change(row, { password: await hashPassword(password, String(row.name), this.#pepper), ...next(row) });
  }

  /** Throws REFUSED for the last operator. */
  setRole(id: string, role: Role): Promise<void> {
    return this.#inTurn(async () => {
      const row = await this.#existing(id);
      if (role === row.role) return;
      if (role === 'viewer') await this.#refuseLast(row);
      await this.#change(row, { role, ...next(row) });
    });
  }

  /** Throws REFUSED for the last operator. */
  remove(id: string): Promise<void> {
    return this.#inTurn(async () => {
      const row = await this.#existing(id);
      await this.#refuseLast(row);
      await this.#rows.remove('casehard_accounts', { id });
    });
  }

  /** A new secret for an authenticator; nothing is kept until a code proves it. */
  async beginTotp(id: string): Promise<Enrolment> {
    const row = await this.#existing(id);
    return enrol(this.#key, { id, name: String(row.name) });
  }

  /** Asks for codes from now on, if this one is right. */
  async confirmTotp(id: string, nonce: string, code: string): Promise<boolean> {
    const row = await this.#existing(id);
    const step = stepOf(this.#key, { id, name: String(row.name), nonce }, code, this.#now());
    if (step === undefined) return false;
    if (row.totp_nonce !== null) {
      throw new CasehardError('REFUSED', 'codes are asked for already', { hint: 'switch them off first' });
    }
    await this.#change(row, { totp_nonce: nonce, totp_step: step, ...next(row) });
    return true;
  }

  async removeTotp(id: string): Promise<void> {
    const row = await this.#existing(id);
    await this.#change(row, { totp_nonce: null, totp_step: null, ...next(row) });
  }

  /** Whether this is the account's code now; a code works once. */
  async checkTotp(account: Account, code: string): Promise<boolean> {
    const row = await this.#row(account.id);
    if (!row || row.totp_nonce === null) return false;
    const step = stepOf(
      this.#key,
      { id: account.id, name: String(row.name), nonce: String(row.totp_nonce) },
      code,
      this.#now(),
    );
    if (step === undefined || step <= Number(row.totp_step ?? 0)) return false;
    return this.#rows.update('casehard_accounts', row, { totp_step: step });
  }

  /** One after the other: of two that take the last operators away at once, the second one is refused. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #all(): Promise<readonly StateRow[]> {
    return this.#rows.find('casehard_accounts', {}, { orderBy: 'created_at' });
  }

  async #row(id: string): Promise<StateRow | undefined> {
    return (await this.#rows.find('casehard_accounts', { id }))[0];
  }

  async #existing(id: string): Promise<StateRow> {
    const row = await this.#row(id);
    if (row) return row;
    throw new CasehardError('NOT_FOUND', 'there is no such account', { hint: 'it may have been removed meanwhile' });
  }

  async #newRow(text: string, role: Role): Promise<StateRow> {
    const name = text.normalize('NFC').trim();
    if (name === '' || [...name].length > 64 || /\p{C}/u.test(name)) {
      throw new CasehardError('REFUSED', 'the name must have 1 to 64 characters, none of them invisible', {
        hint: 'choose another name',
      });
    }
    if ((await this.#all()).some((row) => row.name_key === nameKey(name))) {
      throw new CasehardError('REFUSED', 'this name is taken', { hint: 'choose another name' });
    }
    return { id: randomId(), name, name_key: nameKey(name), role, generation: 1, created_at: this.#now() };
  }

  async #refuseLast(row: StateRow): Promise<void> {
    const others = (await this.list()).filter((account) => isWorkingOperator(account) && account.id !== row.id);
    if (row.role !== 'operator' || others.length > 0) return;
    throw new CasehardError('REFUSED', 'this is the last operator', { hint: 'make another operator first' });
  }

  async #change(row: StateRow, changes: StateRow): Promise<void> {
    if (await this.#rows.update('casehard_accounts', row, changes)) return;
    throw new CasehardError('REFUSED', 'the account was changed by somebody else meanwhile', {
      hint: 'load the page again',
    });
  }
}

// --- internal ---

function next(row: StateRow): StateRow {
  return { generation: Number(row.generation) + 1 };
}

function nameKey(name: string): string {
  return name.normalize('NFC').trim().toLowerCase();
}

function isWorkingOperator({ role, state }: Account): boolean {
  return role === 'operator' && state === 'active';
}

function accountOf(row: StateRow): Account {
  return {
    id: String(row.id),
    name: String(row.name),
    role: row.role === 'operator' ? 'operator' : 'viewer',
    state: row.state === 'active' ? 'active' : 'invited',
    totp: row.totp_nonce !== null && row.totp_nonce !== undefined,
    generation: Number(row.generation),
  };
}
