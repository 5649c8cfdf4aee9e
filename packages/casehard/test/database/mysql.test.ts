import { MysqlDialect, sql } from 'kysely';
import { createPool } from 'mysql2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/database/connect.ts';
import { withSession } from '../../src/database/session.ts';
import { swapPage } from '../../src/database/swap.ts';
import { onUpdateColumns } from '../../src/database/table-shape.ts';
import { ENGINES, type TestDatabase } from '../engines.ts';
import { accept, place, readAll, splice, whole } from './places.ts';

const SEALED = `chd1.h2zivffe.${'A'.repeat(154)}`;
const { create, absent } = ENGINES.find(({ engine }) => engine === 'mysql') ?? {
  create: undefined,
  absent: 'no MySQL',
};

describe.skipIf(absent)('only MySQL and MariaDB', () => {
  let test: TestDatabase;
  beforeAll(async () => {
    if (create) test = await create();
  });
  afterAll(() => test?.drop());
  const run = (statement: string) => sql.raw(statement).execute(test.db.kysely);

  it('a column that moves by itself at an update stays where it is', async () => {
    await run(`create table posts (id int not null primary key, pw varchar(200),
      updated_at timestamp not null default current_timestamp on update current_timestamp, seen datetime(6) on update current_timestamp(6))`);
    await run(
      "insert into posts values (1, 'one', '2020-01-01 02:30:00', '2020-01-02'), (2, 'two', '2020-10-25 00:30:00', null)",
    );
    const before = await run('select id, updated_at, seen from posts');
    await withSession(test.db, async (session) => {
      expect(await onUpdateColumns(session, 'posts')).toEqual(['updated_at', 'seen']);
      const where = place('posts', 'pw', { id: 'int' });
      const changes = (await readAll(session, where)).map((cell, i) =>
        i ? whole(cell, SEALED) : splice(cell, 'n', SEALED),
      );
      expect(await swapPage(session, where, changes, accept)).toEqual(['swapped', 'swapped']);
    });
    expect((await run('select id, updated_at, seen from posts')).rows).toEqual(before.rows);
  });

  it('a server that is not strict cannot cut a value', async () => {
    await run('create table loose (id int not null primary key, pw varchar(20))');
    await run("insert into loose values (1, 'one')");
    const where = place('loose', 'pw', { id: 'int' });
    await withSession(test.db, async (session) => {
      const changes = (await readAll(session, where)).map((cell) => whole(cell, SEALED));
      const { rows } = await sql<{ mode: string }>`select @@session.sql_mode as mode`.execute(session.kysely);
      expect(rows[0]?.mode).toContain('STRICT_ALL_TABLES');
      await expect(swapPage(session, where, changes, accept)).rejects.toMatchObject({
        code: 'TOO_LONG',
        message: 'database: a value does not fit its column (1406)',
      });
      // Even if a proxy swallowed our setting, reading back finds it out.
      await sql`set session sql_mode = ''`.execute(session.kysely);
      await expect(swapPage(session, where, changes, accept)).rejects.toMatchObject({
        code: 'TOO_LONG',
        message: 'loose.pw: the value was cut to the length of the column',
      });
      expect((await readAll(session, where)).map((cell) => cell.stored)).toEqual(['one']);
    });
  });

  it('texts in other character sets are read as what they say', async () => {
    await run(`create table sets (id varchar(20) character set latin1 not null primary key, pw varchar(200) character set latin1,
      u varchar(200) character set utf16, t mediumtext character set utf8mb3)`);
    await run("insert into sets values ('ä', 'pässwörd', 'p\u{1F511}ss', 'ünï')");
    await withSession(test.db, async (session) => {
      const where = place('sets', 'pw', { id: 'text' }, { where: { id: 'ä' } });
      const cells = await readAll(session, where);
      expect(cells).toEqual([{ key: ['ä'], stored: 'pässwörd' }]);
      expect(
        await swapPage(
          session,
          where,
          cells.map((cell) => splice(cell, 'w', 'ßß')),
          accept,
        ),
      ).toEqual(['swapped']);
      expect(await readAll(session, where)).toEqual([{ key: ['ä'], stored: 'pässßßörd' }]);
      const lossy = { key: ['ä'], expected: 'pässßßörd', write: { kind: 'whole', value: '\u{1F511}' } } as const;
      await expect(swapPage(session, where, [lossy], accept)).rejects.toMatchObject({ code: 'DATABASE' });
      const utf16 = { ...where, column: 'u' };
      const splices = (await readAll(session, utf16)).map((cell) => splice(cell, 'ss', 'x\u{1F511}'));
      expect(await swapPage(session, utf16, splices, accept)).toEqual(['swapped']);
      expect((await readAll(session, utf16))[0]?.stored).toBe('p\u{1F511}x\u{1F511}');
      expect((await readAll(session, { ...where, column: 't' }))[0]?.stored).toBe('ünï');
    });
  });

  it('a longtext named json stays the text that it is', async () => {
    await run('create table docs (id int not null primary key, config json)');
    await run(`insert into docs values (1, '{ "pw" : "hunter2", "n": 1.0 }')`);
    await withSession(test.db, async (session) => {
      const where = place('docs', 'config', { id: 'int' });
      const changes = (await readAll(session, where)).map((cell) => splice(cell, 'hunter2', SEALED));
      expect(await swapPage(session, where, changes, accept)).toEqual(['swapped']);
      expect((await readAll(session, where))[0]?.stored).toBe(`{ "pw" : "${SEALED}", "n": 1.0 }`);
    });
  });

  it('a dialect of the user works as ours does', async () => {
    await run('create table own (id bigint not null primary key, config json)');
    await run(`insert into own values (9007199254740993, '{ "pw" : "it\\'s", "n": 1.0 }')`);
    const dialect = new MysqlDialect({ pool: createPool(test.url) });
    const own = openDatabase({ engine: 'mysql', dialect: dialect as never }, { folder: '.' });
    try {
      await withSession(own, async (session) => {
        const where = place('own', 'config', { id: 'int' });
        const cells = await readAll(session, where);
        expect(cells).toEqual([{ key: ['9007199254740993'], stored: `{ "pw" : "it's", "n": 1.0 }` }]);
        const changes = cells.map((cell) => splice(cell, "it's", "\u{1F511}'"));
        expect(await swapPage(session, where, changes, accept)).toEqual(['swapped']);
        expect((await readAll(session, where))[0]?.stored).toBe(`{ "pw" : "\u{1F511}'", "n": 1.0 }`);
      });
    } finally {
      await own.close();
    }
  });

  it('a key with a unique index that is not the primary key is enough', async () => {
    await run(
      'create table other_key (id int not null primary key, code varchar(20) not null unique, pw varchar(200))',
    );
    await run("insert into other_key values (1, 'b', 'one'), (2, 'a', 'two')");
    await withSession(test.db, async (session) => {
      const where = place('other_key', 'pw', { code: 'text' });
      const cells = await readAll(session, where, 1);
      expect(cells.map((cell) => cell.key[0])).toEqual(['a', 'b']);
      expect(
        await swapPage(
          session,
          where,
          cells.map((cell) => whole(cell, SEALED)),
          accept,
        ),
      ).toEqual(['swapped', 'swapped']);
    });
  });

  it('a read-only server is named as such', async () => {
    await run('create table ro (id int not null primary key, pw varchar(200))');
    await run("insert into ro values (1, 'one')");
    const where = place('ro', 'pw', { id: 'int' });
    await withSession(test.db, async (session) => {
      const changes = (await readAll(session, where)).map((cell) => whole(cell, SEALED));
      await sql`set session transaction read only`.execute(session.kysely);
      await expect(swapPage(session, where, changes, accept)).rejects.toMatchObject({
        code: 'READ_ONLY',
        message: 'database: it is read-only here (1792)',
      });
      await sql`set session transaction read write`.execute(session.kysely);
    });
  });

  it('a wrong login is an error without user or password', async () => {
    const url = Object.assign(new URL(test.url), { username: 'nobody_here', password: 'marked-pw' });
    const stranger = openDatabase(url.href, { folder: '.' });
    try {
      await expect(withSession(stranger, async () => 1)).rejects.toMatchObject({
        code: 'DATABASE',
        message: expect.stringMatching(/^database: the login was refused \(\d+\)$/),
      });
    } finally {
      await stranger.close();
    }
  });
});
