import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKey } from '@casehard/core';
import { sql } from 'kysely';
import { type TestDatabase, type TestEngine, temporaryFolder } from '../engines.ts';
import { type CommandOptions, type CommandResult, casehard } from './command.ts';

/** A database with tables of the test's own, and a configuration with fields on them. */
export interface OwnFields {
  readonly test: TestDatabase;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  execute(...statements: readonly string[]): Promise<void>;
  run(args: readonly string[], options?: Partial<CommandOptions>): Promise<CommandResult>;
  drop(): Promise<void>;
}

/** Makes the tables, writes the configuration (the source of an object of fields) and runs the upgrade. */
export async function makeOwnFields(engine: TestEngine, tables: readonly string[], fields: string): Promise<OwnFields> {
  const test = await engine.create();
  const cwd = temporaryFolder('fields');
  const env = { DATABASE_URL: test.url, CASEHARD_ENC_KEY: generateKey('enc') };
  const execute = async (...statements: readonly string[]): Promise<void> => {
    for (const statement of statements) await sql.raw(statement).execute(test.db.kysely);
  };
  const run: OwnFields['run'] = (args, options = {}) => casehard(args, { cwd, env, ...options });
  const drop = async (): Promise<void> => {
    await test.drop();
    rmSync(cwd, { recursive: true, force: true });
  };
  await execute(...tables);
  writeFileSync(
    join(cwd, 'casehard.config.ts'),
    `import { base64, column, defineConfig, path, plaintext, setting } from '@casehard/core';
export default defineConfig({ database: process.env.DATABASE_URL, adopted: true, fields: { ${fields} } });\n`,
  );
  const { code, stderr, stdout } = await run(['upgrade']);
  if (code !== 0) throw new Error(`casehard upgrade: ${stdout}${stderr}`);
  return { test, folder: cwd, env, execute, run, drop };
}
