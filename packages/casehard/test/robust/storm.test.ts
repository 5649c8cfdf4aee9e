import { fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCasehard, createKeyring, generateKey } from '@casehard/core';
import { type RawBuilder, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { casehard } from '../cli/command.ts';
import { ENGINES, type TestDatabase, temporaryFolder } from '../engines.ts';
import type { StormOrder, StormReport } from './storm-app.ts';
import {
  contentOf,
  legacyOf,
  STORM_PLACES,
  STORM_ROWS,
  type StormField,
  saveOf,
  stormFields,
  unwrap,
  wrap,
} from './storm-credentials.ts';

const APPLICATIONS = 2;
const ROUNDS = 3;

describe.each(ENGINES)('a storm of saves while two processes harden on $engine', (engine) => {
  it.skipIf(engine.absent)(
    'no save is overwritten, and every read gives what was saved last',
    async () => {
      const test = await engine.create();
      const folder = temporaryFolder('storm');
      let apps: readonly Application[] = [];
      try {
        const key = generateKey('enc');
        await createTables(test);
        const config = { database: test.url, adopted: true, fields: stormFields };
        writeFileSync(join(folder, 'casehard.config.json'), JSON.stringify(config));
        const run = (...args: string[]) =>
          casehard([...args, '--json'], { cwd: folder, env: { CASEHARD_ENC_KEY: key } });
        expect((await run('upgrade')).code).toBe(0);

        apps = Array.from({ length: APPLICATIONS }, (_, share) =>
          startApplication({ url: test.url, key, share, shares: APPLICATIONS }),
        );
        let changed = 0;
        for (let round = 0; round < ROUNDS; round++) {
          const batches = ['7', '20'];
          for (const { code, json, stderr } of await Promise.all(
            batches.map((batch) => run('harden', '--batch', batch)),
          )) {
            expect(code, `${stderr} ${JSON.stringify(json)}`).toBeOneOf([0, 3]); // 3: rows were busy
            expect(json.quarantined, JSON.stringify(json)).toBe(0);
            changed += Number(json.changed);
          }
        }
        const reports = await Promise.all(apps.map((app) => app.stop()));
        expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
        const saved: Readonly<Record<string, number>> = Object.assign({}, ...reports.map((report) => report.saved));
        const sum = (of: (report: StormReport) => number): number => reports.reduce((total, one) => total + of(one), 0);
        // It was a storm: most rows were saved, and reads met both kinds.
        expect(Object.keys(saved).length).toBeGreaterThan(100);
        expect(sum(({ reads }) => reads)).toBeGreaterThan(500);
        expect(sum(({ sealedReads }) => sealedReads)).toBeGreaterThan(50);
        expect(sum(({ sealedReads }) => sealedReads)).toBeLessThan(sum(({ reads }) => reads));
        expect(changed).toBeGreaterThan(100);

        expect(await lastSaves(test, key)).toEqual(all(({ field, id }) => saved[`${field}/${id}`] ?? 0));
        expect((await run('harden')).code).toBe(0);
        expect(await lastSaves(test, key)).toEqual(all(({ field, id }) => saved[`${field}/${id}`] ?? 0));
        expect((await run('status', '--check', '--deep')).code).toBe(0);
      } finally {
        for (const app of apps) app.kill();
        await test.drop();
        rmSync(folder, { recursive: true, force: true });
      }
    },
    180_000,
  );
});

// --- internal ---

interface Application {
  /** Lets it end, and gives its report. */
  stop(): Promise<StormReport>;
  kill(): void;
}

function startApplication(order: StormOrder): Application {
  const child = fork(join(import.meta.dirname, 'storm-app.ts'), [], {
    env: { ...process.env, STORM: JSON.stringify(order) },
    execArgv: ['--no-warnings'],
  });
  const report = once(child, 'message') as Promise<[StormReport]>;
  const died = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the application ended with ${code}`)));
  died.catch(() => {});
  return {
    async stop() {
      if (child.connected) child.send('stop');
      return (await Promise.race([report, died]))[0];
    },
    kill: () => child.kill('SIGKILL'),
  };
}

interface Located {
  readonly field: StormField;
  readonly id: number;
}

function all<T>(of: (row: Located) => T): readonly (readonly [locator: string, T])[] {
  return (Object.keys(stormFields) as StormField[]).flatMap((field) =>
    Array.from({ length: STORM_ROWS[field] }, (_, i) => [`${field}#${i + 1}`, of({ field, id: i + 1 })] as const),
  );
}

async function lastSaves({ db }: TestDatabase, key: string): Promise<readonly (readonly [string, number])[]> {
  const hard = createCasehard({ fields: stormFields, keyring: createKeyring({ active: key }) });
  return Promise.all(
    all(async ({ field, id }) => {
      const { table, column, where } = STORM_PLACES[field];
      const { rows } = await sql<{
        text: string;
      }>`select ${sql.id(column)} as text from ${sql.table(table)} where ${where(id)}`.execute(db.kysely);
      expect(rows.length).toBe(1);
      const { stored, save } = unwrap(field, rows[0]?.text ?? '');
      const found = saveOf(field, id, hard.field(field).openText(stored, { id } as never));
      expect(save ?? found).toBe(found);
      return found;
    }).map(async ([locator, found]) => [locator, await found] as const),
  );
}

async function createTables({ db }: TestDatabase): Promise<void> {
  const run = (statement: RawBuilder<unknown>) => statement.execute(db.kysely);
  await run(sql`create table users (id int not null primary key, password varchar(300) not null)`);
  await run(sql`create table settings (name varchar(40) not null, value varchar(400))`);
  await run(sql`create table clients (id int not null primary key, config text not null)`);
  await run(sql`create table addons (id int not null primary key, config text not null)`);
  await run(sql`insert into settings (name, value) values ('theme', 'dark')`);
  for (const [field, rows] of Object.entries(STORM_ROWS) as [StormField, number][]) {
    const { table, column } = STORM_PLACES[field];
    const values = Array.from({ length: rows }, (_, i) => {
      const text = wrap(field, legacyOf(field, contentOf(field, i + 1, 0)), 0);
      return sql`(${field === 'smtp' ? 'smtp' : i + 1}, ${text})`;
    });
    const id = sql.id(field === 'smtp' ? 'name' : 'id');
    await run(sql`insert into ${sql.table(table)} (${id}, ${sql.id(column)}) values ${sql.join(values)}`);
  }
}
