import { CasehardError, column, createCasehard, createKeyring, type Fields, generateKey } from '@casehard/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDriver } from '../../src/inventory/driver.ts';
import { resolveFields } from '../../src/inventory/resolve.ts';
import { planFor } from '../../src/jobs/pending.ts';
import { run } from '../../src/jobs/run.ts';
import { runUpgrade } from '../../src/upgrade/run.ts';
import { dump } from '../cli/dump.ts';
import { ENGINES } from '../engines.ts';
import { FIELDS, found, makePatient, PASSWORD, type Patient, SECRETS } from './patient.ts';

/** The stories of the field notes, each told to casehard. */
describe.each(ENGINES)('stories from the field, on $engine', (engine) => {
  let patient: Patient;
  beforeAll(async () => {
    if (!engine.absent) patient = await makePatient(engine);
  });
  beforeEach(async () => {
    if (!engine.absent) await patient.reset();
  });
  afterAll(() => patient?.drop());

  const stored = async (id: number): Promise<string> =>
    (await patient.read(`select smtp_password from users where id = ${id}`))[0] ?? '';
  const set = (id: number, text: string) =>
    patient.execute(`update users set smtp_password = '${text}' where id = ${id}`);
  const field = (active = patient.key) =>
    createCasehard({ fields: FIELDS, keyring: createKeyring({ active }), warn: () => {} }).field(PASSWORD);

  it.skipIf(engine.absent)(
    '"decryption failed, so it must be plaintext": a wrong key hands out nothing and writes nothing',
    async () => {
      await patient.harden();
      const before = await dump(patient.test.db);
      const wrong = generateKey('enc');
      const hard = createCasehard({ fields: FIELDS, keyring: createKeyring({ active: wrong }), warn: () => {} });
      const attached = await hard.attach(createDriver(patient.test.db, FIELDS));
      try {
        const one = await stored(1);
        expect(() => hard.field(PASSWORD).open(one, { id: 1 })).toThrow(
          expect.objectContaining({
            code: 'CANNOT_OPEN',
            message: `${PASSWORD}: the stored credential cannot be opened`,
          }),
        );
        expect(() => hard.field(PASSWORD).seal('saved by the form', { id: 1 })).toThrow(
          expect.objectContaining({ code: 'KEY_NOT_KNOWN_HERE' }),
        );
        expect(attached.problems.map(({ code }) => code)).toEqual(['KEY_NOT_KNOWN_HERE']);
        await expect(
          run(patient.project({ keys: { active: wrong } }), patient.test.db, { act: 'harden' }),
        ).rejects.toMatchObject({ code: 'KEY_NOT_KNOWN_HERE' });
      } finally {
        await attached.detach();
      }
      expect(await dump(patient.test.db)).toEqual(before);
      const { headline, verdict } = await patient.diagnose({ keys: { active: wrong } });
      expect([headline, verdict]).toEqual([
        'The configured keys do not belong to this database, so no sealed credential opens: that is why SMTP, bounces and OAuth all fail at once, and nothing else is wrong with them.',
        'failed',
      ]);
    },
  );

  it.skipIf(engine.absent)(
    '"it looks encrypted, so skip it": a password that looks sealed is sealed like any other, and a stored one is named',
    async () => {
      await patient.harden();
      const lookalike = 'chd1.this-is-my-password';
      await set(2, field().seal(lookalike, { id: 2 }));
      expect(field().openText(await stored(2), { id: 2 })).toBe(lookalike);
      expect(await stored(2)).not.toContain('this-is-my-password');
      // Written past the library, in a field of plaintext: nobody may take it for sealed and leave it at that.
      const fields = { [PASSWORD]: column('users', 'smtp_password', { row: { id: 'int' }, was: 'plaintext' }) };
      await set(3, lookalike);
      const [finding] = found(await patient.diagnose({ config: { fields } }), 'VALUES_MALFORMED');
      expect(finding).toMatchObject({
        verdict: 'failed',
        evidence: `1 unreadable MALFORMED in ${PASSWORD}`,
        locators: [{ locator: `${PASSWORD}#3` }],
      });
    },
  );

  it.skipIf(engine.absent)(
    'detecting by shape: what looks like hex, base64 or a token is an ordinary secret, and comes back as it was',
    async () => {
      const fields = { [PASSWORD]: column('users', 'smtp_password', { row: { id: 'int' }, was: 'plaintext' }) };
      const texts = [
        'da39a3ee5e6b4b0d3255bfef95601890afd80709',
        'aHVudGVyMg==',
        'eyJhbGciOiJub25lIn0.eyJzdWIiOjF9.c2ln',
      ];
      for (const [i, text] of texts.entries()) await set(i + 1, text);
      const [legacy] = found(await patient.diagnose({ config: { fields } }), 'VALUES_LEGACY');
      expect(legacy?.evidence).toBe(`3 legacy plaintext in ${PASSWORD}`);
      await run(patient.project({ config: { fields } }), patient.test.db, { act: 'harden' });
      for (const [i, text] of texts.entries()) expect(field().openText(await stored(i + 1), { id: i + 1 })).toBe(text);
      const [current] = found(await patient.diagnose({ config: { fields } }), 'VALUES_CURRENT');
      expect(current?.evidence).toBe('3 values sealed under the active key, each opened');
    },
  );

  it.skipIf(engine.absent)(
    "a user who submits another row's sealed value gets that text back, never the other's password",
    async () => {
      await patient.harden();
      const stolen = await stored(1);
      await set(2, field().seal(stolen, { id: 2 }));
      expect(field().openText(await stored(2), { id: 2 })).toBe(stolen);
      const [nested] = found(await patient.diagnose(), 'VALUES_NESTED');
      expect(nested?.locators).toEqual([{ locator: `${PASSWORD}#2` }]);
      // The same with write access to the database: it opens nowhere but where it comes from, and the doctor says where.
      await set(2, stolen);
      expect(() => field().open(stolen, { id: 2 })).toThrow(expect.objectContaining({ code: 'CANNOT_OPEN' }));
      const [moved] = found(await patient.diagnose(), 'VALUES_MOVED');
      expect(moved?.locators).toEqual([{ locator: `${PASSWORD}#2`, from: `${PASSWORD}#1` }]);
      expect(field().openText(stolen, { id: 1 })).toBe(SECRETS[0]);
    },
  );

  it.skipIf(engine.absent)(
    'an old process saves base64 over a sealed value: it is found, and a run does not seal it again',
    async () => {
      await patient.harden();
      const over = Buffer.from(await stored(1)).toString('base64');
      await set(1, over);
      const [finding] = found(await patient.diagnose(), 'VALUES_SAVED_OVER');
      expect(finding?.locators).toEqual([{ locator: `${PASSWORD}#1` }]);
      const { quarantined } = await run(patient.project(), patient.test.db, { act: 'harden' });
      expect([quarantined, await stored(1)]).toEqual([1, over]);
    },
  );

  it.skipIf(engine.absent || engine.engine === 'sqlite')(
    'a later unrelated migration shrank the column again: it is named, with every value that it cut',
    async () => {
      const fields = {
        'shop.token': column('shops', 'token', { row: { id: 'int' }, was: 'plaintext' }),
      } satisfies Fields;
      await patient.execute(
        'drop table if exists shops',
        'create table shops (id int not null primary key, token varchar(40))',
        `insert into shops values (1, 'one'), (2, 'two')`,
      );
      const project = patient.project({ config: { fields } });
      const resolved = await resolveFields(patient.test.db, project.hard, { keyring: project.keyring });
      await runUpgrade(patient.test.db, await planFor(patient.test.db, resolved.fields));
      await run(project, patient.test.db, { act: 'harden' });
      await patient.test.db.kysely.connection().execute(async (one) => {
        if (engine.engine === 'postgres') {
          await sql`alter table shops alter column token type varchar(40) using left(token, 40)`.execute(one);
        } else {
          await sql`set session sql_mode = ''`.execute(one);
          await sql`alter table shops modify token varchar(40)`.execute(one);
          await sql`set session sql_mode = default`.execute(one);
        }
      });
      const diagnosis = await patient.diagnose({ config: { fields } });
      expect(found(diagnosis, 'COLUMN_SHRUNK')).toMatchObject([
        {
          verdict: 'failed',
          evidence: expect.stringMatching(
            /^shops\.token: .* holds 40 and \d+ are needed; it was widened on \d{4}-\d\d-\d\d$/,
          ),
          fix: expect.stringContaining('take the width out of the migration'),
        },
      ]);
      expect(found(diagnosis, 'VALUES_TRUNCATED')).toMatchObject([
        { verdict: 'failed', locators: [{ locator: 'shop.token#1' }, { locator: 'shop.token#2' }], locatorsInAll: 2 },
      ]);
      await patient.execute('drop table shops');
    },
  );

  it.skipIf(engine.absent)(
    'SMTP, bounces and OAuth fail all at once: the first line says that it is the keys',
    async () => {
      await patient.harden();
      const all = 'that is why SMTP, bounces and OAuth all fail at once, and nothing else is wrong with them.';
      const unreadable = new CasehardError(
        'KEY_SOURCE',
        'the file that CASEHARD_ENC_KEY_FILE names cannot be read (EACCES)',
      );
      const told = [
        await patient.diagnose({ keys: {} }),
        await patient.diagnose({ keys: { active: generateKey('enc') }, quick: true }),
        await patient.diagnose({ keys: {}, keysProblem: unreadable }),
        await patient.diagnose({ keys: { active: generateKey('enc'), withdrawn: [patient.kid] } }),
      ].map(({ headline }) => headline);
      expect(told).toEqual([
        `The key of this database is not configured, so no sealed credential opens: ${all}`,
        `The configured keys do not belong to this database, so no sealed credential opens: ${all}`,
        `The keys of this configuration cannot be read, so no stored credential opens: ${all}`,
        `Every sealed credential is under a key that this configuration does not open: ${all}`,
      ]);
      expect((await patient.diagnose()).headline).toBeUndefined();
    },
  );
});
