import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateStateKey } from '@casehard/core/state';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditRow } from '../../src/audit/trail.ts';
import { readAudit } from '../../src/database/audit-rows.ts';
import { dump } from '../cli/dump.ts';
import { makeOwnFields, type OwnFields } from '../cli/fields.ts';
import { ENGINES } from '../engines.ts';

const MARK = `M4rked${randomBytes(8).toString('hex')}`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe.each(ENGINES)('acts of the command on $engine', (engine) => {
  const run = it.skipIf(engine.absent);
  // What is printed is the same on every engine; trail.test.ts tampers on all of them.
  const once = it.skipIf(engine.absent || engine.engine !== 'sqlite');
  let own: OwnFields;
  beforeAll(async () => {
    if (engine.absent) return;
    own = await makeOwnFields(
      engine,
      [
        'create table a (id integer not null primary key, secret varchar(2000))',
        `insert into a values (1, '${base64(`${MARK}-1`)}'), (2, '${base64(`${MARK}-2`)}'), (3, 'no base64 ${MARK}')`,
        'create table b (id integer not null primary key, secret varchar(2000))',
        `insert into b values (1, '${base64(`${MARK}-b`)}')`,
      ],
      `'a.secret': column('a', 'secret', { row: { id: 'int' }, was: base64() }), 'b.secret': column('b', 'secret', { row: { id: 'int' }, was: base64() })`,
    );
  });
  afterAll(() => own?.drop());

  const rows = (): Promise<readonly AuditRow[]> => readAudit(own.test.db, { limit: 1000 });
  const last = async (): Promise<Partial<AuditRow> | undefined> => {
    const { act, subject, reason, outcome, actor } = (await rows()).at(-1) ?? {};
    expect(actor).toMatch(/^system user \S/);
    return { act, subject, reason, outcome } as Partial<AuditRow>;
  };
  const keyFile = (): string => join(own.folder, 'casehard.state-key');

  run('an upgrade that made steps is recorded, one that found nothing to do is not', async () => {
    const all = await rows();
    expect(all).toHaveLength(1);
    expect(await last()).toEqual({
      act: 'upgrade',
      subject: expect.stringMatching(/^create casehard_upgrades, .*create casehard_audit/),
      reason: '',
      outcome: expect.stringMatching(/^done: \d+ steps$/),
    });
    expect(existsSync(keyFile())).toBe(true);
    expect((await own.run(['upgrade'])).code).toBe(0);
    expect(await rows()).toEqual(all);
  });

  run(
    'harden is recorded as it begins and as it ends, with its figures; a dry run and a refused run are not',
    async () => {
      const before = await rows();
      await own.run(['harden', '--dry-run']);
      const refused = await own.run(['harden'], { env: { DATABASE_URL: own.test.url } });
      expect(refused.code).toBe(1);
      expect(await rows()).toEqual(before);
      const { code, stderr } = await own.run(['harden', '--field', 'a.secret']);
      expect(code).toBe(3);
      expect(stderr).not.toContain('casehard.state-key'); // said once, when it was made
      expect(await last()).toEqual({
        act: 'harden',
        subject: 'a.secret',
        reason: '',
        outcome: 'done: 2 changed, 1 quarantined, 0 busy',
      });
      await own.run(['harden']);
      expect(await last()).toMatchObject({ subject: 'all fields', outcome: 'done: 1 changed, 1 quarantined, 0 busy' });
      await own.run(['harden', '--as-plaintext', 'a.secret#3']);
      expect(await last()).toMatchObject({ subject: 'a.secret#3', outcome: 'done: 1 changed, 0 quarantined, 0 busy' });
      expect((await rows()).slice(before.length).map(({ outcome }) => outcome.split(':')[0])).toEqual(
        Array.from({ length: 3 }, () => ['started', 'done']).flat(),
      );
    },
  );

  run('set is recorded with its locator and how it is stored, soften like harden', async () => {
    const { code } = await own.run(['set', 'a.secret#1'], { input: `${MARK}-typed` });
    expect(code).toBe(0);
    expect(await last()).toEqual({ act: 'set', subject: 'a.secret#1', reason: '', outcome: 'done: sealed' });
    const before = await rows();
    expect((await own.run(['set', 'a.secret#404'], { input: 'x' })).code).toBe(1);
    await own.run(['soften', '--dry-run']);
    expect(await rows()).toEqual(before);
    await own.run(['soften', '--yes', '--field', 'b.secret']);
    expect(await last()).toMatchObject({
      act: 'soften',
      subject: 'b.secret',
      outcome: 'done: 1 changed, 0 quarantined, 0 busy',
    });
  });

  run('no credential and no key is in the trail', async () => {
    await own.run(['reveal', 'a.secret#1', '--reason', 'to see']);
    expect(await last()).toMatchObject({ act: 'reveal', outcome: 'shown: current' });
    const text = (await rows()).map((row) => JSON.stringify(row)).join('\n');
    const raw = (await dump(own.test.db)).filter((line) => line.startsWith('casehard_audit')).join('\n');
    const key = own.env.CASEHARD_ENC_KEY?.split('.')[3] ?? '';
    for (const mark of [MARK, base64(MARK).slice(0, 12), key, 'chd1.', 'chkey1.', 'chstate1.']) {
      expect(mark).not.toBe('');
      expect(text.includes(mark), mark.slice(0, 6)).toBe(false);
      expect(raw.toLowerCase().includes(Buffer.from(mark).toString('hex')), mark.slice(0, 6)).toBe(false);
    }
    expect(text).toContain('a.secret#1');
  });

  run('what cannot be recorded is done all the same, and that is said, also with --quiet', async () => {
    const env = { ...own.env, CASEHARD_STATE_KEY: 'no state key' };
    const before = await rows();
    const { code, stdout, stderr } = await own.run(['set', 'b.secret#1', '--quiet'], { input: `${MARK}-new`, env });
    expect([code, stdout]).toEqual([0, 'b.secret#1 is set and sealed.\n']);
    expect(stderr).toBe('this act is not in the audit trail: CASEHARD_STATE_KEY is not a state key [KEY_FORMAT]\n');
    expect(await rows()).toEqual(before);
    const hardened = await own.run(['harden', '--json'], { env });
    expect(hardened.json).toMatchObject({ ok: true });
    expect(hardened.stderr).toContain('is not in the audit trail');
    const revealed = await own.run(['reveal', 'b.secret#1', '--reason', 'x', '--json'], { env });
    expect([revealed.code, revealed.json.ok, revealed.stdout.includes(MARK)]).toEqual([1, false, false]);
  });

  run('several processes at once: every act is recorded, and the chain holds', async () => {
    const before = (await rows()).length;
    const sets = ['a.secret#1', 'a.secret#2', 'a.secret#3', 'b.secret#1'].map((locator) =>
      own.run(['set', locator, '--json'], { input: 'x' }),
    );
    for (const { code, stderr } of await Promise.all(sets)) expect([code, stderr]).toEqual([0, '']);
    expect(await rows()).toHaveLength(before + 4);
    expect((await own.run(['audit', 'verify'])).code).toBe(0);
  });

  once('list shows the newest first, and steers no terminal', async () => {
    await own.run(['reveal', 'a.secret#1', '--reason', 'bell \u0007 and \u001b[31mred']);
    const { code, stdout } = await own.run(['audit', 'list', '--limit', '2']);
    expect(code).toBe(0);
    const [head = '', first = '', second = '', ...rest] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^when +who +act +subject +why +result$/);
    expect(first).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z +system user \S+ +reveal +a\.secret#1 +bell � and �\[31mred +shown: current$/,
    );
    expect(second).toMatch(/ set +\S+ +done: sealed$/);
    expect(rest).toEqual([]);
    const { json } = await own.run(['audit', 'list', '--limit', '1', '--json']);
    expect(json.rows).toEqual((await rows()).slice(-1));
  });

  once('verify is content with what was recorded, and export gives all of it with its head', async () => {
    const all = await rows();
    const head = { seq: all.length, mac: all.at(-1)?.mac };
    const verified = await own.run(['audit', 'verify', '--json']);
    expect([verified.code, verified.json]).toEqual([
      0,
      { command: 'audit verify', ok: true, exit: 0, rows: all.length, head },
    ]);
    const exported = await own.run(['audit', 'export']);
    expect(exported.code).toBe(0);
    const lines = exported.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toEqual([...all, { head }]);
    const only = await own.run(['audit', 'export', '--head-only']);
    expect(JSON.parse(only.stdout)).toEqual({ head });
    expect((await own.run(['audit', 'export', '--json'])).json).toMatchObject({ ok: true, rows: all, head });
    writeFileSync(join(own.folder, 'whole.jsonl'), exported.stdout);
    writeFileSync(join(own.folder, 'head.json'), only.stdout);
    for (const file of ['whole.jsonl', 'head.json']) {
      expect((await own.run(['audit', 'verify', '--head', file])).code).toBe(0);
    }
    writeFileSync(join(own.folder, 'none.json'), '{}');
    for (const [file, message] of [
      ['none.json', /none\.json has no head$/],
      ['absent.json', /absent\.json cannot be read$/],
    ] as const) {
      const { code, json } = await own.run(['audit', 'verify', '--head', file, '--json']);
      expect([code, json.error]).toMatchObject([2, { code: 'USAGE', message: expect.stringMatching(message) }]);
    }
  });

  once('verify names the first wrong row, with exit 1; its head is not exported', async () => {
    const all = await rows();
    const failure = async (more: readonly string[] = [], env = own.env) => {
      const { code, json } = await own.run(['audit', 'verify', ...more, '--json'], { env });
      return [code, json.error];
    };
    await own.execute('delete from casehard_audit where seq > 3');
    expect((await own.run(['audit', 'verify'])).code).toBe(0);
    expect(await failure(['--head', 'head.json'])).toEqual([
      1,
      {
        code: 'AUDIT',
        message:
          'the audit trail: row 4 is not the one that the head goes on from: rows at the end were removed since it was exported',
        hint: 'the 3 rows before it hold; find out who can write this database, and compare with a backup of casehard_audit',
      },
    ]);
    await own.execute("update casehard_audit set subject = 'b.secret#1' where seq = 3");
    expect(await failure()).toEqual([
      1,
      {
        code: 'AUDIT',
        message: 'the audit trail: row 3 is not as it was recorded: it was altered, inserted or moved',
        hint: expect.stringMatching(/^the 2 rows before it hold; .*state key of another machine look the same/),
      },
    ]);
    const exported = await own.run(['audit', 'export']);
    expect([exported.code, exported.stdout.trimEnd().split('\n').length]).toEqual([1, 3]); // the rows, and no head
    expect(exported.stdout).not.toContain('"head"');
    await own.execute('delete from casehard_audit where seq = 2');
    expect(await failure()).toMatchObject([
      1,
      { code: 'AUDIT', message: 'the audit trail: row 2 is missing: it was removed or moved' },
    ]);
    const env = { ...own.env, CASEHARD_STATE_KEY: generateStateKey() };
    expect(await failure([], env)).toMatchObject([1, { message: expect.stringMatching(/row 1 is not as it was/) }]);
    await own.execute('alter table casehard_audit rename to audit_gone');
    expect(await failure(['--head', 'head.json'])).toMatchObject([
      1,
      { code: 'AUDIT', message: expect.stringMatching(/the table casehard_audit was removed since/) },
    ]);
    for (const what of ['verify', 'export', 'list']) {
      const { code, json } = await own.run(['audit', what, '--json']);
      expect([code, json.error]).toMatchObject([
        3,
        { code: 'UPGRADE_PENDING', message: 'the table casehard_audit is missing: nothing has been recorded' },
      ]);
    }
    await own.execute('alter table audit_gone rename to casehard_audit');
    expect(all.length).toBeGreaterThan(10);
  });

  once('verify without the state key says so, and makes none', async () => {
    rmSync(keyFile());
    const { code, json } = await own.run(['audit', 'verify', '--json']);
    expect([code, json.error]).toMatchObject([
      1,
      {
        code: 'KEY_SOURCE',
        message: expect.stringMatching(/^file \S+casehard\.state-key with the state key does not exist$/),
        hint: 'set CASEHARD_STATE_KEY_FILE to where it is',
      },
    ]);
    expect(existsSync(keyFile())).toBe(false);
  });
});
