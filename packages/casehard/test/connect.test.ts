import { sql } from 'kysely';
import { afterAll, describe, expect, it } from 'vitest';
import { ENGINES, type TestDatabase } from './engines.ts';

describe.each(ENGINES)('a connection to $engine', ({ create, absent, engine }) => {
  let test: TestDatabase | undefined;
  afterAll(() => test?.drop());

  it.skipIf(absent)('keeps every digit of a row key and every byte of a text', async () => {
    test = await create();
    const db = test.db.kysely;
    await sql`create table t (id bigint not null primary key, v varchar(50))`.execute(db);
    await db.insertInto('t').values({ id: 9007199254740993n, v: 'pä\u{1F511}\'"\n' }).execute();
    const row = await db.selectFrom('t').selectAll().executeTakeFirstOrThrow();
    expect([String(row.id), row.v]).toEqual(['9007199254740993', 'pä\u{1F511}\'"\n']);
    expect(test.db.label).toContain(engine);
  });
});
