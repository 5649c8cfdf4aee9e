import { CasehardError, type Keyring } from '@casehard/core';
import { listTables } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import {
  breakTokenText,
  continueNumbering,
  createSampleTables,
  insertSampleRows,
  SAMPLE_TABLES,
  type SampleTable,
  type SampleValue,
} from '../database/sample-schema.ts';
import { ordinaryAddons, ordinaryClients, ordinaryLists, ordinaryUsers } from './ordinary.ts';
import { sealedRows } from './sealed-rows.ts';
import { specialAddons } from './special-addons.ts';
import { specialClients } from './special-clients.ts';
import { specialLists, specialSettings } from './special-lists.ts';
import type { SampleSpecial, SpecialRow } from './special-row.ts';
import { specialUsers, user } from './special-users.ts';

export type { SampleSpecial } from './special-row.ts';

export interface SampleOptions {
  /** Ordinary users; lists are a tenth, add-ons and OAuth clients a twentieth of that. Default 200. */
  readonly rows?: number;
  /** With an active key, rows with sealed values are made too: one for each verdict. */
  readonly keyring?: Keyring;
  /** A keyring whose active key is a previous one of `keyring`; makes stale values. */
  readonly previous?: Keyring;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface SampleResult {
  readonly rows: Readonly<Record<SampleTable, number>>;
  /** The credentials made by hand, each with what it shows and the verdict on it. */
  readonly specials: readonly SampleSpecial[];
}

/**
 * Makes "Mailer", the database of an email-marketing application, in a schema of our own. The same rows every time, but
 * for sealed values. Throws REFUSED where one of its tables exists; nothing that exists is touched.
 */
export async function createSample(db: Database, options: SampleOptions = {}): Promise<SampleResult> {
  const count = options.rows ?? 200;
  if (!Number.isSafeInteger(count) || count < 0) throw new TypeError('"rows" must be 0 or a positive integer');
  await refuseExisting(db);

  const rows = [...specialRows(db), ...keyedRows(options)];
  const parts = ordinaryParts(count);
  const total = rows.length + parts.reduce((sum, part) => sum + part.count, 0);
  const made: Record<SampleTable, number> = { settings: 0, users: 0, lists: 0, addons: 0, oauth_clients: 0 };
  let done = 0;
  await createSampleTables(db);
  await db.kysely.transaction().execute(async (kysely) => {
    const inside = { engine: db.engine, kysely };
    for (const table of SAMPLE_TABLES) {
      const onRows = (inserted: number): void => {
        made[table] += inserted;
        done += inserted;
        options.onProgress?.(done, total);
      };
      const here = rows.filter((row) => row.table === table).map(({ values }) => values);
      await insertSampleRows(inside, table, here, onRows);
      for (const part of parts) {
        if (part.table === table) await insertSampleRows(inside, table, part.rows, onRows);
      }
    }
    if (db.engine === 'sqlite') await breakTokenText(kysely, NOT_UTF8, Buffer.from('tökén', 'latin1'));
  });
  await continueNumbering(db);
  return { rows: made, specials: rows.flatMap((row) => row.specials) };
}

// --- internal ---

/** The user whose token is TEXT that is not UTF-8; SQLite only. */
const NOT_UTF8 = 29;

async function refuseExisting(db: Database): Promise<void> {
  const existing = (await listTables(db)).map((name) => name.toLowerCase());
  const taken = SAMPLE_TABLES.find((table) => existing.includes(table));
  if (taken === undefined) return;
  throw new CasehardError('REFUSED', `sample: the table ${taken} exists already`, {
    hint: 'name an empty database; the sample never touches tables that exist',
  });
}

function specialRows({ engine }: Database): readonly SpecialRow[] {
  return [
    ...specialSettings(),
    ...specialUsers(),
    ...(engine === 'sqlite' ? [notUtf8()] : []),
    ...specialLists(),
    ...specialAddons(),
    ...specialClients(engine),
  ];
}

function notUtf8(): SpecialRow {
  return user(NOT_UTF8, 'text that is not UTF-8', { token: ['', 'unexpected ENCODING'] });
}

function keyedRows({ keyring, previous }: SampleOptions): readonly SpecialRow[] {
  if (!keyring?.active) return [];
  if (previous && (!previous.active || keyring.stateOf(previous.active.kid) !== 'previous')) {
    throw new TypeError('"previous" must be a keyring whose active key is a previous one of "keyring"');
  }
  return sealedRows(keyring, previous);
}

interface Part {
  readonly table: SampleTable;
  readonly count: number;
  readonly rows: Iterable<readonly SampleValue[]>;
}

function ordinaryParts(users: number): readonly Part[] {
  const lists = Math.ceil(users / 10);
  const documents = Math.ceil(users / 20);
  return [
    { table: 'users', count: users, rows: ordinaryUsers(users) },
    { table: 'lists', count: lists, rows: ordinaryLists(lists, users) },
    { table: 'addons', count: documents, rows: ordinaryAddons(documents) },
    { table: 'oauth_clients', count: documents, rows: ordinaryClients(documents) },
  ];
}
