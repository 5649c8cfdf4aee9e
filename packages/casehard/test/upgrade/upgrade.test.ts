import { type KyselyPlugin, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { listTables } from '../../src/database/catalogue.ts';
import type { Database } from '../../src/database/connect.ts';
import { OWN_TABLES } from '../../src/database/own-tables.ts';
import { planUpgrade, type UpgradePlan } from '../../src/upgrade/plan.ts';
import { runUpgrade, type UpgradeEvent } from '../../src/upgrade/run.ts';
import { ENGINES } from '../engines.ts';
import { columnOf, field, raw, withTables } from './helpers.ts';

const USERS = [
  'create table users (id int not null primary key, v varchar(100) not null, w varchar(100), x varchar(300))',
  "insert into users values (1, 'aHVudGVyMg==', 'aHVudGVyMg==', 'aHVudGVyMg=='), (2, '', null, null)",
];
const FIELDS = [field('v'), field('w'), field('x')];
const CREATES = OWN_TABLES.map((table) => `create ${table}`);

const ids = (plan: UpgradePlan) => plan.steps.map((step) => step.id);

describe.each(ENGINES)('the upgrade on $engine', ({ create, absent, engine }) => {
  const widened = engine === 'sqlite' ? [] : ['widen users.v', 'widen users.w'];
  const on = (body: Parameters<typeof withTables>[2]) => () => withTables({ create }, USERS, body);

  it.skipIf(absent)(
    'makes our tables, widens what is too narrow and nothing else, keeps the data; a second run does nothing',
    on(async ({ db }) => {
      const plan = await planUpgrade(db, FIELDS);
      expect(plan.problems).toEqual([]);
      expect(ids(plan)).toEqual([...CREATES, ...widened]);
      const before = await raw(db, 'select * from users order by id');
      const result = await runUpgrade(db, plan);
      expect(result.done.map((step) => step.id)).toEqual(ids(plan));
      if (engine !== 'sqlite') {
        expect((await columnOf(db, 'v')).maxChars).toBe(255);
        expect((await columnOf(db, 'x')).maxChars).toBe(300);
        expect((await columnOf(db, 'v')).nullable).toBe(false);
      }
      expect(await raw(db, 'select * from users order by id')).toEqual(before);
      expect(await listTables(db)).toEqual(['users']);
      expect(ids(await planUpgrade(db, FIELDS))).toEqual([]);
      const again = await runUpgrade(db, plan);
      expect([again.done.length, again.skipped.length]).toEqual([0, plan.steps.length]);
      const log = await db.kysely.selectFrom('casehard_upgrades').select(['what', 'sql', 'applied_at']).execute();
      expect(log.map((row) => row.what).toSorted()).toEqual(ids(plan).toSorted());
      expect(log.every((row) => /^\d{4}-\d\d-\d\dT.*Z$/.test(String(row.applied_at)))).toBe(true);
    }),
  );

  it.skipIf(absent)(
    'planning changes nothing',
    on(async ({ db }) => {
      await planUpgrade(db, FIELDS);
      expect(await raw(db, 'select * from users').then((rows) => rows.length)).toBe(2);
      await expect(raw(db, 'select * from casehard_upgrades')).rejects.toThrow();
    }),
  );

  it.skipIf(absent)(
    'two runs at once make every step once',
    on(async (test) => {
      const other = test.connect();
      try {
        const plans = await Promise.all([planUpgrade(test.db, FIELDS), planUpgrade(other, FIELDS)]);
        const results = await Promise.all([runUpgrade(test.db, plans[0]), runUpgrade(other, plans[1])]);
        const done = results.flatMap((result) => result.done.map((step) => step.id));
        expect(done.toSorted()).toEqual([...CREATES, ...widened].toSorted());
        expect(ids(await planUpgrade(test.db, FIELDS))).toEqual([]);
        expect(await raw(test.db, 'select * from casehard_upgrades')).toHaveLength(done.length);
      } finally {
        await other.close();
      }
    }),
  );

  it.skipIf(absent)(
    'stopped after any step, it is finished by planning and running again',
    on(async ({ db }) => {
      const all = ids(await planUpgrade(db, FIELDS));
      for (let made = 0; made < all.length; made++) {
        const plan = await planUpgrade(db, FIELDS);
        expect(ids(plan)).toEqual(all.slice(made));
        await runUpgrade(db, { ...plan, steps: plan.steps.slice(0, 1) });
      }
      expect(ids(await planUpgrade(db, FIELDS))).toEqual([]);
    }),
  );

  it.skipIf(absent)(
    'killed at any statement, it is finished by planning and running again',
    on(async ({ db, connect }) => {
      for (let survived = 0; ; survived++) {
        const plan = await planUpgrade(db, FIELDS);
        if (plan.steps.length === 0) break;
        const other = connect();
        const outcome = await runUpgrade(dyingAfter(other, survived), plan).then(
          () => 'finished',
          (error: unknown) => (error instanceof Error ? error.message : 'error'),
        );
        await other.close();
        expect(['finished', 'killed']).toContain(outcome);
        const [row] = await raw(db, 'select count(*) as n from users');
        expect(Number(row?.n)).toBe(2);
      }
      expect((await raw(db, 'select v from users where id = 1'))[0]?.v).toBe('aHVudGVyMg==');
      if (engine !== 'sqlite') expect(await columnOf(db, 'v')).toMatchObject({ maxChars: 255, nullable: false });
    }),
  );

  it.skipIf(absent)(
    'a signal stops it between two steps',
    on(async ({ db }) => {
      const plan = await planUpgrade(db, FIELDS);
      const stop = new AbortController();
      const onStep = ({ state }: UpgradeEvent) => state === 'done' && stop.abort();
      const run = runUpgrade(db, plan, { signal: stop.signal, onStep });
      await expect(run).rejects.toMatchObject({ code: 'CANCELLED', message: 'upgrade: stopped between two steps' });
      expect(ids(await planUpgrade(db, FIELDS))).toEqual(ids(plan).slice(1));
    }),
  );

  it.skipIf(absent)(
    'names a field without table or column, an index that may be looked up by, and a type that holds no text',
    on(async ({ db }) => {
      await raw(db, 'create table apis (id int not null primary key, token varchar(100), n int)');
      await raw(db, 'create unique index apis_token on apis (token)');
      const apis = (column: string, more = {}) => field(column, { table: 'apis', ...more });
      const fields = [field('v', { table: 'gone' }), field('gone'), apis('token'), apis('n'), apis('id')];
      const { problems, steps } = await planUpgrade(db, fields);
      expect(problems.map((p) => [p.field, p.code])).toEqual([
        ['gone.v', 'NO_TABLE'],
        ['users.gone', 'NO_COLUMN'],
        ['apis.token', 'INDEXED'],
        ['apis.n', 'WRONG_TYPE'],
        ['apis.id', 'WRONG_TYPE'],
      ]);
      expect(problems[2]?.message).toContain('apis_token');
      expect(problems[2]?.hint).toContain('notLookedUp: true');
      expect(steps).toHaveLength(OWN_TABLES.length);
      const allowed = await planUpgrade(db, [apis('token', { notLookedUp: true })]);
      expect(allowed.problems).toEqual([]);
      await runUpgrade(db, allowed);
      if (engine !== 'sqlite') expect((await columnOf(db, 'token', 'apis')).maxChars).toBe(255);
    }),
  );

  it.skipIf(absent)(
    'names a CHECK constraint that refuses sealed values, and passes over one that does not',
    on(async ({ db }) => {
      await raw(
        db,
        `create table checked (id int not null primary key, a varchar(300), b varchar(300), c varchar(300), d varchar(300), e int,
          constraint short_a check (length(a) <= 120), constraint roomy_b check (length(b) <= 300 and b <> ''),
          constraint pair_c check (e is null or length(c) < 40 or e > 5), constraint both_d check (length(d) < 40 and e is not null))`,
      );
      const fields = ['a', 'b', 'c', 'd'].map((name) => field(name, { table: 'checked' }));
      const { problems } = await planUpgrade(db, fields);
      expect(problems.map((p) => [p.field, p.code])).toEqual([['checked.a', 'CHECK']]);
      expect(problems[0]?.message).toBe('checked.a: the constraint short_a refuses sealed values');
    }),
  );

  it.skipIf(absent)(
    'a step that another connection holds up is told, and what it needs is named',
    on(async ({ db, connect }) => {
      const other = connect();
      try {
        const plan = await planUpgrade(db, FIELDS);
        const hold = engine === 'sqlite' ? plan.steps[0] : plan.steps.at(-1);
        if (!hold) throw new Error('no step');
        await other.kysely.transaction().execute(async (trx) => {
          await trx.updateTable('users').set({ x: 'saved meanwhile' }).where('id', '=', 2).execute();
          const events: string[] = [];
          const run = runUpgrade(
            db,
            { ...plan, steps: [hold] },
            { attempts: 2, onStep: ({ state }) => events.push(state) },
          );
          await expect(run).rejects.toMatchObject({
            code: 'DATABASE',
            message: `${hold.id}: another transaction holds ${hold.table} and did not let go`,
          });
          expect(events.filter((state) => state !== 'start')).toEqual(['waiting']);
        });
        const { done } = await runUpgrade(db, await planUpgrade(db, FIELDS));
        expect(done).toHaveLength(plan.steps.length);
        expect((await raw(db, 'select x from users where id = 2'))[0]?.x).toBe('saved meanwhile');
      } finally {
        await other.close();
      }
    }),
  );

  it.skipIf(absent)(
    'no value gets into an error',
    on(async ({ db }) => {
      const plan = await planUpgrade(db, FIELDS);
      const step = plan.steps.at(-1);
      if (!step) throw new Error('no step');
      await raw(db, 'create table marked (id int not null primary key, v varchar(50))');
      await raw(db, "insert into marked values (1, 'MARKED-secret-7f3a')");
      const insert = async (locked: Database) => {
        await sql`insert into marked values (1, 'MARKED-secret-7f3a')`.execute(locked.kysely);
      };
      const failing = { ...step, again: async () => ({ ...step, run: insert }) };
      const error = await runUpgrade(db, { ...plan, steps: [failing] }).catch((e: unknown) => e);
      expect(error).toMatchObject({ name: 'CasehardError', code: 'DATABASE' });
      expect(JSON.stringify([error, String(error), (error as Error).stack, (error as Error).cause])).not.toContain(
        'MARKED',
      );
    }),
  );
});

// --- internal ---

/** A process that dies before its statement number `survived`: nothing later arrives, cleaning up included. */
function dyingAfter(db: Database, survived: number): Database {
  let seen = 0;
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      if (seen++ >= survived) throw new Error('killed');
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  return { ...db, kysely: db.kysely.withPlugin(plugin) };
}
