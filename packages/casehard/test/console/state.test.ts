import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { generateKey } from '@casehard/core';
import { generateStateKey, hashToken, parseStateKey, type StateKey } from '@casehard/core/state';
import { verify } from '@node-rs/argon2';
import { sql } from 'kysely';
import { TOTP } from 'otpauth';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadStateKey } from '../../src/config/state-key-file.ts';
import { Accounts } from '../../src/console/state/accounts.ts';
import { Sessions } from '../../src/console/state/sessions.ts';
import { networkOf, Throttle, throttleKeys } from '../../src/console/state/throttle.ts';
import { CONSOLE_TABLES, ensureConsoleTables } from '../../src/database/console-tables.ts';
import { StateRows } from '../../src/database/state-rows.ts';
import { ENGINES, type TestDatabase, temporaryFolder } from '../engines.ts';

const PASSWORD = 'correct horse battery';
const HOUR = 3_600_000;

describe.each(ENGINES)('the state of the console on $engine', (engine) => {
  let test: TestDatabase;
  let key: StateKey;
  let rows: StateRows;
  let accounts: Accounts;
  let sessions: Sessions;
  let time = 0;
  const now = (): number => time;

  beforeAll(async () => {
    if (engine.absent) return;
    test = await engine.create();
    // From two places at once, as two consoles that start together do.
    await Promise.all([ensureConsoleTables(test.db), ensureConsoleTables(test.connect())]);
    await ensureConsoleTables(test.db);
  });
  afterAll(() => test?.drop());
  beforeEach(async () => {
    if (engine.absent) return;
    time = Date.UTC(2026, 10, 25);
    key = parseStateKey(generateStateKey(), 'a test');
    rows = new StateRows(test.db, key);
    accounts = new Accounts({ rows, key, now });
    sessions = new Sessions({ rows, key, accounts, now });
    for (const table of Object.keys(CONSOLE_TABLES)) await sql`delete from ${sql.table(table)}`.execute(test.db.kysely);
  });

  const run = it.skipIf(engine.absent);
  const raw = (text: string) => sql.raw(text).execute(test.db.kysely);

  run('a row is read as it was written, numbers and absent values too', async () => {
    await rows.insert('casehard_accounts', {
      id: 'a',
      name: "O'Brien 😀",
      generation: 9_007_199_254_740_991,
      password: '',
    });
    expect(await rows.find('casehard_accounts', { id: 'a' })).toEqual([
      expect.objectContaining({
        id: 'a',
        name: "O'Brien 😀",
        generation: 9_007_199_254_740_991,
        password: '',
        role: null,
      }),
    ]);
  });

  run.each([
    ["update casehard_accounts set role = 'operator'", 'a raised role'],
    ["update casehard_accounts set password = 'x'", 'another password'],
    ['update casehard_accounts set generation = 7', 'another generation'],
    ['update casehard_accounts set totp_nonce = null', 'a code that is no longer asked for'],
    ["update casehard_accounts set name = 'eve'", 'another name'],
    ["update casehard_accounts set id = 'other'", 'another id'],
  ])('%s gives nothing: the row is absent (%s)', async (statement) => {
    const { id } = await accounts.create({ name: 'vera', role: 'viewer', password: PASSWORD });
    const { nonce, secret } = await accounts.beginTotp(id);
    expect(await accounts.confirmTotp(id, nonce, codeOf(secret, time))).toBe(true);
    await raw(statement);
    expect(await accounts.list()).toEqual([]);
    expect(await accounts.verify('vera', PASSWORD)).toBeUndefined();
  });

  run('a tag counts for its own row and table only', async () => {
    await accounts.create({ name: 'ada', role: 'operator', password: PASSWORD });
    await accounts.create({ name: 'vera', role: 'viewer', password: PASSWORD });
    await raw(
      "update casehard_accounts set mac = (select m from (select mac as m from casehard_accounts where name = 'ada') x) where name = 'vera'",
    );
    expect((await accounts.list()).map(({ name }) => name)).toEqual(['ada']);
  });

  run('a row of another state key is absent', async () => {
    await accounts.create({ name: 'ada', role: 'operator', password: PASSWORD });
    const other = new StateRows(test.db, parseStateKey(generateStateKey(), 'a test'));
    expect(await other.find('casehard_accounts', {})).toEqual([]);
  });

  run('two changes of one row: the second one is told that it came too late', async () => {
    await rows.insert('casehard_attempts', { id: 'a', failures: 1 });
    const [row] = await rows.find('casehard_attempts', { id: 'a' });
    if (!row) throw new Error('no row');
    expect(await rows.update('casehard_attempts', row, { failures: 2 })).toBe(true);
    expect(await rows.update('casehard_attempts', row, { failures: 3 })).toBe(false);
    expect((await rows.find('casehard_attempts', { id: 'a' }))[0]?.failures).toBe(2);
  });

  run('an account signs in with its password only, whatever the case of its name', async () => {
    await accounts.create({ name: 'Ada', role: 'operator', password: PASSWORD });
    expect((await accounts.verify('ada', PASSWORD))?.role).toBe('operator');
    for (const [name, password] of [
      ['ada', 'wrong horse battery'],
      ['ada', ''],
      ['bob', PASSWORD],
      ['', ''],
    ] as const) {
      expect(await accounts.verify(name, password)).toBeUndefined();
    }
  });

  run.each([
    ['a taken name', { name: 'ADA', password: PASSWORD }, 'this name is taken'],
    ['no name', { name: ' ', password: PASSWORD }, '1 to 64 characters'],
    ['an invisible name', { name: 'a\u200bb', password: PASSWORD }, '1 to 64 characters'],
    ['a short password', { name: 'bob', password: 'short' }, '12 to 256 characters'],
    ['the name as password', { name: 'long-enough-name', password: 'Long-Enough-Name' }, 'the password is the name'],
  ])('refuses %s', async (_what, order, message) => {
    await accounts.create({ name: 'ada', role: 'operator', password: PASSWORD });
    await expect(accounts.create({ role: 'viewer', ...order })).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining(message),
    });
  });

  run('the last operator can neither be removed nor made a viewer', async () => {
    const ada = await accounts.create({ name: 'ada', role: 'operator', password: PASSWORD });
    await accounts.invite({ name: 'bob', role: 'operator' });
    const last = { code: 'REFUSED', message: 'this is the last operator' };
    await expect(accounts.remove(ada.id)).rejects.toMatchObject(last);
    await expect(accounts.setRole(ada.id, 'viewer')).rejects.toMatchObject(last);
    await accounts.create({ name: 'eva', role: 'operator', password: PASSWORD });
    await accounts.remove(ada.id);
    expect(await accounts.operators()).toBe(1);
  });

  run('of two operators who remove each other at once, one stays', async () => {
    const [ada, eva] = [
      await accounts.create({ name: 'ada', role: 'operator', password: PASSWORD }),
      await accounts.create({ name: 'eva', role: 'operator', password: PASSWORD }),
    ];
    await Promise.allSettled([accounts.remove(ada.id), accounts.setRole(eva.id, 'viewer')]);
    expect(await accounts.operators()).toBe(1);
  });

  run('two of one name at once make one account', async () => {
    const order = { name: 'ada', role: 'viewer', password: PASSWORD } as const;
    await Promise.allSettled([accounts.create(order), accounts.create({ ...order, name: 'ADA' })]);
    expect(await accounts.list()).toHaveLength(1);
  });

  run('a copy of the database and the password do not go together without the state key', async () => {
    await accounts.create({ name: 'ada', role: 'viewer', password: PASSWORD });
    const [row] = await rows.find('casehard_accounts', {});
    expect(await verify(String(row?.password), PASSWORD)).toBe(false);
  });

  run('an invitation works once, and for a day', async () => {
    const { token, account } = await accounts.invite({ name: 'vera', role: 'viewer' });
    expect(await accounts.verify('vera', '')).toBeUndefined();
    const used = { code: 'REFUSED', message: expect.stringContaining('this invitation') };
    await expect(accounts.accept(`${token}x`, PASSWORD)).rejects.toMatchObject(used);
    expect((await accounts.accept(token, PASSWORD)).id).toBe(account.id);
    await expect(accounts.accept(token, PASSWORD)).rejects.toMatchObject(used);
    const late = await accounts.invite({ name: 'late', role: 'viewer' });
    time += 25 * HOUR;
    await expect(accounts.accept(late.token, PASSWORD)).rejects.toMatchObject(used);
  });

  run('a code is asked for once it was proven, works once, and its secret is nowhere in the database', async () => {
    const ada = await accounts.create({ name: 'ada', role: 'operator', password: PASSWORD });
    const { secret, nonce } = await accounts.beginTotp(ada.id);
    expect(await accounts.confirmTotp(ada.id, nonce, '000000')).toBe(false);
    expect(await accounts.confirmTotp(ada.id, nonce, codeOf(secret, time))).toBe(true);
    const account = (await accounts.verify('ada', PASSWORD)) ?? ada;
    expect(account.totp).toBe(true);
    expect(await accounts.checkTotp(account, codeOf(secret, time))).toBe(false); // the one that proved it
    time += 30_000;
    const code = codeOf(secret, time);
    const both = await Promise.all([accounts.checkTotp(account, code), accounts.checkTotp(account, code)]);
    expect(both.filter(Boolean)).toHaveLength(1);
    expect(await accounts.checkTotp(account, code)).toBe(false);
    time += 90_000;
    expect(await accounts.checkTotp(account, codeOf(secret, time - 90_000))).toBe(false);
    expect(JSON.stringify(await rows.find('casehard_accounts', {}))).not.toContain(secret);
  });

  run('a session is found by its token, of which the database has the hash alone', async () => {
    const ada = await accounts.create({ name: 'ada', role: 'operator', password: PASSWORD });
    const { token } = await sessions.begin(ada);
    const found = await sessions.find(token);
    expect(found?.account.name).toBe('ada');
    expect(found?.csrf).toMatch(/^[\w-]{43}$/);
    expect(JSON.stringify(await rows.find('casehard_sessions', {}))).not.toContain(token);
    expect(await sessions.find(hashToken(token))).toBeUndefined();
    await sessions.end(token);
    expect(await sessions.find(token)).toBeUndefined();
  });

  run('a session ends when nobody uses it, and after half a day in any case', async () => {
    const ada = await accounts.create({ name: 'ada', role: 'operator', password: PASSWORD });
    const idle = await sessions.begin(ada);
    time += HOUR / 2 + 1;
    expect(await sessions.find(idle.token)).toBeUndefined();
    const { token } = await sessions.begin(ada);
    for (let i = 0; i < 47; i++) {
      time += HOUR / 4;
      expect(await sessions.find(token)).toBeDefined();
    }
    time += HOUR / 4 + 1;
    expect(await sessions.find(token)).toBeUndefined();
  });

  run.each(['changePassword', 'setRole', 'removeTotp', 'remove'] as const)(
    '%s ends the sessions of the account',
    async (what) => {
      await accounts.create({ name: 'eva', role: 'operator', password: PASSWORD });
      const ada = await accounts.create({ name: 'ada', role: 'operator', password: PASSWORD });
      const { token } = await sessions.begin(ada);
      if (what === 'changePassword') await accounts.changePassword(ada.id, `${PASSWORD}!`);
      else if (what === 'setRole') await accounts.setRole(ada.id, 'viewer');
      else await accounts[what](ada.id);
      expect(await sessions.find(token)).toBeUndefined();
    },
  );

  run("a session that somebody gives another's account is absent", async () => {
    const vera = await accounts.create({ name: 'vera', role: 'viewer', password: PASSWORD });
    const ada = await accounts.create({ name: 'ada', role: 'operator', password: PASSWORD });
    const { token } = await sessions.begin(vera);
    await raw(`update casehard_sessions set account = '${ada.id}'`);
    expect(await sessions.find(token)).toBeUndefined();
  });

  run('guessing is slowed down, also after a restart, and also where the rows are deleted', async () => {
    const keys = throttleKeys('ada', '192.0.2.1');
    const throttle = new Throttle({ rows, now });
    for (let i = 0; i < 5; i++) expect(await throttle.attempt(keys)).toBe(0);
    expect(await throttle.attempt(keys)).toBe(1000);
    const restarted = new Throttle({ rows, now });
    expect(await restarted.attempt(keys)).toBe(1000);
    await raw('delete from casehard_attempts');
    expect(await throttle.attempt(keys)).toBe(1000);
    time += 1000;
    expect(await throttle.attempt(keys)).toBe(0);
    expect(await throttle.attempt(keys)).toBe(2000);
    // Another person at another place waits for nothing.
    expect(await throttle.attempt(throttleKeys('eva', '192.0.2.2'))).toBe(0);
  });

  run('a typo a day from one address does not add up, and an unknown address is no address', async () => {
    const throttle = new Throttle({ rows, now });
    const keys = throttleKeys('ada', '192.0.2.1');
    for (let day = 0; day < 30; day++) {
      time += 24 * HOUR - 1000;
      expect(await throttle.attempt(keys)).toBe(0); // the typo
      for (let i = 0; i < 5; i++) {
        expect(await throttle.attempt(keys)).toBe(0);
        await throttle.succeed(keys);
      }
    }
    expect(throttleKeys('ada', undefined)).toEqual(['account:ada']);
  });

  run('a thousand attempts at once are a thousand attempts', async () => {
    const throttle = new Throttle({ rows, now });
    const waits = await Promise.all(
      Array.from({ length: 200 }, () => throttle.attempt(throttleKeys('ada', '192.0.2.1'))),
    );
    expect(waits.filter((wait) => wait === 0)).toHaveLength(5);
  });

  run(
    'an account waits a minute at most, so that nobody can lock its owner out; an address a quarter of an hour',
    async () => {
      const throttle = new Throttle({ rows, now });
      for (let i = 0; i < 40; i++) {
        time += HOUR / 4;
        expect(await throttle.attempt(throttleKeys('ada', '192.0.2.1'))).toBe(0);
      }
      expect(await throttle.attempt(['account:ada'])).toBe(60_000);
      expect(await throttle.attempt(['address:192.0.2.1'])).toBe(15 * 60_000);
      await throttle.succeed(throttleKeys('ada', '192.0.2.1'));
      expect(await throttle.attempt(['account:ada'])).toBe(0);
    },
  );
});

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ['2001:db8:0:1:aaaa:bbbb:cccc:dddd', '2001:db8:0:1::/64'],
  ['2001:0db8:0:1::7', '2001:db8:0:1::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('attempts of %s count for %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

describe('the state key', () => {
  const folder = temporaryFolder('state-key');
  const path = join(folder, 'casehard.state-key');
  afterEach(() => rmSync(path, { force: true }));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is made once, for its owner alone, and stays', () => {
    const first = loadStateKey({ folder, env: {} });
    expect(first.made).toBe(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const again = loadStateKey({ folder, env: {} });
    expect(again.made).toBeUndefined();
    expect(again.key.tag('p', ['x'])).toBe(first.key.tag('p', ['x']));
  });

  it('is refused where others can read it', () => {
    loadStateKey({ folder, env: {} });
    chmodSync(path, 0o640);
    expect(() => loadStateKey({ folder, env: {} })).toThrow(
      expect.objectContaining({ code: 'KEY_SOURCE', hint: `chmod 600 ${path}` }),
    );
  });

  it.each([
    ['a sealing key', () => generateKey('enc'), 'KEY_IN_WRONG_SETTING'],
    ['a cut one', () => generateStateKey().slice(0, -4), 'KEY_FORMAT'],
    ['something else', () => 'hunter2', 'KEY_FORMAT'],
  ])('%s in its place is an error that does not quote it, and is not written over', (_what, make, code) => {
    const text = make();
    writeFileSync(path, text, { mode: 0o600 });
    const error = caught(() => loadStateKey({ folder, env: {} }));
    expect(error).toMatchObject({ code });
    expect(inspect(error) + JSON.stringify(error)).not.toContain(text);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('comes from the environment where it is there', () => {
    const text = generateStateKey();
    const { key, made } = loadStateKey({ folder, env: { CASEHARD_STATE_KEY: ` "${text}" ` } });
    expect(made).toBeUndefined();
    expect(key.tag('p', [])).toBe(parseStateKey(text, 'a test').tag('p', []));
  });

  it('shows nothing of itself', () => {
    const text = generateStateKey();
    const key = parseStateKey(text, 'a test');
    const shown = `${key}${JSON.stringify({ key })}${inspect(key, { showHidden: true, depth: 9 })}`;
    expect(shown).not.toContain(text.slice(9));
    expect(shown).toContain('[state key]');
  });
});

function codeOf(secret: string, at: number): string {
  return new TOTP({ secret, algorithm: 'SHA1', digits: 6, period: 30 }).generate({ timestamp: at });
}

function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
