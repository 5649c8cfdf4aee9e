import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ColumnInfo,
  describeTable,
  findColumn,
  listTables,
  type TableInfo,
} from '../../src/database/catalogue.ts';
import { ENGINES, type TestDatabase } from '../engines.ts';

const [SQLITE, POSTGRES, MYSQL] = ENGINES;

/** A test that builds its tables first; skipped where the server is absent. */
function suite(engine: (typeof ENGINES)[number] | undefined, statements: readonly string[], body: (t: Tools) => void) {
  describe.skipIf(engine?.absent)(`the catalogue of ${engine?.engine}`, () => {
    let test: TestDatabase | undefined;
    beforeAll(async () => {
      test = await engine?.create();
      for (const text of statements) await sql.raw(text).execute(opened().kysely);
    });
    afterAll(() => test?.drop());
    const opened = () => {
      if (!test) throw new Error('no database');
      return test.db;
    };
    const table = async (name: string): Promise<TableInfo> => {
      const info = await describeTable(opened(), name);
      if (!info) throw new Error(`no table ${name}`);
      return info;
    };
    const column = async (name: string, of: string): Promise<ColumnInfo> => {
      const found = findColumn(opened(), await table(name), of);
      if (!found) throw new Error(`no column ${of}`);
      return found;
    };
    body({ db: opened, table, column });
  });
}

interface Tools {
  db(): TestDatabase['db'];
  table(name: string): Promise<TableInfo>;
  column(table: string, column: string): Promise<ColumnInfo>;
}

describe.each(ENGINES)('on $engine', ({ create, absent }) => {
  it.skipIf(absent)('lists base tables, not views and not our own; an unknown table is undefined', async () => {
    const test = await create();
    try {
      const { kysely } = test.db;
      await sql`create table users (id int not null primary key, v varchar(50))`.execute(kysely);
      await sql`create table casehard_keys (id int)`.execute(kysely);
      await sql`create table ${sql.id('odd " name')} (${sql.id('the `col')} int)`.execute(kysely);
      await sql`create view active as select id from users`.execute(kysely);
      expect(await listTables(test.db)).toEqual(['odd " name', 'users']);
      expect(await describeTable(test.db, 'nobody')).toBeUndefined();
      expect(await describeTable(test.db, 'active')).toBeUndefined();
      expect((await describeTable(test.db, 'odd " name'))?.columns[0]?.name).toBe('the `col');
      expect((await describeTable(test.db, 'users'))?.views).toEqual(['active']);
      expect((await describeTable(test.db, 'users'))?.uniques).toEqual([['id']]);
    } finally {
      await test.drop();
    }
  });
});

suite(
  SQLITE,
  [
    `create table loose (id text primary key, v varchar(100) not null default 'it''s', b blob, any_thing, u uuid, n int, j json)`,
    'create table rowid_key (id integer primary key, v text)',
    'create table desc_key (id integer primary key desc, v text)',
    'create table no_rowid (a text, b char(3), primary key (a, b)) without rowid',
    'create table strict_key (id text primary key, v any) strict',
    `create table checked (id integer primary key, v text check (length(v) <= 100), -- check (a comment)
      w text default 'check (x)', constraint "a ) name" check (w <> ')' /* ) */ and w is not null))`,
    'create unique index checked_v on checked (v) where v is not null',
    'create unique index checked_w on checked (lower(w))',
    'create table calm (id integer primary key, v text, g text as (upper(v)))',
    'create unique index calm_v on calm (v)',
    'create trigger "update" after insert on calm begin select 1; end',
    'create trigger touched before update of v on calm begin select 1; end',
    'create trigger if not exists main.plain update on calm begin select 1; end',
  ],
  ({ table, column }) => {
    it('says that a primary key may be NULL unless it is NOT NULL, the rowid, WITHOUT ROWID or STRICT', async () => {
      const nullable = async (name: string) => (await table(name)).columns[0]?.nullable;
      expect(await nullable('loose')).toBe(true);
      expect(await nullable('desc_key')).toBe(true);
      expect(await nullable('rowid_key')).toBe(false);
      expect(await nullable('no_rowid')).toBe(false);
      expect(await nullable('strict_key')).toBe(false);
    });
    it('knows the keys, the rowid among them', async () => {
      expect((await table('rowid_key')).uniques).toEqual([['id']]);
      expect((await table('desc_key')).uniques).toEqual([['id']]);
      expect(await table('no_rowid')).toMatchObject({ primaryKey: ['a', 'b'], uniques: [['a', 'b']] });
      expect((await table('checked')).uniques).toEqual([['id']]);
      expect((await table('calm')).uniques).toEqual([['id'], ['v']]);
    });
    it('gives kinds without widths', async () => {
      const kinds = (await table('loose')).columns.map((c) => [c.kind, c.maxChars]);
      expect(kinds.map(([kind]) => kind)).toEqual(['text', 'varchar', 'bytes', 'text', 'uuid', 'int', 'text']);
      expect(kinds.every(([, width]) => width === undefined)).toBe(true);
      expect(await column('LOOSE', 'V')).toMatchObject({ default: "'it''s'", nullable: false, type: 'varchar(100)' });
    });
    it('finds CHECK constraints in the statement, not in comments or literals', async () => {
      expect((await table('checked')).checks).toEqual([
        { name: 'check (length(v) <= 100)', expression: 'length(v) <= 100' },
        { name: 'a ) name', expression: "w <> ')' /* ) */ and w is not null" },
      ]);
    });
    it('names the triggers that fire on UPDATE', async () => {
      expect((await table('calm')).triggers.toSorted()).toEqual(['plain', 'touched']);
      expect((await column('calm', 'g')).generated).toBe(true);
    });
  },
);

