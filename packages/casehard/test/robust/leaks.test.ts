import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { column, generateKey, path, setting } from '@casehard/core';
import { type RawBuilder, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OWN_TABLES } from '../../src/database/own-tables.ts';
import { type CommandResult, casehard } from '../cli/command.ts';
import { ENGINES, type TestDatabase, temporaryFolder } from '../engines.ts';
import { watch, withGeneralLog } from './watch.ts';

const FIELDS = {
  password: column('users', 'password', { row: { id: 'int' }, was: 'base64' }),
  token: column('users', 'token', { row: { id: 'int' }, was: 'plaintext' }),
  checked: column('checked', 'password', { row: { id: 'int' }, was: 'plaintext' }),
  smtp: setting('settings', { where: { name: 'smtp' }, value: 'value', was: 'plaintext' }),
  client: path('clients', 'config', '/secret', { row: { id: 'int' }, in: 'json', was: 'plaintext' }),
};

const MARK = 'M4rked';
const newSecret = (): string => `${MARK}${randomBytes(12).toString('hex')}`;

describe('the search itself', () => {
  it('finds a mark raw, in base64 at any offset, in base64url and in hex', () => {
    const secret = newSecret();
    for (const shown of [secret, `x${secret}`, `ab${secret}c`]) {
      for (const encoding of ['utf8', 'base64', 'base64url', 'hex'] as const) {
        expect(found([Buffer.from(shown).toString(encoding)], [secret])).toHaveLength(1);
      }
    }
    expect(found(['nothing'], [secret])).toEqual([]);
  });
});

describe.each(ENGINES)('no secret and no key shows on $engine', (engine) => {
  const folder = temporaryFolder('leaks');
  const secrets = Array.from({ length: 8 }, newSecret);
  const typed = newSecret();
  const keys = {
    active: generateKey('enc'),
    previous: generateKey('enc'),
    wrong: generateKey('enc'),
    link: generateKey('trk'),
  };
  const marks = [...secrets, typed, ...Object.values(keys).flatMap(keyMarks)];
  const env = {
    CASEHARD_ENC_KEY: keys.active,
    CASEHARD_PREVIOUS_ENC_KEYS: keys.previous,
    CASEHARD_TRACKING_KEY: keys.link,
  };
  let test: TestDatabase;
  beforeAll(async () => {
    if (engine.absent) return;
    test = await engine.create();
    await createTables(test, secrets);
    writeConfig('casehard.config.json', FIELDS);
    writeConfig('unchecked.json', { ...FIELDS, checked: undefined });
    writeConfig('broken.json', FIELDS, `${keys.active}"`);
    const thrown = `throw new Error(\`cannot read \${process.env.CASEHARD_ENC_KEY} near ${secrets[0]}\`);`;
    writeFileSync(join(folder, 'throws.mjs'), thrown);
  });
  afterAll(async () => {
    await test?.drop();
    rmSync(folder, { recursive: true, force: true });
  });
  const writeConfig = (name: string, fields: object, more = ''): void =>
    writeFileSync(join(folder, name), JSON.stringify({ database: test.url, adopted: true, fields }) + more);
  const run = (
    args: readonly string[],
    how: { env?: Record<string, string>; input?: string } = {},
  ): Promise<CommandResult> => casehard(args, { cwd: folder, ...how, env: { ...env, ...how.env } });
  /** Everything that was printed. Each command runs as it is and with --json. */
  const printed = async (commands: readonly Parameters<typeof run>[]): Promise<readonly string[]> => {
    const all: string[] = [];
    for (const [args, how] of commands) {
      for (const more of [[], ['--json']]) {
        const { stdout, stderr } = await run([...args, ...more], how);
        expect(stdout + stderr, args.join(' ')).not.toBe('');
        all.push(stdout, stderr);
      }
    }
    return all;
  };
  const unchecked = ['--config', 'unchecked.json'];

  const commands: readonly Parameters<typeof run>[] = [
    [['init', '--database', 'DATABASE', '--check']],
    [['status', '--deep']],
    [['harden']], // an upgrade is pending: the column is too narrow
    [['upgrade', '--dry-run']],
    [['upgrade']],
    [['harden']], // a CHECK quotes the row
    [['harden', ...unchecked, '--batch', '2']],
    [['status', ...unchecked, '--deep']],
    [['set', 'token#1', ...unchecked], { input: typed }],
    [['set', 'token#404', ...unchecked], { input: typed }],
    [['status', ...unchecked, '--deep'], { env: { CASEHARD_ENC_KEY: keys.wrong } }],
    [['harden', ...unchecked], { env: { CASEHARD_ENC_KEY: keys.wrong, CASEHARD_PREVIOUS_ENC_KEYS: '' } }],
    [['harden', ...unchecked], { env: { CASEHARD_ENC_KEY: keys.link } }],
    [['harden', ...unchecked], { env: { CASEHARD_ENC_KEY: keys.active.slice(0, -3) } }],
    [['status', '--config', 'broken.json']],
    [['status', '--config', 'throws.mjs']],
    [['harden', '--as-plaintext', 'client#2', ...unchecked]],
  ];

  it.skipIf(engine.absent)(
    'in output, process list, sessions, statements and our own tables, whatever is run',
    async () => {
      const watching = watch(test);
      let output: readonly string[] = [];
      const work = async (): Promise<void> => {
        output = await printed(
          commands.map(([args, how]) => [args.map((arg) => (arg === 'DATABASE' ? test.url : arg)), how]),
        );
      };
      const log = engine.engine === 'mysql' ? await withGeneralLog(test, work) : await work().then(() => []);
      const sampled = await watching.stop();
      expect(found(output, marks)).toEqual([]);
      expect(sampled.length).toBeGreaterThan(5);
      expect(found(sampled, marks)).toEqual([]);
      if (engine.engine === 'mysql') expect(log.length).toBeGreaterThan(100);
      expect(found(log, marks)).toEqual([]);
      expect(found(await ownTables(test), marks)).toEqual([]);
    },
    120_000,
  );

  it.skipIf(engine.absent)(
    'but for what soften writes back: its parameters, which a general log spells out',
    async () => {
      const watching = watch(test);
      let output: readonly string[] = [];
      const work = async (): Promise<void> => {
        output = await printed([[['soften', '--yes', ...unchecked]]]);
      };
      const log = engine.engine === 'mysql' ? await withGeneralLog(test, work) : await work().then(() => []);
      expect(found([...output, ...(await ownTables(test))], marks)).toEqual([]);
      expect(
        found(
          (await watching.stop()).filter((text) => !/^\s*update/i.test(text)),
          marks,
        ),
      ).toEqual([]);
      // An operator who keeps a general log keeps the softened values in it: only updates, and no key.
      const leaking = log.filter((text) => found([text], marks).length > 0);
      if (engine.engine === 'mysql') expect(leaking.length).toBeGreaterThan(0);
      expect(leaking.filter((text) => !/^\s*update/i.test(text))).toEqual([]);
      expect(found(log, Object.values(keys).flatMap(keyMarks))).toEqual([]);
    },
    60_000,
  );
});

