import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCell, readPage } from '../../src/database/cells.ts';
import { openDatabase } from '../../src/database/connect.ts';
import { searchColumns } from '../../src/database/search-columns.ts';
import { withSession } from '../../src/database/session.ts';
import { swapPage } from '../../src/database/swap.ts';
import { openTransactions } from '../../src/database/transactions.ts';
import { ENGINES, type TestDatabase } from '../engines.ts';
import { accept, place, readAll, splice, whole } from './places.ts';

const SEALED = `chd1.h2zivffe.${'A'.repeat(154)}`;
const { create, absent } = ENGINES.find(({ engine }) => engine === 'postgres') ?? {
  create: undefined,
  absent: 'no PostgreSQL',
};

describe.skipIf(absent)('only PostgreSQL', () => {
  let test: TestDatabase;
  beforeAll(async () => {
    if (create) test = await create();
  });
  afterAll(() => test?.drop());
  const run = (statement: string) => sql.raw(statement).execute(test.db.kysely);

  it('jsonb: one token is replaced, every other stays as it is', async () => {
    await run('create table addons (id int not null primary key, config jsonb)');
    await run(`insert into addons values (1, '{"smtp":[{"pw":"hunter2","n":12345678901234567890.10}],"é":"\\"q"}'),
      (2, '{"smtp":[]}'), (3, '{"smtp":[{"pw":""}]}'), (4, '{"smtp":[{"pw":null}]}'), (5, null), (6, '{"smtp":[{"pw":7}]}')`);
    const where = place('addons', 'config', { id: 'int' }, { storage: 'json', pointer: ['smtp', '0', 'pw'] });
    await withSession(test.db, async (session) => {
      const cells = await readAll(session, where);
      expect(cells).toEqual([
        { key: ['1'], stored: '"hunter2"' },
        { key: ['6'], stored: '7' },
      ]);
      expect(await readCell(session, where, ['2'])).toEqual([{ key: ['2'], stored: null }]);
      const changes = cells.map((cell) =>
        whole(cell, JSON.stringify(`it's "\\\n\u{1F511}é${cell.key[0]}`).replace('é', '\\u00e9')),
      );
      expect(await swapPage(session, where, changes, accept)).toEqual(['swapped', 'swapped']);
      expect(JSON.parse(String((await readCell(session, where, ['1']))[0]?.stored))).toBe(`it's "\\\n\u{1F511}é1`);
      expect(await swapPage(session, where, changes, accept)).toEqual(['changed', 'changed']);
      const { rows } = await sql<{ rest: string }>`
        select jsonb_set(config, '{smtp,0,pw}', '0')::text as rest from addons where id = 1`.execute(session.kysely);
      expect(rows[0]?.rest).toBe('{"é": "\\"q", "smtp": [{"n": 12345678901234567890.10, "pw": 0}]}');
    });
  });

  it('json: the text is spliced, and its spelling stays', async () => {
    const document = '{ "pw" : "hunter2",  "n": 1.0e2, "n": 2, "k":"\\u00e9" }';
    await run('create table jsons (id int not null primary key, config json)');
    await test.db.kysely.insertInto('jsons').values({ id: 1, config: document }).execute();
    const where = place('jsons', 'config', { id: 'int' });
    await withSession(test.db, async (session) => {
      const cells = await readAll(session, where);
      expect(cells).toEqual([{ key: ['1'], stored: document }]);
      const changes = cells.map((cell) => splice(cell, 'hunter2', SEALED));
      expect(await swapPage(session, where, changes, accept)).toEqual(['swapped']);
      const back = await readAll(session, where);
      expect(back[0]?.stored).toBe(document.replace('hunter2', SEALED));
      expect(
        await swapPage(
          session,
          where,
          back.map((cell) => whole(cell, '{"pw":1}')),
          accept,
        ),
      ).toEqual(['swapped']);
    });
  });

  it('a column that is not what the place says is refused', async () => {
    await run('create table kinds (id int not null primary key, a jsonb, b json, c bytea, d text)');
    await withSession(test.db, async (session) => {
      const wrong = [
        ['a', 'text'],
        ['b', 'json'],
        ['c', 'text'],
        ['d', 'bytes'],
        ['d', 'json'],
      ] as const;
      for (const [column, storage] of wrong) {
        const read = readPage(session, place('kinds', column, { id: 'int' }, { storage }), { limit: 1 });
        const message = `kinds.${column}: the column cannot be handled as ${storage}`;
        await expect(read).rejects.toMatchObject({ code: 'REFUSED', message });
      }
    });
  });

  it('texts of other types, lengths and schemas keep every byte', async () => {
    await run('create schema "my Schema"');
    await run('create domain short as varchar(20)');
    await run(
      'create table "my Schema"."odd Table" ("the Id" int not null primary key, "the Pw" varchar(200), c char(200), s short)',
    );
    await run(`insert into "my Schema"."odd Table" values (1, 'one', 'one', 'one')`);
    const where = place('my Schema.odd Table', 'the Pw', { 'the Id': 'int' });
    await withSession(test.db, async (session) => {
      for (const column of ['the Pw', 'c']) {
        const cells = await readAll(session, { ...where, column });
        expect(cells).toEqual([{ key: ['1'], stored: 'one' }]);
        const changes = cells.map((cell) => whole(cell, SEALED));
        expect(await swapPage(session, { ...where, column }, changes, accept)).toEqual(['swapped']);
      }
      const domain = { ...where, column: 's' };
      const cut = (await readAll(session, domain)).map((cell) => whole(cell, SEALED));
      await expect(swapPage(session, domain, cut, accept)).rejects.toMatchObject({ code: 'TOO_LONG' });
      // PostgreSQL drops trailing spaces without a word.
      const spaces = (await readAll(session, domain)).map((cell) => whole(cell, `x${' '.repeat(30)}`));
      await expect(swapPage(session, domain, spaces, accept)).rejects.toMatchObject({ code: 'TOO_LONG' });
      expect((await readAll(session, domain)).map((cell) => cell.stored)).toEqual(['one']);
    });
  });

  it('the rows of a partitioned table without a key are told apart', async () => {
    await run('create table parts (name text, value text) partition by list (name)');
    await run("create table parts_a partition of parts for values in ('a')");
    await run("create table parts_b partition of parts for values in ('b')");
    await run("insert into parts values ('a', 'one'), ('b', 'two')");
    await withSession(test.db, async (session) => {
      const where = place('parts', 'value', {});
      expect(await swapPage(session, where, [whole({ key: [], stored: 'two' }, SEALED)], accept)).toEqual(['swapped']);
      expect((await readAll(session, where)).map((cell) => cell.stored).toSorted()).toEqual([SEALED, 'one']);
    });
  });

  it('rows that row-level security would hide are an error', async () => {
    await run('drop role if exists casehard_test_reader');
    await run('create role casehard_test_reader login');
    try {
      await run('create table tenants (id int not null primary key, pw text)');
      await run("insert into tenants values (1, 'one'), (2, 'two')");
      await run('grant select, update on tenants to casehard_test_reader');
      await run('alter table tenants enable row level security');
      await run('create policy one on tenants using (id = 1)');
      const url = new URL(test.url);
      url.username = 'casehard_test_reader';
      const reader = openDatabase(url.href, { folder: '.' });
      try {
        const read = withSession(reader, (session) =>
          readPage(session, place('tenants', 'pw', { id: 'int' }), { limit: 5 }),
        );
        await expect(read).rejects.toMatchObject({
          code: 'ROWS_HIDDEN',
          message: 'database: row-level security hides rows from this user (42501)',
        });
        const denied = withSession(reader, (session) =>
          readPage(session, place('addons', 'id', { id: 'int' }), { limit: 5 }),
        );
        await expect(denied).rejects.toMatchObject({
          code: 'DATABASE',
          message: 'database: the user lacks a privilege (42501)',
        });
        // Of the transactions of others, this user sees that they are there, and nothing else: it must not say "none".
        await test.db.kysely.transaction().execute(async (transaction) => {
          await sql`select 1`.execute(transaction);
          expect((await openTransactions(reader)).visible).toBe(false);
        });
        // Looking for forgotten values names such a table, on a connection of its own and on one that was used before.
        for (let i = 0; i < 2; i++) expect((await searchColumns(reader, 'one')).unread).toContain('tenants');
      } finally {
        await reader.close();
      }
    } finally {
      await run('drop owned by casehard_test_reader');
      await run('drop role casehard_test_reader');
    }
  });

  it('a read-only database is named as such; reading goes on', async () => {
    await run('create table ro (id int not null primary key, pw text)');
    await run("insert into ro values (1, 'one')");
    const where = place('ro', 'pw', { id: 'int' });
    await withSession(test.db, async (session) => {
      await sql`set default_transaction_read_only = on`.execute(session.kysely);
      const cells = await readAll(session, where);
      const swap = swapPage(
        session,
        where,
        cells.map((cell) => whole(cell, SEALED)),
        accept,
      );
      await expect(swap).rejects.toMatchObject({
        code: 'READ_ONLY',
        message: 'database: it is read-only here (25006)',
      });
      await sql`set default_transaction_read_only = off`.execute(session.kysely);
    });
  });

  it('a database that does not know its encoding is refused', async () => {
    const name = `${new URL(test.url).pathname.slice(1)}_ascii`;
    await run(`create database ${name} encoding 'SQL_ASCII' template template0 lc_collate 'C' lc_ctype 'C'`);
    const ascii = openDatabase(Object.assign(new URL(test.url), { pathname: name }).href, { folder: '.' });
    try {
      await expect(withSession(ascii, async () => 1)).rejects.toMatchObject({
        code: 'REFUSED',
        message: expect.stringContaining('SQL_ASCII'),
      });
    } finally {
      await ascii.close();
      await run(`drop database ${name} with (force)`);
    }
  });

  it('a table that somebody else has locked whole is locked, not an error', async () => {
    await run('create table held (id int not null primary key, pw text)');
    await run("insert into held values (1, 'one')");
    const where = place('held', 'pw', { id: 'int' });
    const other = test.connect();
    try {
      await withSession(test.db, async (session) => {
        const cells = await readAll(session, where);
        await sql`set lock_timeout = 100`.execute(session.kysely);
        await other.kysely.transaction().execute(async (transaction) => {
          await sql`lock table held in access exclusive mode`.execute(transaction);
          const changes = cells.map((cell) => whole(cell, SEALED));
          expect(await swapPage(session, where, changes, accept)).toEqual(['locked']);
        });
      });
    } finally {
      await other.close();
    }
  });
});
