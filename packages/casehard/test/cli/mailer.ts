import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKey } from '@casehard/core';
import { printSampleConfig } from '../../src/sample/config.ts';
import type { SampleSpecial } from '../../src/sample/create-sample.ts';
import { type TestDatabase, type TestEngine, temporaryFolder } from '../engines.ts';
import { type CommandOptions, type CommandResult, casehard } from './command.ts';

/** The sample with its configuration, as an operator has it: a folder, a database, keys in the environment. */
export interface Mailer {
  readonly test: TestDatabase;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly specials: readonly SampleSpecial[];
  /** Runs the command in the folder, with the keys in its environment unless told otherwise. */
  run(args: readonly string[], options?: Partial<CommandOptions>): Promise<CommandResult>;
  drop(): Promise<void>;
}

export interface MailerOptions {
  /** The keys when the sample is made; default: an active and a previous one, so that every verdict occurs. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Default 20. */
  readonly rows?: number;
  /** What the configuration says; default: true. */
  readonly adopted?: boolean;
}

/** Two fresh sealing keys and a tracking key, as the environment holds them. */
export function makeKeys(): Readonly<Record<string, string>> {
  return {
    CASEHARD_ENC_KEY: generateKey('enc'),
    CASEHARD_PREVIOUS_ENC_KEYS: generateKey('enc'),
    CASEHARD_TRACKING_KEY: generateKey('trk'),
  };
}

/** Makes a fresh database with the sample in it, by the command. */
export async function makeMailer(engine: TestEngine, options: MailerOptions = {}): Promise<Mailer> {
  const test = await engine.create();
  const folder = temporaryFolder('mailer');
  const env = { ...(options.keys ?? makeKeys()), DATABASE_URL: test.url };
  const args = ['sample', '--database', test.url, '--rows', String(options.rows ?? 20), '--json'];
  const { code, json, stderr } = await casehard(args, { cwd: folder, env });
  if (code !== 0) throw new Error(`casehard sample failed: ${stderr}`);
  const text = printSampleConfig({ database: test.url, adopted: options.adopted ?? true });
  writeFileSync(join(folder, 'casehard.config.ts'), text);
  const specials = json.specials as readonly SampleSpecial[];
  return {
    test,
    folder,
    env,
    specials,
    run: (more, how = {}) => casehard(more, { cwd: folder, env, ...how }),
    drop: async () => {
      await test.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The verdicts that harden leaves alone. */
export const QUARANTINED = /^(foreign|unexpected|unreadable)/;

export interface Listed {
  readonly locator: string;
  readonly verdict: string;
  readonly kind: string;
  readonly from?: string;
}
