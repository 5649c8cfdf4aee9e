import { CasehardError, column, generateKey } from '@casehard/core';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCanaries } from '../../src/database/evidence.ts';
import { readRotation } from '../../src/keys/read-rotation.ts';
import { resealFields } from '../../src/keys/reseal.ts';
import { checkWithdrawal, withdrawKey } from '../../src/keys/withdraw.ts';
import { ENGINES } from '../engines.ts';
import { kidOf, openVault, VAULT_CONTENTS, type Vault, vaultFields } from './vault.ts';

const DAY = 86_400_000;

describe.each(ENGINES)('withdrawing a key on $engine', (engine) => {
  let vault: Vault;
  beforeEach(async () => {
    if (!engine.absent) vault = await openVault(engine);
  });
  afterEach(() => vault?.drop());

  const reseal = async (): Promise<void> => {
    const project = vault.rotating();
    const { fields } = await readRotation(project, vault.test.db);
    await resealFields(project, vault.test.db, { fields, kids: [vault.oldKid], workers: 2 });
  };
  const refusal = async (project = vault.rotating(), kid = vault.oldKid, timing = {}): Promise<CasehardError> => {
    const outcome = await checkWithdrawal(project, vault.test.db, kid, timing).catch((error: unknown) => error);
    if (!(outcome instanceof CasehardError)) throw new Error('it was not refused');
    return outcome;
  };

  it.skipIf(engine.absent)(
    'is refused while a single value is under it, with the number and up to 20 locators',
    async () => {
      const many = await refusal();
      expect(many.code).toBe('KEY_IN_USE');
      expect(many.message).toContain('32 values are under it: password#1, password#2,');
      expect(many.message).toMatch(/password#20 and 12 more$/);
      await reseal();
      // One that an old process puts back, damaged, so that nobody can open it.
      const sealed = vault
        .project({ active: vault.oldKey })
        .hard.field('password')
        .seal('late', { id: 7 } as never);
      await sql`update users set password = ${`${sealed.slice(0, -3)}AAA`} where id = 7`.execute(vault.test.db.kysely);
      expect((await refusal()).message).toBe(
        `key ${vault.oldKid} cannot be withdrawn yet: 1 value is under it: password#7`,
      );
      // The same, saved over by a process that knows base64 only.
      await sql`update users set password = ${Buffer.from(sealed).toString('base64')} where id = 7`.execute(
        vault.test.db.kysely,
      );
      expect((await refusal()).message).toContain('1 value is under it: password#7');
    },
  );

  it.skipIf(engine.absent)('tells the two credentials of one document apart', async () => {
    await reseal();
    const [text] = await vault.read('select config from clients');
    const document = JSON.parse(String(text)) as Record<string, string>;
    document.secret = vault
      .project({ active: vault.oldKey })
      .hard.field('secret')
      .seal('again', { id: 1 } as never);
    await sql`update clients set config = ${JSON.stringify(document)}`.execute(vault.test.db.kysely);
    expect((await refusal()).message).toContain('1 value is under it: secret#1');
    // The facts of the rotation see it too, although the document begins with a value under the new key.
    expect((await readRotation(vault.rotating(), vault.test.db)).values.get(vault.oldKid)).toBe(1);
  });

  it.skipIf(engine.absent)(
    'is refused while it is active or staged here, or active in a live process, which is named',
    async () => {
      await reseal();
      const { oldKey, newKey, oldKid } = vault;
      expect((await refusal(vault.project({ active: oldKey, previous: [newKey] }))).message).toContain(
        'it is active here',
      );
      expect((await refusal(vault.project({ active: newKey, staged: [oldKey] }))).message).toContain(
        'it is staged here',
      );
      await vault.report({ id: 'one', host: 'web-1:4711', activeKid: oldKid, kids: [oldKid] });
      const live = await refusal();
      expect(live.code).toBe('KEY_IN_USE');
      expect(live.message).toBe(`key ${oldKid} cannot be withdrawn yet: it is active in web-1:4711 (0.1.0)`);
      // Gone without a word: two heartbeats later it is no reason any more.
      await vault.age(76_000);
      expect(await checkWithdrawal(vault.rotating(), vault.test.db, oldKid)).toMatchObject({ kid: oldKid });
    },
  );

  it.skipIf(engine.absent)(
    'is refused for two heartbeats after the last sealing, and for quiet days after the last opening',
    async () => {
      await reseal();
      const { oldKid } = vault;
      await vault.report({ id: 'one', sealed: [oldKid] });
      const soon = await refusal();
      expect(soon.message).toContain('a process had it active a moment ago');
      expect(soon.hint).toMatch(/^try again in (59|60) seconds$/);
      await vault.report({ id: 'one', opened: [oldKid] });
      await vault.age(5 * DAY);
      const quiet = await refusal();
      expect(quiet.message).toBe(
        `key ${oldKid} cannot be withdrawn yet: a process opened something with it 5 days ago`,
      );
      expect(quiet.hint).toBe('wait until it has been quiet for `keys.quietDays` (7): 2 more days at the earliest');
      expect(await checkWithdrawal(vault.rotating({ quietDays: 4 }), vault.test.db, oldKid)).toMatchObject({
        kid: oldKid,
      });
    },
  );

  it.skipIf(engine.absent || engine.engine === 'sqlite')(
    'is refused while a transaction is open that began before the key came to rest',
    async () => {
      await reseal();
      const other = vault.test.connect();
      const timing = { heartbeat: 100 };
      await other.kysely.connection().execute(async (connection) => {
        await sql`begin`.execute(connection);
        await sql`update users set note = 'open' where id = 3`.execute(connection);
        await vault.report({ id: 'one', sealed: [vault.oldKid] });
        await new Promise((done) => setTimeout(done, 400));
        const open = await refusal(vault.rotating(), vault.oldKid, timing);
        expect(open.code).toBe('KEY_IN_USE');
        expect(open.message).toMatch(
          /a transaction has been open for \d+ seconds?, since before the key came to rest$/,
        );
        await sql`rollback`.execute(connection);
      });
      await other.close();
      expect(await checkWithdrawal(vault.rotating(), vault.test.db, vault.oldKid, timing)).toMatchObject({
        transactionsVisible: true,
      });
    },
  );

  it.skipIf(engine.absent)('is refused while a column that no field declares holds a value under it', async () => {
    await reseal();
    const sealed = vault
      .project({ active: vault.oldKey })
      .hard.field('password')
      .seal('forgotten', { id: 1 } as never);
    await sql`update users set note = ${sealed} where id in (1, 2)`.execute(vault.test.db.kysely);
    const forgotten = await refusal();
    expect(forgotten.code).toBe('KEY_IN_USE');
    expect(forgotten.message).toContain('values under it stand where no field is declared: users.note (2)');
    expect(forgotten.hint).toContain('declare the field');
  });

  it.skipIf(engine.absent)(
    'finds what is forgotten in any type of column that takes text, and in other schemas',
    async () => {
      const sealed = vault
        .project({ active: vault.oldKey })
        .hard.field('password')
        .seal('forgotten', { id: 1 } as never);
      await reseal();
      const places = {
        sqlite: [
          ['datetime', sealed],
          ['numeric', sealed],
          ['anything', sealed],
        ],
        postgres: [
          ['text[]', `{${sealed}}`],
          ['xml', `<a>${sealed}</a>`],
          ['jsonb', `["${sealed}"]`],
        ],
        mysql: [
          ['json', `["${sealed}"]`],
          [`enum('x', '${sealed}')`, sealed],
        ],
      } as const;
      for (const [type, value] of places[engine.engine]) {
        await vault.execute(
          `create table odd (id int not null primary key, at ${type})`,
          `insert into odd values (1, '${value}')`,
        );
        expect((await refusal()).message, type).toContain(
          'values under it stand where no field is declared: odd.at (1)',
        );
        await vault.execute('drop table odd');
      }
      if (engine.engine === 'sqlite') return;
      const schema = `casehard_other_${Date.now()}`;
      await vault.execute(`create schema ${schema}`);
      try {
        await vault.execute(
          `create table ${schema}.users (id int not null primary key, password varchar(400), backup varchar(400))`,
          `insert into ${schema}.users (id, backup) values (1, '${sealed}')`,
        );
        const fields = {
          ...vaultFields,
          password: column(`${schema}.users`, 'password', { row: { id: 'int' }, was: 'base64' }),
        };
        const other = vault.project({ active: vault.newKey, previous: [vault.oldKey] }, { fields });
        expect((await refusal(other)).message).toContain(`${schema}.users.backup (1)`);
      } finally {
        await vault.execute(`drop schema ${schema} ${engine.engine === 'postgres' ? 'cascade' : ''}`);
      }
    },
  );

  it.skipIf(engine.absent)(
    'takes the canary away, asks nobody for the key any more, and prints lines without a key',
    async () => {
      await reseal();
      const project = vault.rotating();
      const checked = await checkWithdrawal(project, vault.test.db, vault.oldKid);
      expect(checked.lines).toEqual(['CASEHARD_PREVIOUS_ENC_KEYS=', `CASEHARD_WITHDRAWN_KIDS=${vault.oldKid}`]);
      expect((await readCanaries(vault.test.db)).map(({ kid }) => kid)).toContain(vault.oldKid); // checking changes nothing
      await withdrawKey(project, vault.test.db, checked);
      expect((await readCanaries(vault.test.db)).map(({ kid }) => kid)).toEqual([vault.newKid]);
      expect(await vault.contents({ active: vault.newKey, withdrawn: [vault.oldKid] })).toEqual(VAULT_CONTENTS);
      await vault.run(vaultFields, {}, vault.project({ active: vault.newKey }).keyring); // asks for no other key
      await withdrawKey(project, vault.test.db, checked); // twice does no harm
    },
  );

  it.skipIf(engine.absent)('looks at the processes once more after the person was asked', async () => {
    await reseal();
    const project = vault.rotating();
    const checked = await checkWithdrawal(project, vault.test.db, vault.oldKid);
    await vault.report({ id: 'late', host: 'cron:1', activeKid: vault.oldKid, kids: [vault.oldKid] });
    await expect(withdrawKey(project, vault.test.db, checked)).rejects.toMatchObject({
      code: 'KEY_IN_USE',
      message: `key ${vault.oldKid} cannot be withdrawn yet: it is active in cron:1 (0.1.0)`,
    });
    expect((await readCanaries(vault.test.db)).map(({ kid }) => kid)).toContain(vault.oldKid);
  });

  it.skipIf(engine.absent)('refuses what is no key id without quoting it, and a key that nobody knows', async () => {
    const key = generateKey('enc');
    const wrong = await refusal(vault.rotating(), key);
    expect(wrong.code).toBe('USAGE');
    expect(`${wrong.message} ${wrong.hint}`).not.toContain(kidOf(key));
    expect(await refusal(vault.rotating(), kidOf(key))).toMatchObject({
      code: 'NOT_FOUND',
      message: `no key ${kidOf(key)} is known here`,
    });
  });

  it.skipIf(engine.absent)(
    'of a tracking key is refused while it makes links, and lists it among the withdrawn ones of both kinds',
    async () => {
      const [older, newer] = [generateKey('trk'), generateKey('trk')];
      const tkid = kidOf(older);
      const keys = { active: vault.newKey, previous: [vault.oldKey], withdrawn: ['abcdefgh'] };
      const active = vault.project(keys, { tracking: { active: older } });
      expect((await refusal(active, tkid)).message).toContain('it is active here');
      const project = vault.project(keys, { tracking: { active: newer, previous: [older] } });
      await vault.report({ id: 'mail', host: 'mail:1', trackingKid: tkid, trackingKids: [tkid] });
      expect((await refusal(project, tkid)).message).toContain('it is active in mail:1');
      await vault.age(76_000);
      expect((await checkWithdrawal(project, vault.test.db, tkid)).lines).toEqual([
        'CASEHARD_PREVIOUS_TRACKING_KEYS=',
        `CASEHARD_WITHDRAWN_KIDS=abcdefgh ${tkid}`,
      ]);
      // Somebody clicked a link of an old mail.
      await vault.report({ id: 'web', opened: [tkid] });
      await vault.age(2 * DAY);
      expect((await refusal(project, tkid)).message).toBe(
        `key ${tkid} cannot be withdrawn yet: a process opened something with it 2 days ago`,
      );
    },
  );
});