suite(
  POSTGRES,
  [
    `create domain secret as varchar(80) check (value <> 'x')`,
    'create domain deeper as secret not null',
    `create table users (id bigint primary key, v varchar(100) not null default 'it''s' || lower('X'), c char(40),
      t text collate "C", s secret, d deeper, j jsonb, b bytea, u uuid, free varchar, g text generated always as (lower(c)) stored,
      constraint short check (length(v) < 90))`,
    `comment on column users.v is 'o''clock'`,
    'create unique index users_v on users (v) include (t)',
    'create unique index users_part on users (c) where c is not null',
    'create unique index users_lower on users (lower(t))',
    'create view active as select id, v from users',
    'create materialized view stored as select t from users',
    `create function f() returns trigger language plpgsql as 'begin return new; end'`,
    'create trigger on_insert before insert on users for each row execute function f()',
    'create trigger on_update before update of t on users for each row execute function f()',
    'create trigger off_update before update on users for each row execute function f()',
    'alter table users disable trigger off_update',
    'create rule on_rule as on update to users do also notify x',
    'create table parted (id int not null, v varchar(10)) partition by range (id)',
    'create table part_1 partition of parted for values from (0) to (10)',
    'create schema other',
    'create table other.users (id int primary key)',
  ],
  ({ db, table, column }) => {
    it('reads widths through domains', async () => {
      expect(await column('users', 'v')).toMatchObject({ kind: 'varchar', maxChars: 100, nullable: false, utf8: true });
      expect(await column('users', 'c')).toMatchObject({ kind: 'char', maxChars: 40, nullable: true });
      expect(await column('users', 's')).toMatchObject({ kind: 'varchar', maxChars: 80, domain: 'secret' });
      expect(await column('users', 'd')).toMatchObject({ maxChars: 80, domain: 'deeper', nullable: false });
      expect(await column('users', 'free')).not.toHaveProperty('maxChars');
      expect((await table('users')).columns.map((c) => c.kind).slice(6, 9)).toEqual(['json', 'bytes', 'uuid']);
    });
    it('reads default, comment, collation and generated columns', async () => {
      expect((await column('users', 'v')).default).toContain("'it''s'");
      expect((await column('users', 'v')).comment).toBe("o'clock");
      expect((await column('users', 't')).collation).toBe('pg_catalog."C"');
      expect(await column('users', 'v')).not.toHaveProperty('collation');
      expect((await column('users', 'g')).generated).toBe(true);
    });
    it('counts only full unique indexes, and lists every index with all columns it reads', async () => {
      const info = await table('users');
      expect(info.uniques.toSorted()).toEqual([['id'], ['v']]);
      expect(info.primaryKey).toEqual(['id']);
      expect(info.indexes.find((i) => i.name === 'users_lower')?.columns).toEqual(['t']);
      expect(info.checks.map((c) => c.name)).toEqual(['short']);
    });
    it('names what fires on UPDATE and what depends on a column', async () => {
      const info = await table('users');
      expect(info.triggers).toEqual(['on_rule', 'on_update']);
      expect(info.views.toSorted()).toEqual(['active', 'stored']);
      expect((await column('users', 'v')).dependents).toEqual(['view active']);
      expect((await column('users', 't')).dependents).toEqual([
        'materialized view stored',
        'trigger on_update on table users',
      ]);
      expect((await column('users', 'c')).dependents).toEqual(['default value for column g of table users']);
    });
    it('finds tables of other schemas, and the parents of partitions', async () => {
      expect(await table('other.users')).toMatchObject({ name: 'other.users', uniques: [['id']] });
      expect((await table('part_1')).parent).toBe('parted');
      expect(await listTables(db())).toEqual(['parted', 'users']);
    });
  },
);

