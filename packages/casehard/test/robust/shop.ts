import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { column, createCasehard, createKeyring, generateKey, path, setting, type VerdictKind } from '@casehard/core';
import { sql } from 'kysely';
import { OWN_TABLES } from '../../src/database/own-tables.ts';
import { type CommandResult, casehard } from '../cli/command.ts';
import { type TestDatabase, type TestEngine, temporaryFolder } from '../engines.ts';

/** The smallest application with every kind of field; its column is too narrow for a sealed value. */
export const fields = {
  password: column('users', 'password', { row: { id: 'int' }, was: 'base64' }),
  smtp: setting('settings', { where: { name: 'smtp' }, value: 'value', was: 'plaintext' }),
  token: path('clients', 'config', '/secret', { row: { id: 'int' }, in: 'json', was: 'plaintext' }),
};

/** A credential of the shop: what is stored, and what the application reads; null: nothing that opens. */
export interface Credential {
  readonly field: keyof typeof fields;
  readonly id: number;
  readonly stored: string | null;
  readonly content: string | null;
}

export interface Shop {
  readonly test: TestDatabase;
  readonly credentials: readonly Credential[];
  /** Runs the built command in the shop's folder, with its keys. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CommandResult>;
  /** Puts every table back to how it was made, our own tables gone. */
  reset(): Promise<void>;
  /** Remembers all rows; what it returns brings them back. */
  snapshot(): Promise<() => Promise<void>>;
  /** Every table, our own too, without what differs from run to run; jobs only where asked for. */
  state(options?: { readonly jobs?: boolean }): Promise<string>;
  /** What became of each credential. */
  judge(): Promise<readonly Judged[]>;
  drop(): Promise<void>;
}

export interface Judged {
  readonly locator: string;
  readonly stored: string | null;
  readonly verdict: VerdictKind;
  readonly content: string | null;
}

