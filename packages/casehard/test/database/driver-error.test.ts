import { inspect } from 'node:util';
import { CasehardError } from '@casehard/core';
import { type RawBuilder, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/database/connect.ts';
import { databaseError, isDriverError, isRetryable } from '../../src/database/driver-error.ts';
import { withSession } from '../../src/database/session.ts';
import { ENGINES, type TestDatabase } from '../engines.ts';

const MARK = 'marked-hunter2';

describe.each(ENGINES)('errors of $engine', ({ create, absent, engine }) => {
  let test: TestDatabase;
  beforeAll(async () => {
    if (absent) return;
    test = await create();
    const text = engine === 'mysql' ? 'varchar(30)' : 'varchar(30)';
    await sql`create table t (id int not null primary key, pw ${sql.raw(text)} not null unique, check (pw <> 'forbidden'))`.execute(
      test.db.kysely,
    );
    await sql`insert into t values (1, ${MARK})`.execute(test.db.kysely);
  });
  afterAll(() => test?.drop());

  const FAILURES: readonly (readonly [string, string, RawBuilder<unknown>])[] = [
    ['a duplicate', 'a constraint of the table refuses the value', sql`insert into t values (2, ${MARK})`],
    ['a CHECK violation', 'a constraint of the table refuses the value', sql`update t set pw = 'forbidden'`],
    ['a missing table', 'no such table or column', sql`select ${MARK}, ${sql.lit(MARK)} from nowhere`],
    ['nonsense', 'the database refused a statement', sql`select ${sql.lit(MARK)} frm t`],
  ];

  it.skipIf(absent).each(FAILURES)(
    '%s is reported without a value, a statement or a cause',
    async (_name, message, statement) => {
      const error = await withSession(test.db, (session) => statement.execute(session.kysely)).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(CasehardError);
      expect((error as CasehardError).message).toMatch(new RegExp(`^database: ${message} \\([0-9A-Z]+\\)$`));
      expect((error as CasehardError).hint).toBeTruthy();
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/marked|hunter2|forbidden/);
      expect((error as CasehardError).cause).toBeUndefined();
    },
  );
});

describe('errors of drivers', () => {
  it('a server that does not answer is said to be away', async () => {
    for (const url of ['postgres://u:marked-pw@127.0.0.1:1/x', 'mysql://u:marked-pw@127.0.0.1:1/x']) {
      const db = openDatabase(url, { folder: '.' });
      const error = await withSession(db, async () => 1).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'DATABASE', message: 'database: the server does not answer (ECONNREFUSED)' });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('marked');
      await db.close();
    }
  });

  it.each([
    [{ code: '40001', severity: 'ERROR' }, true],
    [{ code: '40P01', severity: 'ERROR' }, true],
    [{ code: '55P03', severity: 'ERROR' }, true],
    [{ code: '22001', severity: 'ERROR' }, false],
    [{ errno: 1205, code: 'ER_LOCK_WAIT_TIMEOUT', sqlState: 'HY000' }, true],
    [{ errno: 1213, code: 'ER_LOCK_DEADLOCK', sqlState: '40001' }, true],
    [{ errno: 1406, code: 'ER_DATA_TOO_LONG', sqlState: '22001' }, false],
    [{ errcode: 5, code: 'ERR_SQLITE_ERROR' }, true],
    [{ errcode: 517, code: 'ERR_SQLITE_ERROR' }, true],
    [{ errcode: 1, code: 'ERR_SQLITE_ERROR' }, false],
    [{ code: 'SQLITE_BUSY_SNAPSHOT' }, true],
  ])('%o is worth another try: %s', (error, retryable) => {
    expect([isDriverError(error), isRetryable(error)]).toEqual([true, retryable]);
  });

  it.each([
    [{ errno: 1290, sqlState: 'HY000', message: 'running with the --read-only option' }, 'READ_ONLY'],
    [{ errno: 1836, sqlState: 'HY000' }, 'READ_ONLY'],
    [{ errno: 1290, sqlState: 'HY000', message: 'running with the --secure-file-priv option' }, 'DATABASE'],
    [{ code: '25006', severity: 'ERROR' }, 'READ_ONLY'],
    [{ code: '42501', severity: 'FEHLER', routine: 'check_enable_rls' }, 'ROWS_HIDDEN'],
    [{ errcode: 1032, code: 'ERR_SQLITE_ERROR' }, 'READ_ONLY'],
    [new Error('anything'), 'DATABASE'],
    ['text', 'DATABASE'],
  ])('%o has the code %s', (error, code) => {
    expect(databaseError(error)).toMatchObject({ code });
  });

  it('our own errors pass through', () => {
    const own = new CasehardError('REFUSED', 'x');
    expect(databaseError(own)).toBe(own);
    expect([isDriverError(own), isDriverError(new TypeError('x')), isDriverError(undefined)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
