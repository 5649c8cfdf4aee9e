import { beforeAll, describe, expect, it } from 'vitest';
import { widening } from '../../src/database/alter.ts';
import { describeTable } from '../../src/database/catalogue.ts';
import { OWN_TABLES } from '../../src/database/own-tables.ts';
import { planUpgrade } from '../../src/upgrade/plan.ts';
import { runUpgrade, type UpgradeEvent } from '../../src/upgrade/run.ts';
import { widen } from '../../src/upgrade/widen.ts';
import { columnOf, field, MYSQL, promises, raw, withTables } from './helpers.ts';

let mariadb = false;
const on = (statements: readonly string[], body: Parameters<typeof withTables>[2]) => () =>
  withTables(MYSQL, statements, body);

describe.skipIf(MYSQL.absent)('widening on mysql and mariadb', () => {
  beforeAll(() =>
    withTables(MYSQL, [], async ({ db }) => {
      mariadb = /mariadb/i.test(String((await raw(db, 'select version() as v'))[0]?.v));
    }),
  );

  const RICH = `create table users (id int not null primary key,
    a varchar(40) character set latin1 collate latin1_bin not null default 'it''s "q" \\\\ \\n %' comment 'o''clock \\\\ "c" %',
    b varchar(63) default (concat('x', 'y''z')),
    c char(40) character set ascii collate ascii_bin not null default '',
    d varchar(20) default null, e varchar(30) character set utf8mb3 not null,
    n varchar(40) default 'NULL', z varbinary(40) not null default 'b')`;

  it(
    'keeps NOT NULL, defaults, charset, collation and comment, and the data',
    on([RICH, "insert into users (id, a, c, e, z) values (1, 'päss€', 'token', 'ä', 'bytes')"], async ({ db }) => {
      const columns = ['a', 'b', 'c', 'd', 'e', 'n', 'z'];
      const defaults = async () => {
        await raw(db, "insert into users (id, e) values (9, 'x')");
        const [row] = await raw(db, 'select a, b, c, d, n, z from users where id = 9');
        await raw(db, 'delete from users where id = 9');
        return row;
      };
      const look = async () => ({
        columns: await Promise.all(columns.map((name) => promises(db, name))),
        defaults: await defaults(),
        data: await raw(db, 'select * from users'),
      });
      const before = await look();
      await runUpgrade(
        db,
        await planUpgrade(
          db,
          columns.map((name) => field(name, { was: 'plaintext' })),
        ),
      );
      expect(await look()).toEqual(before);
      expect(before.defaults).toMatchObject({ a: 'it\'s "q" \\ \n %', b: "xy'z", n: 'NULL', d: null });
      expect(before.columns[0]).toMatchObject({
        charset: 'latin1',
        collation: 'latin1_bin',
        comment: 'o\'clock \\ "c" %',
      });
      const types = await Promise.all(columns.map(async (name) => (await columnOf(db, name)).type));
      expect(types).toEqual(
        ['255', '512', '255', '255', '255', '512'].map((n) => `varchar(${n})`).concat('varbinary(255)'),
      );
    }),
  );

  it(
    'announces what each widening costs, and asks for the cheap way first',
    on(
      [
        `create table users (id int not null primary key, a varchar(100), s varchar(63), t varchar(31), c char(40),
          l varchar(100) character set latin1)`,
        "insert into users values (1, 'a', 'b', 'c', 'd', 'e')",
      ],
      async ({ db }) => {
        const plan = await planUpgrade(
          db,
          ['a', 's', 't', 'c', 'l'].map((name) => field(name)),
        );
        const costs = Object.fromEntries(plan.steps.slice(OWN_TABLES.length).map((step) => [step.column, step.cost]));
        // Seen with MariaDB 10.11; MySQL 8 extends in place instead.
        const cheap = mariadb ? 'instant' : 'metadata';
        expect(costs).toEqual({ a: cheap, s: 'copy', t: mariadb ? 'instant' : 'copy', c: 'copy', l: cheap });
        expect(plan.steps.find((step) => step.column === 's')?.costNote).toMatch(/^copies the table/);
        if (mariadb) expect(plan.steps.find((step) => step.column === 'a')?.sql[0]).toContain('algorithm = instant');
        const events: UpgradeEvent[] = [];
        await runUpgrade(db, plan, { onStep: (event) => events.push(event) });
        // No way was dearer than announced.
        expect(events.filter((event) => event.state === 'dearer')).toEqual([]);
        expect(await columnOf(db, 'c')).toMatchObject({ type: 'varchar(255)', kind: 'varchar' });
        expect(
          (
            await planUpgrade(
              db,
              ['a', 's', 't', 'c', 'l'].map((name) => field(name)),
            )
          ).steps,
        ).toEqual([]);
      },
    ),
  );

  it(
    'tells before it goes a way that costs more than announced',
    on(['create table users (id int not null primary key, c char(40) not null)'], async ({ db }) => {
      const table = await describeTable(db, 'users');
      const column = await columnOf(db, 'c');
      if (!table) throw new Error('no table');
      const plan = await widening(db, table, column, 255);
      const [instant] = plan.ways;
      if (!instant) throw new Error('no way');
      const told: string[] = [];
      await widen(db, { table, column, type: 255, plan: { ...plan, expected: instant } }, ({ cost }) =>
        told.push(cost),
      );
      expect(told).toEqual(['metadata', 'copy']);
      expect(await columnOf(db, 'c')).toMatchObject({ maxChars: 255, nullable: false });
    }),
  );

  it(
    'turns into TEXT what a row has no room for, and TEXT into MEDIUMTEXT what it has grown beyond',
    on(
      [
        `create table users (id int not null primary key, filler varchar(16200), v varchar(100) not null default 'it''s' comment 'c', doc text)`,
        "insert into users values (1, 'f', 'v', repeat('d', 65500)), (2, 'f', 'v', null)",
      ],
      async ({ db }) => {
        const before = await promises(db, 'v');
        await runUpgrade(db, await planUpgrade(db, [field('v'), field('doc', { document: true })]));
        expect(await columnOf(db, 'v')).toMatchObject({ type: 'text', nullable: false });
        expect(await promises(db, 'v')).toEqual(before);
        expect((await columnOf(db, 'doc')).type).toBe('mediumtext');
        await raw(db, 'insert into users (id) values (3)');
        expect((await raw(db, 'select v from users where id = 3'))[0]?.v).toBe("it's");
        expect((await planUpgrade(db, [field('v'), field('doc', { document: true })])).steps).toEqual([]);
      },
    ),
  );

  it(
    'two fields in one column are one step, and only rows of the field are measured',
    on(
      [
        'create table settings (name varchar(40), value varchar(100))',
        "insert into settings values ('smtp', repeat('A', 80)), ('oauth', 'x'), ('blurb', repeat('x', 99))",
        'create table roomy as select name, value from settings',
        'alter table roomy modify value varchar(300)',
        "update roomy set value = repeat('x', 299) where name = 'blurb'",
      ],
      async ({ db }) => {
        const setting = (name: string, table = 'settings') => {
          const base = field('value', { table, name });
          return { ...base, place: { ...base.place, keys: [], where: { name } } };
        };
        const plan = await planUpgrade(db, [setting('smtp'), setting('oauth')]);
        expect(plan.steps.map((step) => step.id).slice(OWN_TABLES.length)).toEqual(['widen settings.value']);
        expect(plan.steps.at(-1)?.why).toBe('varchar(100) holds 100 and 253 are needed');
        expect((await planUpgrade(db, [setting('smtp', 'roomy')])).steps).toHaveLength(OWN_TABLES.length);
        expect((await planUpgrade(db, [setting('blurb', 'roomy')])).steps).toHaveLength(OWN_TABLES.length + 1);
      },
    ),
  );

  it(
    'leaves an index whole: a column that would outgrow it is a problem',
    on(
      [
        'create table users (id int not null primary key, v varchar(100), w varchar(700) , index by_v (v), index by_w (w))',
        "insert into users values (1, 'x', repeat('x', 650))",
      ],
      async ({ db }) => {
        const fields = ['v', 'w'].map((name) => field(name, { was: 'plaintext', notLookedUp: true }));
        const { problems, steps } = await planUpgrade(db, fields);
        expect(steps.at(-1)?.id).toBe('widen users.v');
        expect(problems).toMatchObject([{ field: 'users.w', code: 'KEY_SIZE' }]);
        expect(problems[0]?.message).toContain('by_w');
        await runUpgrade(db, { steps, problems, widths: new Map() });
        const prefixes = await raw(
          db,
          "select sub_part as p from information_schema.statistics where table_schema = database() and table_name = 'users'",
        );
        expect(prefixes.map((row) => row.p)).toEqual([null, null, null]);
      },
    ),
  );

  it(
    'keeps what only MariaDB has: INVISIBLE, a CHECK in the column, COMPRESSED',
    on([], async ({ db }) => {
      if (!mariadb) return;
      await raw(
        db,
        `create table users (id int not null primary key, v varchar(40) invisible default 'x' comment 'c' check (length(v) < 900),
          k varchar(40) compressed not null default '')`,
      );
      const before = [await promises(db, 'v'), await promises(db, 'k')];
      await runUpgrade(db, await planUpgrade(db, [field('v'), field('k')]));
      expect([await promises(db, 'v'), await promises(db, 'k')]).toEqual(before);
      expect(before[0]).toMatchObject({ invisible: true, check: 'octet_length(`v`) < 900' });
      expect((await columnOf(db, 'k')).type).toMatch(/^varchar\(255\) .*COMPRESSED/i);
      await raw(db, 'create table kept (id int not null primary key, v varchar(40)) with system versioning');
      const { problems } = await planUpgrade(db, [field('v', { table: 'kept' })]);
      expect(problems).toMatchObject([{ code: 'VERSIONED' }]);
    }),
  );

  it(
    'waits for a lock, tries again, and gives up with a message that names the table',
    on(
      ['create table users (id int not null primary key, v varchar(100))', 'insert into users values (1, null)'],
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
          const error = await runUpgrade(test.db, plan, { attempts: 1 }).catch((e: unknown) => e);
          expect(error).toMatchObject({
            code: 'DATABASE',
            message: 'widen users.v: another transaction holds users and did not let go',
          });
          const onStep = ({ state, step }: UpgradeEvent) => state === 'waiting' && step.column === 'v' && release();
          const result = await runUpgrade(test.db, plan, { onStep });
          expect(result.done.map((step) => step.id)).toEqual(['widen users.v']);
          await transaction;
        } finally {
          await other.close();
        }
      },
    ),
  );

  it(
    'finds a later narrowing again',
    on(['create table users (id int not null primary key, v varchar(100))'], async ({ db }) => {
      await runUpgrade(db, await planUpgrade(db, [field('v')]));
      expect((await planUpgrade(db, [field('v')])).steps).toEqual([]);
      await raw(db, 'alter table users modify v varchar(191)');
      expect((await planUpgrade(db, [field('v')])).steps.map((step) => step.id)).toEqual(['widen users.v']);
      expect((await describeTable(db, 'casehard_upgrades'))?.columns).toHaveLength(4);
    }),
  );
});
