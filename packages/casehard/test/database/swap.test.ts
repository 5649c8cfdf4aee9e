import { inspect } from 'node:util';
import { type Kysely, sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readCell } from '../../src/database/cells.ts';
import type { Tables } from '../../src/database/connect.ts';
import { type Session, withSession } from '../../src/database/session.ts';
import { swapPage } from '../../src/database/swap.ts';
import { ENGINES, type TestDatabase } from '../engines.ts';
import { accept, place, readAll, splice, statementsOf, whole } from './places.ts';

const SEALED = `chd1.h2zivffe.${'A'.repeat(154)}`;

describe.each(ENGINES)('a swap on $engine', ({ create, absent, engine }) => {
  let test: TestDatabase;
  const users = place('users', 'pw', { id: 'int' });
  beforeAll(async () => {
    if (!absent) test = await create();
  });
  beforeEach(async () => {
    if (absent) return;
    await run('drop table if exists users');
    await run('create table users (id int not null primary key, pw varchar(200), note varchar(20))');
    await run("insert into users values (1, 'one', 'a'), (2, 'two', 'b'), (3, 'three', 'c')");
  });
  afterAll(() => test?.drop());

  const run = (statement: string) => sql.raw(statement).execute(test.db.kysely);
  const stored = async (session: Session) => (await readAll(session, users)).map((cell) => cell.stored);

  it.skipIf(absent)('writes every byte of a text', async () => {
    const texts = [SEALED, ` it's "\\ \n\r\t;--?$1`, 'pä\u{1F511}ß\u{10FFFF}\uFFFD', '{"a":[1]}', '%_', 'a '];
    await withSession(test.db, async (session) => {
      for (const text of texts) {
        const cells = await readAll(session, users);
        const seen: unknown[] = [];
        const changes = cells.map((cell) => whole(cell, text + cell.key[0]));
        const results = await swapPage(session, users, changes, (back) => void seen.push(...back));
        expect(results).toEqual(['swapped', 'swapped', 'swapped']);
        expect(seen).toEqual(['1', '2', '3'].map((id) => ({ key: [id], stored: text + id })));
        expect(await stored(session)).toEqual(['1', '2', '3'].map((id) => text + id));
      }
    });
  });

  it.skipIf(absent)('leaves a value alone that was saved in between, or differs in a byte', async () => {
    await withSession(test.db, async (session) => {
      const cells = await readAll(session, users);
      await sql`update users set pw = 'TWO' where id = 2`.execute(session.kysely);
      await sql`update users set pw = 'three ' where id = 3`.execute(session.kysely);
      const seen: unknown[] = [];
      const changes = cells.map((cell) => whole(cell, SEALED));
      const results = await swapPage(session, users, changes, (back) => void seen.push(...back));
      expect(results).toEqual(['swapped', 'changed', 'changed']);
      expect(seen).toHaveLength(1);
      expect(await stored(session)).toEqual([SEALED, 'TWO', 'three ']);
    });
  });

  it.skipIf(absent)('a row that was emptied has changed, a deleted one is gone', async () => {
    await withSession(test.db, async (session) => {
      const cells = await readAll(session, users);
      await sql`update users set pw = null where id = 1`.execute(session.kysely);
      await sql`delete from users where id = 2`.execute(session.kysely);
      await sql`update users set pw = '' where id = 3`.execute(session.kysely);
      const changes = cells.map((cell) => whole(cell, SEALED));
      const check = () => expect.unreachable('nothing was swapped');
      expect(await swapPage(session, users, changes, check)).toEqual(['changed', 'gone', 'changed']);
      expect(await stored(session)).toEqual([]);
    });
  });

  it.skipIf(absent)('no statement holds an old value', async () => {
    await withSession(test.db, async (session) => {
      const [one, two] = await readAll(session, users);
      if (!one || !two) throw new Error('two rows are needed');
      const changes = [whole(one, SEALED), splice(two, 'w', SEALED)];
      const statements = await statementsOf(session, (watched) => swapPage(watched, users, changes, accept));
      const all = statements.flatMap((statement) => [statement.sql, ...statement.parameters.map(String)]).join('\n');
      expect(all).not.toMatch(/\b(one|two)\b/);
    });
  });

  it.skipIf(absent)('a check that throws undoes the whole page', async () => {
    await withSession(test.db, async (session) => {
      const cells = await readAll(session, users);
      const failure = new Error('does not open');
      const swap = swapPage(
        session,
        users,
        cells.map((cell) => whole(cell, SEALED)),
        (back) => {
          expect(back.map((cell) => cell.stored)).toEqual([SEALED, SEALED, SEALED]);
          throw failure;
        },
      );
      await expect(swap).rejects.toBe(failure);
      expect(await stored(session)).toEqual(['one', 'two', 'three']);
    });
  });

  it.skipIf(absent)('a row that another connection holds is locked, and swapped when it is free', async () => {
    const other = test.connect();
    const hold = await holding(other.kysely, sql`update users set note = 'mine' where id = 2`);
    try {
      await withSession(test.db, async (session) => {
        const changes = (await readAll(session, users)).map((cell) => whole(cell, SEALED));
        const free = engine === 'sqlite' ? 'locked' : 'swapped'; // SQLite locks the file
        expect(await swapPage(session, users, changes, accept)).toEqual([free, 'locked', free]);
        await hold.release();
        const rest = (await readAll(session, users)).filter((cell) => cell.stored !== SEALED);
        expect(
          await swapPage(
            session,
            users,
            rest.map((cell) => whole(cell, SEALED)),
            accept,
          ),
        ).not.toContain('locked');
        expect(await stored(session)).toEqual([SEALED, SEALED, SEALED]);
      });
    } finally {
      await hold.release();
      await other.close();
    }
  });

  it.skipIf(absent || engine !== 'mysql')('on a server without SKIP LOCKED the free rows are swapped too', async () => {
    const other = test.connect();
    const hold = await holding(other.kysely, sql`update users set note = 'mine' where id = 2`);
    try {
      await withSession(test.db, async (session) => {
        const older = { ...session, skipLocked: false };
        const changes = (await readAll(session, users)).map((cell) => whole(cell, SEALED));
        expect(await swapPage(older, users, changes, accept)).toEqual(['swapped', 'locked', 'swapped']);
        await hold.release();
        const rest = (await readAll(session, users)).filter((cell) => cell.stored === 'two');
        expect(
          await swapPage(
            older,
            users,
            rest.map((cell) => splice(cell, 'w', SEALED)),
            accept,
          ),
        ).toEqual(['swapped']);
        expect(await stored(session)).toEqual([SEALED, `t${SEALED}o`, SEALED]);
      });
    } finally {
      await hold.release();
      await other.close();
    }
  });

  it.skipIf(absent)('a save that comes during the page waits for it and wins', async () => {
    const other = test.connect();
    try {
      let save: Promise<unknown> = Promise.resolve();
      await withSession(test.db, async (session) => {
        const changes = (await readAll(session, users)).map((cell) => whole(cell, SEALED));
        const results = await swapPage(session, users, changes, () => {
          if (engine === 'sqlite') return; // one thread: nobody can save meanwhile
          save = sql`update users set pw = 'saved' where id = 2`.execute(other.kysely);
        });
        expect(results).toEqual(['swapped', 'swapped', 'swapped']);
      });
      await save;
      if (engine === 'sqlite') return;
      await withSession(test.db, async (session) => expect(await stored(session)).toEqual([SEALED, 'saved', SEALED]));
    } finally {
      await other.close();
    }
  });

  it.skipIf(absent)('replaces a part of a text and leaves every other character', async () => {
    const documents = [
      '{"pw":"\u{1F511}","x":"\u{1F511}é"}',
      'a:1:{s:2:"pw";s:7:"hunter2";}\n\u{1F600}\u{1F600}pw\'"\\',
      'pw',
      '\u{1F511}pw\u{1F511}',
    ];
    const values = ['it\'s "\\\n\u{1F511}', '', 'ß', SEALED];
    await run('create table documents (id int not null primary key, doc text)');
    await withSession(test.db, async (session) => {
      const where = place('documents', 'doc', { id: 'int' });
      for (const value of values) {
        await sql`delete from documents`.execute(session.kysely);
        for (const [id, doc] of documents.entries())
          await sql`insert into documents values (${id}, ${doc})`.execute(session.kysely);
        const cells = await readAll(session, where);
        const changes = cells.map((cell) => splice(cell, 'pw', value));
        expect(await swapPage(session, where, changes, accept)).toEqual(documents.map(() => 'swapped'));
        const after = (await readAll(session, where)).map((cell) => cell.stored);
        expect(after).toEqual(documents.map((doc) => doc.replace('pw', () => value)).filter((doc) => doc !== ''));
      }
    });
  });

  it.skipIf(absent)('whole values and parts may share a page', async () => {
    await withSession(test.db, async (session) => {
      const [one, two, three] = await readAll(session, users);
      if (!one || !two || !three) throw new Error('three rows are needed');
      const changes = [splice(one, 'n', 'N'), whole(two, SEALED), splice(three, 'ee', '')];
      expect(await swapPage(session, users, changes, accept)).toEqual(['swapped', 'swapped', 'swapped']);
      expect(await stored(session)).toEqual(['oNe', SEALED, 'thr']);
    });
  });

  it.skipIf(absent)("a range that cuts a character, or a row named twice, is the caller's error", async () => {
    await withSession(test.db, async (session) => {
      const cut = {
        key: ['1'],
        expected: '\u{1F511}',
        write: { kind: 'splice', start: 1, end: 2, value: 'x' },
      } as const;
      await expect(swapPage(session, users, [cut], accept)).rejects.toThrow('"start" and "end"');
      const cell = { key: ['1'], stored: 'one' };
      await expect(swapPage(session, users, [whole(cell, 'a'), whole(cell, 'b')], accept)).rejects.toThrow(
        'a row twice',
      );
      expect(await swapPage(session, users, [], accept)).toEqual([]);
    });
  });

  it.skipIf(absent)('a column that is too narrow is an error without the value, and nothing changes', async () => {
    await run('create table narrow (id int not null primary key, pw varchar(20) check (length(pw) <= 20))');
    await run("insert into narrow values (1, 'one'), (2, 'two')");
    await withSession(test.db, async (session) => {
      const where = place('narrow', 'pw', { id: 'int' });
      const [one, two] = await readAll(session, where);
      if (!one || !two) throw new Error('two rows are needed');
      const swap = swapPage(session, where, [whole(one, 'fits'), whole(two, `marked-${SEALED}`)], accept);
      if (engine === 'sqlite') {
        // There a width is a CHECK of the table's own: the row is refused, and the others are swapped.
        expect(await swap).toEqual(['swapped', 'refused']);
        expect((await readAll(session, where)).map((cell) => cell.stored)).toEqual(['fits', 'two']);
        return;
      }
      const error = await swap.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'TOO_LONG' });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('marked');
      expect((await readAll(session, where)).map((cell) => cell.stored)).toEqual(['one', 'two']);
    });
  });

  it.skipIf(absent)('a trigger that changes what was written is found out', async () => {
    await run('create table tricky (id int not null primary key, pw varchar(200))');
    await run("insert into tricky values (1, 'one')");
    await run(TRIGGERS[engine].function);
    await run(TRIGGERS[engine].trigger);
    await withSession(test.db, async (session) => {
      const where = place('tricky', 'pw', { id: 'int' });
      const cells = await readAll(session, where);
      const swap = swapPage(
        session,
        where,
        cells.map((cell) => whole(cell, SEALED)),
        accept,
      );
      await expect(swap).rejects.toMatchObject({
        code: 'REFUSED',
        message: 'tricky.pw: the database keeps something else than it was given',
      });
      expect((await readAll(session, where)).map((cell) => cell.stored)).toEqual(['one']);
    });
  });

  it.skipIf(absent)('bytes stay bytes', async () => {
    await run(`create table blobs (id int not null primary key, pw ${engine === 'postgres' ? 'bytea' : 'blob'})`);
    const first = Uint8Array.from({ length: 256 }, (_, i) => i);
    await test.db.kysely.insertInto('blobs').values({ id: 1, pw: first }).execute();
    await withSession(test.db, async (session) => {
      const where = place('blobs', 'pw', { id: 'int' }, { storage: 'bytes' });
      const [cell] = await readAll(session, where);
      if (!cell) throw new Error('a row is needed');
      expect(Buffer.from(cell.stored as Uint8Array)).toEqual(Buffer.from(first));
      const other = whole({ key: cell.key, stored: first.slice(1) }, SEALED);
      expect(await swapPage(session, where, [other], accept)).toEqual(['changed']);
      expect(await swapPage(session, where, [whole(cell, first.toReversed())], accept)).toEqual(['swapped']);
      const [back] = await readCell(session, where, ['1']);
      expect(Buffer.from(back?.stored as Uint8Array)).toEqual(Buffer.from(first.toReversed()));
      expect(await swapPage(session, where, [whole(back ?? cell, SEALED)], accept)).toEqual(['swapped']);
      const [sealed] = await readCell(session, where, ['1']);
      expect(Buffer.from(sealed?.stored as Uint8Array).toString()).toBe(SEALED);
    });
  });

  it.skipIf(absent)('pages of many rows and of large values work', async () => {
    await run(`create table large (id int not null primary key, pw ${engine === 'mysql' ? 'longtext' : 'text'})`);
    const rows = Array.from({ length: 6000 }, (_, id) => ({ id, pw: `old ${id}` }));
    for (let i = 0; i < rows.length; i += 1000)
      await test.db.kysely
        .insertInto('large')
        .values(rows.slice(i, i + 1000))
        .execute();
    await withSession(test.db, async (session) => {
      const where = place('large', 'pw', { id: 'int' });
      const cells = await readAll(session, where, 6000);
      const changes = cells.map((cell, i) => whole(cell, (i % 1000 === 0 ? 'ä'.repeat(300_000) : 'x') + cell.key[0]));
      const seen: unknown[] = [];
      const results = await swapPage(session, where, changes, (back) => void seen.push(...back));
      expect([results.filter((result) => result === 'swapped').length, seen.length]).toEqual([6000, 6000]);
      const last = await readCell(session, where, ['5000']);
      expect(last[0]?.stored).toBe(`${'ä'.repeat(300_000)}5000`);
    });
  });
});

// --- internal ---

const TRIGGERS = {
  sqlite: {
    function: 'select 1',
    trigger:
      "create trigger meddle after update on tricky when new.pw <> 'meddled' begin update tricky set pw = 'meddled'; end",
  },
  postgres: {
    function:
      "create function meddle() returns trigger language plpgsql as $$ begin new.pw := 'meddled'; return new; end $$",
    trigger: 'create trigger meddle before update on tricky for each row execute function meddle()',
  },
  mysql: {
    function: 'select 1',
    trigger: "create trigger meddle before update on tricky for each row set new.pw = 'meddled'",
  },
};

/** A transaction of somebody else that has run a statement and goes on until it is released. */
async function holding(
  kysely: Kysely<Tables>,
  statement: ReturnType<typeof sql>,
): Promise<{ release(): Promise<void> }> {
  let release = (): void => {};
  const released = new Promise<void>((done) => {
    release = done;
  });
  let started = (): void => {};
  const start = new Promise<void>((done) => {
    started = done;
  });
  const transaction = kysely.transaction().execute(async (tx) => {
    await statement.execute(tx);
    started();
    await released;
  });
  await Promise.race([start, transaction]);
  return {
    release: async () => {
      release();
      await transaction;
    },
  };
}
