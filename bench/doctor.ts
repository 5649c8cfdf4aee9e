import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { column, createCasehard, createKeyring, generateKey } from '@casehard/core';
import { sql } from 'kysely';
import { openDatabase } from '../packages/casehard/dist/database/connect.js';
import { examine } from '../packages/casehard/dist/doctor/examine.js';
import { resolveFields } from '../packages/casehard/dist/inventory/resolve.js';
import { planFor } from '../packages/casehard/dist/jobs/pending.js';
import { run } from '../packages/casehard/dist/jobs/run.js';
import { runUpgrade } from '../packages/casehard/dist/upgrade/run.js';

/*
 * How many values a minute the doctor looks at: the whole examination, catalogue and keys included, of a table whose
 * values are all sealed, so that each is opened. Usage: doctor.ts [rows] [rounds] [engine…]
 */

const ROWS = Number(process.argv[2] ?? 200_000);
const ROUNDS = Number(process.argv[3] ?? 3);
const ENGINES = process.argv.length > 4 ? process.argv.slice(4) : ['sqlite', 'postgres', 'mysql'];
const SERVERS: Readonly<Record<string, string>> = {
  postgres: process.env.CASEHARD_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres',
  mysql: process.env.CASEHARD_TEST_MYSQL ?? 'mysql://root@127.0.0.1:3306/test',
};

const folder = new URL('../.tmp/bench-doctor/', import.meta.url).pathname;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

console.log(
  '\n| engine | values a minute | seconds for all | seconds without opening any (`--quick`) |\n|---|---:|---:|---:|',
);
for (const engine of ENGINES) await measure(engine);
rmSync(folder, { recursive: true, force: true });

async function measure(engine: string): Promise<void> {
  const { url, drop } = await place(engine);
  const db = openDatabase(url, { folder: '.', create: true });
  try {
    await sql`create table credentials (id bigint not null primary key, secret varchar(255) not null)`.execute(
      db.kysely,
    );
    for (let from = 1; from <= ROWS; from += 2000) {
      const page = Array.from({ length: Math.min(2000, ROWS - from + 1) }, (_, i) => ({
        id: from + i,
        secret: randomBytes(15).toString('base64'),
      }));
      await db.kysely.insertInto('credentials').values(page).execute();
    }
    const fields = { 'user.secret': column('credentials', 'secret', { row: { id: 'int' }, was: 'base64' }) };
    const keyring = createKeyring({ active: generateKey('enc') });
    const hard = createCasehard({ fields, keyring, warn: () => {} });
    const project = { path: '', folder, config: { fields, adopted: true }, keyring, hard };
    const resolved = await resolveFields(db, hard, { keyring });
    await runUpgrade(db, await planFor(db, resolved.fields));
    await run(project, db, { act: 'harden' });
    if (engine === 'postgres') await sql`vacuum analyze credentials`.execute(db.kysely);

    const seconds: number[] = [];
    const quick: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const [times, options] of [
        [seconds, {}],
        [quick, { quick: true }],
      ] as const) {
        const began = performance.now();
        const { findings, values } = await examine(project, db, { env: {}, keepProgress: true, ...options });
        times.push((performance.now() - began) / 1000);
        const current = findings.some(
          ({ code, evidence }) => code === 'VALUES_CURRENT' && evidence.startsWith(`${ROWS} `),
        );
        if (times === seconds && !(values.complete && current)) throw new Error('the doctor did not open every value');
      }
    }
    const rates = seconds.map((each) => (ROWS / each) * 60);
    console.log(`| ${engine} | ${spread(rates, 0)} | ${spread(seconds, 1)} | ${spread(quick, 1)} |`);
  } finally {
    await db.close();
    await drop();
  }
}

async function place(engine: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const server = SERVERS[engine];
  if (server === undefined) return { url: `sqlite:${folder}doctor.db`, drop: async () => {} };
  const name = `casehard_bench_${randomBytes(4).toString('hex')}`;
  const execute = async (statement: ReturnType<typeof sql>): Promise<void> => {
    const db = openDatabase(server, { folder: '.' });
    await statement.execute(db.kysely);
    await db.close();
  };
  await execute(sql`create database ${sql.id(name)}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => execute(sql`drop database ${sql.id(name)}`) };
}

/** The median, and in brackets the smallest and the largest. */
function spread(values: readonly number[], digits: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, middle, high] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)].map((value) =>
    (value ?? 0).toFixed(digits),
  );
  return `${middle} (${low}–${high})`;
}
