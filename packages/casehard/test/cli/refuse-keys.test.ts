import { generateKey } from '@casehard/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES } from '../engines.ts';
import { type Listed, type Mailer, makeMailer } from './mailer.ts';
import { expectNothingWritten, expectRefusal, type Refusal } from './refusal.ts';

const KEY = /key with id [a-z2-7]{8} back into CASEHARD_ENC_KEY; nothing was written/;

describe.each(ENGINES)('keys that do not fit a hardened database on $engine', (engine) => {
  let mailer: Mailer;
  beforeAll(async () => {
    if (engine.absent) return;
    mailer = await makeMailer(engine);
    await mailer.run(['upgrade']);
    await mailer.run(['harden']);
  });
  afterAll(() => mailer?.drop());

  /** The environment with other keys. */
  const withKeys = (keys: Readonly<Record<string, string>>) => ({
    env: { DATABASE_URL: mailer.env.DATABASE_URL ?? '', ...keys },
    input: 'a new value',
  });
  const WRITERS = [['harden'], ['harden', '--dry-run'], ['soften', '--yes'], ['set', 'user.smtp.password#1']];
  const refuseAll = async (keys: Readonly<Record<string, string>>, refusal: Refusal): Promise<void> => {
    for (const args of WRITERS) await expectRefusal(mailer, args, refusal, withKeys(keys));
  };

  it.skipIf(engine.absent)('a wrong key is named beside the one that belongs here', async () => {
    const keys = { CASEHARD_ENC_KEY: generateKey('enc') };
    await refuseAll(keys, {
      exit: 1,
      code: 'KEY_NOT_KNOWN_HERE',
      message: /^this database was hardened under key [a-z2-7]{8}; configured is [a-z2-7]{8}$/,
      hint: /configure the key that belongs here.*nothing was written/,
    });
    const { code, stdout } = await mailer.run(['status'], withKeys(keys));
    expect(code).toBe(1);
    expect(stdout).toMatch(/problem {3}this database was hardened under key [a-z2-7]{8}; .* \[KEY_NOT_KNOWN_HERE\]/);
  });

  it.skipIf(engine.absent)('a missing key is asked for by its id', async () => {
    const message = /^CASEHARD_ENC_KEY not configured, but this database holds \d+ sealed values$/;
    await refuseAll({}, { exit: 1, code: 'KEY_MISSING', message, hint: KEY });
    const { code, stdout } = await mailer.run(['status'], withKeys({}));
    expect(code).toBe(1);
    expect(stdout).toMatch(/keys {6}CASEHARD_ENC_KEY not configured\n/);
    expect(stdout).toMatch(/problem {3}CASEHARD_ENC_KEY not configured, but this database holds \d+ sealed values/);
  });

  it.skipIf(engine.absent)('a tracking key in the place of the sealing key is recognised', async () => {
    const refusal: Refusal = {
      exit: 1,
      code: 'KEY_IN_WRONG_SETTING',
      message: /^environment CASEHARD_ENC_KEY holds a tracking key where a sealing key belongs$/,
      hint: /put this key into CASEHARD_TRACKING_KEY/,
    };
    const tracking = withKeys({ CASEHARD_ENC_KEY: mailer.env.CASEHARD_TRACKING_KEY ?? '' });
    await expectRefusal(mailer, ['harden'], refusal, tracking);
    const swapped = { ...mailer.env, CASEHARD_TRACKING_KEY: mailer.env.CASEHARD_ENC_KEY ?? '' };
    await expectRefusal(
      mailer,
      ['status'],
      { ...refusal, message: /CASEHARD_TRACKING_KEY/, hint: /./ },
      { env: swapped },
    );
  });

  it.skipIf(engine.absent)('two sources that disagree are both named', async () => {
    const keys = { CASEHARD_ENC_KEY: mailer.env.CASEHARD_ENC_KEY ?? '', SENDSTUDIO_ENC_KEY: generateKey('enc') };
    const refusal: Refusal = {
      exit: 1,
      code: 'KEY_CONFLICT',
      message: /different values in environment CASEHARD_ENC_KEY and in environment SENDSTUDIO_ENC_KEY$/,
      hint: /keep the right one in one place/,
    };
    await expectRefusal(mailer, ['harden'], refusal, withKeys(keys));
  });

  it.skipIf(engine.absent)('a mangled key is refused without being quoted', async () => {
    const key = mailer.env.CASEHARD_ENC_KEY ?? '';
    const mangled = key.slice(0, -6) + key.slice(-5);
    const { code, stderr, stdout } = await mailer.run(['harden'], withKeys({ CASEHARD_ENC_KEY: mangled }));
    expect(code).toBe(1);
    expect(stderr).toMatch(/\[KEY_(CHECKSUM|FORMAT)\]/);
    expect(stderr + stdout).not.toContain(key.slice(-20, -6));
  });

  it.skipIf(engine.absent)('previous keys alone open, and write nothing', async () => {
    const refusal: Refusal = {
      exit: 1,
      code: 'KEY_MISSING',
      message: /CASEHARD_ENC_KEY not configured/,
      hint: /./,
    };
    const how = withKeys({ CASEHARD_PREVIOUS_ENC_KEYS: mailer.env.CASEHARD_ENC_KEY ?? '' });
    await expectRefusal(mailer, ['harden'], refusal, how);
    await expectRefusal(mailer, ['set', 'user.smtp.password#1'], refusal, how);
    expect((await mailer.run(['status', '--deep'], how)).code).toBe(0);
  });

  it.skipIf(engine.absent)(
    'values swapped between two rows are quarantined, named with their origin, never written',
    async () => {
      const { kysely } = mailer.test.db;
      const rows = await kysely
        .selectFrom('users')
        .select(['user_id', 'smtp_password'])
        .where('user_id', 'in', [1, 4])
        .execute();
      const [one, four] = rows.sort((a, b) => Number(a.user_id) - Number(b.user_id));
      const put = (id: number, value: unknown) =>
        sql`update users set smtp_password = ${value} where user_id = ${id}`.execute(kysely);
      await put(1, four?.smtp_password);
      await put(4, one?.smtp_password);
      await expectNothingWrittenToUsers();
      const { listed } = (await mailer.run(['status', '--deep', '--json'])).json as {
        readonly listed: readonly Listed[];
      };
      const found = listed.filter(({ locator }) => /^user\.smtp\.password#[14]$/.test(locator));
      expect(found).toEqual([
        {
          locator: 'user.smtp.password#1',
          verdict: 'unreadable MAC',
          kind: 'unreadable',
          from: 'user.smtp.password#4',
        },
        {
          locator: 'user.smtp.password#4',
          verdict: 'unreadable MAC',
          kind: 'unreadable',
          from: 'user.smtp.password#1',
        },
      ]);
      const { stdout } = await mailer.run(['status', '--deep']);
      expect(stdout).toMatch(
        /user\.smtp\.password#1 +unreadable MAC, comes from user\.smtp\.password#4 +altered, or moved from another row: set it anew/,
      );
    },
  );

  /** The job is noted in our own table; no row of the application is touched. */
  async function expectNothingWrittenToUsers(): Promise<void> {
    const users = async () => (await sql`select * from users order by user_id`.execute(mailer.test.db.kysely)).rows;
    const before = await users();
    expect((await mailer.run(['harden', '--field', 'user.smtp.password'])).code).toBe(3);
    expect((await mailer.run(['soften', '--yes', '--field', 'user.api.token'])).code).toBe(3);
    expect((await mailer.run(['harden', '--field', 'user.api.token'])).code).toBe(3);
    const after = await users();
    const passwords = (rows: typeof before) => rows.map((row) => (row as { smtp_password: unknown }).smtp_password);
    expect(passwords(after)).toEqual(passwords(before));
    await expectNothingWritten(mailer, async () => {
      expect((await mailer.run(['harden', '--dry-run'])).code).toBe(3);
    });
  }

  it.skipIf(engine.absent)('a lost key locks nobody out: its id is withdrawn, and values are set anew', async () => {
    const kid = /^chkey1\.enc\.([a-z2-7]{8})/.exec(mailer.env.CASEHARD_ENC_KEY ?? '')?.[1] ?? '';
    const how = withKeys({ CASEHARD_ENC_KEY: generateKey('enc'), CASEHARD_WITHDRAWN_KIDS: kid });
    const { code, stdout } = await mailer.run(['set', 'user.smtp.password#1'], how);
    expect([code, stdout]).toEqual([0, 'user.smtp.password#1 is set and sealed.\n']);
    // The others are still under the lost key, and the exit code says so until they are entered anew.
    const status = await mailer.run(['status'], how);
    expect([status.code, /\[KEY_WITHDRAWN\]/.test(status.stdout)]).toEqual([1, true]);
  });
});
