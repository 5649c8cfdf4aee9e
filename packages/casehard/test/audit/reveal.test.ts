import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CasehardError } from '@casehard/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Trail } from '../../src/audit/trail.ts';
import { findConfig } from '../../src/config/find.ts';
import { loadProject } from '../../src/config/load.ts';
import { loadStateKey } from '../../src/config/state-key-file.ts';
import { revealValue } from '../../src/jobs/reveal.ts';
import { makeOwnFields, type OwnFields } from '../cli/fields.ts';
import { ENGINES } from '../engines.ts';

const base64 = (content: string | Uint8Array): string => Buffer.from(content).toString('base64');
const BYTES = Uint8Array.of(0xff, 0x00, 0xfe);

/** Credentials in the legacy scheme by locator, and their contents. */
const CONTENTS: Readonly<Record<string, string>> = {
  'a.secret#1': 'MARK-column söhne 🔑',
  'setting.once': 'MARK-setting',
  'setting.twice': 'MARK-twice',
  'json.secret#1': 'MARK-json "quoted"\\',
  'php.secret#k%20ey': 'MARK-php ä',
};
const TABLES = [
  'create table a (id integer not null primary key, secret varchar(2000))',
  `insert into a values (1, '${base64('MARK-column söhne 🔑')}'), (2, '${base64(BYTES)}'), (3, null), (4, 'chd1.broken'), (5, 'no base64!')`,
  'create table settings (name varchar(40), value varchar(2000))',
  "insert into settings values ('once', 'MARK-setting'), ('twice', 'MARK-twice'), ('twice', 'MARK-twice'), ('differing', 'MARK-one'), ('differing', 'MARK-other')",
  'create table docs (id integer not null primary key, config varchar(2000))',
  `insert into docs values (1, '{"host":"h","secret":${JSON.stringify('MARK-json "quoted"\\')}}'), (2, '{"secret":1}')`,
  'create table phps (name varchar(40) not null primary key, data varchar(2000))',
  `insert into phps values ('k ey', 'a:1:{s:6:"secret";s:11:"MARK-php ä";}')`,
];
const FIELDS = `'a.secret': column('a', 'secret', { row: { id: 'int' }, was: base64() }),
  'setting.once': setting('settings', { where: { name: 'once' }, value: 'value', was: plaintext() }),
  'setting.twice': setting('settings', { where: { name: 'twice' }, value: 'value', was: plaintext() }),
  'setting.differing': setting('settings', { where: { name: 'differing' }, value: 'value', was: plaintext() }),
  'json.secret': path('docs', 'config', '/secret', { row: { id: 'int' }, in: 'json', was: plaintext() }),
  'php.secret': path('phps', 'data', '/secret', { row: { name: 'text' }, in: 'php-serialize', was: plaintext() })`;

/** Triggers of somebody who wants to look without a trace, and what takes them away. */
const THIEVES = {
  sqlite: [
    ['create trigger thief before insert on casehard_audit begin select raise(ignore); end'],
    ['drop trigger thief'],
  ],
  postgres: [
    [
      'create function steal() returns trigger language plpgsql as $$ begin return null; end $$',
      'create trigger thief before insert on casehard_audit for each row execute function steal()',
    ],
    ['drop trigger thief on casehard_audit', 'drop function steal'],
  ],
  mysql: [
    ["create trigger thief before insert on casehard_audit for each row set new.outcome = 'nothing'"],
    ['drop trigger thief'],
  ],
} as const;

