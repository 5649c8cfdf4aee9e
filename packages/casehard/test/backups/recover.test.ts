import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { generateKey } from '@casehard/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { csvLine } from '../../src/keys/csv.ts';
import { lostValue, recover } from '../../src/keys/recover.ts';
import { ENGINES } from '../engines.ts';
import { bodyOf, kidOf, makeShop, projectOf, type Shop, sealUser } from './shop.ts';

describe('a credential is lost', () => {
  it.each([
    [{ kind: 'unreadable', why: 'MAC', kid: 'aaaaaaaa' }, 'unreadable MAC'],
    // The old value is gone, and what an old process saved over it is no credential: to be entered again, too.
    [{ kind: 'unexpected', why: 'LOOKS_SEALED' }, 'unexpected LOOKS_SEALED'],
    [{ kind: 'unexpected', why: 'NOT_LEGACY' }, undefined],
    [{ kind: 'legacy', scheme: 'base64' }, undefined],
  ] as const)('%o: %s', (verdict, said) => {
    expect(lostValue('a.secret', ['1'], verdict as never)?.verdict).toBe(said);
  });
});

describe.each(ENGINES)('recover on $engine', (engine) => {
  const [lost, next] = [generateKey('enc'), generateKey('enc')];
  // The key is gone: a new one is active, and the old one is said to be lost.
  const given = { CASEHARD_ENC_KEY: next, CASEHARD_WITHDRAWN_KIDS: kidOf(lost) };
  let shop: Shop;
  beforeAll(async () => {
    if (engine.absent) return;
    shop = await makeShop(engine, { CASEHARD_ENC_KEY: lost });
    const [first] = await shop.read('select secret from users where id = 1');
    await shop.execute(`update users set secret = '${String(first).slice(0, -4)}AAAA' where id = 1`);
  });
  afterAll(() => shop?.drop());

  it.skipIf(engine.absent)('finds nothing where everything opens but what is damaged', async () => {
    const found = await recover(projectOf(shop, { CASEHARD_ENC_KEY: lost }), shop.test.db);
    expect(found).toMatchObject({
      remaining: 1,
      lostKids: [],
      groups: [
        { field: 'user.secret', verdict: 'unreadable MAC', kid: kidOf(lost), values: 1, locators: ['user.secret#1'] },
      ],
      progress: [{ field: 'user.secret', first: 1, remaining: 1 }],
    });
  });

  it.skipIf(engine.absent || engine.engine !== 'postgres')(
    'lists what is lost also where nothing can be written',
    async () => {
      const [name] = await shop.read('select current_database()');
      await shop.execute(`alter database "${name}" set default_transaction_read_only = on`);
      try {
        const { code, stdout, json } = await shop.runAs(given, ['recover', '--csv', 'replica.csv', '--json']);
        expect([code, json.remaining], stdout).toEqual([3, 36]);
        expect(readFileSync(join(shop.folder, 'replica.csv'), 'utf8').split('\r\n')).toHaveLength(38);
      } finally {
        await shop.execute(`alter database "${name}" reset default_transaction_read_only`);
      }
    },
  );

  it.skipIf(engine.absent)(
    'groups what is lost by field and reason, and keeps the number of the first run',
    async () => {
      const found = await recover(projectOf(shop, {}), shop.test.db);
      expect(found).toMatchObject({
        remaining: 36,
        lostKids: [kidOf(lost)],
        groups: [
          {
            field: 'user.secret',
            verdict: 'unreadable UNKNOWN_KEY',
            kid: kidOf(lost),
            values: 30,
            locators: ['user.secret#1', 'user.secret#2', 'user.secret#3'],
          },
          { field: 'smtp.password', values: 1, locators: ['smtp.password'] },
          { field: 'oauth.secret', values: 5 },
        ],
      });
      expect(found.progress.map(({ first, remaining }) => [first, remaining])).toEqual([
        [30, 30],
        [1, 1],
        [5, 5],
      ]);
      expect(await shop.read("select count(*) from casehard_jobs where kind = 'recover'")).toEqual([
        expect.toSatisfy((n) => Number(n) === 3),
      ]);
    },
  );

  it.skipIf(engine.absent)(
    'says the line for a key that is lost for good, and then counts what is entered again',
    async () => {
      const before = await shop.runAs({ CASEHARD_ENC_KEY: next }, ['recover']);
      expect([before.code, before.stdout]).toEqual([
        3,
        expect.stringContaining(`  CASEHARD_WITHDRAWN_KIDS=${kidOf(lost)}\n`),
      ]);
      expect(before.stdout).toContain('36 credentials can no longer be opened.');
      expect(before.stdout).toContain('casehard keys hunt PATH…');
      for (const id of [1, 2, 3]) {
        const { code, stderr } = await shop.runAs(given, ['set', `user.secret#${id}`], `typed anew ${id}`);
        expect([code, stderr]).toEqual([0, '']);
      }
      const after = await shop.runAs(given, ['recover']);
      expect([after.code, after.stdout]).toEqual([
        3,
        expect.stringContaining('33 credentials can no longer be opened; 3 of 36 open again.'),
      ]);
      const one = await shop.runAs(given, ['recover', '--field', 'smtp.password', '--json']);
      expect([one.code, one.json]).toMatchObject([
        3,
        { ok: true, remaining: 1, progress: [{ field: 'smtp.password', first: 1 }] },
      ]);
    },
  );

  it.skipIf(engine.absent)(
    'exports locators as CSV without any content, to a file of its own or to stdout',
    async () => {
      const { code, stdout } = await shop.runAs(given, ['recover', '--csv', '-']);
      const lines = stdout.trimEnd().split('\r\n');
      expect([code, lines.length, lines[0], lines[1]]).toEqual([
        3,
        34,
        '"locator","field","verdict","kid"',
        `"user.secret#4","user.secret","unreadable WITHDRAWN_KEY","${kidOf(lost)}"`,
      ]);
      expect(stdout).not.toMatch(/chd1\.|plain-|doc-|chkey/);
      expect((await shop.runAs(given, ['recover', '--csv', 'lost.csv'])).code).toBe(3);
      const file = join(shop.folder, 'lost.csv');
      expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual([stdout, 0o600]);
      const again = await shop.runAs(given, ['recover', '--csv', 'lost.csv', '--json']);
      expect([again.code, again.json.error]).toMatchObject([2, { code: 'USAGE', message: `${file} exists already` }]);
    },
  );

  it.skipIf(engine.absent)('ends when all of it opens again', async () => {
    const back = { CASEHARD_ENC_KEY: next, CASEHARD_PREVIOUS_ENC_KEYS: lost };
    const found = await shop.runAs(back, ['recover']);
    expect([found.code, found.stdout]).toEqual([0, 'All 36 open again.\n']);
    const after = await shop.runAs(back, ['recover']);
    expect([after.code, after.stdout]).toEqual([0, 'Every credential opens, or is not sealed.\n']);
    // The next loss begins anew.
    await shop.execute(`update users set secret = '${sealUser(generateKey('enc'), 'x', 5)}' where id = 5`);
    expect((await recover(projectOf(shop, back), shop.test.db)).progress).toEqual([
      { field: 'user.secret', first: 1, remaining: 1 },
    ]);
    expect(found.stdout + found.stderr).not.toContain(bodyOf(lost));
  });
});

describe('CSV', () => {
  it.each([
    [['a', 'b"c', 'd,e'], '"a","b""c","d,e"\r\n'],
    [['=1+1', '+1', '-1', '@x', '\tx', '\rx'], `"'=1+1","'+1","'-1","'@x","'\tx","'\rx"\r\n`],
    [[''], '""\r\n'],
  ])('%j is no formula', (cells, line) => {
    expect(csvLine(cells)).toBe(line);
  });
});
