import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readCell } from '../../src/database/cells.ts';
import { withSession } from '../../src/database/session.ts';
import { swapPage } from '../../src/database/swap.ts';
import { ENGINES, type TestDatabase } from '../engines.ts';
import { accept, place, readAll, splice, statementsOf, whole } from './places.ts';

const SEALED = `chd1.h2zivffe.${'A'.repeat(154)}`;

/** Every table twice where the engine knows tables without transactions. */
const CASES = ENGINES.flatMap((engine) => [
  { ...engine, label: engine.engine, storage: '' },
  ...(engine.engine === 'mysql' ? [{ ...engine, label: 'MyISAM', storage: ' engine = MyISAM' }] : []),
]);

describe.each(CASES)('a table without a row key on $label', ({ create, absent, engine, storage }) => {
  let test: TestDatabase;
  const settings = place('settings', 'value', {}, { where: { name: 'smtp_password' } });
  beforeAll(async () => {
    if (!absent) test = await create();
  });
  beforeEach(async () => {
    if (absent) return;
    const db = test.db.kysely;
    await sql`drop table if exists settings`.execute(db);
    await sql`create table settings (name varchar(50), value varchar(200))${sql.raw(storage)}`.execute(db);
    await sql`insert into settings values ('smtp_host', 'same'), ('smtp_password', 'same'), ('smtp_password', 'same'),
      ('smtp_password', 'Same'), ('smtp_password', ''), ('smtp_password', null)`.execute(db);
  });
  afterAll(() => test?.drop());

  it.skipIf(absent)('one page holds every filled row, whatever the limit', async () => {
    await withSession(test.db, async (session) => {
      const filled = ['Same', 'same', 'same'].map((stored) => ({ key: [], stored }));
      expect((await readAll(session, settings, 1)).toSorted(byValue)).toEqual(filled);
      expect(await readCell(session, settings, [])).toHaveLength(5);
    });
  });

  it.skipIf(absent)('rows with equal bytes are swapped together, others stay', async () => {
    await withSession(test.db, async (session) => {
      const seen: unknown[] = [];
      const changes = [
        whole({ key: [], stored: 'same' }, SEALED),
        whole({ key: [], stored: 'same' }, `${SEALED}2`),
        whole({ key: [], stored: 'other' }, 'never'),
      ];
      const results = await swapPage(session, settings, changes, (cells) => void seen.push(...cells));
      expect(results).toEqual(['swapped', 'swapped', 'changed']);
      expect(seen).toEqual([SEALED, SEALED].map((stored) => ({ key: [], stored })));
      const { rows } = await sql`select name, value from settings`.execute(session.kysely);
      expect(rows.map((row) => Object.values(row as object).join('=')).toSorted()).toEqual([
        'smtp_host=same',
        'smtp_password=',
        'smtp_password=',
        'smtp_password=Same',
        `smtp_password=${SEALED}`,
        `smtp_password=${SEALED}`,
      ]);
    });
  });

  it.skipIf(absent)('a part of a text is replaced', async () => {
    await withSession(test.db, async (session) => {
      const document = 'a:"\u{1F511}",b:"same"';
      await sql`update settings set value = ${document} where value is null`.execute(session.kysely);
      const change = splice({ key: [], stored: document }, 'same', SEALED);
      expect(await swapPage(session, settings, [change], accept)).toEqual(['swapped']);
      const values = (await readAll(session, settings)).map((cell) => cell.stored);
      expect(values.toSorted()).toEqual(['Same', 'same', 'same', `a:"\u{1F511}",b:"${SEALED}"`].toSorted());
    });
  });

  it.skipIf(absent)('a check that throws leaves every row as it was', async () => {
    await withSession(test.db, async (session) => {
      const failure = new Error('does not open');
      const changes = [whole({ key: [], stored: 'same' }, SEALED)];
      const swap = swapPage(session, settings, changes, () => {
        throw failure;
      });
      await expect(swap).rejects.toBe(failure);
      expect((await readAll(session, settings)).map((cell) => cell.stored).toSorted()).toEqual([
        'Same',
        'same',
        'same',
      ]);
    });
  });

  it.skipIf(absent)('no statement holds an old value, or a hash of it that can be guessed', async () => {
    await withSession(test.db, async (session) => {
      const statements = await statementsOf(session, async (watched) => {
        await swapPage(watched, settings, [whole({ key: [], stored: 'same' }, SEALED)], accept);
        await swapPage(watched, settings, [splice({ key: [], stored: 'Same' }, 'me', SEALED)], accept);
      });
      const all = JSON.stringify(
        statements.map((statement) => [statement.sql, statement.parameters]),
        printable,
      );
      if (engine !== 'sqlite') expect(all).toContain(SEALED); // there the values of a row are not in the plan
      expect(all).not.toMatch(/same/i);
      for (const value of ['same', 'Same']) expect(all).not.toContain(createHash('sha256').update(value).digest('hex'));
    });
  });

  it.skipIf(absent)('where no row is left, the value is gone', async () => {
    await withSession(test.db, async (session) => {
      const nothing = { ...settings, where: { name: 'imap_password' } };
      expect(await swapPage(session, nothing, [whole({ key: [], stored: 'same' }, SEALED)], accept)).toEqual(['gone']);
    });
  });

  it.skipIf(absent || engine === 'sqlite' || storage !== '')(
    'a row that another connection holds keeps its twins back',
    async () => {
      const other = test.connect();
      try {
        await sql`alter table settings add n int`.execute(test.db.kysely);
        await other.kysely.transaction().execute(async (transaction) => {
          const one =
            engine === 'postgres'
              ? sql`where ctid = (select min(ctid) from settings where value = 'same' and name = 'smtp_password')`
              : sql`where name = 'smtp_password' limit 1`;
          await sql`update settings set n = 1 ${one}`.execute(transaction);
          await withSession(test.db, async (session) => {
            const changes = [whole({ key: [], stored: 'same' }, SEALED)];
            expect(await swapPage(session, settings, changes, accept)).toEqual(['locked']);
          });
        });
        await withSession(test.db, async (session) => {
          const changes = [whole({ key: [], stored: 'same' }, SEALED)];
          expect(await swapPage(session, settings, changes, accept)).toEqual(['swapped']);
        });
      } finally {
        await other.close();
      }
    },
  );

  it.skipIf(absent || storage === '')('rows with a key are swapped one by one', async () => {
    const db = test.db.kysely;
    await sql`drop table if exists keyed`.execute(db);
    await sql`create table keyed (id int not null primary key, pw varchar(200), changed timestamp not null default '2020-02-02' on update current_timestamp)
      engine = MyISAM`.execute(db);
    await sql`insert into keyed (id, pw) values (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four')`.execute(db);
    await withSession(test.db, async (session) => {
      const where = place('keyed', 'pw', { id: 'int' });
      const cells = await readAll(session, where);
      await sql`update keyed set pw = 'TWO' where id = 2`.execute(session.kysely);
      await sql`delete from keyed where id = 4`.execute(session.kysely);
      const changes = cells.map((cell) => whole(cell, SEALED));
      expect(await swapPage(session, where, changes, accept)).toEqual(['swapped', 'changed', 'swapped', 'gone']);
      expect((await readAll(session, where)).map((cell) => cell.stored)).toEqual([SEALED, 'TWO', SEALED]);
      const { rows } = await sql<{ changed: string }>`select changed from keyed where id in (1, 3)`.execute(
        session.kysely,
      );
      expect(rows.map((row) => row.changed)).toEqual(['2020-02-02 00:00:00', '2020-02-02 00:00:00']);
    });
  });

  it.skipIf(absent || storage === '')('a value that does not fit leaves the old one', async () => {
    const db = test.db.kysely;
    await sql`drop table if exists narrow`.execute(db);
    await sql`create table narrow (id int not null primary key, pw varchar(20)) engine = MyISAM`.execute(db);
    await sql`insert into narrow values (1, 'one')`.execute(db);
    await withSession(test.db, async (session) => {
      const where = place('narrow', 'pw', { id: 'int' });
      const changes = (await readAll(session, where)).map((cell) => whole(cell, SEALED));
      await expect(swapPage(session, where, changes, accept)).rejects.toMatchObject({ code: 'TOO_LONG' });
      await sql`set session sql_mode = ''`.execute(session.kysely); // as if the server ignored ours
      await expect(swapPage(session, where, changes, accept)).rejects.toMatchObject({ code: 'TOO_LONG' });
      expect((await readAll(session, where)).map((cell) => cell.stored)).toEqual(['one']);
    });
  });
});

// --- internal ---

const byValue = (a: { stored: unknown }, b: { stored: unknown }) => (String(a.stored) < String(b.stored) ? -1 : 1);

const printable = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);
