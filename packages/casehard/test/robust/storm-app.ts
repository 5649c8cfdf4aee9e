/*
 * The application of the storm, a process of its own: saves and reads credentials as fast as it can until it is told to
 * stop, then reports. It owns the rows whose number leaves `share` modulo `shares`: it alone saves them.
 */
import { createCasehard, createKeyring } from '@casehard/core';
import { sql } from 'kysely';
import { openDatabase } from '../../src/database/connect.ts';
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

/** What the process is started with, as JSON in STORM. */
export interface StormOrder {
  readonly url: string;
  readonly key: string;
  readonly share: number;
  readonly shares: number;
}

/** What it has seen. */
export interface StormReport {
  /** The last acknowledged save of each row, `field/id`. */
  readonly saved: Readonly<Record<string, number>>;
  readonly reads: number;
  /** Reads that met a sealed value; the others were legacy. */
  readonly sealedReads: number;
  /** Codes of the engine's own retryable errors. */
  readonly retried: readonly string[];
  /** Everything that must not happen. */
  readonly failures: readonly string[];
}

const CONNECTIONS = 4;
const MOST_SAVES = 20_000;

const { url, key, share, shares } = JSON.parse(process.env.STORM ?? '{}') as StormOrder;
const db = openDatabase(url, { folder: '.' });
const hard = createCasehard({ fields: stormFields, keyring: createKeyring({ active: key }) });
const names = Object.keys(stormFields) as StormField[];
const own = names.flatMap((field) =>
  Array.from({ length: STORM_ROWS[field] }, (_, i) => ({ field, id: i + 1 })).filter(
    ({ id }) => id % shares === share % shares,
  ),
);
const saved = new Map<string, number>();
/** Nobody may read something older than what he has read. */
const read = new Map<string, number>();
const report = { reads: 0, sealedReads: 0, retried: [] as string[], failures: [] as string[] };
let saves = 0;
let stopped = false;
process.on('message', () => {
  stopped = true;
});

await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => storm(i)));
process.send?.({ ...report, saved: Object.fromEntries(saved) } satisfies StormReport);
await db.close();
process.disconnect();

// --- internal ---

async function storm(connection: number): Promise<void> {
  const rows = own.filter((_, i) => i % CONNECTIONS === connection);
  while (!stopped && report.failures.length === 0) {
    // The one setting is as busy as all others together.
    const hot = rows.filter(({ field }) => field === 'smtp');
    const mine = pick(hot.length > 0 && Math.random() < 0.3 ? hot : rows);
    try {
      if (saves < MOST_SAVES) await save(mine.field, mine.id);
      await look(mine.field, mine.id);
      const field = pick(names);
      await look(field, 1 + Math.floor(Math.random() * STORM_ROWS[field]));
    } catch (error) {
      report.failures.push(`${mine.field}#${mine.id}: ${error instanceof Error ? error.message : error}`);
    }
    // A SQLite file has one lock for all and no queue: without a breath, nobody else would ever get it.
    await new Promise((done) => setTimeout(done, db.engine === 'sqlite' ? 15 : 0));
  }
}

async function save(field: StormField, id: number): Promise<void> {
  const next = (saved.get(`${field}/${id}`) ?? 0) + 1;
  const content = contentOf(field, id, next);
  // Every third save comes from a process that has not been updated yet.
  const stored = Math.random() < 1 / 3 ? legacyOf(field, content) : hard.field(field).seal(content, { id } as never);
  const { table, column, where } = STORM_PLACES[field];
  const text = wrap(field, stored, next);
  saves++;
  await patiently(() =>
    sql`update ${sql.table(table)} set ${sql.id(column)} = ${text} where ${where(id)}`.execute(db.kysely),
  );
  saved.set(`${field}/${id}`, next);
}

async function look(field: StormField, id: number): Promise<void> {
  const { table, column, where } = STORM_PLACES[field];
  const least = Math.max(saved.get(`${field}/${id}`) ?? 0, read.get(`${field}/${id}`) ?? 0);
  const { rows } = await patiently(() =>
    sql<{ text: string }>`select ${sql.id(column)} as text from ${sql.table(table)} where ${where(id)}`.execute(
      db.kysely,
    ),
  );
  const { stored, save } = unwrap(field, rows[0]?.text ?? '');
  const found = saveOf(field, id, hard.field(field).openText(stored, { id } as never));
  report.reads++;
  if (stored.startsWith('chd1.')) report.sealedReads++;
  if (save !== undefined && save !== found) throw new Error(`a mixture of save ${save} and save ${found}`);
  if (found < least) throw new Error(`save ${found} is back, after save ${least}`);
  read.set(`${field}/${id}`, Math.max(found, read.get(`${field}/${id}`) ?? 0));
}

/** Tries again where the engine says that trying again helps. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const { code, errno, errcode } = error as { code?: string; errno?: number; errcode?: number };
      const name =
        errcode === undefined ? String(errno ?? code) : errcode % 256 === 5 ? 'SQLITE_BUSY' : String(errcode);
      report.retried.push(name);
      if (!['40001', '40P01', '55P03', '1205', '1213', 'SQLITE_BUSY'].includes(name)) throw error;
    }
  }
}

function pick<T>(from: readonly T[]): T {
  return from[Math.floor(Math.random() * from.length)] as T;
}
