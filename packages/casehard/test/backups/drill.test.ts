import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKey, readKeySources } from '@casehard/core';
import { createTrackingKeyring } from '@casehard/core/links';
import { Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findStateKey } from '../../src/config/state-key-file.ts';
import { keepTrackingCanary } from '../../src/inventory/driver.ts';
import { makeBackup } from '../../src/keys/backup.ts';
import { provenBackups } from '../../src/keys/backups.ts';
import { ENGINES } from '../engines.ts';
import { kidOf, makeShop, projectOf, type Shop, sealUser } from './shop.ts';

interface DrillJson {
  readonly ok: boolean;
  readonly recorded: boolean;
  readonly strangers: readonly string[];
  readonly unknown: readonly string[];
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

describe.each(ENGINES)('keys drill on $engine', (engine) => {
  const [active, previous, tracking] = [generateKey('enc'), generateKey('enc'), generateKey('trk')];
  const keys = { CASEHARD_ENC_KEY: active, CASEHARD_PREVIOUS_ENC_KEYS: previous, CASEHARD_TRACKING_KEY: tracking };
  let shop: Shop;
  let identity: string;

  beforeAll(async () => {
    if (engine.absent) return;
    shop = await makeShop(engine, keys);
    identity = await generateIdentity();
    writeFileSync(join(shop.folder, 'identity.txt'), `${identity}\n`);
    // Two values that are still under the previous key.
    for (const id of [7, 8]) {
      await shop.execute(`update users set secret = '${sealUser(previous, `old-${id}`, id)}' where id = ${id}`);
    }
  });
  afterAll(() => shop?.drop());

  /** A backup of other settings than those of the shop. */
  const writeBackup = async (name: string, settings: Readonly<Record<string, string>>): Promise<void> => {
    const texts = readKeySources({ env: settings, folder: shop.folder, settings: { envFile: false } });
    const recipients = [await identityToRecipient(identity)];
    const about = { database: 'test', madeAt: new Date() };
    writeFileSync(join(shop.folder, name), await makeBackup(texts, { recipients }, about));
  };
  const drill = async (name: string, ...more: readonly string[]) => {
    const { code, json, stderr } = await shop.run([
      'keys',
      'drill',
      name,
      '--identity',
      'identity.txt',
      '--json',
      ...more,
    ]);
    return { code, json: json as unknown as DrillJson, stderr };
  };
  const problems = (json: DrillJson) =>
    Object.fromEntries(json.keys.map(({ kid, problem }) => [kid, problem ?? 'proven']));

  it.skipIf(engine.absent)(
    'before it there is no proven backup, and status says so without making a state key',
    async () => {
      // The upgrade has made one for the trail; a folder that is only looked at gets none.
      const before = readdirSync(shop.folder).filter((name) => name !== 'casehard.state-key');
      const { stdout } = await shop.run(['status']);
      expect(stdout).toMatch(/^backup {4}no proven backup: casehard keys backup, then casehard keys drill$/m);
      expect(readdirSync(shop.folder).filter((name) => name !== 'casehard.state-key')).toEqual(before);
      expect(findStateKey({ folder: join(shop.folder, 'nowhere'), env: {} })).toBeUndefined();
      const without = await shop.runAs({}, ['status']);
      expect(without.stdout).not.toMatch(/^backup/m);
    },
  );

  it.skipIf(engine.absent)(
    'proves a backup of all keys, writes it down, and status and the trail show it',
    async () => {
      const recipient = await identityToRecipient(identity);
      const made = await shop.run(['keys', 'backup', 'all.age', '--to', recipient, '--json']);
      expect([made.code, made.json.kids]).toEqual([0, [kidOf(active), kidOf(previous), kidOf(tracking)]]);
      const { code, json, stderr } = await drill('all.age');
      expect([code, json.ok, json.recorded, json.strangers], stderr).toEqual([0, true, true, []]);
      expect(json.keys).toMatchObject([
        {
          kid: kidOf(active),
          configured: 'active',
          inBackup: true,
          canary: 'opens',
          values: 34,
          proven: true,
          damaged: 0,
        },
        { kid: kidOf(previous), configured: 'previous', canary: 'none', values: 2, tried: 2, opened: 2, proven: true },
        { kid: kidOf(tracking), kind: 'tracking', configured: 'active', canary: 'none', proven: true },
      ]);
      // 20 of 28 users, the one setting, and the five documents.
      expect(json.keys[0]).toMatchObject({ tried: 26, opened: 26 });
      const few = await drill('all.age', '--values', '1');
      expect(few.json.keys[0]).toMatchObject({ tried: 3, opened: 3 });
      const { stdout } = await shop.run(['status']);
      expect(stdout).toMatch(
        new RegExp(`^backup {4}${kidOf(active)} proven by a drill of all\\.age on \\d{4}-\\d\\d-\\d\\d$`, 'm'),
      );
      expect(await shop.read("select outcome from casehard_audit where act = 'backup'")).toEqual([
        'done: all.age, to 1 recipient',
      ]);
      expect(await shop.read("select outcome from casehard_audit where act = 'drill' order by seq")).toEqual([
        `proven: ${[active, previous, tracking].map(kidOf).join(', ')}`,
        `proven: ${[active, previous, tracking].map(kidOf).join(', ')}`,
      ]);
    },
  );

  it.skipIf(engine.absent)(
    'a backup of other keys is not proven, and the reason names every key that is missing',
    async () => {
      const other = generateKey('enc');
      await writeBackup('other.age', { CASEHARD_ENC_KEY: other });
      const { code, json } = await drill('other.age');
      expect([code, json.ok, json.strangers]).toEqual([1, false, [kidOf(other)]]);
      expect(problems(json)).toEqual({
        [kidOf(active)]: 'it is not in the backup, and is configured here (active); 34 values are under it',
        [kidOf(previous)]: 'it is not in the backup, and is configured here (previous); 2 values are under it',
        [kidOf(tracking)]: 'it is not in the backup, and is configured here (active)',
      });
      const { stdout } = await shop.run(['keys', 'drill', 'other.age', '--identity', 'identity.txt']);
      expect(stdout).toContain(
        'other.age is not proven: make another with `casehard keys backup` while the keys are here.',
      );
      expect(
        await shop.read("select outcome from casehard_audit where act = 'drill' order by seq desc limit 1"),
      ).toEqual([`not proven: ${[active, previous, tracking].map(kidOf).join(', ')}`]);
    },
  );

  it.skipIf(engine.absent)('a backup that lacks a previous key which still has values is not proven', async () => {
    await writeBackup('lacks.age', { CASEHARD_ENC_KEY: active, CASEHARD_TRACKING_KEY: tracking });
    const { code, json } = await drill('lacks.age');
    expect([code, problems(json)]).toEqual([
      1,
      {
        [kidOf(active)]: 'proven',
        [kidOf(previous)]: 'it is not in the backup, and is configured here (previous); 2 values are under it',
        [kidOf(tracking)]: 'proven',
      },
    ]);
  });

  it.skipIf(engine.absent)(
    'status names every key that values need and that the last drill did not prove',
    async () => {
      const unproven = async () => {
        const { stdout } = await shop.run(['status']);
        const { json } = await shop.run(['status', '--json']);
        expect(stdout.includes(`no proven backup of key ${kidOf(previous)}`)).toBe(
          (json.unproven as string[]).includes(kidOf(previous)),
        );
        return [(json.backup as { readonly proven: boolean }).proven, json.unproven];
      };
      expect(await unproven()).toEqual([true, [kidOf(previous)]]); // lacks.age, just now
      expect((await drill('all.age')).code).toBe(0);
      expect(await unproven()).toEqual([true, []]);
      // The file is damaged afterwards: what it had proven is proven no more.
      const whole = readFileSync(join(shop.folder, 'all.age'), 'utf8');
      writeFileSync(join(shop.folder, 'all.age'), `${whole.slice(0, 300)}\n-----END AGE ENCRYPTED FILE-----\n`);
      const args = ['keys', 'drill', 'all.age', '--identity', 'identity.txt', '--json'];
      const { code, json } = await shop.run(args);
      expect([code, (json.error as { readonly code: string }).code]).toEqual([1, 'BACKUP']);
      expect(await unproven()).toEqual([false, [kidOf(active), kidOf(previous), kidOf(tracking)]]);
      expect(
        await shop.read("select outcome from casehard_audit where act = 'drill' order by seq desc limit 1"),
      ).toEqual(['failed: BACKUP']);
      const findings = (await shop.run(['doctor', '--json'])).json.findings as readonly {
        code: string;
        key?: string;
      }[];
      const named = findings.flatMap(({ code: each, key }) => (each === 'BACKUP_NOT_PROVEN' ? [key] : []));
      expect(named).toEqual([kidOf(active), kidOf(previous), kidOf(tracking)]);
      writeFileSync(join(shop.folder, 'all.age'), whole);
      expect((await drill('all.age')).code).toBe(0);
      expect(await unproven()).toEqual([true, []]);
      // It opens, and what it holds is no key; a file that is not there proves nothing, and takes nothing away.
      const sealer = new Encrypter();
      sealer.addRecipient(await identityToRecipient(identity));
      const settings = `CASEHARD_ENC_KEY=${active.slice(0, -1)}\n`;
      writeFileSync(join(shop.folder, 'all.age'), await sealer.encrypt(settings));
      const garbled = await shop.run(args);
      expect([garbled.code, (garbled.json.error as { readonly code: string }).code]).toEqual([
        1,
        expect.stringMatching(/^KEY_/),
      ]);
      expect((await unproven())[0]).toBe(false);
      writeFileSync(join(shop.folder, 'all.age'), whole);
      expect((await drill('all.age')).code).toBe(0);
      for (const slip of [
        ['keys', 'drill', 'nowhere/all.age', '--identity', 'identity.txt'],
        ['keys', 'drill', 'all.age', '--identity', 'nobody.txt'],
        ['keys', 'drill', 'all.age'],
      ]) {
        expect((await shop.run(slip)).code).toBe(1);
      }
      expect(await unproven()).toEqual([true, []]);
      // Cut within its header, it may look as if it only wanted another identity.
      const raw = new Encrypter();
      raw.addRecipient(await identityToRecipient(identity));
      const lines = Object.entries(keys).map(([name, text]) => `${name}=${text}\n`);
      const bytes = await raw.encrypt(lines.join(''));
      writeFileSync(join(shop.folder, 'raw.age'), bytes);
      expect((await drill('raw.age')).code).toBe(0);
      writeFileSync(join(shop.folder, 'raw.age'), bytes.subarray(0, 24));
      expect((await shop.run(['keys', 'drill', 'raw.age'])).stderr).toContain('raw.age is damaged');
      expect((await unproven())[0]).toBe(false);
      expect((await drill('all.age')).code).toBe(0);
      // Listed as withdrawn in the backup itself, a tracking key is not in it.
      await writeBackup('given-up.age', {
        CASEHARD_ENC_KEY: active,
        CASEHARD_PREVIOUS_ENC_KEYS: previous,
        CASEHARD_PREVIOUS_TRACKING_KEYS: tracking,
        CASEHARD_WITHDRAWN_KIDS: kidOf(tracking),
      });
      expect(problems((await drill('given-up.age')).json)[kidOf(tracking)]).toBe(
        'it is not in the backup, and is configured here (active)',
      );
      expect((await drill('all.age')).code).toBe(0);
    },
  );

  it.skipIf(engine.absent)(
    'works when the keys are gone from the configuration: that is what a backup is for',
    async () => {
      const args = ['keys', 'drill', 'all.age', '--identity', 'identity.txt', '--json'];
      const { code, json } = await shop.runAs({}, args);
      const { keys: found, strangers } = json as unknown as DrillJson;
      expect([code, strangers]).toEqual([0, [kidOf(tracking)]]);
      expect(found).toMatchObject(
        [
          { kid: kidOf(active), configured: undefined, proven: true },
          { kid: kidOf(previous), proven: true, opened: 2 },
        ].map(({ configured: _, ...rest }) => rest),
      );
    },
  );

  it.skipIf(engine.absent)('a row that somebody else wrote, or moved to another key, is not believed', async () => {
    await shop.execute('delete from casehard_drills');
    await writeBackup('lacks.age', { CASEHARD_ENC_KEY: active, CASEHARD_TRACKING_KEY: tracking });
    await drill('lacks.age');
    const mac = '(select m from (select max(mac) as m from casehard_drills) as x)';
    await shop.execute(
      `insert into casehard_drills (id, kid, proven, opened, at, file, mac) values ('forged', '${kidOf(previous)}', 1, 9, 99, 'f', ${mac})`,
      `insert into casehard_drills (id, kid, proven, opened, at, file, mac) values ('bare', '${kidOf(previous)}', 1, 9, 99, 'f', null)`,
      `update casehard_drills set proven = 1 where kid = '${kidOf(previous)}'`,
    );
    const stateKey = findStateKey({ folder: shop.folder, env: {} });
    const kids = [kidOf(active), kidOf(previous)];
    const { proven, unproven } = await provenBackups(shop.test.db, stateKey, kids);
    expect([[...proven.keys()].sort(), unproven]).toEqual([[kidOf(active), kidOf(tracking)].sort(), [kidOf(previous)]]);
    // Without the state key nothing can be believed.
    expect((await provenBackups(shop.test.db, undefined, kids)).unproven).toEqual(kids);
    await shop.execute('delete from casehard_drills');
    const { stdout } = await shop.run(['status']);
    expect(stdout).toContain('no proven backup');
  });

  it.skipIf(engine.absent)('a damaged value is no fault of the backup; an altered canary is said', async () => {
    const [first] = await shop.read('select secret from users where id = 1');
    const broken = String(first).slice(0, -4).concat('AAAA');
    await shop.execute(`update users set secret = '${broken}' where id = 1`);
    const damaged = await drill('all.age', '--values', '1000');
    expect([damaged.code, damaged.json.keys[0]]).toMatchObject([
      0,
      { tried: 34, opened: 33, damaged: 1, proven: true },
    ]);
    const [canary] = await shop.read('select canary from casehard_keys');
    await shop.execute(`update casehard_keys set canary = '${String(canary).slice(0, -4)}AAAA'`);
    const altered = await drill('all.age');
    expect([altered.code, problems(altered.json)[kidOf(active)]]).toEqual([
      1,
      'the canary of this database does not open: it is another key, or the canary was changed',
    ]);
    await shop.execute(
      `update casehard_keys set canary = '${canary}'`,
      `update users set secret = '${first}' where id = 1`,
    );
  });

  it.skipIf(engine.absent)(
    'a key that nothing is sealed under yet is proven by sealing now; a value of a stranger blames nobody',
    async () => {
      const [next, nobody] = [generateKey('enc'), generateKey('enc')];
      await shop.execute(`update users set secret = '${sealUser(nobody, 'x', 9)}' where id = 9`);
      const staged = { ...keys, CASEHARD_STAGED_ENC_KEYS: next };
      await writeBackup('staged.age', staged);
      const args = ['keys', 'drill', 'staged.age', '--identity', 'identity.txt', '--json'];
      const { code, json } = await shop.runAs(staged, args);
      const found = json as unknown as DrillJson;
      expect([code, problems(found)[kidOf(next)], found.unknown]).toEqual([0, 'proven', [kidOf(nobody)]]);
    },
  );

  it.skipIf(engine.absent)(
    'a document counts by the credential of its field, not by the first that is sealed',
    async () => {
      const values = async () => (await drill('all.age')).json.keys.find(({ kid }) => kid === kidOf(previous))?.values;
      expect(await values()).toBe(2);
      const [before] = await shop.read('select doc from docs where id = 5');
      const older = projectOf(shop, { CASEHARD_ENC_KEY: previous })
        .hard.field('oauth.secret')
        .seal('old', { id: 5 } as never);
      const doc = JSON.stringify({ another: sealUser(active, 'x', 1), client_secret: older });
      await shop.execute(`update docs set doc = '${doc}' where id = 5`);
      expect(await values()).toBe(3);
      await shop.execute(`update docs set doc = '${before}' where id = 5`);
    },
  );

  it.skipIf(engine.absent)('a tracking key that links were sent under, and that nobody has, is named', async () => {
    const lost = createTrackingKeyring({ active: generateKey('trk') });
    await keepTrackingCanary(shop.test.db, lost);
    const kid = String(lost.active?.tkid);
    const { code, json } = await drill('all.age');
    expect([code, problems(json)[kid]]).toEqual([
      1,
      'links were sent under it; neither the backup nor this configuration has it',
    ]);
    // Given up, nobody counts on it.
    const withdrawn = { ...keys, CASEHARD_WITHDRAWN_KIDS: kid };
    const args = ['keys', 'drill', 'all.age', '--identity', 'identity.txt', '--json'];
    expect((await shop.runAs(withdrawn, args)).code).toBe(0);
    await shop.execute(`delete from casehard_keys where kid = '${kid}'`);
  });

  it.skipIf(engine.engine !== 'sqlite')('says what it needs, and what is wrong with how it was called', async () => {
    for (const [args, exit, code, message] of [
      [['keys', 'drill', 'all.age'], 1, 'BACKUP', /^all\.age is sealed to recipients$/],
      [['keys', 'drill', 'all.age', '--identity', 'none'], 1, 'BACKUP', /none cannot be read \(ENOENT\)$/],
      [['keys', 'drill', 'all.age', '--values', '0'], 2, 'USAGE', /must be a whole number from 1/],
      [
        ['keys', 'backup', 'all.age', '--to', await identityToRecipient(identity)],
        1,
        'BACKUP',
        /all\.age exists already$/,
      ],
      [['keys', 'backup', 'new.age'], 2, 'USAGE', /^whom the backup is for is missing$/],
      [['keys', 'backup', 'new.age', '--passphrase', '--to', 'age1'], 2, 'USAGE', /not for both$/],
      [['keys', 'backup', 'new.age', '--passphrase'], 1, 'BACKUP', /^the passphrase is shorter than 10 characters$/],
    ] as const) {
      const { code: exited, json } = await shop.run([...args, '--json']);
      expect([exited, json.error], args.join(' ')).toMatchObject([
        exit,
        { code, message: expect.stringMatching(message) },
      ]);
    }
    const none = await shop.runAs({}, [
      'keys',
      'backup',
      'new.age',
      '--to',
      await identityToRecipient(identity),
      '--json',
    ]);
    expect([none.code, none.json.error]).toMatchObject([1, { code: 'BACKUP' }]);
    expect(readdirSync(shop.folder).filter((name) => name.startsWith('new'))).toEqual([]);
  });
});
