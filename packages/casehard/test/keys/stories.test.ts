import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRotation } from '../../src/keys/read-rotation.ts';
import { resealFields } from '../../src/keys/reseal.ts';
import { rotationStep } from '../../src/keys/rotation.ts';
import { checkWithdrawal } from '../../src/keys/withdraw.ts';
import { casehard } from '../cli/command.ts';
import { ENGINES, temporaryFolder } from '../engines.ts';
import { openVault, VAULT_CONTENTS, type Vault, type VaultOptions, vaultFields } from './vault.ts';

/** The stories of rotation that went wrong elsewhere; each name says where. */
describe.each(ENGINES)('stories of rotation, told on $engine', (engine) => {
  let vault: Vault;
  beforeEach(async () => {
    if (!engine.absent) vault = await openVault(engine);
  });
  afterEach(() => vault?.drop());

  const stepOf = async (project: Parameters<typeof readRotation>[0]) =>
    rotationStep(await readRotation(project, vault.test.db));
  const reseal = async (project = vault.rotating()) => {
    const { fields } = await readRotation(project, vault.test.db);
    return resealFields(project, vault.test.db, { fields, kids: [vault.oldKid] });
  };
  const texts = () => vault.read('select password from users order by id');

  it.skipIf(engine.absent)(
    'rotation replaced the data keys by random bytes (MongoDB MONGOCRYPT-464): a new key changes no value by itself',
    async () => {
      const before = await texts();
      const { oldKey, newKey, newKid } = vault;
      // Staged, then active everywhere: the values are what they were, and both keys are at hand until the last one has moved.
      expect(await stepOf(vault.project({ active: oldKey, staged: [newKey] }))).toMatchObject({
        step: 'activate',
        kid: newKid,
      });
      expect(await stepOf(vault.rotating())).toMatchObject({ step: 'reseal', total: 32 });
      expect(await texts()).toEqual(before);
      await reseal();
      expect(await vault.contents({ active: newKey })).toEqual(VAULT_CONTENTS);
    },
  );

  it.skipIf(engine.absent)(
    'key file overwritten before the rows (GLPI): the new key alone is refused, by the id of the one that is missing',
    async () => {
      const before = await texts();
      const overwritten = vault.project({ active: vault.newKey });
      await expect(readRotation(overwritten, vault.test.db)).rejects.toMatchObject({
        code: 'KEY_NOT_KNOWN_HERE',
        message: `this database was hardened under key ${vault.oldKid}; configured is ${vault.newKid}`,
      });
      await expect(vault.run(vaultFields, {}, overwritten.keyring)).rejects.toMatchObject({
        code: 'KEY_NOT_KNOWN_HERE',
      });
      expect(await texts()).toEqual(before);
      // Half way, when both have canaries, the same mistake is told just as well.
      await vault.run({ password: vaultFields.password }, {}, vault.rotating().keyring);
      await expect(readRotation(overwritten, vault.test.db)).rejects.toMatchObject({
        code: 'PREVIOUS_KEY_MISSING',
        message: expect.stringContaining(`${vault.oldKid} (2 values)`),
      });
      expect(await stepOf(vault.rotating())).toMatchObject({ step: 'reseal', total: 2 });
    },
  );

  it.skipIf(engine.absent)(
    'a crash in the middle is unrecoverable (k3s#13763): half of the values moved, everything is read, and the rest follows',
    async () => {
      const project = vault.rotating();
      const broken = new AbortController();
      const half = await vault.run(
        vaultFields,
        { batch: 5, signal: broken.signal, onProgress: () => broken.abort() },
        project.keyring,
      );
      expect(half).toMatchObject({ stopped: true });
      const { values } = await readRotation(project, vault.test.db);
      expect(values.get(vault.newKid)).toBeGreaterThan(0);
      expect(values.get(vault.oldKid)).toBeGreaterThan(0);
      expect(await vault.contents({ active: vault.newKey, previous: [vault.oldKey] })).toEqual(VAULT_CONTENTS);
      // Those that still have the old key active, and the new one staged, read everything too.
      expect(await vault.contents({ active: vault.oldKey, staged: [vault.newKey] })).toEqual(VAULT_CONTENTS);
      await reseal();
      expect(await stepOf(project)).toMatchObject({ step: 'withdraw' });
      expect(await vault.contents({ active: vault.newKey })).toEqual(VAULT_CONTENTS);
    },
  );

  it.skipIf(engine.absent)(
    'rotation that printed success and did nothing (superset#37842): it is not done while one value is under the old key',
    async () => {
      await sql`update users set password = ${`${(await texts())[2]}`} where id = 9`.execute(vault.test.db.kysely); // moved from row 3
      const result = await reseal();
      expect(result).toMatchObject({ changed: 31, quarantined: 1 });
      expect(await stepOf(vault.rotating())).toMatchObject({ step: 'reseal', total: 1 });
      await expect(checkWithdrawal(vault.rotating(), vault.test.db, vault.oldKid)).rejects.toMatchObject({
        code: 'KEY_IN_USE',
        message: expect.stringContaining('1 value is under it: password#9'),
      });
    },
  );

  it.skipIf(engine.absent)(
    'a forgotten column (metabase, coder#25381, twenty#20807, magento#35061): values where no field is declared keep the key',
    async () => {
      const { token: _forgotten, ...fields } = vaultFields;
      const without: VaultOptions = { fields };
      const project = vault.rotating(without);
      await reseal(project);
      expect(await stepOf(project)).toMatchObject({ step: 'withdraw' });
      await expect(checkWithdrawal(project, vault.test.db, vault.oldKid)).rejects.toMatchObject({
        code: 'KEY_IN_USE',
        message: expect.stringContaining('values under it stand where no field is declared: clients.config (1)'),
      });
    },
  );

  it.skipIf(engine.absent)(
    'a renamed column (PegaProx#446) is an error with its name, not a rotation without it',
    async () => {
      await vault.execute('alter table users rename column password to passphrase');
      const missing = {
        code: 'NOT_FOUND',
        message: expect.stringContaining('field password: table users has no column password'),
      };
      await expect(readRotation(vault.rotating(), vault.test.db)).rejects.toMatchObject(missing);
      await expect(checkWithdrawal(vault.rotating(), vault.test.db, vault.oldKid)).rejects.toMatchObject(missing);
    },
  );

  it.skipIf(engine.absent)(
    'a replica that had not heard of the new key (coder PR#9421, OpenShift): it is waited for by name, before and after',
    async () => {
      const { oldKey, newKey, oldKid, newKid } = vault;
      const staged = vault.project({ active: oldKey, staged: [newKey] });
      await vault.report({ id: 'one', host: 'web-1:7', activeKid: oldKid, kids: [oldKid, newKid] });
      await vault.report({ id: 'two', host: 'replica:7', activeKid: oldKid, kids: [oldKid] });
      expect(await stepOf(staged)).toMatchObject({ step: 'stage', missing: [{ host: 'replica:7' }], able: 1 });
      await vault.report({ id: 'two', host: 'replica:7', activeKid: oldKid, kids: [oldKid, newKid] });
      expect(await stepOf(staged)).toMatchObject({ step: 'activate', able: 2 });
      await vault.report({ id: 'one', host: 'web-1:7', activeKid: newKid, kids: [oldKid, newKid] });
      const held = { step: 'settle', why: { because: 'processes', processes: [{ host: 'replica:7' }] } };
      expect(await stepOf(vault.rotating())).toMatchObject(held);
      // Even if somebody has resealed everything meanwhile.
      await reseal();
      expect(await stepOf(vault.rotating())).toMatchObject(held);
    },
  );

  it.skipIf(engine.absent)(
    'a failed decrypt returned an empty string, which was then stored (gene key manager #61, GLPI): what does not open keeps its bytes',
    async () => {
      const [, second = ''] = (await texts()) as string[];
      const damaged = `${second.slice(0, -4)}AAAA`;
      await sql`update users set password = ${damaged} where id = 2`.execute(vault.test.db.kysely);
      expect(await reseal()).toMatchObject({ changed: 31, quarantined: 1 });
      expect((await texts())[1]).toBe(damaged);
      expect(await vault.read("select count(*) from users where password = '' or password is null")).toEqual([
        expect.toBeOneOf([0, 0n, '0']),
      ]);
      const { oldKid } = vault;
      // Its key is lost for good, somebody says: the value stays all the same, and is told of.
      const lost = vault.project({ active: vault.newKey, withdrawn: [oldKid] });
      expect(await stepOf(lost)).toMatchObject({ step: 'done', lost: [{ kid: oldKid, values: 1 }] });
      expect(await reseal(lost)).toMatchObject({ changed: 0 });
      expect((await texts())[1]).toBe(damaged);
    },
  );

  it.skipIf(engine.absent)(
    'a dry run with side effects (open-mercato#5950), or one that printed the plaintext (gene key manager): the plan does neither',
    async () => {
      const folder = temporaryFolder('plan');
      try {
        const config = { database: vault.test.url, adopted: true, fields: vaultFields };
        writeFileSync(join(folder, 'casehard.config.json'), JSON.stringify(config));
        const env = { CASEHARD_ENC_KEY: vault.newKey, CASEHARD_PREVIOUS_ENC_KEYS: vault.oldKey };
        const everything = async (): Promise<string> => {
          const tables = [
            'users',
            'clients',
            'casehard_keys',
            'casehard_jobs',
            'casehard_audit',
            'casehard_processes',
            'casehard_key_uses',
          ];
          const rows = await Promise.all(
            tables.map((table) => vault.test.db.kysely.selectFrom(table).selectAll().execute()),
          );
          return JSON.stringify(rows, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
        };
        const before = await everything();
        const { code, stdout, stderr } = await casehard(['rotate', '--plan'], { cwd: folder, env });
        expect(code, stderr).toBe(3);
        expect(stdout).toMatch(/^next +5 reseal +put 32 values under the new key/m);
        expect(stdout).toMatch(/^password +30 +/m);
        expect(stdout).toContain('Nothing was changed.');
        expect(await everything()).toBe(before);
        for (const content of [...Object.values(VAULT_CONTENTS), 'chd1.', 'chkey1.'])
          expect(`${stdout}${stderr}`).not.toContain(content);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});