/** A fresh database with the shop in it. */
export async function openShop(
  engine: TestEngine,
  keys = { active: generateKey('enc'), previous: generateKey('enc') },
): Promise<Shop> {
  const test = await engine.create();
  const folder = temporaryFolder('shop');
  writeFileSync(join(folder, 'casehard.config.json'), JSON.stringify({ database: test.url, adopted: true, fields }));
  const hard = createCasehard({ fields, keyring: createKeyring({ active: keys.active, previous: [keys.previous] }) });
  const credentials = creditsOf(createCasehard({ fields, keyring: createKeyring({ active: keys.previous }) }));
  const env = { CASEHARD_ENC_KEY: keys.active, CASEHARD_PREVIOUS_ENC_KEYS: keys.previous };
  const all = async <T>(text: string): Promise<T[]> => (await sql.raw<T>(text).execute(test.db.kysely)).rows;

  const shop: Shop = {
    test,
    credentials,
    run: (args, more) => casehard(args, { cwd: folder, env: { ...env, ...more } }),
    async reset() {
      for (const table of ['users', 'settings', 'clients', ...OWN_TABLES]) {
        await all(`drop table if exists ${table}`);
      }
      await all('create table users (id int not null primary key, password varchar(100), name varchar(20) not null)');
      await all('create table settings (name varchar(40) not null, value varchar(300))');
      await all('create table clients (id int not null primary key, config text not null)');
      for (const { field, id, stored } of credentials) await insert(test, { field, id, stored });
      await sql`insert into settings (name, value) values ('theme', 'chd1.dark')`.execute(test.db.kysely);
    },
    async snapshot() {
      const tables = await Promise.all(
        TABLES.map(async (table) => ({ table, rows: await all<Row>(`select * from ${table}`) })),
      );
      return async () => {
        for (const { table, rows } of tables) {
          await all(`delete from ${table}`);
          if (rows.length > 0) await test.db.kysely.insertInto(table).values(rows).execute();
        }
      };
    },
    async state({ jobs = false } = {}) {
      const rows = [
        await all('select id, password, name from users order by id'),
        await all('select name, value from settings order by name, value'),
        await all('select id, config from clients order by id'),
        await own(() => all('select kid from casehard_keys order by kid')),
        // MySQL commits at every DDL statement: a kill may leave a step made and not noted, and the catalogue counts.
        test.engine !== 'mysql' && (await own(() => all('select what from casehard_upgrades order by what'))),
        jobs && (await own(() => all('select kind, field, state from casehard_jobs order by field, kind, state'))),
        await widths(test),
      ];
      // A sealed value differs at each sealing; which key and field it has does not.
      const text = JSON.stringify(rows, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
      return text.replace(/(chd1\.[a-z2-7]{8}\.)[\w-]+/g, '$1');
    },
    async judge() {
      const found = new Map<string, string | null>();
      for (const { id, password } of await all<{ id: number; password: string | null }>(
        'select id, password from users',
      )) {
        found.set(`password#${id}`, password);
      }
      const smtp = await all<{ value: string }>("select value from settings where name = 'smtp'");
      for (const [i, { value }] of smtp.entries()) found.set(`smtp#${i}`, value);
      for (const { id, config } of await all<{ id: number; config: string }>('select id, config from clients')) {
        found.set(`token#${id}`, secretOf(config));
      }
      return credentials.map(({ field, id }) => {
        const stored = found.get(`${field}#${id}`);
        if (stored === undefined) throw new Error(`${field}#${id} is gone`);
        const row = { id };
        const verdict = hard.field(field).verdict(stored, row as never).kind;
        const opens = !['foreign', 'unexpected', 'unreadable'].includes(verdict);
        return {
          locator: `${field}#${id}`,
          stored,
          verdict,
          content: opens ? hard.field(field).openText(stored, row as never) : null,
        };
      });
    },
    async drop() {
      await test.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await shop.reset();
  return shop;
}

/** What every credential must still be, whatever happened: readable as ever, or untouched. */
export function expectations({ credentials }: Shop): readonly (readonly [locator: string, seen: string | null])[] {
  return credentials.map(({ field, id, stored, content }) => [`${field}#${id}`, content ?? stored]);
}

/** The same view of what was found. */
export function seen(judged: readonly Judged[]): readonly (readonly [locator: string, seen: string | null])[] {
  return judged.map(({ locator, stored, content }) => [locator, content ?? stored]);
}

// --- internal ---

type Row = Record<string, unknown>;

/** Those whose rows a run changes. */
const TABLES = ['users', 'settings', 'clients', 'casehard_keys', 'casehard_jobs'] as const;

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const FIRST = '{"n":12345678901234567890,"secret":';

function secretOf(config: string): string {
  if (!config.startsWith(FIRST) || !config.endsWith(',"z":[1, 2]}'))
    throw new Error('the document around it has changed');
  return (JSON.parse(config) as { secret: string }).secret;
}

function creditsOf(old: ReturnType<typeof createCasehard<typeof fields>>): readonly Credential[] {
  const legacy = ['hunter2', 'p ä s s 😀', 'x'].map((content, i): Credential => {
    return { field: 'password', id: i + 1, stored: base64(content), content };
  });
  return [
    ...legacy,
    { field: 'password', id: 4, stored: null, content: null },
    { field: 'password', id: 5, stored: 'not base64 at all!', content: null },
    { field: 'smtp', id: 0, stored: 'say "friend"', content: 'say "friend"' },
    { field: 'token', id: 1, stored: 'dö\\cument', content: 'dö\\cument' },
    { field: 'token', id: 2, stored: old.field('token').seal('older', { id: 2 }), content: 'older' },
    { field: 'token', id: 3, stored: old.field('token').seal('moved', { id: 4 }), content: null },
  ];
}

async function insert({ db }: TestDatabase, { field, id, stored }: Omit<Credential, 'content'>): Promise<void> {
  if (field === 'password') await sql`insert into users values (${id}, ${stored}, ${`user ${id}`})`.execute(db.kysely);
  if (field === 'smtp') await sql`insert into settings values ('smtp', ${stored})`.execute(db.kysely);
  if (field === 'token') {
    const config = `${FIRST}${JSON.stringify(stored)},"z":[1, 2]}`;
    await sql`insert into clients values (${id}, ${config})`.execute(db.kysely);
  }
}

/** Our own tables are not there before the upgrade. */
async function own(read: () => Promise<unknown>): Promise<unknown> {
  return read().catch(() => 'no table');
}

async function widths({ engine, db }: TestDatabase): Promise<unknown> {
  if (engine === 'sqlite') return (await sql`select sql from sqlite_master order by name`.execute(db.kysely)).rows;
  const schema = engine === 'mysql' ? sql`database()` : sql`current_schema()`;
  return (
    await sql`select table_name as t, column_name as c, character_maximum_length as w from information_schema.columns
      where table_schema = ${schema} order by 1, 2`.execute(db.kysely)
  ).rows;
}
