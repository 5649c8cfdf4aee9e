import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKey } from '@casehard/core';
import { sql } from 'kysely';
import { loadProject } from '../packages/casehard/dist/config/load.js';
import { createConsole } from '../packages/casehard/dist/console/console.js';
import { openDatabase } from '../packages/casehard/dist/database/connect.js';
import { printSampleConfig } from '../packages/casehard/dist/sample/config.js';
import { createSample } from '../packages/casehard/dist/sample/create-sample.js';

/*
 * How long each page of the console takes over a database with a million credentials, while nothing else goes on and
 * while a scan opens every value in the background. Usage: console.ts [users] [engine…]; a user has two credentials.
 */

const USERS = Number(process.argv[2] ?? 450_000);
const ENGINES = process.argv.length > 3 ? process.argv.slice(3) : ['sqlite', 'postgres', 'mysql'];
const ROUNDS = 15;
const PASSWORD = randomBytes(18).toString('base64');
const SERVERS: Readonly<Record<string, string>> = {
  postgres: process.env.CASEHARD_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres',
  mysql: process.env.CASEHARD_TEST_MYSQL ?? 'mysql://root@127.0.0.1:3306/test',
};
const LIST = '/settings/email-settings/user.smtp.password';
const PAGES: Readonly<Record<string, string>> = {
  overview: '/',
  'settings page': '/settings/email-settings',
  'list, first page': LIST,
  'list, last rows': `${LIST}?after=${USERS}`,
  'list, a search that finds nothing': `${LIST}?search=nobody-has-this-name`,
  'list, filtered by a rare verdict': `${LIST}?verdict=unreadable`,
  'one credential': '/entry/user.smtp.password%23101',
  quarantine: '/quarantine',
  jobs: '/jobs',
  keys: '/keys',
  upgrade: '/upgrade',
  accounts: '/accounts',
};

console.log(
  `\n| page, milliseconds | ${ENGINES.flatMap((engine) => [engine, `${engine}, while scanning`]).join(' | ')} |`,
);
console.log(`|---|${'---:|'.repeat(2 * ENGINES.length)}`);
const columns: Map<string, string>[] = [];
for (const engine of ENGINES) columns.push(...(await measure(engine)));
for (const name of [...Object.keys(PAGES), 'save one credential']) {
  console.log(`| ${name} | ${columns.map((column) => column.get(name) ?? '').join(' | ')} |`);
}

async function measure(engine: string): Promise<readonly Map<string, string>[]> {
  const folder = new URL(`../.tmp/bench-console-${engine}/`, import.meta.url).pathname;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { url, drop } = await place(engine, folder);
  const db = openDatabase(url, { folder: '.', create: true });
  try {
    await createSample(db, { rows: USERS });
    if (engine === 'postgres') await sql`vacuum analyze`.execute(db.kysely);
    const text = printSampleConfig({ database: 'sqlite:./x.db', adopted: true });
    writeFileSync(
      join(folder, 'casehard.config.ts'),
      text.replace(/database: .*,\n/, () => `database: ${JSON.stringify(url)},\n`),
    );
    const env = { CASEHARD_ENC_KEY: generateKey('enc') };
    const project = await loadProject(join(folder, 'casehard.config.ts'), { env, warn: () => {} });
    const admin = await createConsole({ project, env, listen: { host: '127.0.0.1', port: 8437 } });
    try {
      const visit = await signIn(admin);
      await until(async () => (await visit('/')).includes('As of the scan'));
      return [await time(visit, false), await time(visit, true)];
    } finally {
      await admin.close();
    }
  } finally {
    await db.close();
    await drop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function signIn(admin: Awaited<ReturnType<typeof createConsole>>): Promise<Visit> {
  const path = `/welcome/${admin.issueWelcome()}`;
  let cookie = '';
  const send = async (to: string, body?: Record<string, string>): Promise<string> => {
    const headers = { host: '127.0.0.1:8437', origin: 'http://127.0.0.1:8437', cookie };
    const init = body ? { method: 'POST', body: new URLSearchParams(body), headers } : { headers };
    const response = await admin.fetch(new Request(`http://127.0.0.1:8437${to}`, init));
    cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie;
    return response.text();
  };
  await send(path, { name: 'bench', password: PASSWORD, again: PASSWORD });
  const page = await send('/upgrade');
  const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  await send('/upgrade', { csrf });
  await until(async () => (await send('/upgrade')).includes('No upgrade is pending'));
  return (to: string, body?: Record<string, string>) => send(to, body && { csrf, ...body });
}

type Visit = (path: string, body?: Record<string, string>) => Promise<string>;

async function time(visit: Visit, scanning: boolean): Promise<Map<string, string>> {
  const times = new Map<string, number[]>([...Object.keys(PAGES), 'save one credential'].map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, path] of Object.entries(PAGES)) {
      if (scanning) await visit('/scan', {});
      const began = performance.now();
      await visit(path);
      times.get(name)?.push(performance.now() - began);
    }
    const version = /name="version" value="([^"]+)"/.exec(await visit('/entry/user.smtp.password%23101'))?.[1] ?? '';
    const began = performance.now();
    await visit('/entry/user.smtp.password%23101', { secret: `secret ${round}`, version });
    times.get('save one credential')?.push(performance.now() - began);
  }
  return new Map([...times].map(([name, all]) => [name, `${median(all).toFixed(0)} (${Math.max(...all).toFixed(0)})`]));
}

async function place(engine: string, folder: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const server = SERVERS[engine];
  if (server === undefined) return { url: `sqlite:${folder}bench.db`, drop: async () => {} };
  const name = `casehard_bench_${randomBytes(4).toString('hex')}`;
  const run = async (statement: ReturnType<typeof sql>): Promise<void> => {
    const db = openDatabase(server, { folder: '.' });
    await statement.execute(db.kysely);
    await db.close();
  };
  await run(sql`create database ${sql.id(name)}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () =>
      run(engine === 'postgres' ? sql`drop database ${sql.id(name)} with (force)` : sql`drop database ${sql.id(name)}`),
  };
}

async function until(ask: () => Promise<boolean>): Promise<void> {
  while (!(await ask())) await new Promise((done) => setTimeout(done, 500));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
