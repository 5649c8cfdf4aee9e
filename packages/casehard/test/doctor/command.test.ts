import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKeyring, generateKey } from '@casehard/core';
import { generateStateKey, parseStateKey } from '@casehard/core/state';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDrill } from '../../src/database/drills.ts';
import { type Mailer, makeKeys, makeMailer } from '../cli/mailer.ts';
import { expectNothingWritten } from '../cli/refusal.ts';
import { ENGINES } from '../engines.ts';

interface Finding {
  readonly code: string;
  readonly verdict: string;
  readonly evidence: string;
  readonly cause?: string;
  readonly fix?: string;
}

/** Settings of a server that other programs use too. */
const OF_THE_SERVER: ReadonlySet<string> = new Set(['STATEMENTS_LOGGED', 'READ_ONLY_DATABASE', 'SQL_MODE_NOT_STRICT']);

describe.each(ENGINES)('casehard doctor on $engine', (engine) => {
  let mailer: Mailer;
  beforeAll(async () => {
    if (engine.absent) return;
    mailer = await makeMailer(engine, { rows: 10 });
  });
  afterAll(() => mailer?.drop());

  const other = () => ({ ...mailer.env, ...makeKeys(), CASEHARD_PREVIOUS_ENC_KEYS: '' });

  it.skipIf(engine.absent)('works before the upgrade and after it, and writes nothing', async () => {
    const doctor = async (): Promise<readonly Finding[]> => {
      let findings: readonly Finding[] = [];
      await expectNothingWritten(mailer, async () => {
        const { code, json, stdout } = await mailer.run(['doctor', '--json']);
        expect(code).toBe(1);
        findings = json.findings as readonly Finding[];
        for (const key of Object.values(mailer.env)) expect(stdout).not.toContain(key);
      });
      return findings;
    };
    expect((await doctor()).map(({ code }) => code)).toContain('UPGRADE_PENDING');
    await mailer.run(['upgrade']);
    await mailer.run(['harden']);
    const findings = await doctor();
    expect(findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining([
        'TABLES_MADE',
        'VALUES_MOVED',
        'VALUES_SAVED_OVER',
        'VALUES_CURRENT',
        'KEYS_BELONG_HERE',
      ]),
    );
    const ranks = findings.map(({ verdict }) => ['failed', 'warning', 'notice', 'ok'].indexOf(verdict));
    expect(ranks).toEqual([...ranks].sort());
    for (const { verdict, cause, fix } of findings)
      expect([typeof cause, typeof fix]).toEqual(verdict === 'ok' ? ['undefined', 'undefined'] : ['string', 'string']);
  });

  it.skipIf(engine.absent)('--json is one object of a shape that programs may rely on', async () => {
    const { json } = await mailer.run(['doctor', '--json']);
    expect(Object.keys(json)).toEqual([
      'command',
      'ok',
      'exit',
      'database',
      'headline',
      'counts',
      'values',
      'findings',
    ]);
    expect(json).toMatchObject({
      command: 'doctor',
      ok: false,
      exit: 1,
      headline: null,
      counts: {
        failed: expect.any(Number),
        warning: expect.any(Number),
        notice: expect.any(Number),
        ok: expect.any(Number),
      },
      values: { looked: expect.any(Number), complete: true, stopped: false },
    });
    expect((json.findings as readonly Finding[]).find(({ code }) => code === 'VALUES_MOVED')).toMatchObject({
      group: 'values',
      verdict: 'failed',
      evidence: expect.any(String),
      cause: expect.any(String),
      fix: expect.any(String),
      locators: expect.arrayContaining([{ locator: 'user.smtp.password#64', from: 'user.smtp.password#63' }]),
      locatorsInAll: expect.any(Number),
    });
  });

  it.skipIf(engine.absent)('under keys that do not belong here, the first line says so in one sentence', async () => {
    for (const [env, headline, code] of [
      [{ DATABASE_URL: mailer.env.DATABASE_URL ?? '' }, /^The key of this database is not configured/, 'KEY_MISSING'],
      [other(), /^The configured keys do not belong to this database/, 'KEY_NOT_KNOWN_HERE'],
      [
        { ...mailer.env, CASEHARD_ENC_KEY: 'chkey1.broken' },
        /^The keys of this configuration cannot be read/,
        'KEY_FORMAT',
      ],
      [
        { ...mailer.env, CASEHARD_ENC_KEY: generateKey('trk') },
        /^The keys of this configuration cannot be read/,
        'KEY_IN_WRONG_SETTING',
      ],
    ] as const) {
      const { code: exit, stdout } = await mailer.run(['doctor'], { env });
      const [first = ''] = stdout.split('\n');
      expect([exit, first]).toEqual([1, expect.stringMatching(headline)]);
      expect(first).toMatch(/that is why SMTP, bounces and OAuth all fail at once/);
      expect(stdout).toMatch(new RegExp(`\nfailed    ${code}: .+\n  cause   .+\n  fix     .+\n`));
      expect(stdout).not.toContain('keys generate'); // a new key is the last thing to make now
    }
  });

  it.skipIf(engine.absent)('ends with 0 where nothing is worse than a notice, and with 3 for a warning', async () => {
    const env: Record<string, string> & { CASEHARD_STATE_KEY: string } = {
      ...mailer.env,
      CASEHARD_STATE_KEY: generateStateKey(),
    };
    expect((await mailer.run(['upgrade'])).code).toBe(0);
    const look = async (): Promise<readonly [number | null, unknown, readonly string[]]> => {
      const { code, json } = await mailer.run(['doctor', '--quick', '--json'], { env });
      const findings = (json.findings as readonly Finding[]).filter(({ code: each }) => !OF_THE_SERVER.has(each));
      return [code, json.ok, findings.filter(({ verdict }) => /failed|warning/.test(verdict)).map((each) => each.code)];
    };
    // No value was opened, but one names a key that nobody has.
    expect(await look()).toEqual([1, false, ['VALUES_UNKNOWN_KEY', 'BACKUP_NOT_PROVEN', 'BACKUP_NOT_PROVEN']]);
    await sql`update users set smtp_password = '' where user_id = 73`.execute(mailer.test.db.kysely);
    expect(await look()).toEqual([3, true, ['BACKUP_NOT_PROVEN', 'BACKUP_NOT_PROVEN']]);
    const key = parseStateKey(env.CASEHARD_STATE_KEY, 'CASEHARD_STATE_KEY');
    for (const text of [env.CASEHARD_ENC_KEY, env.CASEHARD_TRACKING_KEY]) {
      const kid = text?.split('.')[2] ?? '';
      await writeDrill(mailer.test.db, { kid, proven: true, opened: 3, file: 'keys.age' }, (pieces) =>
        key.tag('casehard_drills', pieces),
      );
    }
    const [code, ok, worse] = await look();
    expect([ok, worse]).toEqual([true, []]);
    // What another program sets on a shared server may be a warning of its own.
    if (engine.engine === 'sqlite') expect(code).toBe(0);
    expect((await mailer.run(['doctor', '--field', 'nobody'])).code).toBe(2);
  });

  it.skipIf(engine.absent)('without the database there is one finding with the reason', async () => {
    const gone =
      engine.engine === 'sqlite' ? 'sqlite:./none.db' : (mailer.env.DATABASE_URL ?? '').replace(/:\d+\//, ':1/');
    writeFileSync(join(mailer.folder, 'away.config.json'), JSON.stringify({ database: gone, fields: {} }));
    const { code, json } = await mailer.run(['doctor', '--config', 'away.config.json', '--json']);
    expect(code).toBe(1);
    expect((json.findings as readonly Finding[]).filter(({ verdict }) => verdict !== 'ok')).toMatchObject([
      { code: 'DATABASE_AWAY', verdict: 'failed' },
    ]);
  });

  it.skipIf(engine.absent || process.platform === 'win32')(
    'names a .env file that everyone can read, and not one that is private',
    async () => {
      const { CASEHARD_ENC_KEY = '', ...env } = mailer.env;
      const file = join(mailer.folder, '.env');
      writeFileSync(file, `CASEHARD_ENC_KEY=${CASEHARD_ENC_KEY}\n`);
      for (const [mode, expected] of [
        [0o644, true],
        [0o600, false],
      ] as const) {
        chmodSync(file, mode);
        const { json } = await mailer.run(['doctor', '--quick', '--json'], { env });
        const named = (json.findings as readonly Finding[]).filter(({ code }) => code === 'FILE_READABLE_BY_EVERYONE');
        expect(named.map(({ evidence }) => evidence)).toEqual(expected ? [`${file} has mode 0644`] : []);
      }
      chmodSync(file, 0o600);
      writeFileSync(file, '');
    },
  );

  it.skipIf(engine.absent)(
    'status shows keys that are missing or withdrawn while values are under them, and fails',
    async () => {
      const kidOf = (text = ''): string => createKeyring({ active: text }).active?.kid ?? '';
      const kid = kidOf(mailer.env.CASEHARD_ENC_KEY);
      const { CASEHARD_ENC_KEY: old = '' } = mailer.env;
      const next = { ...other(), CASEHARD_PREVIOUS_ENC_KEYS: old };
      expect((await mailer.run(['harden', '--field', 'system.smtp.password'], { env: next })).code).toBe(0);
      for (const [env, code] of [
        [{ ...next, CASEHARD_PREVIOUS_ENC_KEYS: '' }, 'PREVIOUS_KEY_MISSING'],
        [{ ...next, CASEHARD_PREVIOUS_ENC_KEYS: '', CASEHARD_WITHDRAWN_KIDS: kid }, 'KEY_WITHDRAWN'],
      ] as const) {
        const { code: exit, stdout } = await mailer.run(['status'], { env });
        expect([exit, stdout]).toEqual([
          1,
          expect.stringMatching(new RegExp(`\nproblem   .*${kid}.* \\[${code}\\]\n          \\S`)),
        ]);
      }
      expect((await mailer.run(['status'], { env: next })).code).toBe(0);
    },
  );
});
