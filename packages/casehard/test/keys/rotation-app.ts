/*
 * One of the live processes of the rotation test, a process of its own: attaches, then saves and reads credentials through
 * the library until it is told to stop. It owns the rows whose number leaves `share` modulo `shares`: it alone saves them.
 * Every acknowledged save is told to the parent at once, so that being killed loses no evidence.
 */
import { createCasehard, createKeyring, type KeyringOptions, parseHeader } from '@casehard/core';
import { sql } from 'kysely';
import { openDatabase } from '../../src/database/connect.ts';
import { createDriver } from '../../src/inventory/driver.ts';
import {
  contentOf,
  STORM_PLACES,
  STORM_ROWS,
  type StormField,
  saveOf,
  stormFields,
  unwrap,
  wrap,
} from '../robust/storm-credentials.ts';

/** What the process is started with, as JSON in ROTATION. */
export interface RotationOrder {
  readonly url: string;
  readonly keys: KeyringOptions;
  readonly share: number;
  readonly shares: number;
  readonly heartbeat: number;
  /** Acknowledged saves of its rows by an earlier process, `field/id`. */
  readonly saved: Readonly<Record<string, number>>;
}

export type RotationMessage =
  | { readonly kind: 'attached'; readonly problems: readonly string[] }
  | { readonly kind: 'saved'; readonly row: string; readonly save: number }
  | {
      readonly kind: 'ended';
      readonly reads: number;
      readonly saves: number;
      /** Key ids of the sealed values that were read. */
      readonly kids: readonly string[];
      /** Everything that must not happen. */
      readonly failures: readonly string[];
    };

const CONNECTIONS = 3;

const order = JSON.parse(process.env.ROTATION ?? '{}') as RotationOrder;
const db = openDatabase(order.url, { folder: '.' });
const warnings: string[] = [];
const hard = createCasehard({
  fields: stormFields,
  keyring: createKeyring(order.keys),
  warn: (text) => warnings.push(text),
});
const names = Object.keys(stormFields) as StormField[];
const own = names.flatMap((field) =>
  Array.from({ length: STORM_ROWS[field] }, (_, i) => ({ field, id: i + 1 })).filter(
    ({ id }) => id % order.shares === order.share,
  ),
);
const saved = new Map(Object.entries(order.saved));
const read = new Map<string, number>();
const kids = new Set<string>();
const failures: string[] = [];
let [reads, saves, stopped] = [0, 0, false];
process.on('message', () => {
  stopped = true;
});

const attachment = await hard.attach(createDriver(db, stormFields), { heartbeat: order.heartbeat });
tell({ kind: 'attached', problems: attachment.problems.map(({ code }) => code) });
// What an earlier process has saved last is what is there, or something newer that it could not tell of any more.
for (const { field, id } of own)
  await guarded(field, id, async () => void saved.set(`${field}/${id}`, await look(field, id)));
await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => work(i)));
await attachment.detach();
tell({ kind: 'ended', reads, saves, kids: [...kids], failures });
await db.close();
process.disconnect();

// --- internal ---

function tell(message: RotationMessage): void {
  process.send?.(message);
}

async function work(connection: number): Promise<void> {
  // The others are left for the reseal: what is saved needs none.
  const mine = own.filter(({ id }, i) => i % CONNECTIONS === connection && id % 5 < 2);
  while (!stopped && failures.length === 0) {
    const { field, id } = pick(mine);
    await guarded(field, id, () => save(field, id));
    const other = pick(names);
    const row = 1 + Math.floor(Math.random() * STORM_ROWS[other]);
    await guarded(other, row, () => look(other, row));
    await new Promise((done) => setTimeout(done, 25));
  }
}

async function guarded(field: StormField, id: number, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    failures.push(`${field}#${id}: ${error instanceof Error ? error.message : error}`);
  }
}

async function save(field: StormField, id: number): Promise<void> {
  const next = (saved.get(`${field}/${id}`) ?? 0) + 1;
  const { table, column, where } = STORM_PLACES[field];
  const stored = hard.field(field).seal(contentOf(field, id, next), { id } as never);
  const text = wrap(field, stored, next);
  await patiently(() =>
    sql`update ${sql.table(table)} set ${sql.id(column)} = ${text} where ${where(id)}`.execute(db.kysely),
  );
  saves++;
  saved.set(`${field}/${id}`, next);
  tell({ kind: 'saved', row: `${field}/${id}`, save: next });
}

/** Reads a credential as the application does. Nothing older may come back than what was saved or read before. */
async function look(field: StormField, id: number): Promise<number> {
  const row = `${field}/${id}`;
  const least = Math.max(saved.get(row) ?? 0, read.get(row) ?? 0);
  const { table, column, where } = STORM_PLACES[field];
  const { rows } = await patiently(() =>
    sql<{ text: string }>`select ${sql.id(column)} as text from ${sql.table(table)} where ${where(id)}`.execute(
      db.kysely,
    ),
  );
  const { stored, save: said } = unwrap(field, rows[0]?.text ?? '');
  const found = saveOf(field, id, hard.field(field).openText(stored, { id } as never));
  const header = parseHeader(stored);
  if (typeof header !== 'string') kids.add(header.kid);
  if (said !== undefined && said !== found) throw new Error(`a mixture of save ${said} and save ${found}`);
  if (found < least) throw new Error(`save ${found} is back, after save ${least}`);
  read.set(row, Math.max(found, read.get(row) ?? 0));
  reads++;
  return found;
}

/** Tries again where the engine says that trying again helps. */
async function patiently<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      const { code, errno } = error as { code?: string; errno?: number };
      if (!['40001', '40P01', '55P03', '1205', '1213'].includes(String(errno ?? code))) throw error;
    }
  }
}

function pick<T>(from: readonly T[]): T {
  return from[Math.floor(Math.random() * from.length)] as T;
}