// --- internal ---

/** The marks that show in any of the texts, by their number: a failure must not print them either. */
function found(texts: readonly string[], marks: readonly string[]): readonly string[] {
  const whole = texts.join('\n');
  return marks.flatMap((mark, i) =>
    spellings(mark).some((one) => whole.includes(one)) ? [`mark ${i} in ${placeOf(texts, mark)}`] : [],
  );
}

function placeOf(texts: readonly string[], mark: string): string {
  const text = texts.find((one) => spellings(mark).some((spelling) => one.includes(spelling))) ?? '';
  return spellings(mark)
    .reduce((shown, spelling) => shown.replaceAll(spelling, '[mark]'), text)
    .slice(0, 300);
}

function spellings(mark: string): readonly string[] {
  const bytes = Buffer.from(mark);
  // Inside a longer text, base64 depends on the offset; the characters at both ends mix with their neighbours.
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice(offset === 0 ? 0 : 4, -3);
  });
  return [
    mark,
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    bytes.toString('hex'),
  ];
}

/** The secret part of a key text, as it is and in the other spellings of its bytes. */
function keyMarks(text: string): readonly string[] {
  const secret = text.split('.')[3] ?? '';
  const bytes = Buffer.from(secret, 'base64url');
  return [secret.slice(0, 30), bytes.toString('base64').slice(0, 30), bytes.toString('hex')];
}

async function ownTables({ db }: TestDatabase): Promise<readonly string[]> {
  const rows = await Promise.all(OWN_TABLES.map((table) => sql`select * from ${sql.table(table)}`.execute(db.kysely)));
  return rows.flatMap((result) =>
    result.rows.map((row) =>
      Object.values(row as object)
        .map(String)
        .join(' '),
    ),
  );
}

async function createTables({ db }: TestDatabase, secrets: readonly string[]): Promise<void> {
  const run = (statement: RawBuilder<unknown>) => statement.execute(db.kysely);
  const [a, b, c, d, e, f, g, h] = secrets as [string, string, string, string, string, string, string, string];
  const base64 = Buffer.from(a).toString('base64');
  await run(sql`create table users (id int not null primary key, password varchar(100), token varchar(300))`);
  await run(sql`create table settings (name varchar(40) not null, value varchar(300))`);
  await run(sql`create table clients (id int not null primary key, config text not null)`);
  await run(sql`create table checked (id int not null primary key, password varchar(300) check (password like 'M4%'))`);
  await run(sql`insert into users values (1, ${base64}, ${b}), (2, ${`not base64 ${c}`}, ${`chd1.${d}`})`);
  await run(sql`insert into settings values ('smtp', ${e})`);
  await run(sql`insert into clients values (1, ${JSON.stringify({ secret: f })}), (2, ${`{"secret":"${g}`})`);
  await run(sql`insert into checked values (1, ${h})`);
}
