import {
  createCasehard,
  createKeyring,
  generateKey,
  type Keyring,
  parseLocator,
  printVerdict,
  type Stored,
} from '@casehard/core';
import { afterAll, describe, expect, it } from 'vitest';
import { describeTable } from '../../src/database/catalogue.ts';
import type { Database } from '../../src/database/connect.ts';
import { locate } from '../../src/document/document.ts';
import { sampleFields } from '../../src/sample/config.ts';
import { createSample, type SampleSpecial } from '../../src/sample/create-sample.ts';
import { ENGINES, type TestDatabase } from '../engines.ts';

const oldKey = generateKey('enc');
const previous = createKeyring({ active: oldKey });
const keyring = createKeyring({ active: generateKey('enc'), previous: [oldKey] });

describe.each(ENGINES)('the sample on $engine', ({ create, absent, engine }) => {
  const open: TestDatabase[] = [];
  const database = async (): Promise<Database> => {
    const test = await create();
    open.push(test);
    return test.db;
  };
  afterAll(async () => {
    for (const test of open) await test.drop();
  });

  it.skipIf(absent)('has the rows it says, and every special one has the verdict it says', async () => {
    const db = await database();
    const result = await createSample(db, { rows: 40, keyring, previous });
    for (const [table, count] of Object.entries(result.rows)) {
      expect([table, (await db.kysely.selectFrom(table).selectAll().execute()).length]).toEqual([table, count]);
    }
    const found = await verdicts(db, result.specials, keyring);
    expect(found).toEqual(result.specials.map(({ locator, verdict }) => `${locator}: ${verdict}`));
    const kinds = new Set(result.specials.map(({ verdict }) => verdict.split(' ')[0]));
    expect([...kinds].sort()).toEqual(['current', 'empty', 'foreign', 'legacy', 'stale', 'unexpected', 'unreadable']);
  });

  it.skipIf(absent)('holds no sealed value without a key, and ordinary rows are all legacy or empty', async () => {
    const db = await database();
    const { specials, rows } = await createSample(db, { rows: 60 });
    expect(specials.filter(({ verdict }) => /current|stale|MAC/.test(verdict))).toEqual([]);
    expect(rows).toMatchObject({ settings: 17, users: 88 + (engine === 'sqlite' ? 1 : 0), lists: 17 });
    const field = createCasehard({ fields: sampleFields, warn: () => {} }).field('user.smtp.password');
    const users = await db.kysely.selectFrom('users').selectAll().where('user_id', '>', 100).execute();
    const kinds = users.map(
      (user) => field.verdict(user.smtp_password as Stored, { user_id: String(user.user_id) }).kind,
    );
    expect([...new Set(kinds)].sort()).toEqual(['empty', 'legacy']);
  });

  it.skipIf(absent)('is the same every time, and automatic numbers go on behind its rows', async () => {
    const [one, two] = [await database(), await database()];
    for (const db of [one, two]) {
      await createSample(db, { rows: 30 });
      await db.kysely.insertInto('users').values({ username: 'next' }).execute();
    }
    const dump = async (db: Database): Promise<unknown> =>
      db.kysely.selectFrom('users').select(['user_id', 'smtp_password', 'api_token']).orderBy('user_id').execute();
    expect(await dump(one)).toEqual(await dump(two));
    const last = await one.kysely.selectFrom('users').select('user_id').where('username', '=', 'next').execute();
    expect(last.map(({ user_id }) => String(user_id))).toEqual(['131']);
  });

  it.skipIf(absent)('refuses where one of its tables exists, and touches nothing', async () => {
    const db = await database();
    await db.kysely.schema.createTable('lists').addColumn('x', 'integer').execute();
    await expect(createSample(db)).rejects.toMatchObject({
      code: 'REFUSED',
      message: 'sample: the table lists exists already',
    });
    expect(await describeTable(db, 'users')).toBeUndefined();
  });

  it.skipIf(absent)('has a column too narrow for a sealed value, and settings without a key', async () => {
    const db = await database();
    await createSample(db, { rows: 0 });
    const [users, lists, settings] = await Promise.all(
      ['users', 'lists', 'settings'].map((name) => describeTable(db, name)),
    );
    expect(settings?.uniques).toEqual([]);
    const column = (table: typeof users, name: string) => table?.columns.find((c) => c.name === name);
    if (engine !== 'sqlite') {
      expect(column(lists, 'bounce_password')?.maxChars).toBe(100);
      expect(column(users, 'smtp_password')?.maxChars).toBe(255);
      expect(column(users, 'api_token')).toMatchObject({ kind: 'char', maxChars: 40 });
    }
    expect(column(users, 'updated_at')?.onUpdate).toBe(engine === 'mysql');
  });

  it.skipIf(absent)('reports its progress to the last row', async () => {
    const seen: (readonly [number, number])[] = [];
    const { rows } = await createSample(await database(), {
      rows: 500,
      onProgress: (done, total) => seen.push([done, total]),
    });
    const total = Object.values(rows).reduce((sum, n) => sum + n, 0);
    expect(seen.at(-1)).toEqual([total, total]);
  });
});

// --- internal ---

/** The verdicts found, spelled as expected ones are; of a foreign value only the first word. */
async function verdicts(db: Database, specials: readonly SampleSpecial[], keys: Keyring): Promise<string[]> {
  const hard = createCasehard({ fields: sampleFields, keyring: keys });
  const found: string[] = [];
  for (const { locator, field: name, verdict } of specials) {
    // How each engine hands over text that is not UTF-8, and how documents are spelled, is told by other tests.
    if (verdict === 'unexpected ENCODING' || verdict === 'unexpected SPELLING') {
      found.push(`${locator}: ${verdict}`);
      continue;
    }
    const definition = hard.definition(name);
    const key = parseLocator(locator)?.key ?? [];
    const [keyColumn] = Object.keys(definition.spec.row ?? {});
    const row = keyColumn === undefined ? undefined : { [keyColumn]: key[0] };
    let query = db.kysely.selectFrom(definition.spec.table).select(definition.spec.column);
    if (keyColumn !== undefined) query = query.where(keyColumn, '=', key[0]);
    for (const [column, value] of Object.entries(definition.spec.where ?? {})) query = query.where(column, '=', value);
    const record = await query.executeTakeFirstOrThrow();
    found.push(`${locator}: ${verdictOf(hard, name, record[definition.spec.column], row)}`);
  }
  return found;
}

function verdictOf(
  hard: ReturnType<typeof createCasehard<typeof sampleFields>>,
  name: string,
  column: unknown,
  row: unknown,
): string {
  const { spec } = hard.definition(name);
  let stored = column as Stored;
  if (spec.in !== undefined && spec.pointer !== undefined && column !== null) {
    const text = typeof column === 'string' ? column : JSON.stringify(column);
    const lookup = locate(text, { in: spec.in, pointer: spec.pointer });
    if (lookup.found === 'problem')
      return `unexpected ${lookup.why.replace(/NOT_(JSON|SERIALIZED)/, 'NOT_A_DOCUMENT')}`;
    stored = lookup.found === 'nothing' ? null : lookup.located.value;
  }
  // PostgreSQL pads char(40).
  if (spec.column === 'api_token' && typeof stored === 'string') stored = stored.trimEnd();
  const field = hard.field(name as keyof typeof sampleFields);
  const verdict = (field.verdict as (stored: Stored, row: unknown) => Parameters<typeof printVerdict>[0]).call(
    field,
    stored,
    row,
  );
  return verdict.kind === 'foreign' ? 'foreign' : printVerdict(verdict);
}
