import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import {
  type CasehardConfig,
  column,
  createCasehard,
  createKeyring,
  type Fields,
  generateKey,
  type Keyring,
  type KeyringOptions,
  path,
} from '@casehard/core';
import { generateStateKey } from '@casehard/core/state';
import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Project } from '../../src/config/load.ts';
import type { Database } from '../../src/database/connect.ts';
import { OWN_TABLES } from '../../src/database/own-tables.ts';
import { type Diagnosis, type ExamineOptions, examine } from '../../src/doctor/examine.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { resolveFields } from '../../src/inventory/resolve.ts';
import { planFor } from '../../src/jobs/pending.ts';
import { run } from '../../src/jobs/run.ts';
import { runUpgrade } from '../../src/upgrade/run.ts';
import { dump } from '../cli/dump.ts';
import { type TestDatabase, type TestEngine, temporaryFolder } from '../engines.ts';

export const PASSWORD = 'user.smtp.password';
export const BOUNCE = 'list.bounce.password';
export const CLIENT = 'oauth.client.secret';

/** Nothing of these may ever be in what the doctor says. */
export const SECRETS = [
  'planted-smtp-1',
  'planted-smtp-2',
  'planted-smtp-3',
  'planted-bounce',
  'planted-oauth',
] as const;

export const FIELDS = {
  [PASSWORD]: column('users', 'smtp_password', { row: { id: 'int' }, was: 'base64' }),
  [BOUNCE]: column('lists', 'bounce_password', { row: { id: 'int' }, was: 'base64' }),
  [CLIENT]: path('clients', 'config', '/secret', { row: { id: 'int' }, in: 'json', was: 'plaintext' }),
} satisfies Fields;

export interface PatientOptions extends Partial<ExamineOptions> {
  readonly keys?: KeyringOptions;
  readonly config?: Partial<CasehardConfig>;
  readonly db?: Database;
}

/** A small database of credentials, upgraded, that can be made ill. */
export interface Patient {
  readonly test: TestDatabase;
  readonly folder: string;
  readonly key: string;
  readonly kid: string;
  readonly env: Readonly<Record<string, string>>;
  execute(...statements: readonly string[]): Promise<void>;
  /** One column of a query. */
  read(query: string): Promise<readonly string[]>;
  project(options?: PatientOptions): Project;
  harden(keys?: KeyringOptions): Promise<void>;
  /** What a field would store for a row. */
  seal(field: string, id: number, text: string, keys?: KeyringOptions): string;
  /** Examines, and proves that nothing was written and no secret was said. */
  diagnose(options?: PatientOptions): Promise<Diagnosis>;
  /** The rows as at the beginning, and nothing in the evidence. */
  reset(): Promise<void>;
  drop(): Promise<void>;
}

export async function makePatient(engine: TestEngine): Promise<Patient> {
  const test = await engine.create();
  const folder = temporaryFolder('patient');
  const key = generateKey('enc');
  const keyring = createKeyring({ active: key });
  const env = { CASEHARD_STATE_KEY: generateStateKey() };
  const base64 = (text: string): string => `'${Buffer.from(text).toString('base64')}'`;
  const execute: Patient['execute'] = async (...statements) => {
    for (const statement of statements) await sql.raw(statement).execute(test.db.kysely);
  };
  const project: Patient['project'] = ({ keys = { active: key }, config = {} } = {}) => {
    const fields = config.fields ?? FIELDS;
    const own: Keyring = createKeyring(keys);
    return {
      path: `${folder}/casehard.config.ts`,
      folder,
      config: { adopted: true, ...config, fields },
      keyring: own,
      hard: createCasehard({ fields, keyring: own, warn: () => {} }),
    };
  };
  const reset = async (): Promise<void> => {
    for (const table of TABLES) await execute(`drop table if exists ${table}`);
    await execute(
      'create table users (id int not null primary key, smtp_password varchar(400))',
      'create table lists (id int not null primary key, bounce_password varchar(400))',
      'create table clients (id int not null primary key, config text)',
      `insert into users values ${SECRETS.slice(0, 3).map((text, i) => `(${i + 1}, ${base64(text)})`)}`,
      `insert into lists values (1, ${base64(SECRETS[3])})`,
      `insert into clients values (1, '{"secret":"${SECRETS[4]}"}')`,
    );
    const { fields } = await resolveFields(test.db, project().hard, { keyring });
    await runUpgrade(test.db, await planFor(test.db, fields));
  };
  await reset();
  return {
    test,
    folder,
    key,
    kid: keyring.active?.kid ?? '',
    env,
    execute,
    read: async (query) => {
      const { rows } = await sql.raw<Record<string, unknown>>(query).execute(test.db.kysely);
      return rows.map((row) => String(Object.values(row)[0]));
    },
    project,
    harden: async (keys) => {
      await run(project(keys ? { keys } : {}), test.db, { act: 'harden' });
    },
    seal: (field, id, text, keys) =>
      String(
        project(keys ? { keys } : {})
          .hard.field(field as never)
          .seal(text, { id } as never),
      ),
    diagnose: async (options = {}) => {
      const { keys: _keys, config: _config, db = test.db, ...rest } = options;
      const before = await dump(test.db);
      const diagnosis = await examine(project(options), db, { env, ...rest });
      expect(await dump(test.db)).toEqual(before);
      expectNoSecret(JSON.stringify(diagnosis), [key, ...keysOf(options.keys)]);
      return diagnosis;
    },
    reset,
    drop: async () => {
      await test.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function expectNoSecret(text: string, keys: readonly string[] = []): void {
  for (const secret of [...SECRETS, ...keys]) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain(Buffer.from(secret).toString('base64').replace(/=+$/, ''));
  }
  expect(text).not.toMatch(/chd1\.[a-z2-7]{8}\.[A-Za-z0-9_-]{20}/);
}

/** The findings of a code. */
export function found({ findings }: Pick<Diagnosis, 'findings'>, code: string): readonly Finding[] {
  return findings.filter((finding) => finding.code === code);
}

/** A key without a prefix, which does not say what it is for. */
export function plainKey(): string {
  return randomBytes(32).toString('base64');
}

// --- internal ---

const TABLES = ['users', 'lists', 'clients', ...OWN_TABLES];

function keysOf(keys: KeyringOptions = {}): readonly string[] {
  return [keys.active, ...(keys.previous ?? []), ...(keys.staged ?? [])].flatMap((each) =>
    typeof each === 'string' ? [each] : [],
  );
}
