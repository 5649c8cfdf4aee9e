import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { sql } from 'kysely';
import { type Database, openDatabase } from '../packages/casehard/src/database/connect.ts';

/*
 * The bulk run beside the very same swap without cryptography, each in a process of its own, by turns, on a fresh table
 * of the same rows on the same server. Usage: bulk.ts [rows] [rounds] [engine…]
 */

const ROWS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = Number(process.argv[3] ?? 3);
const ENGINES = process.argv.length > 4 ? process.argv.slice(4) : ['sqlite', 'postgres', 'mysql'];
const ROW_AT_A_TIME = 5000;
const SECRET = 'correct horse battery'; // 21 bytes: two blocks, 125 characters
const SERVERS = {
  postgres: process.env.CASEHARD_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres',
  mysql: process.env.CASEHARD_TEST_MYSQL ?? 'mysql://root@127.0.0.1:3306/test',
} as const;

type EngineName = 'sqlite' | keyof typeof SERVERS;

const folder = new URL('../.tmp/bench/', import.meta.url).pathname;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

console.log(`
| engine | harden, rows/s | same swap without cryptography, rows/s | times as long | row at a time, rows/s | harden is | its peak memory |
|---|---:|---:|---:|---:|---:|---:|`);
for (const engine of ENGINES) await measure(engine as EngineName);

async function measure(engine: EngineName): Promise<void> {
  const { url, drop } = await place(engine);
  const found: Record<'harden' | 'constant', Run[]> = { harden: [], constant: [] };
  const slow: Run[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      // In turn first and second, so that whatever drifts meets both.
      const order = round % 2 === 0 ? (['harden', 'constant'] as const) : (['constant', 'harden'] as const);
      for (const what of order) {
        await fill(url, ROWS);
        found[what].push(alone(what, url));
      }
      await fill(url, ROW_AT_A_TIME);
      slow.push(alone('row', url));
    }
  } finally {
    await drop();
  }
  const ratios = found.harden.map(({ rate }, i) => (found.constant[i]?.rate ?? rate) / rate);
  const rate = median(found.harden.map((each) => each.rate));
  const rowwise = median(slow.map((each) => each.rate));
  const memory = Math.max(...found.harden.map(({ megabytes }) => megabytes));
  console.log(
    `| ${engine} | ${spread(found.harden.map((each) => each.rate))} | ${spread(found.constant.map((each) => each.rate))} | ${spread(ratios, 2)} | ${Math.round(rowwise)} | ${(rate / rowwise).toFixed(0)} times faster | ${memory} MB |`,
  );
}

interface Run {
  readonly rate: number;
  readonly megabytes: number;
}

/** One run in a new process, with the heap settings of the command. */
function alone(what: 'harden' | 'constant' | 'row', url: string): Run {
  const script = new URL('./bulk-alone.mjs', import.meta.url).pathname;
  const args = ['--disable-warning=ExperimentalWarning', script, what, url];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

async function fill(url: string, rows: number): Promise<void> {
  const db = openDatabase(url, { folder: '.', create: true });
  try {
    await db.kysely.schema.dropTable('credentials').ifExists().execute();
    await db.kysely.schema.dropTable('casehard_keys').ifExists().execute(); // of the key of the run before
    await sql`create table credentials (id bigint not null primary key, secret varchar(255) not null)`.execute(
      db.kysely,
    );
    for (let from = 1; from <= rows; from += 2000) {
      const page = Array.from({ length: Math.min(2000, rows - from + 1) }, (_, i) => ({
        id: from + i,
        secret: Buffer.from(`${SECRET.slice(0, 15)}${randomBytes(3).toString('hex')}`).toString('base64'),
      }));
      await db.kysely.insertInto('credentials').values(page).execute();
    }
    await settle(db);
  } finally {
    await db.close();
  }
}

/** What the server would do later, and in the middle of a run. */
async function settle(db: Database): Promise<void> {
  if (db.engine === 'postgres') {
    await sql`vacuum analyze credentials`.execute(db.kysely);
    await sql`checkpoint`.execute(db.kysely);
  }
}

async function place(engine: EngineName): Promise<{ url: string; drop: () => Promise<void> }> {
  if (engine === 'sqlite')
    return { url: `sqlite:${folder}bulk.db`, drop: async () => rmSync(folder, { recursive: true }) };
  const name = `casehard_bench_${randomBytes(4).toString('hex')}`;
  const run = async (statement: ReturnType<typeof sql>): Promise<void> => {
    const db = openDatabase(SERVERS[engine], { folder: '.' });
    await statement.execute(db.kysely);
    await db.close();
  };
  await run(sql`create database ${sql.id(name)}`);
  const url = new URL(SERVERS[engine]);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(sql`drop database ${sql.id(name)}`) };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** The median, and in brackets the smallest and the largest. */
function spread(values: readonly number[], digits = 0): string {
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return `${median(values).toFixed(digits)} (${low}–${high})`;
}
