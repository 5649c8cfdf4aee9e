import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES, temporaryFolder } from '../engines.ts';
import { expectations, openShop, type Shop, seen } from './shop.ts';

/** All statements, reads that repeat included: slow, for those who change how pages are written. */
const EVERY = process.env.CASEHARD_KILL_EVERY === '1';
const LANES = 2;

const COMMANDS = [
  { command: 'upgrade', args: ['upgrade'], before: [], when: ['before'] },
  { command: 'harden', args: ['harden', '--batch', '2'], before: [['upgrade']], when: ['before', 'after'] },
  { command: 'soften', args: ['soften', '--yes', '--batch', '2'], before: [['upgrade'], ['harden']], when: ['before'] },
] as const;

describe.each(ENGINES)('killed on $engine', (engine) => {
  const folder = temporaryFolder('kill');
  const preload = `--import=${resolve(import.meta.dirname, 'kill-at.ts')}`;
  const cache = { NODE_COMPILE_CACHE: join(folder, 'cache'), KILL_ENGINE: engine.engine };
  let shops: readonly Shop[] = [];
  beforeAll(async () => {
    if (engine.absent) return;
    shops = await Promise.all(Array.from({ length: LANES }, () => openShop(engine)));
  });
  afterAll(async () => {
    for (const shop of shops) await shop.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.skipIf(engine.absent).each(COMMANDS)(
    `$command loses nothing and is finished by a second run, killed at ${EVERY ? 'every statement' : 'every statement that begins, locks, writes or commits, and at an even sample of the reads'}`,
    async ({ args, before, when, command }) => {
      const log = join(folder, `${command}.json`);
      const outcomes = await Promise.all(shops.map((shop) => undisturbed(shop, log)));
      const statements: string[] = JSON.parse(readFileSync(log, 'utf8'));
      expect(statements.length).toBeGreaterThan(50);
      const kills = when.flatMap((how) => worthKilling(statements, how).map((at) => ({ how, at })));
      const total = kills.length;
      /** States from which a second run has been seen to finish. */
      const finished = new Set<string>();
      let killed = 0;
      await Promise.all(shops.map((shop, lane) => kill(shop, lane)));
      expect(killed).toBe(total);
      expect(finished.size).toBeGreaterThan(command === 'upgrade' ? 2 : 6);

      async function undisturbed(shop: Shop, log: string) {
        await shop.reset();
        for (const earlier of before) expect((await shop.run([...earlier], cache)).code).toBeOneOf([0, 3]);
        const restore = command === 'upgrade' ? shop.reset : await shop.snapshot();
        const start = await shop.state({ jobs: true });
        const { code } = await shop.run([...args], { ...cache, NODE_OPTIONS: preload, KILL_LOG: log });
        expect(code).toBe(command === 'upgrade' ? 0 : 3);
        const end = await shop.state();
        expect(seen(await shop.judge())).toEqual(expectations(shop));
        return { restore, start, code, end };
      }

      async function kill(shop: Shop, lane: number): Promise<void> {
        const outcome = outcomes[lane];
        if (!outcome) throw new Error('no outcome');
        const { restore, start, code, end } = outcome;
        let dirty = true;
        for (let next = kills.pop(); next; next = kills.pop()) {
          const { how, at } = next;
          const label = `${how} statement ${at}: ${statements[at - 1]?.slice(0, 80)}`;
          if (dirty) await restore();
          const others = await sessions(shop);
          const env = { ...cache, NODE_OPTIONS: preload, KILL_AT: String(at), KILL_WHEN: how };
          const { code: killedCode, stdout, stderr } = await shop.run([...args], env);
          expect(killedCode, `${label} was not reached: ${stdout}${stderr}`).toBeNull();
          killed++;
          await left(shop, others);
          expect(seen(await shop.judge()), label).toEqual(expectations(shop));
          const state = await shop.state({ jobs: true });
          dirty = state !== start;
          if (finished.has(state)) continue;
          finished.add(state);
          dirty = true;
          const again = await shop.run([...args], cache);
          expect(again.code, `${label}: ${again.stdout}${again.stderr}`).toBe(code);
          expect(await shop.state(), label).toBe(end);
          expect(seen(await shop.judge()), label).toEqual(expectations(shop));
        }
      }
    },
    600_000,
  );
});

// --- internal ---

const PLAIN_READ = /^(select|pragma|show|set|\(?with)\b(?!.*\bfor (no key )?update\b)/i;
const SAMPLE = 25;

/** Which statements to die at. A read leaves the state that the statement before it left, so a sample stands for all. */
function worthKilling(statements: readonly string[], how: 'before' | 'after'): readonly number[] {
  return statements.flatMap((text, i) => {
    if (EVERY) return [i + 1];
    if (PLAIN_READ.test(text)) return how === 'before' && i % SAMPLE === 0 ? [i + 1] : [];
    // After it was sent, only what changes something can matter to anybody.
    return how === 'before' || /^(insert|update|commit)\b/i.test(text) ? [i + 1] : [];
  });
}

const SESSIONS = {
  sqlite: undefined,
  postgres: sql<{ id: number }>`select pid as id from pg_stat_activity where datname = current_database()`,
  mysql: sql<{ id: number }>`select id from information_schema.processlist where db = database()`,
} as const;

async function sessions({ test }: Shop): Promise<ReadonlySet<string>> {
  const rows = (await SESSIONS[test.engine]?.execute(test.db.kysely))?.rows ?? [];
  return new Set(rows.map(({ id }) => String(id)));
}

/** Waits until the server has noticed that the process is gone. */
async function left(shop: Shop, others: ReadonlySet<string>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if ([...(await sessions(shop))].every((id) => others.has(id))) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error('the session of a killed process does not end');
}
