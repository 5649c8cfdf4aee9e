import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTrackingKeyring } from '@casehard/core/links';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hunt } from '../../src/keys/hunt.ts';
import { type WantedKeys, wantedKeys } from '../../src/keys/wanted.ts';
import { makeOwnFields } from '../cli/fields.ts';
import { ENGINES, temporaryFolder } from '../engines.ts';
import { openVault, type Vault } from '../keys/vault.ts';

/* Found by review: the places where a lost key really is. The database is asked the same questions on each engine. */
describe('a hunt', () => {
  const [sqlite] = ENGINES;
  if (!sqlite) throw new Error('there is no SQLite');
  const folder = temporaryFolder('places');
  let vault: Vault;
  let wanted: WantedKeys;
  beforeAll(async () => {
    vault = await openVault(sqlite);
    const project = { ...vault.rotating(), tracking: createTrackingKeyring() };
    wanted = await wantedKeys({ ...project, links: undefined }, vault.test.db);
  });
  afterAll(async () => {
    await vault.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('reads a log that has the key in each of its lines once, and lists the first places', async () => {
    const log = join(folder, 'app.log');
    writeFileSync(log, `2026-01-01 start with CASEHARD_ENC_KEY=${vault.oldKey} and so on\n`.repeat(60_000));
    const { finds, unlisted, candidates } = await hunt(wanted, [log]);
    expect(finds.map(({ line }) => line)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect([unlisted, candidates]).toEqual([59_980, 1]);
  });

  it('counts lines right, far into a file', async () => {
    const file = join(folder, 'far.log');
    writeFileSync(file, `${'x\n'.repeat(50_000)}${'y'.repeat(70_000)}\n${vault.oldKey}\n`);
    expect((await hunt(wanted, [file])).finds.map(({ line }) => line)).toEqual([50_002]);
  });

  it('finds a key behind an escaped line end, and behind 0x', async () => {
    const body = vault.oldKey.split('.')[3] ?? '';
    const hex = Buffer.from(body, 'base64url').toString('hex');
    const texts = [
      `{"env":"A=1\\n${body}\\nB=2"}`,
      `{"env":"\\n${vault.oldKey}"}`,
      `key: 0x${hex}`,
      `\\u0022${body}\\u0022`,
      `KEY%3D${body}`,
      `\\x0a${body}`,
      `\\t0x${hex}`,
      `"\\t${hex}"`,
    ];
    for (const [i, text] of texts.entries()) {
      const file = join(folder, `escaped-${i}.json`);
      writeFileSync(file, text);
      expect(
        (await hunt(wanted, [file])).finds.map(({ kid }) => kid),
        text.slice(0, 12),
      ).toEqual([vault.oldKid]);
    }
  });

  it('can be stopped within a file', async () => {
    const file = join(folder, 'many');
    writeFileSync(file, Array.from({ length: 40_000 }, (_, i) => `${String(i).padStart(64, '0')}\n`).join(''));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 120);
    await expect(hunt(wanted, [file, file, file], { signal: controller.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });

  it('says what it passes over: links, and archives that it does not unpack', async () => {
    const there = join(folder, 'etc');
    mkdirSync(there);
    writeFileSync(join(folder, 'real.env'), `KEY=${vault.oldKey}\n`);
    symlinkSync(join(folder, 'real.env'), join(there, '.env'));
    const magic = {
      'a.xz': 'fd377a585a00',
      'b.bz2': '425a6839',
      'c.zst': '28b52ffd',
      'd.7z': '377abcaf271c',
      'e.rar': '526172211a07',
    };
    for (const [name, hex] of Object.entries(magic)) writeFileSync(join(there, name), Buffer.from(`${hex}0000`, 'hex'));
    const { skipped, files, links } = await hunt(wanted, [there]);
    expect([files, links]).toEqual([5, 1]);
    expect(skipped.map(({ path, why }) => [path.slice(there.length + 1), why.split(/[,:]/)[0]])).toEqual([
      ['a.xz', 'a xz archive'],
      ['b.bz2', 'a bzip2 archive'],
      ['c.zst', 'a zstd archive'],
      ['d.7z', 'a 7z archive'],
      ['e.rar', 'a rar archive'],
    ]);
    expect((await hunt(wanted, [join(there, '.env')])).finds).toHaveLength(1); // named itself, it is followed
  });

  it.skipIf(process.platform !== 'linux')(
    'finds the key in the environment of a process that still has it',
    async () => {
      const child = spawn('sleep', ['60'], { env: { CASEHARD_ENC_KEY: vault.oldKey } });
      try {
        await new Promise((done) => child.on('spawn', done));
        const { finds } = await hunt(wanted, [`/proc/${child.pid}/environ`]);
        expect(finds.map(({ kid, opens }) => [kid, opens])).toEqual([[vault.oldKid, 'canary']]);
      } finally {
        child.kill();
      }
    },
  );

  it('draws nothing on the terminal that a name in an archive says', async () => {
    const own = await makeOwnFields(
      sqlite,
      [
        'create table users (id int not null primary key, password varchar(400))',
        `insert into users values (1, 'b2xk')`,
      ],
      `'user.password': column('users', 'password', { row: { id: 'int' }, was: base64() })`,
    );
    try {
      expect((await own.run(['harden'])).code).toBe(0);
      const deep = zipSync({ 'c.zip': zipSync({ 'b.zip': zipSync({ a: strToU8('x') }) }) });
      const name = 'x\u001b]0;owned\u0007.zip';
      writeFileSync(join(own.folder, 'evil.zip'), zipSync({ [name]: deep }));
      const { stdout, stderr } = await own.run(['keys', 'hunt', join(own.folder, 'evil.zip')]);
      expect(stderr).toContain('not looked into:');
      expect(stdout + stderr).not.toMatch(/(?![\n\t])\p{Cc}/u);
    } finally {
      await own.drop();
    }
  });
});
