import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { withSession } from '../../src/database/session.ts';
import { ENGINES } from '../engines.ts';

it('a statement of its own outlasts a SQLite lock that lasts longer than the patience of a page', async () => {
  const test = await ENGINES[0]?.create();
  if (!test) throw new Error('there is no SQLite');
  try {
    await sql`create table jobs (id int)`.execute(test.db.kysely);
    const other = new DatabaseSync(test.url.slice('sqlite:'.length));
    const rows = await withSession(test.db, async ({ kysely }) => {
      other.exec('begin exclusive');
      setTimeout(() => other.exec('commit'), 900);
      await sql`insert into jobs values (1)`.execute(kysely);
      return (await sql`select id from jobs`.execute(kysely)).rows;
    });
    other.close();
    expect(rows).toEqual([{ id: 1n }]);
  } finally {
    await test.drop();
  }
});
