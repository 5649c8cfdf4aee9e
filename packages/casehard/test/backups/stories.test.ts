import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CasehardError, generateKey } from '@casehard/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDriver } from '../../src/inventory/driver.ts';
import { ENGINES } from '../engines.ts';
import { bodyOf, kidOf, makeShop, projectOf, type Shop, sealUser } from './shop.ts';

/** The stories of users of other systems about lost and wrong keys, and how each of them ends here. */
describe.each(ENGINES)('stories of lost and wrong keys, on $engine', (engine) => {
  const [key, other] = [generateKey('enc'), generateKey('enc')];
  let shop: Shop;
  beforeAll(async () => {
    if (!engine.absent) shop = await makeShop(engine, { CASEHARD_ENC_KEY: key });
  });
  afterAll(() => shop?.drop());

  const stored = async (id: number): Promise<string> =>
    String((await shop.read(`select secret from users where id = ${id}`))[0]);
  const userField = (keys: Readonly<Record<string, string>>) => projectOf(shop, keys).hard.field('user.secret');
  const refusal = (work: () => unknown): CasehardError => {
    try {
      work();
    } catch (error) {
      if (error instanceof CasehardError) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  };

  it.skipIf(engine.absent)(
    'all passwords "lost after update" because the key had changed: it is said at once, by its name, and putting the key back opens them all',
    async () => {
      const changed = await shop.runAs({ CASEHARD_ENC_KEY: other }, ['status', '--json']);
      expect([changed.code, changed.json.problems]).toMatchObject([
        1,
        [
          {
            code: 'KEY_NOT_KNOWN_HERE',
            message: `this database was hardened under key ${kidOf(key)}; configured is ${kidOf(other)}`,
          },
        ],
      ]);
      const refused = await shop.runAs({ CASEHARD_ENC_KEY: other }, ['harden', '--json']);
      expect([refused.code, refused.json.error]).toMatchObject([1, { code: 'KEY_NOT_KNOWN_HERE' }]);
      const back = await shop.runAs({ CASEHARD_ENC_KEY: key }, ['status', '--deep', '--check', '--json']);
      expect([back.code, back.json.notHardened]).toEqual([0, 0]);
    },
  );

  it.skipIf(engine.absent)(
    'a wrong key gave a five-character garbage string: it gives an error, for every value',
    async () => {
      const field = userField({ CASEHARD_ENC_KEY: other });
      for (let id = 1; id <= 30; id++) {
        const value = await stored(id);
        const { code, message, reason } = refusal(() => field.openText(value, { id } as never));
        expect([code, message, reason]).toEqual(['CANNOT_OPEN', message, 'UNKNOWN_KEY']);
        expect(message).not.toContain('plain-');
      }
      // Under another key that pretends to have the id, it is the tag that speaks, before anything is deciphered.
      const renamed = (await stored(1)).replace(kidOf(key), kidOf(other));
      expect(refusal(() => field.openText(renamed, { id: 1 } as never)).reason).toBe('MAC');
    },
  );

  it.skipIf(engine.absent)(
    'a key edited in a file surfaced six months later: an edited key surfaces at the start',
    async () => {
      const last = key.at(-2) === 'A' ? 'B' : 'A';
      const edited = `${key.slice(0, -2)}${last}${key.at(-1)}`;
      const { code, json } = await shop.runAs({ CASEHARD_ENC_KEY: edited }, ['status', '--json']);
      expect([code, json.error]).toMatchObject([
        1,
        {
          code: 'KEY_CHECKSUM',
          message: 'environment CASEHARD_ENC_KEY holds a key whose key id does not match its text',
        },
      ]);
      // Without a key id in its text it is the canary that tells, at the start of the process and not at the first read.
      const bare = projectOf(shop, { CASEHARD_ENC_KEY: bodyOf(other) });
      const attached = await bare.hard.attach(createDriver(shop.test.db, bare.config.fields), { heartbeat: 3_600_000 });
      expect(attached.problems.map((problem) => problem.code)).toEqual(['KEY_NOT_KNOWN_HERE']);
      expect(refusal(() => bare.hard.field('user.secret').seal('new', { id: 1 } as never)).code).toBe(
        'KEY_NOT_KNOWN_HERE',
      );
      await attached.detach();
    },
  );

  it.skipIf(engine.absent)(
    'a new key was silently generated when the old one was missing: none is ever made unless asked for',
    async () => {
      const before = readdirSync(shop.folder).sort();
      for (const [args, exit, code] of [
        [['harden'], 1, 'KEY_MISSING'],
        [['set', 'user.secret#1'], 1, 'KEY_MISSING'],
        [['keys', 'backup', 'x.age', '--passphrase'], 1, 'BACKUP'],
      ] as const) {
        const { code: exited, json } = await shop.runAs({}, [...args, '--json'], 'a long enough text');
        expect([exited, json.error], args.join(' ')).toMatchObject([exit, { code }]);
      }
      await shop.runAs({}, ['status']);
      await shop.runAs({}, ['recover']);
      expect(readdirSync(shop.folder).sort()).toEqual(before);
      expect((await shop.read('select kid from casehard_keys')).map((kid) => String(kid).trim())).toEqual([kidOf(key)]);
    },
  );

  it.skipIf(engine.absent)('quotes became part of the key: around a pasted key they are no part of it', async () => {
    const value = await stored(2);
    for (const pasted of [
      `"${key}"`,
      `'${key}'`,
      `\u201c${key}\u201d`,
      ` ${key}\r\n`,
      `\`${key}\``,
      `\ufeff${key}\u200b`,
    ]) {
      expect(userField({ CASEHARD_ENC_KEY: pasted }).openText(value, { id: 2 } as never)).toBe('plain-2');
    }
    writeFileSync(join(shop.folder, '.env'), `CASEHARD_ENC_KEY="${key}"\r\n`);
    const { code, json } = await shop.runAs({}, ['status', '--check', '--json']);
    expect([code, json.notHardened]).toEqual([0, 0]);
    writeFileSync(join(shop.folder, '.env'), '');
  });

  it.skipIf(engine.absent)(
    'one unreadable row made the whole list fail: it is one verdict among the others',
    async () => {
      const before = await stored(3);
      await shop.execute(`update users set secret = '${sealUser(other, 'x', 3)}' where id = 3`);
      const { code, json } = await shop.run(['status', '--deep', '--json']);
      expect([code, json.listed]).toMatchObject([0, [{ locator: 'user.secret#3', verdict: 'unreadable UNKNOWN_KEY' }]]);
      const field = userField({ CASEHARD_ENC_KEY: key });
      const opened = await Promise.all(
        [2, 3, 4].map(async (id) => field.verdict(await stored(id), { id } as never).kind),
      );
      expect(opened).toEqual(['current', 'unreadable', 'current']);
      const lost = await shop.run(['recover', '--json']);
      expect([lost.code, lost.json.remaining]).toEqual([3, 1]);
      await shop.execute(`update users set secret = '${before}' where id = 3`);
    },
  );

  it.skipIf(engine.absent)(
    'the update path opened the old value first, and a lost key locked the operator out: a new one is entered without opening',
    async () => {
      // The application: `seal` looks at no old value.
      const given = { CASEHARD_ENC_KEY: other, CASEHARD_WITHDRAWN_KIDS: kidOf(key) };
      const field = userField(given);
      expect(field.openText(field.seal('new', { id: 5 } as never), { id: 5 } as never)).toBe('new');
      // The operator: says that the key is lost, and types it anew; the other rows stay as they are.
      const before = await stored(6);
      const { code, json } = await shop.runAs(given, ['set', 'user.secret#5', '--json'], 'typed anew');
      expect([code, json]).toMatchObject([0, { locator: 'user.secret#5', stored: 'sealed' }]);
      expect(field.openText(await stored(5), { id: 5 } as never)).toBe('typed anew');
      expect(await stored(6)).toBe(before);
      // The key turns up again: both open.
      const both = userField({ CASEHARD_ENC_KEY: other, CASEHARD_PREVIOUS_ENC_KEYS: key });
      expect([both.openText(await stored(5), { id: 5 } as never), both.openText(before, { id: 6 } as never)]).toEqual([
        'typed anew',
        'plain-6',
      ]);
    },
  );
});
