import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateKey } from '@casehard/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN, type CommandResult, casehard } from '../cli/command.ts';
import { ENGINES, type TestEngine, temporaryFolder } from '../engines.ts';
import { kidOf, openVault, VAULT_CONTENTS, type Vault, vaultFields } from './vault.ts';

const [SQLITE] = ENGINES as readonly [TestEngine];

/** A vault with a configuration beside it, as an operator has it. */
interface Desk {
  readonly vault: Vault;
  readonly folder: string;
  run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<CommandResult>;
  /** Every row of every table that a rotation could write. */
  dump(): Promise<string>;
  /** Remembers all rows; what it returns brings them back. */
  snapshot(): Promise<() => Promise<void>>;
  drop(): Promise<void>;
}

describe('casehard rotate', () => {
  let desk: Desk;
  beforeAll(async () => {
    desk = await openDesk(SQLITE);
  });
  afterAll(() => desk?.drop());

  it('makes a key only when a person asks, to stdout, and stores it nowhere', async () => {
    const { vault } = desk;
    const env = { CASEHARD_ENC_KEY: vault.oldKey };
    const idle = await desk.run(['rotate'], env);
    expect(idle.code).toBe(0);
    expect(idle.stdout).toBe(
      `Key ${vault.oldKid} is active, 32 values are under it, and none is under another key that is configured.\n`,
    );
    expect(idle.stderr).toContain('To begin a rotation with a new key: casehard rotate --yes');
    const made = await desk.run(['rotate', '--yes'], env);
    expect(made.code).toBe(3);
    expect(made.stdout).toMatch(/^CASEHARD_STAGED_ENC_KEYS=chkey1\.enc\.[a-z2-7]{8}\.[\w-]{43}\n$/);
    expect(made.stderr).not.toContain('chkey1.');
    expect(await desk.dump()).not.toContain('chkey1.');
    expect(await vault.read('select act from casehard_audit order by seq desc limit 1')).toEqual(['rotate']);
  });

  it('prints nothing but a key to stdout with --yes, and makes one also while an older key only waits', async () => {
    const { vault } = desk;
    const { oldKey, newKey } = vault;
    const staged = await desk.run(['rotate', '--yes'], { CASEHARD_ENC_KEY: oldKey, CASEHARD_STAGED_ENC_KEYS: newKey });
    expect([staged.code, staged.stdout]).toEqual([3, '']);
    expect(staged.stderr).toContain('Make it active');
    // Nothing is under the previous key, which nobody has withdrawn yet: the active one may have leaked.
    const idle = { CASEHARD_ENC_KEY: oldKey, CASEHARD_PREVIOUS_ENC_KEYS: newKey };
    expect((await desk.run(['rotate'], idle)).stdout).toContain('casehard keys withdraw');
    const made = await desk.run(['rotate', '--yes'], idle);
    expect(made.stdout).toMatch(/^CASEHARD_STAGED_ENC_KEYS=chkey1\.enc\.[a-z2-7]{8}\.[\w-]{43}\n$/);
  });

  it('changes nothing in the steps that a person takes, and prints lines without a key', async () => {
    const { vault } = desk;
    const { oldKey, newKey, oldKid, newKid } = vault;
    const before = await desk.dump();
    const staged = await desk.run(['rotate'], { CASEHARD_ENC_KEY: oldKey, CASEHARD_STAGED_ENC_KEYS: newKey });
    expect(staged.code).toBe(3);
    expect(staged.stdout.split('\n').slice(-4)).toEqual([
      `  CASEHARD_ENC_KEY=<key ${newKid}, now in CASEHARD_STAGED_ENC_KEYS>`,
      `  CASEHARD_PREVIOUS_ENC_KEYS=<key ${oldKid}, now in CASEHARD_ENC_KEY>`,
      '  CASEHARD_STAGED_ENC_KEYS=',
      '',
    ]);
    expect(staged.stdout).toContain('No live process is attached: see for yourself');
    await vault.report({ id: 'one', host: 'web-2:7', activeKid: oldKid, kids: [oldKid] });
    const stage = await desk.run(['rotate'], { CASEHARD_ENC_KEY: oldKey, CASEHARD_STAGED_ENC_KEYS: newKey });
    expect(stage.stdout).toContain(`1 live process cannot open values under key ${newKid} yet; 0 can:`);
    expect(stage.stdout).toContain('web-2:7');
    await vault.report({ id: 'one', host: 'web-2:7', activeKid: oldKid, kids: [oldKid, newKid] });
    const settle = await desk.run(['rotate'], { CASEHARD_ENC_KEY: newKey, CASEHARD_PREVIOUS_ENC_KEYS: oldKey });
    expect(settle.code).toBe(3);
    expect(settle.stdout).toContain('1 live process has an older key active:');
    expect(settle.stdout).toContain('web-2:7');
    await vault.execute("delete from casehard_processes where id = 'one'");
    expect(await desk.dump()).toBe(before);
  });

  it('reseals what is under older keys, says what is left, and is done when the configuration is', async () => {
    const { vault } = desk;
    const { oldKey, newKey, oldKid, newKid } = vault;
    const env = { CASEHARD_ENC_KEY: newKey, CASEHARD_PREVIOUS_ENC_KEYS: oldKey };
    const resealed = await desk.run(['rotate'], env);
    expect(resealed.code, resealed.stderr).toBe(3);
    expect(resealed.stdout).toContain('32 values resealed.');
    expect(resealed.stdout).toContain(`Withdraw key ${oldKid} now: casehard keys withdraw ${oldKid}`);
    expect(await vault.contents({ active: newKey })).toEqual(VAULT_CONTENTS);
    const unsure = await desk.run(['keys', 'withdraw', oldKid], env);
    expect(unsure.code).toBe(2);
    expect(unsure.stderr).toContain('add --yes-no-others');
    const withdrawn = await desk.run(['keys', 'withdraw', oldKid, '--yes-no-others'], env);
    expect(withdrawn.code, withdrawn.stderr).toBe(0);
    expect(withdrawn.stdout).toContain(`  CASEHARD_PREVIOUS_ENC_KEYS=\n  CASEHARD_WITHDRAWN_KIDS=${oldKid}\n`);
    expect(await vault.read("select subject from casehard_audit where act = 'withdraw'")).toEqual([oldKid]);
    // Nothing in the database says that it was withdrawn: it is asked for again, and that prints the lines once more.
    const again = await desk.run(['rotate'], env);
    expect(again.code).toBe(3);
    expect(again.stdout).toContain(`Withdraw key ${oldKid} now: casehard keys withdraw ${oldKid}`);
    const twice = await desk.run(['keys', 'withdraw', oldKid, '--yes-no-others'], env);
    expect([twice.code, twice.stdout]).toEqual([0, withdrawn.stdout]);
    const done = await desk.run(['rotate', '--json'], { CASEHARD_ENC_KEY: newKey, CASEHARD_WITHDRAWN_KIDS: oldKid });
    expect(done.code).toBe(0);
    expect(done.json).toMatchObject({ step: 'done', kid: newKid, values: 32, lost: [] });
  });

  it('pauses at Ctrl-C after a page, and goes on when it is run again', async () => {
    const { vault } = desk;
    const { newKey, oldKey, oldKid, newKid } = vault;
    // Back under the older key, by those who still have it: as a restored dump would be.
    const back = { CASEHARD_ENC_KEY: oldKey, CASEHARD_PREVIOUS_ENC_KEYS: newKey };
    expect((await desk.run(['rotate'], back)).code).toBe(3);
    const env = { CASEHARD_ENC_KEY: newKey, CASEHARD_PREVIOUS_ENC_KEYS: oldKey };
    const slow = spawn(process.execPath, [BIN, 'rotate', '--rate', '4'], { cwd: desk.folder, env, stdio: 'ignore' });
    const ended = once(slow, 'exit');
    while ((await vault.read(`select 1 from users where password like 'chd1.${newKid}%'`)).length < 3) await sleep(50);
    slow.kill('SIGINT');
    expect(await ended).toEqual([3, null]);
    expect((await vault.read(`select 1 from users where password like 'chd1.${oldKid}%'`)).length).toBeGreaterThan(0);
    expect(await vault.contents({ active: newKey, previous: [oldKey] })).toEqual(VAULT_CONTENTS);
    expect((await desk.run(['rotate', '--json', '--workers', '2'], env)).json).toMatchObject({ step: 'withdraw' });
    expect(await vault.contents({ active: newKey })).toEqual(VAULT_CONTENTS);
    await vault.execute(`delete from casehard_keys where kid = '${oldKid}'`);
  });

  it('--leave goes the same road the other way: staged, softened, done', async () => {
    const { vault } = desk;
    const { newKey, newKid } = vault;
    const active = await desk.run(['rotate', '--leave'], { CASEHARD_ENC_KEY: newKey });
    expect(active.code).toBe(3);
    expect(active.stdout).toContain(
      `  CASEHARD_ENC_KEY=\n  CASEHARD_STAGED_ENC_KEYS=<key ${newKid}, now in CASEHARD_ENC_KEY>\n`,
    );
    await vault.report({ id: 'one', host: 'web-2:7', activeKid: newKid, kids: [newKid] });
    const held = await desk.run(['rotate', '--leave', '--yes'], { CASEHARD_STAGED_ENC_KEYS: newKey });
    expect(held.stdout).toContain('1 live process seals what it saves:');
    await vault.report({ id: 'one', host: 'web-2:7', kids: [newKid] });
    const unasked = await desk.run(['rotate', '--leave'], { CASEHARD_STAGED_ENC_KEYS: newKey });
    expect(unasked.code).toBe(2);
    const left = await desk.run(['rotate', '--leave', '--yes'], { CASEHARD_STAGED_ENC_KEYS: newKey });
    expect(left.code, left.stderr).toBe(0);
    expect(left.stdout).toContain('32 values softened.');
    expect(left.stdout).toContain('No value is sealed any more');
    expect(await vault.contents({})).toEqual(VAULT_CONTENTS);
    expect((await desk.run(['rotate', '--leave'], {})).code).toBe(0);
  });

  it('a first roll-out is the same road: staged everywhere before anybody seals', async () => {
    const { vault } = desk;
    const { newKey, newKid } = vault;
    const none = await desk.run(['rotate'], {});
    expect(none.code).toBe(1);
    expect(none.stderr).toContain('CASEHARD_ENC_KEY not configured: there is no key to begin with [KEY_MISSING]');
    const made = await desk.run(['rotate', '--yes'], {});
    expect(made.stdout).toMatch(/^CASEHARD_STAGED_ENC_KEYS=chkey1\.enc\./);
    await vault.report({ id: 'one', host: 'web-2:7' });
    const stage = await desk.run(['rotate', '--json'], { CASEHARD_STAGED_ENC_KEYS: newKey });
    expect(stage.json).toMatchObject({ step: 'stage', missing: [{ host: 'web-2:7' }] });
    await vault.report({ id: 'one', host: 'web-2:7', kids: [newKid] });
    const activate = await desk.run(['rotate', '--json'], { CASEHARD_STAGED_ENC_KEYS: newKey });
    expect(activate.json).toMatchObject({
      step: 'activate',
      able: 1,
      paste: [`CASEHARD_ENC_KEY=<key ${newKid}, now in CASEHARD_STAGED_ENC_KEYS>`, 'CASEHARD_STAGED_ENC_KEYS='],
    });
    const done = await desk.run(['rotate'], { CASEHARD_ENC_KEY: newKey });
    expect(done.code).toBe(0);
    expect(done.stdout).toContain('1 live process has no key active: what they save stays in the existing scheme.');
  });

  it('--tracking rotates the tracking key without a reseal, and keeps the older one for unsubscribe links', async () => {
    const { vault } = desk;
    const [older, newer] = [generateKey('trk'), generateKey('trk')];
    const made = await desk.run(['rotate', '--tracking', '--yes'], { CASEHARD_TRACKING_KEY: older });
    expect(made.stdout).toMatch(/^CASEHARD_STAGED_TRACKING_KEYS=chkey1\.trk\.[0-9a-f]{4}\.[\w-]{43}\n$/);
    await vault.report({ id: 'one', host: 'mail:1', trackingKid: kidOf(older), trackingKids: [kidOf(older)] });
    const staged = { CASEHARD_TRACKING_KEY: older, CASEHARD_STAGED_TRACKING_KEYS: newer };
    expect((await desk.run(['rotate', '--tracking', '--json'], staged)).json).toMatchObject({ step: 'stage' });
    await vault.report({
      id: 'one',
      host: 'mail:1',
      trackingKid: kidOf(newer),
      trackingKids: [kidOf(older), kidOf(newer)],
      sealed: [kidOf(newer)],
      opened: [kidOf(older)],
    });
    expect((await desk.run(['rotate', '--tracking', '--json'], staged)).json).toMatchObject({
      step: 'activate',
      kid: kidOf(newer),
    });
    const active = { CASEHARD_TRACKING_KEY: newer, CASEHARD_PREVIOUS_TRACKING_KEYS: older };
    const done = await desk.run(['rotate', '--tracking'], active);
    expect(done.code).toBe(0);
    expect(done.stdout).toContain(`Keep ${kidOf(older)} in CASEHARD_PREVIOUS_TRACKING_KEYS: unsubscribe links`);
    expect((await desk.run(['rotate', '--tracking', '--leave'], active)).code).toBe(2);
    // When links were last made and opened: columns "last sealed" and "last opened".
    const { stdout } = await desk.run(['keys', 'list'], active);
    const day = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d`;
    expect(stdout).toMatch(new RegExp(`^${kidOf(newer)} +tracking +active +1 +1 +- +- +${day} +- +-$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^${kidOf(older)} +tracking +previous +0 +1 +- +- +- +${day} +-$`, 'm'));
  });

  it('waits for nobody before the upgrade has made the table of processes', async () => {
    await desk.vault.execute('alter table casehard_processes rename to elsewhere');
    const early = await desk.run(['rotate'], { CASEHARD_ENC_KEY: desk.vault.newKey });
    await desk.vault.execute('alter table elsewhere rename to casehard_processes');
    expect(early.code).toBe(3);
    expect(early.stderr).toContain(
      'the table casehard_processes is missing: no process can be waited for [UPGRADE_PENDING]',
    );
  });
});

describe.each(ENGINES)('casehard rotate killed on $engine', (engine) => {
  it.skipIf(engine.absent)(
    'leaves every value readable with the configured keys, wherever it dies, and a second run finishes',
    async () => {
      const desk = await openDesk(engine);
      const { vault } = desk;
      const { newKey, oldKey, newKid } = vault;
      try {
        const env = { CASEHARD_ENC_KEY: newKey, CASEHARD_PREVIOUS_ENC_KEYS: oldKey };
        const killing = {
          ...env,
          NODE_OPTIONS: `--import=${resolve(import.meta.dirname, '../robust/kill-at.ts')}`,
          KILL_ENGINE: engine.engine,
        };
        const log = join(desk.folder, 'statements.json');
        const restore = await desk.snapshot();
        expect((await desk.run(['rotate'], { ...killing, KILL_LOG: log })).code).toBe(3);
        const statements: readonly string[] = JSON.parse(readFileSync(log, 'utf8'));
        // Those that begin, lock, write or commit; one of each kind is enough here: robust/kill.test.ts takes them all.
        const worth = new Map<string, number>();
        statements.forEach((text, i) => {
          const kind =
            /^(begin|insert into \S+|update \S+|commit|delete from \S+|with\b|select .*\bfor (?:no key )?update)/i.exec(
              text,
            )?.[0];
          if (kind !== undefined) worth.set(kind.slice(0, 30), i + 1);
        });
        const kills = [...worth.values()].slice(0, MOST_KILLS);
        expect(kills.length).toBeGreaterThan(2);
        for (const at of kills) {
          await restore();
          const killed = await desk.run(['rotate'], {
            ...killing,
            KILL_AT: String(at),
            KILL_WHEN: 'before',
          });
          expect(killed.code, `${at}: ${killed.stdout}${killed.stderr}`).toBeNull();
          expect(await vault.contents({ active: newKey, previous: [oldKey] }), `killed at ${at}`).toEqual(
            VAULT_CONTENTS,
          );
        }
        const again = await desk.run(['rotate', '--json'], env);
        expect(again.json, again.stderr).toMatchObject({ step: 'withdraw', kid: newKid });
        expect(await vault.contents({ active: newKey })).toEqual(VAULT_CONTENTS);
        // The withdrawal has one write. Killed before it, the canary is still there, and asking again is enough.
        const args = ['keys', 'withdraw', vault.oldKid, '--yes-no-others'];
        const canaries = () => vault.read('select kid from casehard_keys order by kid');
        await desk.snapshot().then(async (back) => {
          expect((await desk.run(args, { ...killing, KILL_LOG: log })).code).toBe(0);
          expect(await canaries()).toEqual([newKid]);
          await back();
        });
        const asked: readonly string[] = JSON.parse(readFileSync(log, 'utf8'));
        const write = asked.findIndex((text) => /^delete from \S*casehard_keys/i.test(text)) + 1;
        const killed = await desk.run(args, {
          ...killing,
          KILL_AT: String(write),
          KILL_WHEN: 'before',
        });
        expect(killed.code).toBeNull();
        expect(await canaries()).toEqual([newKid, vault.oldKid].sort());
        expect((await desk.run(args, env)).code).toBe(0);
        expect(await vault.contents({ active: newKey, withdrawn: [vault.oldKid] })).toEqual(VAULT_CONTENTS);
      } finally {
        await desk.drop();
      }
    },
    300_000,
  );
});

// --- internal ---

const MOST_KILLS = 8;
const TABLES = ['users', 'clients', 'casehard_keys', 'casehard_jobs', 'casehard_processes', 'casehard_key_uses'];

async function openDesk(engine: TestEngine): Promise<Desk> {
  const vault = await openVault(engine);
  const folder = temporaryFolder('rotate');
  const config = { database: vault.test.url, adopted: true, fields: vaultFields };
  writeFileSync(join(folder, 'casehard.config.json'), JSON.stringify(config));
  const { kysely } = vault.test.db;
  const rowsOf = (table: string) => kysely.selectFrom(table).selectAll().execute();
  return {
    vault,
    folder,
    run: (args, env) => casehard(args, { cwd: folder, env }),
    async dump() {
      const rows: Record<string, unknown> = {};
      for (const table of TABLES) rows[table] = await rowsOf(table);
      return JSON.stringify(rows, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
    },
    async snapshot() {
      const kept = new Map<string, Record<string, unknown>[]>();
      for (const table of TABLES) kept.set(table, await rowsOf(table));
      return async () => {
        for (const [table, rows] of kept) {
          await kysely.deleteFrom(table).execute();
          if (rows.length > 0) await kysely.insertInto(table).values(rows).execute();
        }
      };
    },
    async drop() {
      await vault.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
