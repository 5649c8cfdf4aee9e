import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { column, createCasehard, createKeyring, generateKey } from '@casehard/core';
import { sql } from 'kysely';
import { readPage } from '../packages/casehard/src/database/cells.ts';
import { type Database, openDatabase } from '../packages/casehard/src/database/connect.ts';
import type { RowKey } from '../packages/casehard/src/database/place.ts';
import { type Session, withSession } from '../packages/casehard/src/database/session.ts';
import { swapPage } from '../packages/casehard/src/database/swap.ts';
import { type ResolvedField, resolveFields } from '../packages/casehard/src/inventory/resolve.ts';
import { walk } from '../packages/casehard/src/jobs/walk.ts';

/*
 * The bulk run beside the very same swap without cryptography: two tables of the same rows on the same server, walked in
 * lockstep, a page of one and a page of the other. Usage: bulk.ts [rows] [engine…]
 */

const ROWS = Number(process.argv[2] ?? 1_000_000);
const ENGINES = process.argv.length > 3 ? process.argv.slice(3) : ['sqlite', 'postgres', 'mysql'];
const BATCH = { sqlite: 5000, postgres: 2000, mysql: 2000 } as const;
const ROW_AT_A_TIME = 5000;
const SECRET = 'correct horse battery'; // 21 bytes: two blocks, 125 characters

const folder = new URL('../.tmp/bench/', import.meta.url).pathname;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

console.log(
  `\n| engine | rows | harden, rows/s | same swap without cryptography, rows/s | ratio of medians (quartiles of the pages' ratios) | row at a time, rows/s | a process of its own, rows/s | its peak memory |`,
);
console.log('|---|---|---|---|---|---|---|---|');
for (const engine of ENGINES) await measure(engine as keyof typeof BATCH);

async function measure(engine: keyof typeof BATCH): Promise<void> {
  const { url, drop } = await place(engine);
  const db = openDatabase(url, { folder: '.', create: true });
  try {
    for (const table of ['hardened', 'constant', 'rowwise'])
      await fill(db, table, table === 'rowwise' ? ROW_AT_A_TIME : ROWS);
    const keyring = createKeyring({ active: generateKey('enc') });
    const field = (table: string) => column(table, 'secret', { row: { id: 'int' }, was: 'base64' });
    const hard = createCasehard({
      keyring,
      fields: { hardened: field('hardened'), constant: field('constant'), rowwise: field('rowwise') },
    });
    const resolved = await resolveFields(db, hard, { keyring });
    const [hardened, constant, rowwise] = resolved.fields as [ResolvedField, ResolvedField, ResolvedField];
    const second = openDatabase(url, { folder: '.' });
    const sample = hardened.field.seal(SECRET, { id: 1 } as never);
    const ours: number[] = [];
    const theirs: number[] = [];
    await withSession(db, (session) =>
      withSession(second, async (other) => {
        const step = constantWalk(other, constant, sample, BATCH[engine]);
        let began = performance.now();
        await walk(session, hardened, {
          act: 'harden',
          keyring,
          batch: BATCH[engine],
          onPage: async () => {
            ours.push(performance.now() - began);
            const start = performance.now();
            await step();
            theirs.push(performance.now() - start);
            began = performance.now();
          },
        });
      }),
    );
    const slow = await rowAtATime(second, rowwise);
    await second.close();
    await fill(db, 'alone', ROWS);
    const alone = hardenAlone(url);
    const rate = (times: readonly number[]): number =>
      (times.length * BATCH[engine] * 1000) / times.reduce((a, b) => a + b, 0);
    const ratios = ours.map((time, i) => time / (theirs[i] ?? time)).sort((a, b) => a - b);
    const at = (part: number): string => (ratios[Math.floor(ratios.length * part)] ?? 0).toFixed(2);
    const ratio = median(ours) / median(theirs);
    console.log(
      `| ${engine} | ${ROWS} | ${Math.round(rate(ours))} | ${Math.round(rate(theirs))} | ${ratio.toFixed(2)} (${at(0.25)}–${at(0.75)}) | ${Math.round(slow)} (${(rate(ours) / slow).toFixed(0)}×) | ${alone.rate} | ${alone.megabytes} MB |`,
    );
  } finally {
    await db.close();
    await drop();
  }
}

/** The same as the command does it, in a new process, for its whole time and its peak memory. */
function hardenAlone(url: string): { rate: number; megabytes: number } {
  const script = new URL('./harden-alone.mjs', import.meta.url).pathname;
  const out = execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', script, url], {
    encoding: 'utf8',
  });
  return JSON.parse(out);
}

/** Reads, locks, compares, writes and reads back just as harden does, but writes one constant text. */
function constantWalk(
  session: Session,
  { place: where }: ResolvedField,
  text: string,
  limit: number,
): () => Promise<void> {
  let after: RowKey | undefined;
  return async () => {
    const cells = await readPage(session, where, { limit, ...(after ? { after } : {}) });
    after = cells.at(-1)?.key ?? after;
    const changes = cells.flatMap(({ key, stored }) =>
      stored === null ? [] : [{ key, expected: stored, write: { kind: 'whole' as const, value: text } }],
    );
    await swapPage(session, where, changes, () => {});
  };
}

/** What an ORM's migration does: SELECT, UPDATE and COMMIT for each row. */
async function rowAtATime(db: Database, { field }: ResolvedField): Promise<number> {
  const began = performance.now();
  let rows = 0;
  for (let id = 1; id <= ROW_AT_A_TIME && performance.now() - began < 10_000; id++) {
    await db.kysely.transaction().execute(async (trx) => {
      const row = await trx.selectFrom('rowwise').select('secret').where('id', '=', id).executeTakeFirstOrThrow();
      const secret = field.openText(String(row.secret), { id } as never) ?? '';
      await trx
        .updateTable('rowwise')
        .set({ secret: field.seal(secret, { id } as never) })
        .where('id', '=', id)
        .execute();
    });
    rows++;
  }
  return (rows * 1000) / (performance.now() - began);
}

async function fill(db: Database, table: string, rows: number): Promise<void> {
  await sql`create table ${sql.table(table)} (id bigint not null primary key, secret varchar(255) not null)`.execute(
    db.kysely,
  );
  for (let from = 1; from <= rows; from += 2000) {
    const page = Array.from({ length: Math.min(2000, rows - from + 1) }, (_, i) => ({
      id: from + i,
      secret: Buffer.from(`${SECRET.slice(0, 15)}${randomBytes(3).toString('hex')}`).toString('base64'),
    }));
    await db.kysely.insertInto(table).values(page).execute();
  }
  if (db.engine === 'postgres') await sql`vacuum analyze ${sql.table(table)}`.execute(db.kysely);
}

async function place(engine: keyof typeof BATCH): Promise<{ url: string; drop: () => Promise<void> }> {
  if (engine === 'sqlite')
    return { url: `sqlite:${folder}bulk.db`, drop: async () => rmSync(folder, { recursive: true }) };
  const name = `casehard_bench_${randomBytes(4).toString('hex')}`;
  const base =
    engine === 'postgres' ? 'postgres://postgres@127.0.0.1:5432/postgres' : 'mysql://root@127.0.0.1:3306/test';
  const run = async (statement: ReturnType<typeof sql>): Promise<void> => {
    const db = openDatabase(base, { folder: '.' });
    await statement.execute(db.kysely);
    await db.close();
  };
  await run(sql`create database ${sql.id(name)}`);
  const url = new URL(base);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(sql`drop database ${sql.id(name)}`) };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
