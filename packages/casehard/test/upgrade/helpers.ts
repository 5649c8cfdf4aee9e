import { sql } from 'kysely';
import { type ColumnInfo, describeTable, findColumn } from '../../src/database/catalogue.ts';
import type { Database } from '../../src/database/connect.ts';
import type { UpgradeField } from '../../src/upgrade/plan.ts';
import { ENGINES, type TestDatabase, type TestEngine } from '../engines.ts';

export const [, POSTGRES, MYSQL] = ENGINES as [TestEngine, TestEngine, TestEngine];

/** A new database with these tables, dropped when the body ends. */
export async function withTables(
  engine: Pick<TestEngine, 'create'>,
  statements: readonly string[],
  body: (test: TestDatabase) => Promise<void>,
): Promise<void> {
  const test = await engine.create();
  try {
    for (const statement of statements) await raw(test.db, statement);
    await body(test);
  } finally {
    await test.drop();
  }
}

export async function raw<T = Record<string, unknown>>(db: Database, text: string): Promise<T[]> {
  return (await sql.raw<T>(text).execute(db.kysely)).rows;
}

/** A field of `users`, base64 unless told. */
export function field(column: string, options: Partial<UpgradeField> & { table?: string } = {}): UpgradeField {
  const { table = 'users', ...rest } = options;
  return {
    name: `${table}.${column}`,
    place: { table, column, where: {}, keys: [{ column: 'id', type: 'int' }], storage: 'text' },
    was: 'base64',
    document: false,
    notLookedUp: false,
    ...rest,
  };
}

export async function columnOf(db: Database, column: string, table = 'users'): Promise<ColumnInfo> {
  const info = await describeTable(db, table);
  const found = info && findColumn(db, info, column);
  if (!found) throw new Error(`no column ${column}`);
  return found;
}

/** What a widening must leave alone. */
export async function promises(db: Database, column: string, table = 'users') {
  const { nullable, charset, collation, comment, invisible, check } = await columnOf(db, column, table);
  return { nullable, charset, collation, comment, invisible, check };
}
