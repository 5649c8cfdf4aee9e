import { createCasehard, createKeyring, type Fields, generateKey, type Keyring, printVerdict } from '@casehard/core';
import { sql } from 'kysely';
import type { Project } from '../../src/config/load.ts';
import { withSession } from '../../src/database/session.ts';
import { resolveFields } from '../../src/inventory/resolve.ts';
import { scan } from '../../src/inventory/scan.ts';
import { planFor } from '../../src/jobs/pending.ts';
import { type RunOptions, type RunResult, run } from '../../src/jobs/run.ts';
import { runUpgrade } from '../../src/upgrade/run.ts';
import type { TestDatabase, TestEngine } from '../engines.ts';

/** Fields on tables of the test's own, with everything that a command would do to them. */
export interface Work {
  readonly test: TestDatabase;
  readonly keyring: Keyring;
  execute(...statements: readonly string[]): Promise<void>;
  /** A CHECK that new rows must meet, on a table whose old rows do not. */
  constrain(table: string, condition: string): Promise<void>;
  /** The first column of a query, row by row. */
  read(query: string): Promise<readonly unknown[]>;
  upgrade(fields: Fields): Promise<void>;
  run(fields: Fields, options?: Partial<RunOptions>, keyring?: Keyring): Promise<RunResult>;
  /** Verdicts by row key, read value by value. */
  verdicts(fields: Fields, keyring?: Keyring): Promise<Readonly<Record<string, string>>>;
  drop(): Promise<void>;
}

export async function makeWork(engine: TestEngine, statements: readonly string[] = []): Promise<Work> {
  const test = await engine.create();
  const keyring = createKeyring({ active: generateKey('enc') });
  const projectOf = (fields: Fields, keys: Keyring): Project => ({
    path: '',
    folder: '.',
    config: { fields, adopted: true },
    keyring: keys,
    hard: createCasehard({ fields, keyring: keys, warn: () => {} }),
  });
  const resolve = async (fields: Fields, keys: Keyring) => {
    const resolved = await resolveFields(test.db, projectOf(fields, keys).hard, { keyring: keys });
    const [problem] = resolved.problems;
    if (problem) throw problem;
    return resolved.fields;
  };
  const execute = async (...all: readonly string[]): Promise<void> => {
    for (const statement of all) await sql.raw(statement).execute(test.db.kysely);
  };
  await execute(...statements);
  return {
    test,
    keyring,
    execute,
    constrain: (table, condition) => CONSTRAIN[engine.engine](execute, table, condition),
    read: async (query) => {
      const { rows } = await sql.raw<Record<string, unknown>>(query).execute(test.db.kysely);
      return rows.map((row) => Object.values(row)[0]);
    },
    upgrade: async (fields) => {
      await runUpgrade(test.db, await planFor(test.db, await resolve(fields, keyring)));
    },
    run: (fields, options = {}, keys = keyring) => run(projectOf(fields, keys), test.db, { act: 'harden', ...options }),
    verdicts: async (fields, keys = keyring) => {
      const found: Record<string, string> = {};
      const resolved = await resolve(fields, keys);
      await withSession(test.db, async (session) => {
        for (const field of resolved) {
          await scan(session, field, {
            onRow: (value, verdict) => {
              const name = resolved.length > 1 ? `${field.name}#${value.key}` : String(value.key);
              found[name] = printVerdict(verdict);
            },
          });
        }
      });
      return found;
    },
    drop: () => test.drop(),
  };
}

// --- internal ---

type Execute = Work['execute'];

const CONSTRAIN: Readonly<
  Record<TestEngine['engine'], (execute: Execute, table: string, condition: string) => Promise<void>>
> = {
  postgres: (execute, table, condition) =>
    execute(`alter table ${table} add constraint late check (${condition}) not valid`),
  mysql: (execute, table, condition) =>
    execute(
      `create table ${table}_old as select * from ${table}`,
      `delete from ${table}`,
      `alter table ${table} add constraint late check (${condition})`,
      `set statement check_constraint_checks = 0 for insert into ${table} select * from ${table}_old`,
    ),
  sqlite: (execute, table, condition) =>
    execute(
      `alter table ${table} rename to ${table}_old`,
      `create table ${table} (id int not null primary key, n int, a varchar(400), check (${condition}))`,
      'pragma ignore_check_constraints = on',
      `insert into ${table} select * from ${table}_old`,
      'pragma ignore_check_constraints = off',
    ),
};