describe.each(ENGINES)('casehard reveal on $engine', (engine) => {
  const run = it.skipIf(engine.absent);
  let own: OwnFields;
  beforeAll(async () => {
    // MySQL reads a backslash inside a string as an escape.
    const escaped = engine.engine === 'mysql' ? TABLES.map((line) => line.replaceAll('\\', '\\\\')) : TABLES;
    if (!engine.absent) own = await makeOwnFields(engine, escaped, FIELDS);
  });
  afterAll(() => own?.drop());

  const trail = (): Trail => new Trail(own.test.db, loadStateKey({ folder: own.folder, env: {} }).key);
  const last = async () => (await trail().list(1))[0];
  const reveal = (locator: string, ...more: readonly string[]) =>
    own.run(['reveal', locator, '--reason', 'mail stopped', ...more]);
  const showsEverything = async (verdict: (locator: string) => string): Promise<void> => {
    for (const [locator, content] of Object.entries(CONTENTS)) {
      const { code, stdout, stderr } = await reveal(locator);
      expect([code, stdout, stderr], locator).toEqual([0, `${content}\n`, 'recorded in the audit trail\n']);
      expect(await last()).toMatchObject({
        actor: expect.stringMatching(/^system user \S/),
        act: 'reveal',
        subject: locator,
        reason: 'mail stopped',
        outcome: `shown: ${verdict(locator)}`,
      });
    }
  };

  run('shows nothing where the row is thrown away or changed on its way into the trail', async () => {
    const [make, drop] = THIEVES[engine.engine];
    await own.execute(...make);
    try {
      const { code, stdout, stderr } = await reveal('a.secret#1');
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain(
        'the audit trail did not keep the row that was written: the act is not recorded [AUDIT]',
      );
    } finally {
      await own.execute(...drop, "delete from casehard_audit where outcome = 'nothing'");
    }
  });

  run('shows a column, a setting and a text inside a document, as the application reads them', async () => {
    await showsEverything((locator) => (locator.startsWith('a.') ? 'legacy base64' : 'legacy plaintext'));
    const { code } = await own.run(['harden']);
    expect(code).toBe(3); // some of the rows are quarantined
    await showsEverything(() => 'current');
  });

  run('with --json the credential is in the object', async () => {
    const { code, json } = await reveal('a.secret#1', '--json');
    expect([code, json]).toEqual([
      0,
      {
        command: 'reveal',
        ok: true,
        exit: 0,
        locator: 'a.secret#1',
        verdict: 'current',
        encoding: 'text',
        value: CONTENTS['a.secret#1'],
      },
    ]);
  });

  run('bytes that are no text are shown in base64, and that is said', async () => {
    const { code, stdout, stderr } = await reveal('a.secret#2');
    expect([code, stdout]).toEqual([0, `${base64(BYTES)}\n`]);
    expect(stderr).toContain('shown in base64: it is no text that can be printed\n');
    expect((await reveal('a.secret#2', '--json')).json).toMatchObject({ encoding: 'base64', value: base64(BYTES) });
  });

  run('what does not open is recorded as refused with its verdict, and nothing is shown', async () => {
    const [sealed] = await own.test.db.kysely.selectFrom('a').selectAll().where('id', '=', 1).execute();
    await own.execute(`insert into a values (6, '${sealed?.secret}')`); // moved from another row
    for (const [locator, code, because] of [
      ['a.secret#3', 'NOT_FOUND', 'empty'],
      ['a.secret#4', 'CANNOT_OPEN', 'unreadable TRUNCATED'],
      ['a.secret#5', 'CANNOT_OPEN', 'unexpected NOT_LEGACY'],
      ['a.secret#6', 'CANNOT_OPEN', 'unreadable MAC'],
      ['json.secret#2', 'CANNOT_OPEN', 'unexpected NOT_A_STRING'],
      ['setting.differing', 'REFUSED', 'rows differ'],
    ] as const) {
      const { code: exit, stdout, stderr } = await reveal(locator);
      expect([exit, stdout], locator).toEqual([1, '']);
      expect(stderr).toContain(`[${code}]`);
      expect(stderr).not.toContain('MARK');
      if (code === 'CANNOT_OPEN') expect(stderr).toContain(`${locator} cannot be opened: ${because} [CANNOT_OPEN]`);
      expect(await last()).toMatchObject({ act: 'reveal', subject: locator, outcome: `refused: ${because}` });
    }
    await own.execute('delete from a where id = 6');
  });

  run('without a key, and under another one, a sealed value is refused as well', async () => {
    const { DATABASE_URL = '' } = own.env;
    const { code, stdout } = await own.run(['reveal', 'a.secret#1', '--reason', 'x'], { env: { DATABASE_URL } });
    expect([code, stdout]).toEqual([1, '']);
    expect(await last()).toMatchObject({ outcome: 'refused: unreadable UNKNOWN_KEY' });
  });

  run('asks why: without a terminal it names the option, and an empty reason is none', async () => {
    const before = await trail().list(1000);
    const asked = await own.run(['reveal', 'a.secret#1', '--json']);
    expect([asked.code, asked.json.error]).toEqual([
      2,
      { code: 'USAGE', message: 'needs an answer: Why is it shown?', hint: 'add --reason TEXT' },
    ]);
    const empty = await own.run(['reveal', 'a.secret#1', '--reason', '  ', '--json']);
    expect([empty.code, empty.json.error]).toEqual([
      2,
      { code: 'USAGE', message: 'the reason is empty', hint: 'say why: it stands in the audit trail' },
    ]);
    for (const [locator, code, error] of [
      ['a.secret#404', 1, 'NOT_FOUND'],
      ['a.secret#x', 2, 'USAGE'],
      ['nothing#1', 2, 'UNKNOWN_FIELD'],
      ['#', 2, 'USAGE'],
    ] as const) {
      const { code: exit, json } = await reveal(locator, '--json');
      expect([locator, exit, (json.error as { code: string }).code]).toEqual([locator, code, error]);
    }
    expect(await trail().list(1000)).toEqual(before);
  });

  run('is handed out only when the trail has it: one that cannot record shows nothing', async () => {
    const project = await loadProject(findConfig(own.folder, undefined), { env: own.env, warn: () => {} });
    const order = { locator: { field: 'a.secret', key: ['1'] }, actor: 'system user test', reason: 'a test' };
    class Broken extends Trail {
      override async record(): Promise<void> {
        throw new CasehardError('AUDIT', 'the disk is full');
      }
    }
    const broken = new Broken(own.test.db, loadStateKey({ folder: own.folder, env: {} }).key);
    await expect(revealValue(project, own.test.db, { ...order, trail: broken })).rejects.toMatchObject({
      code: 'AUDIT',
      message: 'the disk is full',
    });
    // And the row is there, committed, for everybody at the moment when the credential comes.
    const other = own.test.connect();
    try {
      const { secret } = await revealValue(project, own.test.db, { ...order, trail: trail() });
      const [row] = await new Trail(other, loadStateKey({ folder: own.folder, env: {} }).key).list(1);
      expect([secret.reveal(), row?.outcome]).toEqual([CONTENTS['a.secret#1'], 'shown: current']);
    } finally {
      await other.close();
    }
  });

  run('the command shows nothing where the row cannot be written, or there is no table for it', async () => {
    await own.execute('alter table casehard_audit rename to audit_gone');
    const missing = await reveal('a.secret#1', '--json');
    expect([missing.code, missing.json.error]).toEqual([
      3,
      {
        code: 'UPGRADE_PENDING',
        message: 'the table casehard_audit is missing: this act would not be recorded',
        hint: 'run `casehard upgrade` first',
      },
    ]);
    // A table that takes no row.
    await own.execute(
      'create table casehard_audit (seq bigint not null primary key, at bigint, actor varchar(9), act varchar(9), subject varchar(9), reason varchar(9), outcome varchar(9), mac varchar(9), more int not null check (more > 0))',
    );
    const { code, stdout, stderr } = await reveal('a.secret#1');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).not.toContain('MARK');
    await own.execute('drop table casehard_audit', 'alter table audit_gone rename to casehard_audit');
  });

  run('makes no state key before there is a table to record in', async () => {
    await own.execute('alter table casehard_audit rename to audit_gone');
    const file = join(own.folder, 'casehard.state-key');
    rmSync(file);
    expect((await reveal('a.secret#1')).code).toBe(3);
    expect(existsSync(file)).toBe(false);
    await own.execute('alter table audit_gone rename to casehard_audit');
  });
});
