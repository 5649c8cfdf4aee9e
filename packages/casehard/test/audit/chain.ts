import { generateStateKey, parseStateKey, type StateKey } from '@casehard/core/state';
import { sql } from 'kysely';
import { Trail } from '../../src/audit/trail.ts';
import { createOwnTable } from '../../src/database/own-tables.ts';
import type { TestDatabase, TestEngine } from '../engines.ts';

/** A trail in a database of its own. */
export interface Chain {
  readonly test: TestDatabase;
  readonly key: StateKey;
  readonly trail: Trail;
  /** Records so many acts, numbered in their reasons. */
  record(acts: number): Promise<void>;
  /** What somebody who can write the database does. */
  tamper(statement: string): Promise<void>;
  drop(): Promise<void>;
}

/** A state key that nobody else has. */
export function makeStateKey(): StateKey {
  return parseStateKey(generateStateKey(), 'the test');
}

export async function makeChain(engine: TestEngine): Promise<Chain> {
  const test = await engine.create();
  await test.db.kysely.executeQuery(createOwnTable(test.db, 'casehard_audit'));
  const key = makeStateKey();
  const trail = new Trail(test.db, key);
  let recorded = 0;
  return {
    test,
    key,
    trail,
    record: async (acts) => {
      for (let i = 0; i < acts; i++) {
        const reason = `act ${++recorded}`;
        await trail.record({ actor: 'system user test', act: 'set', subject: 'a.secret#1', reason, outcome: 'done' });
      }
    },
    tamper: async (statement) => {
      await sql.raw(statement).execute(test.db.kysely);
    },
    drop: () => test.drop(),
  };
}
