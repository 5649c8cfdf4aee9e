import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCasehard, createKeyring, generateKey } from '@casehard/core';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { BIN, type CommandOptions, casehard } from '../cli/command.ts';
import { ENGINES, type TestDatabase, temporaryFolder } from '../engines.ts';
import { STORM_ROWS, type StormField, saveOf, stormFields, unwrap } from '../robust/storm-credentials.ts';
import { createFleet, createStormTables, readTexts } from './fleet.ts';

const APPLICATIONS = 3;
const HEARTBEAT = 1000;
const SECOND_IN_DAYS = 1 / 86_400;

describe.each(ENGINES.filter(({ engine }) => engine !== 'sqlite'))('a rotation under load on $engine', (engine) => {
  it.skipIf(engine.absent)(
    'loses no read and no save with three live processes, one of them killed in the middle, and ends with zero values under the old key',
    async () => {
      const test = await engine.create();
      const folder = temporaryFolder('rotation');
      const fleet = createFleet({ url: test.url, shares: APPLICATIONS, heartbeat: HEARTBEAT });
      try {
        await createStormTables(test);
        const oldKey = generateKey('enc');
        const oldKid = kidOf(oldKey);
        // What an operator has in the settings of the command; those of the processes follow one after another.
        let env: Readonly<Record<string, string>> = { CASEHARD_ENC_KEY: oldKey };
        const configure = (keys: object): void =>
          writeFileSync(
            join(folder, 'casehard.config.json'),
            JSON.stringify({ database: test.url, adopted: true, fields: stormFields, keys }),
          );
        configure({});
        const run = (args: readonly string[], more: Partial<CommandOptions> = {}) =>
          casehard([...args, '--json'], { cwd: folder, env, ...more });
        const rotate = (args: readonly string[] = [], more: Partial<CommandOptions> = {}) =>
          run(['rotate', '--heartbeat', String(HEARTBEAT), ...args], more);
        const withdraw = (kid: string) =>
          run(['keys', 'withdraw', kid, '--yes-no-others', '--heartbeat', String(HEARTBEAT)]);
        const pids = (...shares: number[]) =>
          shares.map((share) => expect.stringMatching(new RegExp(`:${fleet.pid(share)}$`)));
        const hosts = (processes: unknown) => (processes as { host: string }[]).map(({ host }) => host);

        expect((await run(['upgrade'])).code).toBe(0);
        for (let share = 0; share < APPLICATIONS; share++) await fleet.restart(share, { active: oldKey });
        expect((await run(['harden'])).code).toBeOneOf([0, 3]); // 3: rows were busy, and are saved under the key now

        // Generate: the one place where key text is printed.
        const plan = await rotate(['--plan']);
        expect(plan.code, plan.stderr).toBe(3);
        expect(plan.json).toMatchObject({ next: 'generate', live: 3, values: { total: 381, toMove: 381 } });
        const made = await rotate(['--yes']);
        expect({ code: made.code, step: made.json.step }).toEqual({ code: 3, step: 'generate' });
        const newKey = /^CASEHARD_STAGED_ENC_KEYS=(\S+)$/.exec((made.json.paste as string[])[0] ?? '')?.[1] ?? '';
        const newKid = kidOf(newKey);

        // Stage: refused until every live process can open the new key, and those that cannot are named.
        env = { CASEHARD_ENC_KEY: oldKey, CASEHARD_STAGED_ENC_KEYS: newKey };
        const staging = { active: oldKey, staged: [newKey] };
        await fleet.restart(0, staging);
        const unready = await rotate();
        expect({ code: unready.code, step: unready.json.step, able: unready.json.able }).toEqual({
          code: 3,
          step: 'stage',
          able: 1,
        });
        expect(hosts(unready.json.missing)).toEqual(expect.arrayContaining(pids(1, 2)));
        for (const share of [1, 2]) await fleet.restart(share, staging);
        const ready = await rotate();
        expect(ready.json).toMatchObject({ step: 'activate', kid: newKid, able: 3, active: 0 });
        expect(ready.stdout).not.toContain('chkey1.');

        // Activate, one after another; a process that still seals under the old key holds the rotation.
        env = { CASEHARD_ENC_KEY: newKey, CASEHARD_PREVIOUS_ENC_KEYS: oldKey };
        const activated = { active: newKey, previous: [oldKey] };
        for (const share of [0, 1]) await fleet.restart(share, activated);
        const held = await rotate();
        expect(held.json).toMatchObject({ step: 'settle', why: { because: 'processes' } });
        expect(hosts((held.json.why as { processes: unknown }).processes)).toEqual(pids(2));
        expect((await withdraw(oldKid)).json).toMatchObject({ error: { code: 'KEY_IN_USE' } });

        // It waits, goes on by itself to the reseal, and is killed there. Nothing is lost; the next run goes on.
        const args = ['rotate', '--heartbeat', String(HEARTBEAT), '--wait', '--rate', '40'];
        const rotating = spawn(process.execPath, [BIN, ...args], { cwd: folder, env, stdio: 'ignore' });
        const killed = once(rotating, 'exit');
        await fleet.restart(2, activated);
        await untilResealing(test, 1);
        await sleep(700);
        rotating.kill('SIGKILL');
        expect(await killed).toEqual([null, 'SIGKILL']);
        await expectAllReadable(test, [newKey, oldKey]);

        // In the middle of the second one, a process of the application is killed, and started again.
        const resealing = rotate(['--wait', '--rate', '300', '--workers', '2']);
        await untilResealing(test, 2);
        await fleet.kill(1);
        await sleep(300);
        await fleet.restart(1, activated);
        let last = await resealing;
        for (let i = 0; i < 5 && last.json.step !== 'withdraw'; i++) last = await rotate(['--wait']);
        expect(last.json, last.stderr).toMatchObject({ step: 'withdraw', keys: [{ kid: oldKid }] });
        expect(last.code).toBe(3);

        await sleep(3 * HEARTBEAT); // until the killed process counts as gone

        // Zero values: as counted, and as the texts themselves say.
        const list = await run(['keys', 'list', '--heartbeat', String(HEARTBEAT)]);
        expect(list.json.keys).toContainEqual(
          expect.objectContaining({ kid: oldKid, state: 'previous', values: 0, able: 3, active: 0 }),
        );
        expect(list.json.keys).toContainEqual(
          expect.objectContaining({ kid: newKid, state: 'active', values: 381, able: 3, active: 3 }),
        );
        expect(Object.entries(await readTexts(test)).filter(([, text]) => text.includes(oldKid))).toEqual([]);

        // Withdraw: not while it was used a moment ago; then it is, and everybody goes on without the key.
        const early = await withdraw(oldKid);
        expect(early.code).toBe(1);
        expect(early.json.error).toMatchObject({
          code: 'KEY_IN_USE',
          message: expect.stringContaining('a process opened something with it'),
        });
        configure({ quietDays: SECOND_IN_DAYS });
        await sleep(2 * HEARTBEAT + 1500);
        const gone = await withdraw(oldKid);
        expect(gone.code, `${gone.stdout}${gone.stderr}`).toBe(0);
        expect(gone.json.paste).toEqual(['CASEHARD_PREVIOUS_ENC_KEYS=', `CASEHARD_WITHDRAWN_KIDS=${oldKid}`]);
        env = { CASEHARD_ENC_KEY: newKey, CASEHARD_WITHDRAWN_KIDS: oldKid };
        for (let share = 0; share < APPLICATIONS; share++)
          await fleet.restart(share, { active: newKey, withdrawn: [oldKid] });
        const end = await rotate();
        expect({ code: end.code, step: end.json.step }, end.stderr).toEqual({ code: 0, step: 'done' });

        for (let share = 0; share < APPLICATIONS; share++) await fleet.stop(share);
        expect(fleet.ended.flatMap(({ failures }) => failures)).toEqual([]);
        expect(fleet.ended.reduce((sum, { reads }) => sum + reads, 0)).toBeGreaterThan(1000);
        expect(fleet.ended.reduce((sum, { saves }) => sum + saves, 0)).toBeGreaterThan(500);
        expect(new Set(fleet.ended.flatMap(({ kids }) => kids))).toEqual(new Set([oldKid, newKid]));
        const saves = await expectAllReadable(test, [newKey]);
        for (const [row, save] of Object.entries(fleet.saved)) expect(saves[row], row).toBe(save);
      } finally {
        fleet.killAll();
        await test.drop();
        rmSync(folder, { recursive: true, force: true });
      }
    },
    400_000,
  );
});

// --- internal ---

function kidOf(key: string): string {
  return key.split('.')[2] ?? '';
}

/** Waits until so many resealing runs have written something: the first harden left finished rows only. */
async function untilResealing({ db }: TestDatabase, runs: number): Promise<void> {
  for (let i = 0; i < 1200; i++) {
    const { rows } = await sql`select 1 from casehard_jobs where state = 'running'`.execute(db.kysely);
    if (rows.length >= runs) return;
    await sleep(25);
  }
  throw new Error('nobody reseals');
}

/** Opens every value with these keys, and gives the save that each one is. */
async function expectAllReadable(
  test: TestDatabase,
  [active, ...previous]: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const hard = createCasehard({ fields: stormFields, keyring: createKeyring({ active: active ?? '', previous }) });
  const saves: Record<string, number> = {};
  for (const [row, text] of Object.entries(await readTexts(test))) {
    const [field, id] = row.split('/') as [StormField, string];
    const { stored } = unwrap(field, text);
    saves[row] = saveOf(field, Number(id), hard.field(field).openText(stored, { id: Number(id) } as never));
  }
  expect(Object.keys(saves)).toHaveLength(Object.values(STORM_ROWS).reduce((sum, rows) => sum + rows, 0));
  return saves;
}
