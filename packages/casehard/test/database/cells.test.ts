import { CompiledQuery, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCell, readPage } from '../../src/database/cells.ts';
import type { KeyColumn } from '../../src/database/place.ts';
import { type Session, withSession } from '../../src/database/session.ts';
import { swapPage } from '../../src/database/swap.ts';
import { ENGINES, type TestDatabase } from '../engines.ts';
import { accept, place, readAll, statementsOf, whole } from './places.ts';

interface KeyCase {
  readonly name: string;
  readonly type: KeyColumn['type'];
  /** The column's type per engine; an engine without one is left out. */
  readonly column: { readonly sqlite?: string; readonly postgres?: string; readonly mysql?: string };
  /** Keys in the order of the column, as SQL literals where they are not texts. */
  readonly keys: readonly string[];
  readonly literal?: (key: string, engine: string) => string;
}

const hexLiteral = (key: string, engine: string) => (engine === 'postgres' ? `'\\x${key}'` : `x'${key}'`);
const UUIDS = [
  '00000000-0000-4000-8000-00000000000a',
  '7d444840-9dc0-11d1-b245-5ffdce74fad2',
  'ffffffff-ffff-4fff-bfff-ffffffffffff',
];

const KEYS: readonly KeyCase[] = [
  {
    name: 'a 64-bit integer',
    type: 'int',
    column: { sqlite: 'integer', postgres: 'bigint', mysql: 'bigint' },
    keys: ['-9223372036854775807', '-1', '0', '9', '10', '9007199254740993', '9223372036854775807'],
    literal: String,
  },
  {
    name: 'a small integer',
    type: 'int',
    column: { postgres: 'int', mysql: 'int(6) zerofill' },
    keys: ['1', '42'],
    literal: String,
  },
  {
    name: 'an unsigned integer',
    type: 'int',
    column: { mysql: 'bigint unsigned' },
    keys: ['1', '18446744073709551614', '18446744073709551615'],
    literal: String,
  },
  {
    name: 'a decimal',
    type: 'int',
    column: { postgres: 'numeric(30)', mysql: 'decimal(30)' },
    keys: ['1', '123456789012345678901234567890'],
    literal: String,
  },
  { name: 'a UUID', type: 'uuid', column: { sqlite: 'text', postgres: 'uuid', mysql: 'char(36)' }, keys: UUIDS },
  { name: 'a native UUID', type: 'uuid', column: { mysql: 'uuid' }, keys: [UUIDS[0] as string, UUIDS[2] as string] },
  {
    name: 'a UUID in bytes',
    type: 'uuid',
    column: { sqlite: 'blob', postgres: 'bytea', mysql: 'binary(16)' },
    keys: UUIDS,
    literal: (key, engine) => hexLiteral(key.replaceAll('-', ''), engine),
  },
  {
    name: 'bytes',
    type: 'binary',
    column: { sqlite: 'blob', postgres: 'bytea', mysql: 'varbinary(20)' },
    keys: ['00', '0000', '00ff', '61', '6100', '6120', 'ff'],
    literal: hexLiteral,
  },
  {
    name: 'fixed bytes',
    type: 'binary',
    column: { mysql: 'binary(4)' },
    keys: ['00000000', '61000000', '61200000'],
    literal: hexLiteral,
  },
  {
    name: 'a text in byte order',
    type: 'text',
    column: { sqlite: 'text', postgres: 'text collate "C"', mysql: 'varchar(50) collate utf8mb4_bin' },
    keys: ['A', 'B', 'a', 'it\'s "\\', 'z', 'ä', '\u{1F511}'],
  },
  {
    name: 'a text with a collation that ignores case',
    type: 'text',
    column: {
      sqlite: 'text collate nocase',
      postgres: 'text collate nocase',
      mysql: 'varchar(50) collate utf8mb4_general_ci',
    },
    keys: ['a', 'B', 'c', 'Dd', 'dE', 'z'],
  },
  {
    name: 'a text in the order of a language',
    type: 'text',
    column: { postgres: 'varchar(50) collate "en-x-icu"', mysql: 'varchar(50) collate utf8mb4_unicode_ci' },
    keys: ['a', 'äb', 'ac', 'B', 'z'],
  },
  {
    name: 'a latin1 text',
    type: 'text',
    column: { mysql: 'varchar(50) character set latin1 collate latin1_swedish_ci' },
    keys: ['a', 'b c', 'z', 'ä'],
  },
  { name: 'a padded text', type: 'text', column: { postgres: 'char(8)', mysql: 'char(8)' }, keys: ['a', 'ab', 'b'] },
  {
    name: 'a text with spaces at its end',
    type: 'text',
    column: { sqlite: 'text', postgres: 'text collate "C"', mysql: 'varchar(50) collate utf8mb4_bin' },
    keys: ['a ', 'b', 'c  '],
  },
  {
    name: 'an enum',
    type: 'text',
    column: { postgres: 'mood', mysql: "enum('sad', 'ok', 'glad')" },
    keys: ['sad', 'ok', 'glad'],
  },
];

