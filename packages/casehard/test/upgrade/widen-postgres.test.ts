import { describe, expect, it } from 'vitest';
import { OWN_TABLES } from '../../src/database/own-tables.ts';
import { planUpgrade } from '../../src/upgrade/plan.ts';
import { runUpgrade, type UpgradeEvent } from '../../src/upgrade/run.ts';
import { columnOf, field, POSTGRES, promises, raw, withTables } from './helpers.ts';

const on = (statements: readonly string[], body: Parameters<typeof withTables>[2]) => () =>
  withTables(POSTGRES, statements, body);

describe.skipIf(POSTGRES.absent)('widening on postgres', () => {
  it(
    'keeps NOT NULL, defaults, collation and comment, and the data',
    on(
      [
        `create table users (id int primary key, a varchar(40) collate "C" not null default 'it''s ('||'q)', b varchar(63) default lower('X(Y'),
          c char(40) not null default 'pad', d varchar(20), doc varchar(300) default '{}')`,
        `comment on column users.a is 'o''clock \\ "c"'`,
        `insert into users (id, a, c, doc) values (1, 'päss', 'token', repeat('d', 200))`,
      ],
      async ({ db }) => {
        const columns = ['a', 'b', 'c', 'd'];
        const look = async () => {
          await raw(db, 'insert into users (id) values (9)');
          const [defaults] = await raw(db, 'select a, b, rtrim(c) as c, d, doc from users where id = 9');
          await raw(db, 'delete from users where id = 9');
          const data = await raw(db, 'select id, a, b, rtrim(c) as c, d, doc from users');
          return { defaults, data, columns: await Promise.all(columns.map((name) => promises(db, name))) };
        };
        const before = await look();
        const fields = [...columns.map((name) => field(name, { was: 'plaintext' })), field('doc', { document: true })];
        const plan = await planUpgrade(db, fields);
        expect(plan.steps.slice(OWN_TABLES.length).map((step) => [step.column, step.cost])).toEqual([
          ['a', 'metadata'],
          ['b', 'metadata'],
          ['c', 'rewrite'],
          ['d', 'metadata'],
          ['doc', 'metadata'],
        ]);
        expect(plan.steps.find((s) => s.column === 'a')?.sql).toEqual([
          'alter table "users" alter column "a" type varchar(512) collate pg_catalog."C"',
        ]);
        await runUpgrade(db, plan);
        expect(await look()).toEqual(before);
        const types = await Promise.all([...columns, 'doc'].map(async (name) => (await columnOf(db, name)).type));
        expect(types).toEqual([512, 512, 512, 255, 1024].map((n) => `character varying(${n})`));
        const [{ c } = {}] = await raw(db, 'select c from users where id = 1');
        expect(c).toBe('token'); // varchar does not pad
        expect((await planUpgrade(db, fields)).steps).toEqual([]);
      },
    ),
  );

  it(
    'becomes text beyond 4096, and counts what is sealed already',
    on(
      [
        'create table users (id int primary key, v varchar(5000), w varchar(300))',
        "insert into users values (1, repeat('x', 4999), 'chd1.' || repeat('a', 290)), (2, repeat('y', 4999), null)",
      ],
      async ({ db }) => {
        const { steps } = await planUpgrade(db, [field('v', { was: 'plaintext' }), field('w')]);
        expect(steps.slice(OWN_TABLES.length).map((step) => step.sql[0])).toEqual([
          'alter table "users" alter column "v" type text',
        ]);
        await raw(db, 'alter table users alter column w type varchar(295)');
        expect((await planUpgrade(db, [field('w')])).steps).toHaveLength(OWN_TABLES.length);
      },
    ),
  );

  it(
    'names the view, trigger or policy that forbids a change',
    on(
      [
        'create table users (id int primary key, v varchar(100), w varchar(100), free varchar(100))',
        'create view active_users as select id, v from users',
        `create function f() returns trigger language plpgsql as 'begin return new; end'`,
        'create trigger watch before update of w on users for each row execute function f()',
      ],
      async ({ db }) => {
        const { problems, steps } = await planUpgrade(
          db,
          ['v', 'w', 'free'].map((name) => field(name)),
        );
        expect(problems.map((p) => [p.code, p.message])).toEqual([
          ['DEPENDENT', 'users.v: view active_users forbids a change of its type'],
          ['DEPENDENT', 'users.w: trigger watch on table users forbids a change of its type'],
        ]);
        expect(problems[0]?.hint).toContain('alter table users alter column v type varchar(255)');
        expect(steps.at(-1)?.id).toBe('widen users.free');
        await runUpgrade(db, { steps, problems, widths: new Map() });
        expect((await columnOf(db, 'free')).maxChars).toBe(255);
      },
    ),
  );

  it(
    'names domains, partitions and generated columns; widens partitions through their parent',
    on(
      [
        'create domain secret as varchar(80)',
        'create table users (id int primary key, s secret, v varchar(9), g varchar(40) generated always as (lower(v)) stored)',
        'create table parted (id int not null, v varchar(100)) partition by range (id)',
        'create table part_1 partition of parted for values from (0) to (10)',
        "insert into parted values (1, repeat('A', 80))",
      ],
      async ({ db }) => {
        const fields = [
          field('s'),
          field('g'),
          field('v'),
          field('v', { table: 'part_1' }),
          field('v', { table: 'parted' }),
        ];
        const { problems, steps } = await planUpgrade(db, fields);
        expect(problems.map((p) => [p.field, p.code])).toEqual([
          ['users.s', 'DOMAIN'],
          ['users.g', 'GENERATED'],
          ['users.v', 'DEPENDENT'],
          ['part_1.v', 'INHERITED'],
        ]);
        expect(steps.slice(OWN_TABLES.length).map((step) => step.id)).toEqual(['widen parted.v']);
        await runUpgrade(db, { steps, problems, widths: new Map() });
        expect((await columnOf(db, 'v', 'part_1')).maxChars).toBe(255);
      },
    ),
  );

  it(
    'waits for a lock no longer than two seconds at a time, tries again, and names what it waited for',
    on(
      ['create table users (id int primary key, v varchar(100))', 'insert into users values (1, null)'],
      async (test) => {
        const other = test.connect();
        try {
          const plan = await planUpgrade(test.db, [field('v')]);
          let release = () => {};
          const held = new Promise<void>((done) => {
            release = done;
          });
          let holding = () => {};
          const started = new Promise<void>((done) => {
            holding = done;
          });
          const transaction = other.kysely.transaction().execute(async (trx) => {
            await trx.selectFrom('users').selectAll().execute();
            holding();
            await held;
          });
          await started;
          const begun = Date.now();
          const error = await runUpgrade(test.db, plan, { attempts: 1 }).catch((e: unknown) => e);
          expect(Date.now() - begun).toBeLessThan(5000);
          expect(error).toMatchObject({
            code: 'DATABASE',
            message: 'widen users.v: another transaction holds users and did not let go',
          });
          expect((error as { hint?: string }).hint).toContain('pg_stat_activity');
          const onStep = ({ state, step }: UpgradeEvent) => state === 'waiting' && step.column === 'v' && release();
          const result = await runUpgrade(test.db, plan, { onStep });
          expect(result.done.map((step) => step.id)).toEqual(['widen users.v']);
          expect(result.skipped).toHaveLength(OWN_TABLES.length);
          await transaction;
        } finally {
          await other.close();
        }
      },
    ),
  );

  it(
    'finds a later narrowing again; another schema; an odd name',
    on(
      [
        'create schema other',
        'create table other.users (id int primary key, "Odd ""v" varchar(100))',
        'create table users (id int primary key, v varchar(300))',
      ],
      async ({ db }) => {
        const fields = [field('v'), field('Odd "v', { table: 'other.users' })];
        await runUpgrade(db, await planUpgrade(db, fields));
        expect((await columnOf(db, 'Odd "v', 'other.users')).maxChars).toBe(255);
        expect((await planUpgrade(db, fields)).steps).toEqual([]);
        await raw(db, 'alter table users alter column v type varchar(191)');
        expect((await planUpgrade(db, fields)).steps.map((step) => step.id)).toEqual(['widen users.v']);
      },
    ),
  );
});
