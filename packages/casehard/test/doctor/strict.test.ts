import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sealedCheckName } from '../../src/database/sealed-check.ts';
import { makeOwnFields, type OwnFields } from '../cli/fields.ts';
import { ENGINES } from '../engines.ts';

const USERS = `'user.password': column('users', 'password', { row: { id: 'int' }, was: base64() })`;
const EMPTY = `'user.token': column('users', 'token', { row: { id: 'int' }, was: plaintext() })`;
const SETTING = `'smtp.password': setting('settings', { where: { name: 'smtp_password' }, value: 'value', was: base64() })`;
const SLASHED = `'slashed.password': setting('settings', { where: { name: 'ours\\\\password' }, value: 'value', was: base64() })`;
const CLIENT = `'client.secret': path('clients', 'config', '/secret', { row: { id: 'int' }, in: 'json', was: plaintext() })`;

describe.each(ENGINES)('strict on $engine', (engine) => {
  const hasChecks = engine.engine !== 'sqlite';
  let own: OwnFields;
  beforeAll(async () => {
    if (engine.absent) return;
    own = await makeOwnFields(
      engine,
      [
        'create table users (id int not null primary key, password varchar(400), token varchar(400))',
        `insert into users values (1, 'b2xk', null), (2, 'b2xk', '')`,
        'create table settings (name varchar(40), value varchar(400))',
        `insert into settings values ('smtp_password', 'b2xk'), ('page_title', 'Our mailer')`,
        'create table clients (id int not null primary key, config text)',
        `insert into clients values (1, '{"secret":"planted-client"}')`,
      ],
      [USERS, EMPTY, SETTING, SLASHED, CLIENT].join(', '),
    );
  });
  afterAll(() => own?.drop());

  const write = (statement: string) => sql.raw(statement).execute(own.test.db.kysely);
  const refuses = async (statement: string): Promise<boolean> =>
    write(statement).then(
      () => false,
      () => true,
    );
  const acts = async (): Promise<readonly string[]> => {
    const { rows } = await sql<{ act: string; subject: string; outcome: string }>`
      select act, subject, outcome from casehard_audit order by seq`.execute(own.test.db.kysely);
    return rows.filter(({ act }) => act === 'strict').map(({ subject, outcome }) => `${subject}: ${outcome}`);
  };

  it.skipIf(engine.absent)('counts what is not sealed, and refuses as long as there is any', async () => {
    const { code, stdout } = await own.run(['strict', 'user.password']);
    expect([code, stdout.split('\n')[0]]).toEqual([
      3,
      'user.password: 2 values are not sealed (legacy base64 2), 0 are.',
    ]);
    expect(stdout).not.toContain('strict: true');
    const install = await own.run(['strict', 'user.password', '--install-check', '--json']);
    if (hasChecks) {
      expect([install.code, install.json]).toMatchObject([
        3,
        { ok: true, exit: 3, field: 'user.password', ready: false, sealed: 0, left: { 'legacy base64': 2 } },
      ]);
    } else expect([install.code, (install.json.error as { code: string }).code]).toEqual([1, 'REFUSED']);
    expect(await refuses(`update users set password = 'b2xk' where id = 1`)).toBe(false);
    expect(await acts()).toEqual([]);
  });

  it.skipIf(engine.absent)('prints the line for the configuration once all are sealed', async () => {
    expect((await own.run(['harden'])).code).toBe(0);
    const { code, stdout } = await own.run(['strict', 'user.password']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^user\.password: 2 values are sealed, and none is not\.\n/);
    expect(stdout).toContain('\n  strict: true\n');
    expect(stdout).toContain(hasChecks ? '--install-check lets the database refuse' : 'SQLite adds no constraint');
    expect((await own.run(['strict', 'nobody'])).code).toBe(2);
    // A constraint of that name may say anything: only one that asks for sealed values is ours.
    if (!hasChecks) return;
    const name = sealedCheckName({ table: 'users', column: 'password', where: {} } as never);
    await write(`alter table users add constraint ${name} check (1 = 1)`);
    expect((await own.run(['strict', 'user.password'])).stdout).not.toContain(
      'The database refuses everything else too',
    );
    await write(`alter table users drop constraint ${name}`);
  });

  it.skipIf(engine.absent || !hasChecks)(
    'lets the database refuse whatever is not sealed, byte for byte; twice is harmless',
    async () => {
      for (let i = 0; i < 2; i++) {
        const { code, stdout } = await own.run(['strict', 'user.password', '--install-check']);
        expect([i, code]).toEqual([i, 0]);
        expect(stdout).toMatch(
          /The database refuses everything else too: constraint casehard_sealed_users_password_\w{8}\./,
        );
      }
      for (const text of ['b2xk', 'CHD1.x', ' chd1.x', 'chd1', 'x']) {
        expect([text, await refuses(`update users set password = '${text}' where id = 1`)]).toEqual([text, true]);
      }
      const { rows } = await sql<{ password: string }>`select password from users where id = 2`.execute(
        own.test.db.kysely,
      );
      for (const value of ['null', `''`, `'${rows[0]?.password}'`]) {
        expect([value, await refuses(`update users set password = ${value} where id = 1`)]).toEqual([value, false]);
      }
      expect((await own.run(['set', 'user.password#1'], { input: 'a new one' })).code).toBe(0);
      expect((await own.run(['upgrade', '--dry-run'])).code).toBe(0);
    },
  );

  it.skipIf(engine.absent || !hasChecks)('of a settings table, binds the rows of the setting alone', async () => {
    expect((await own.run(['strict', 'smtp.password', '--install-check'])).code).toBe(0);
    expect(await refuses(`update settings set value = 'b2xk' where name = 'smtp_password'`)).toBe(true);
    expect(await refuses(`update settings set value = 'Another title' where name = 'page_title'`)).toBe(false);
    expect(await refuses(`insert into settings values ('new', 'thing')`)).toBe(false);
    expect((await own.run(['strict', 'smtp.password', '--remove-check'])).code).toBe(0);
  });

  it.skipIf(engine.absent)('says why there can be no constraint', async () => {
    const document = await own.run(['strict', 'client.secret', '--install-check', '--json']);
    expect([document.code, document.json.error]).toMatchObject([
      1,
      {
        code: 'REFUSED',
        message: 'no constraint: the column holds documents, and a constraint sees no single value in them',
      },
    ]);
    if (hasChecks) {
      const { code, json } = await own.run(['strict', 'slashed.password', '--install-check', '--json']);
      const message = 'no constraint: a value of its `where` has a backslash, which servers read in two ways';
      expect([code, json.error]).toMatchObject([1, { code: 'REFUSED', message }]);
      return;
    }
    const { code, json } = await own.run(['strict', 'user.password', '--install-check', '--json']);
    expect([code, json.error]).toEqual([
      1,
      {
        code: 'REFUSED',
        message: 'no constraint: SQLite adds no constraint to a table that exists',
        hint: `when the application makes the table anew, give it: check ("password" is null or length("password") = 0 or substr(cast("password" as text), 1, 5) = 'chd1.' collate binary)`,
      },
    ]);
    // The condition of the hint does what it says.
    await write(
      `create table again (password text, check ("password" is null or length("password") = 0 or substr(cast("password" as text), 1, 5) = 'chd1.' collate binary))`,
    );
    expect(await refuses(`insert into again values ('b2xk')`)).toBe(true);
    expect(await refuses(`insert into again values ('chd1.x'), (null), ('')`)).toBe(false);
  });

  it.skipIf(engine.absent || !hasChecks)(
    'soften names the constraint and how to remove it, and writes nothing',
    async () => {
      const { code, json } = await own.run(['soften', '--yes', '--json']);
      expect([code, json.error]).toMatchObject([
        1,
        {
          code: 'REFUSED',
          message: expect.stringMatching(
            /^field user\.password: the constraint casehard_sealed_users_password_\w{8} takes sealed values only$/,
          ),
          hint: '`casehard strict user.password --remove-check` removes it; nothing was written',
        },
      ]);
      for (const removed of [true, false]) {
        const gone = await own.run(['strict', 'user.password', '--remove-check', '--json']);
        expect([gone.code, gone.json.removed]).toEqual([0, removed]);
      }
      expect((await own.run(['soften', '--field', 'user.password', '--yes'])).code).toBe(0);
      expect(await acts()).toEqual([
        'user.password: constraint installed',
        'user.password: constraint installed',
        'smtp.password: constraint installed',
        'smtp.password: constraint removed',
        'user.password: constraint removed',
      ]);
    },
  );

  it.skipIf(engine.absent || !hasChecks)(
    'without a key: is not installed, and a save over it is refused in plain words',
    async () => {
      const keyless = { env: { DATABASE_URL: own.env.DATABASE_URL ?? '' } };
      expect((await own.run(['soften', '--yes'])).code).toBe(0); // nothing sealed, no canary: a key is not missed
      const refused = await own.run(['strict', 'user.token', '--install-check', '--json'], keyless);
      expect([refused.code, refused.json.error]).toMatchObject([
        1,
        { code: 'KEY_MISSING', message: 'CASEHARD_ENC_KEY not configured: with the constraint nothing could be saved' },
      ]);
      expect((await own.run(['strict', 'user.token', '--install-check'])).code).toBe(0);
      const { code, json } = await own.run(['set', 'user.token#1', '--json'], { ...keyless, input: 'typed anew' });
      expect([code, json.error]).toMatchObject([
        1,
        { code: 'DATABASE', message: expect.stringMatching(/^database: a constraint of the table refuses the value/) },
      ]);
      expect((await own.run(['strict', 'user.token', '--remove-check'])).code).toBe(0);
    },
  );

  it.skipIf(engine.absent || engine.engine !== 'postgres')(
    'a constraint that was added and not yet validated is completed',
    async () => {
      expect((await own.run(['harden', '--field', 'user.password'])).code).toBe(0);
      await own.run(['strict', 'user.password', '--install-check']);
      await write(`update pg_constraint set convalidated = false where conname like 'casehard_sealed_users_password%'`);
      expect((await own.run(['strict', 'user.password', '--install-check'])).code).toBe(0);
      const { rows } = await sql<{ ok: boolean }>`
      select convalidated as ok from pg_constraint where conname like 'casehard_sealed_users_password%'`.execute(
        own.test.db.kysely,
      );
      expect(rows).toEqual([{ ok: true }]);
    },
  );
});

describe('the name of the constraint', () => {
  it('is another for each setting of one table, and fits every engine', () => {
    const place = { table: 'settings', column: 'value', keys: [], storage: 'text' } as const;
    const names = ['a', 'b'].map((name) => sealedCheckName({ ...place, where: { name } }));
    expect(new Set(names).size).toBe(2);
    const long = sealedCheckName({ ...place, table: 'T'.repeat(60), column: 'c'.repeat(60), where: {} });
    expect(long.length).toBeLessThan(64);
  });
});
