import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  column,
  createCasehard,
  createKeyring,
  generateKey,
  loadKeyrings,
  path,
  plaintext,
  setting,
} from '@casehard/core';
import { sql } from 'kysely';
import type { LoadedProject } from '../../src/config/load.ts';
import { type CommandOptions, type CommandResult, casehard } from '../cli/command.ts';
import { type TestDatabase, type TestEngine, temporaryFolder } from '../engines.ts';

/** A database with credentials in a column, a setting and a document, as an operator has it. */
export interface Shop {
  readonly test: TestDatabase;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  execute(...statements: readonly string[]): Promise<void>;
  read(query: string): Promise<readonly unknown[]>;
  run(args: readonly string[], options?: Partial<CommandOptions>): Promise<CommandResult>;
  /** The same with another environment beside the database. */
  runAs(keys: Readonly<Record<string, string>>, args: readonly string[], input?: string): Promise<CommandResult>;
  drop(): Promise<void>;
}

export const USERS = 30;

/** Makes the shop, upgraded and hardened under the keys that are given. */
export async function makeShop(
  engine: TestEngine,
  keys: Readonly<Record<string, string>> = { CASEHARD_ENC_KEY: generateKey('enc') },
  options: { readonly harden?: boolean } = {},
): Promise<Shop> {
  const test = await engine.create();
  const folder = temporaryFolder('shop');
  const env = { DATABASE_URL: test.url, ...keys };
  const execute = async (...statements: readonly string[]): Promise<void> => {
    for (const statement of statements) await sql.raw(statement).execute(test.db.kysely);
  };
  const run: Shop['run'] = (args, how = {}) => casehard(args, { cwd: folder, env, ...how });
  const users = Array.from({ length: USERS }, (_, i) => `(${i + 1}, 'plain-${i + 1}')`);
  const docs = Array.from({ length: 5 }, (_, i) => `(${i + 1}, '{"client_secret":"doc-${i + 1}","n":${i}}')`);
  await execute(
    'create table users (id int not null primary key, secret varchar(400))',
    `insert into users values ${users.join(', ')}`,
    'create table settings (name varchar(40) not null primary key, value varchar(400))',
    "insert into settings values ('smtp', 'set-1'), ('other', 'x')",
    'create table docs (id int not null primary key, doc text)',
    `insert into docs values ${docs.join(', ')}`,
  );
  writeFileSync(
    join(folder, 'casehard.config.ts'),
    `import { column, defineConfig, path, plaintext, setting } from '@casehard/core';
export default defineConfig({ database: process.env.DATABASE_URL, adopted: true, fields: {
  'user.secret': column('users', 'secret', { row: { id: 'int' }, was: plaintext() }),
  'smtp.password': setting('settings', { where: { name: 'smtp' }, value: 'value', was: plaintext() }),
  'oauth.secret': path('docs', 'doc', '/client_secret', { row: { id: 'int' }, in: 'json', was: plaintext() }),
} });\n`,
  );
  const steps = options.harden === false ? ['upgrade'] : ['upgrade', 'harden'];
  for (const step of steps) {
    const { code, stdout, stderr } = await run([step]);
    if (code !== 0) throw new Error(`casehard ${step}: ${stdout}${stderr}`);
  }
  return {
    test,
    folder,
    env,
    execute,
    read: async (query) => {
      const { rows } = await sql.raw<Record<string, unknown>>(query).execute(test.db.kysely);
      return rows.map((row) => Object.values(row)[0]);
    },
    run,
    runAs: (other, args, input) =>
      casehard(args, {
        cwd: folder,
        env: { DATABASE_URL: test.url, ...other },
        ...(input === undefined ? {} : { input }),
      }),
    drop: async () => {
      await test.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The fields of the configuration above. */
const FIELDS = {
  'user.secret': column('users', 'secret', { row: { id: 'int' }, was: plaintext() }),
  'smtp.password': setting('settings', { where: { name: 'smtp' }, value: 'value', was: plaintext() }),
  'oauth.secret': path('docs', 'doc', '/client_secret', { row: { id: 'int' }, in: 'json', was: plaintext() }),
} as const;

/** The project that a command would load, with these keys. */
export function projectOf({ folder }: Shop, env: Readonly<Record<string, string>>): LoadedProject {
  const { keyring, tracking } = loadKeyrings({ env, folder, settings: { envFile: false } });
  const hard = createCasehard({ fields: FIELDS, keyring, warn: () => {} });
  const config = { fields: FIELDS, adopted: true };
  return { path: '', folder, config, keyring, tracking, links: undefined, hard } as unknown as LoadedProject;
}

/** What `field('user.secret').seal` makes under a key. */
export function sealUser(key: string, content: string, id: number): string {
  const hard = createCasehard({
    fields: { 'user.secret': FIELDS['user.secret'] },
    keyring: createKeyring({ active: key }),
    warn: () => {},
  });
  return String(hard.field('user.secret').seal(content, { id }));
}

/** The kid inside a key text. */
export function kidOf(key: string): string {
  return key.split('.')[2] ?? '';
}

/** The key itself, without name and id: what must never be seen. */
export function bodyOf(key: string): string {
  return key.split('.')[3] ?? '';
}

/** Every file below a folder, with its bytes as latin1. */
export function filesBelow(folder: string): ReadonlyMap<string, string> {
  if (!existsSync(folder)) return new Map();
  const found = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found.set(path, readFileSync(path, 'latin1'));
  }
  return found;
}
