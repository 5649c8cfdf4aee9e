import {
  column,
  createCasehard,
  createKeyring,
  generateKey,
  type KeyringOptions,
  type ProcessReport,
  path,
} from '@casehard/core';
import { createTrackingKeyring, type TrackingKeyringOptions } from '@casehard/core/links';
import { sql } from 'kysely';
import type { Project } from '../../src/config/load.ts';
import { reportProcess } from '../../src/database/processes.ts';
import type { KeysProject } from '../../src/keys/live.ts';
import type { TestEngine } from '../engines.ts';
import { makeWork, type Work } from '../jobs/project.ts';

/** A small application: a column, and two credentials in one document. */
export const vaultFields = {
  password: column('users', 'password', { row: { id: 'int' }, was: 'base64' }),
  token: path('clients', 'config', '/token', { row: { id: 'int' }, in: 'json', was: 'plaintext' }),
  secret: path('clients', 'config', '/secret', { row: { id: 'int' }, in: 'json', was: 'plaintext' }),
};

/** The vault with all its values under an old key; a new one is at hand. */
export interface Vault extends Work {
  readonly oldKey: string;
  readonly newKey: string;
  readonly oldKid: string;
  readonly newKid: string;
  /** The whole configuration of a process, with these keys. */
  project(keys: KeyringOptions, more?: VaultOptions): Project & KeysProject;
  /** New key active, old key previous. */
  rotating(more?: VaultOptions): Project & KeysProject;
  /** Lists a process that has just reported. */
  report(report: Partial<ProcessReport> & Pick<ProcessReport, 'id'>): Promise<void>;
  /** Makes everything that processes reported so many milliseconds older. */
  age(ms: number): Promise<void>;
  /** Every content of the vault, by locator, as a process with these keys reads it. */
  contents(keys: KeyringOptions): Promise<Readonly<Record<string, string>>>;
}

export interface VaultOptions {
  readonly quietDays?: number;
  readonly tracking?: TrackingKeyringOptions;
  readonly fields?: Partial<typeof vaultFields>;
}

export const VAULT_ROWS = 30;

export async function openVault(engine: TestEngine): Promise<Vault> {
  const work = await makeWork(engine, [
    'create table users (id int not null primary key, password varchar(400), note varchar(400))',
    'create table clients (id int not null primary key, config text not null)',
  ]);
  const [oldKey, newKey] = [generateKey('enc'), generateKey('enc')];
  const old = createCasehard({ fields: vaultFields, keyring: createKeyring({ active: oldKey }) });
  for (let id = 1; id <= VAULT_ROWS; id++) {
    await sql`insert into users (id, password) values (${id}, ${old.field('password').seal(`password ${id}`, { id })})`.execute(
      work.test.db.kysely,
    );
  }
  const config = JSON.stringify({
    token: old.field('token').seal('token 1', { id: 1 }),
    secret: old.field('secret').seal('secret 1', { id: 1 }),
  });
  await sql`insert into clients (id, config) values (1, ${config})`.execute(work.test.db.kysely);
  await work.upgrade(vaultFields);
  await work.run(vaultFields, {}, createKeyring({ active: oldKey })); // changes nothing, and keeps the canary
  const project: Vault['project'] = (keys, { quietDays, tracking, fields = vaultFields } = {}) => {
    const keyring = createKeyring(keys);
    return {
      path: '',
      folder: '.',
      config: { fields, adopted: true, ...(quietDays === undefined ? {} : { keys: { quietDays } }) },
      keyring,
      hard: createCasehard({ fields, keyring, warn: () => {} }),
      ...(tracking ? { tracking: createTrackingKeyring(tracking) } : {}),
    };
  };
  return {
    ...work,
    oldKey,
    newKey,
    oldKid: kidOf(oldKey),
    newKid: kidOf(newKey),
    project,
    rotating: (more) => project({ active: newKey, previous: [oldKey] }, more),
    report: (report) => reportProcess(work.test.db, { ...SILENT, ...report }),
    age: async (ms) => {
      await work.execute(
        `update casehard_processes set beat_at = beat_at - ${ms}, started_at = started_at - ${ms}`,
        `update casehard_key_uses set sealed_at = sealed_at - ${ms}, opened_at = opened_at - ${ms}`,
      );
    },
    contents: async (keys) => {
      const hard = createCasehard({ fields: vaultFields, keyring: createKeyring(keys), warn: () => {} });
      const found: Record<string, string> = {};
      for (let id = 1; id <= VAULT_ROWS; id++) {
        const [stored] = await work.read(`select password from users where id = ${id}`);
        found[`password#${id}`] = hard.field('password').openText(String(stored), { id }) ?? '';
      }
      const [text] = await work.read('select config from clients');
      const document = JSON.parse(String(text)) as { token: string; secret: string };
      found['token#1'] = hard.field('token').openText(document.token, { id: 1 }) ?? '';
      found['secret#1'] = hard.field('secret').openText(document.secret, { id: 1 }) ?? '';
      return found;
    },
  };
}

/** What the vault held when it was made. */
export const VAULT_CONTENTS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Array.from({ length: VAULT_ROWS }, (_, i) => [`password#${i + 1}`, `password ${i + 1}`])),
  'token#1': 'token 1',
  'secret#1': 'secret 1',
};

/** The id that stands in the text of a key. */
export function kidOf(key: string): string {
  return key.split('.')[2] ?? '';
}

// --- internal ---

const SILENT: Omit<ProcessReport, 'id'> = {
  version: '0.1.0',
  host: 'web-1:4711',
  activeKid: undefined,
  kids: [],
  trackingKid: undefined,
  trackingKids: [],
  heartbeat: 30_000,
  sealed: [],
  opened: [],
};