const text = (key: string) => `'${key.replaceAll("'", "''")}'`;

describe.each(ENGINES)('cells on $engine', ({ create, absent, engine }) => {
  let test: TestDatabase;
  beforeAll(async () => {
    if (absent) return;
    test = await create();
    if (engine !== 'postgres') return;
    const db = test.db.kysely;
    await sql`create collation nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`.execute(db);
    await sql`create type mood as enum ('sad', 'ok', 'glad')`.execute(db);
  });
  afterAll(() => test?.drop());

  const run = (statement: string) =>
    sql.raw(engine === 'mysql' ? statement.replaceAll('\\', '\\\\') : statement).execute(test.db.kysely);

  for (const { name, type, column, keys, literal = text } of KEYS) {
    const columnType = column[engine];
    it.skipIf(absent || columnType === undefined)(
      `pages visit every row once and swaps find it by ${name}`,
      async () => {
        await run('drop table if exists k');
        await run(`create table k (id ${columnType} not null primary key, v varchar(200))`);
        for (const key of keys.toReversed()) await run(`insert into k values (${literal(key, engine)}, 'old')`);
        const where = place('k', 'v', { id: type });
        await withSession(test.db, async (session) => {
          for (const limit of [1, 2, 100]) {
            const visited = (await readAll(session, where, limit)).map((cell) => cell.key[0]);
            expect(visited.toSorted()).toEqual(keys.toSorted());
          }
          const cells = await readAll(session, where);
          if (name !== 'an enum') expect(cells.map((cell) => cell.key[0])).toEqual(keys);
          const changes = cells.map((cell) => whole(cell, `new ${cell.key[0]}`));
          expect(await swapPage(session, where, changes, accept)).toEqual(keys.map(() => 'swapped'));
          for (const key of keys)
            expect(await readCell(session, where, [key])).toEqual([{ key: [key], stored: `new ${key}` }]);
        });
      },
    );
  }

  it.skipIf(absent)('a key of several columns is visited in order and uses its index', async () => {
    await run('create table c (a bigint not null, b varchar(20) not null, n int, v varchar(50), primary key (a, b))');
    for (const a of [1, 2, 3])
      for (const b of ['x', 'y', 'z']) await run(`insert into c values (${a}, '${b}', 1, '${a}${b}')`);
    const where = place('c', 'v', { a: 'int', b: 'text' });
    await withSession(test.db, async (session) => {
      for (const limit of [1, 2, 4]) {
        const visited = (await readAll(session, where, limit)).map((cell) => cell.stored);
        expect(visited).toEqual(['1x', '1y', '1z', '2x', '2y', '2z', '3x', '3y', '3z']);
      }
      const [cell] = await readCell(session, where, ['2', 'y']);
      expect(await swapPage(session, where, [whole(cell ?? { key: [], stored: '' }, 'new')], accept)).toEqual([
        'swapped',
      ]);
      expect((await readAll(session, where, 9)).map((c) => c.stored).join()).toBe('1x,1y,1z,2x,new,2z,3x,3y,3z');
      await expect(readCell(session, where, ['2'])).rejects.toThrow('one piece per key column');
    });
  });

  it.skipIf(absent)('only rows that fulfil the conditions are read and written', async () => {
    await run('create table w (id int not null primary key, kind varchar(20), n int, v varchar(50))');
    await run("insert into w values (1, 'smtp', 5, 'a'), (2, 'imap', 5, 'b'), (3, 'smtp', 6, 'c'), (4, '5', 5, 'd')");
    await withSession(test.db, async (session) => {
      const where = place('w', 'v', { id: 'int' }, { where: { kind: 'smtp', n: 5 } });
      expect(await readAll(session, where)).toEqual([{ key: ['1'], stored: 'a' }]);
      const changes = [whole({ key: ['1'], stored: 'a' }, 'A'), whole({ key: ['2'], stored: 'b' }, 'B')];
      expect(await swapPage(session, where, changes, accept)).toEqual(['swapped', 'gone']);
      const number = place('w', 'v', { id: 'int' }, { where: { kind: 5 } });
      expect(await readAll(session, number)).toEqual([{ key: ['4'], stored: 'd' }]);
    });
  });

  it.skipIf(absent)('pages pass over NULL and empty values; one cell is read whatever it holds', async () => {
    await run('create table e (id int not null primary key, v varchar(50))');
    await run("insert into e values (1, null), (2, ''), (3, ' '), (4, '0'), (5, '\n')");
    await withSession(test.db, async (session) => {
      const where = place('e', 'v', { id: 'int' });
      expect(await readAll(session, where)).toEqual([
        { key: ['3'], stored: ' ' },
        { key: ['4'], stored: '0' },
        { key: ['5'], stored: '\n' },
      ]);
      expect(await readCell(session, where, ['1'])).toEqual([{ key: ['1'], stored: null }]);
      expect(await readCell(session, where, ['2'])).toEqual([{ key: ['2'], stored: '' }]);
      expect(await readCell(session, where, ['9'])).toEqual([]);
    });
  });

  it.skipIf(absent)('a key that is not of its declared type is an error without the key', async () => {
    await run('create table b (id varchar(50) not null primary key, v varchar(50))');
    await run("insert into b values ('marked-key', 'a')");
    await withSession(test.db, async (session) => {
      const read = readPage(session, place('b', 'v', { id: 'int' }), { limit: 5 });
      await expect(read).rejects.toMatchObject({ code: 'BAD_ROW', message: 'row key id: it is not an integer' });
      const lookup = readCell(session, place('b', 'v', { id: 'uuid' }), ['marked-key']);
      await expect(lookup).rejects.toMatchObject({ code: 'BAD_ROW', message: expect.not.stringContaining('marked') });
    });
  });

  it.skipIf(absent)('a missing table or column is named', async () => {
    await run('create table m (id int not null primary key, v varchar(50))');
    await withSession(test.db, async (session) => {
      const table = readPage(session, place('missing', 'v', { id: 'int' }), { limit: 5 });
      await expect(table).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'missing: there is no such table' });
      const column = readPage(session, place('m', 'pw', { id: 'int' }), { limit: 5 });
      await expect(column).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'm.pw: there is no such column' });
    });
  });

  it.skipIf(absent)('a page is found through the index, behind any key', async () => {
    await run('create table x (a int not null, b varchar(36) not null, v varchar(50), primary key (a, b))');
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ a: i % 100, b: `b${i}`, v: 'v' }));
    for (let i = 0; i < rows.length; i += 1000)
      await test.db.kysely
        .insertInto('x')
        .values(rows.slice(i, i + 1000))
        .execute();
    await run(engine === 'mysql' ? 'analyze table x' : 'analyze x');
    await withSession(test.db, async (session) => {
      const where = place('x', 'v', { a: 'int', b: 'text' });
      const [plan] = await explain(session, (watched) => readPage(watched, where, { after: ['50', 'b77'], limit: 10 }));
      if (engine === 'postgres') expect(plan).toMatch(/Index Scan using x_pkey.*Index Cond: \(ROW\(a, /);
      if (engine === 'mysql') expect(plan).toMatch(/"type":"range".*"key":"PRIMARY"/);
      if (engine === 'sqlite') expect(plan).toMatch(/SEARCH t USING INDEX sqlite_autoindex_x_1 \(\(a,b\)>\(\?,\?\)\)/);
    });
  });

  it.skipIf(absent)('the rows of a page are found by their key', async () => {
    await withSession(test.db, async (session) => {
      const where = place('x', 'v', { a: 'int', b: 'text' });
      const change = whole({ key: ['50', 'b50'], stored: 'v' }, 'w');
      const plans = await explain(session, (watched) => swapPage(watched, where, [change], accept));
      expect(plans).toHaveLength(3); // lock, write, read back
      for (const plan of plans) {
        expect(plan).toMatch(/Index Scan using x_pkey|"type":"eq_ref".*"key":"PRIMARY"|SEARCH t USING INDEX/);
      }
    });
  });
});

// --- internal ---

/** The plans of the statements that the work executes on the table x, parameters bound. */
async function explain(session: Session, work: (session: Session) => Promise<unknown>): Promise<string[]> {
  const compiled = await statementsOf(session, work);
  const how = session.engine === 'sqlite' ? 'explain query plan' : 'explain';
  const plans: string[] = [];
  for (const query of compiled.filter(({ sql: text }) => /["`]x["`] as t/.test(text))) {
    const parameters = query.parameters.map((value) => (typeof value === 'symbol' ? null : value));
    const { rows } = await session.kysely.executeQuery(CompiledQuery.raw(`${how} ${query.sql}`, parameters));
    plans.push(JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? String(value) : value)));
  }
  return plans;
}
