import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES } from '../engines.ts';
import { makeOwnFields, type OwnFields } from './fields.ts';

const ROWS = 60;

describe.each(ENGINES)('harden by small steps on $engine', (engine) => {
  let own: OwnFields;
  beforeAll(async () => {
    if (engine.absent) return;
    const values = Array.from({ length: ROWS }, (_, i) => `(${i + 1}, 'eHh4eA==')`).join(', ');
    own = await makeOwnFields(
      engine,
      [
        'create table a (id integer not null primary key, secret varchar(400))',
        `insert into a values ${values}`,
        'create table b (id integer not null primary key, secret varchar(400))',
        `insert into b values ${values}`,
      ],
      `'a.secret': column('a', 'secret', { row: { id: 'int' }, was: base64() }), 'b.secret': column('b', 'secret', { row: { id: 'int' }, was: base64() })`,
    );
  });
  afterAll(() => own?.drop());

  const sealed = async (table: string): Promise<number> => {
    const { rows } = await sql<{
      n: unknown;
    }>`select count(*) as n from ${sql.id(table)} where secret like 'chd1.%'`.execute(own.test.db.kysely);
    return Number(rows[0]?.n);
  };

  it.skipIf(engine.absent)('Ctrl-C stops between two pages with exit 3, and the next run finishes', async () => {
    let running = true;
    let told = false;
    const stopped = own.run(['harden', '--batch', '1', '--rate', '20/s', '--json'], {
      onOutput: (child) => {
        if (told) return;
        told = true;
        // As soon as one row is seen to be hardened.
        void (async () => {
          while (running && (await sealed('a')) === 0) await new Promise((done) => setTimeout(done, 20));
          child.kill('SIGINT');
        })();
      },
    });
    const { code, json, stderr } = await stopped;
    running = false;
    const done = await sealed('a');
    expect([code, json.exit, json.stopped, json.ok]).toEqual([3, 3, true, true]);
    expect(stderr).toMatch(/stopping after this page; once more to leave at once\n/);
    expect(done).toBe(json.changed);
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(ROWS);
    expect(await sealed('b')).toBe(0);
    const { rows } = await sql<{ state: string; changed: unknown }>`select state, changed from casehard_jobs`.execute(
      own.test.db.kysely,
    );
    expect(rows.map(({ state, changed }) => [state, Number(changed)])).toEqual([['stopped', done]]);

    const finished = await own.run(['harden', '--json']);
    expect([finished.code, finished.json.changed]).toEqual([0, 2 * ROWS - done]);
    expect([await sealed('a'), await sealed('b')]).toEqual([ROWS, ROWS]);
  });

  it.skipIf(engine.absent)('--field works on that field alone, whatever the size of its pages', async () => {
    const soften = await own.run(['soften', '--yes', '--field', 'b.secret', '--batch', '7', '--json']);
    expect([soften.code, soften.json.changed, soften.json.fields]).toMatchObject([
      0,
      ROWS,
      [{ name: 'b.secret', rows: ROWS }],
    ]);
    expect([await sealed('a'), await sealed('b')]).toEqual([ROWS, 0]);
    const { code, json } = await own.run([
      'harden',
      '--field',
      'b.secret',
      '--field',
      'a.secret',
      '--batch',
      '1000',
      '--rate',
      '100000',
      '--json',
    ]);
    expect([code, json.changed]).toEqual([0, ROWS]);
    expect((json.fields as readonly { readonly name: string }[]).map(({ name }) => name)).toEqual([
      'b.secret',
      'a.secret',
    ]);
  });
});