suite(
  MYSQL,
  [
    `create table users (id int primary key, a varchar(60) not null default 'it''s "q" \\\\' comment 'o''clock',
      l char(40) character set latin1 collate latin1_bin, t text, b varbinary(20), e enum('a'), n varchar(9) default null,
      g varchar(10) as (concat(a,'1')) virtual, u timestamp not null default current_timestamp on update current_timestamp,
      x varchar(40) default (concat('a','b')), z varchar(20) character set utf8mb3, constraint short check (length(a) < 99))`,
    'create unique index users_n on users (n)',
    'create unique index users_t on users (t(10))',
    'create table plain (id int, v varchar(9)) engine = MyISAM',
    'create view active as select id from users',
    'create trigger on_update before update on users for each row set new.n = new.n',
    'create trigger on_insert before insert on users for each row set new.n = new.n',
  ],
  ({ db, table, column }) => {
    it('reads widths in characters and bytes', async () => {
      expect(await column('users', 'A')).toMatchObject({
        kind: 'varchar',
        maxChars: 60,
        maxBytes: 240,
        charset: 'utf8mb4',
      });
      expect(await column('users', 'l')).toMatchObject({ kind: 'char', maxChars: 40, maxBytes: 40, utf8: false });
      expect(await column('users', 't')).toMatchObject({ kind: 'text', maxBytes: 65535 });
      expect(await column('users', 't')).not.toHaveProperty('maxChars');
      expect((await column('users', 'l')).collation).toBe('latin1_bin');
      expect((await column('users', 'z')).utf8).toBe(true);
      expect((await table('users')).columns.map((c) => c.kind).slice(4, 6)).toEqual(['bytes', 'other']);
    });
    it('gives every default as an expression that SQL can restate', async () => {
      const { kysely } = db();
      for (const name of ['a', 'x']) {
        const given = (await column('users', name)).default ?? '';
        const { rows } = await sql<{ v: string }>`select ${sql.raw(given)} as v`.execute(kysely);
        expect(rows[0]?.v).toBe(name === 'a' ? 'it\'s "q" \\' : 'ab');
      }
      expect(await column('users', 'n')).not.toHaveProperty('default');
      expect(await column('users', 'a')).toMatchObject({ comment: "o'clock", nullable: false });
      expect(await column('users', 'u')).toMatchObject({ onUpdate: true });
      expect(await column('users', 'g')).toMatchObject({ generated: true });
    });
    it('knows keys without prefix indexes, triggers, checks and engines', async () => {
      const info = await table('users');
      expect(info).toMatchObject({
        primaryKey: ['id'],
        triggers: ['on_update'],
        transactional: true,
        views: ['active'],
      });
      expect(info.uniques.toSorted()).toEqual([['id'], ['n']]);
      expect(info.indexes.map((i) => i.name)).toContain('users_t');
      expect(info.checks.map((c) => c.name)).toEqual(['short']);
      expect((await table('plain')).transactional).toBe(false);
      expect((await table(`${(await currentDatabase(db())) ?? ''}.plain`)).name).toContain('.plain');
    });
    it('reads what only MariaDB has', async () => {
      if (!(await isMariadb(db()))) return;
      const { kysely } = db();
      await sql`create table special (id int, v varchar(40) invisible check (length(v) < 90), j json) with system versioning`.execute(
        kysely,
      );
      expect(await column('special', 'v')).toMatchObject({ invisible: true, check: 'octet_length(`v`) < 90' });
      expect(await column('special', 'j')).toMatchObject({ kind: 'text', check: 'json_valid(`j`)' });
      expect((await table('special')).systemVersioned).toBe(true);
      expect(await listTables(db())).toContain('special');
    });
  },
);

// --- internal ---

async function currentDatabase({ kysely }: TestDatabase['db']): Promise<string | undefined> {
  const { rows } = await sql<{ name: string }>`select database() as name`.execute(kysely);
  return rows[0]?.name;
}

async function isMariadb({ kysely }: TestDatabase['db']): Promise<boolean> {
  const { rows } = await sql<{ v: string }>`select version() as v`.execute(kysely);
  return /mariadb/i.test(rows[0]?.v ?? '');
}
