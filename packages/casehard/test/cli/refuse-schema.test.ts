import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES } from '../engines.ts';
import { type Listed, type Mailer, makeMailer } from './mailer.ts';
import { expectRefusal, type Refusal } from './refusal.ts';

const PENDING: Refusal = {
  exit: 3,
  code: 'UPGRADE_PENDING',
  message: /^an upgrade is pending: /,
  hint: /^run `casehard upgrade`; nothing was written$/,
};

describe.each(ENGINES)('a database that must not be written on $engine', (engine) => {
  let mailer: Mailer;
  beforeAll(async () => {
    if (!engine.absent) mailer = await makeMailer(engine, { rows: 5 });
  });
  afterAll(() => mailer?.drop());

  const execute = async (...statements: readonly string[]): Promise<void> => {
    for (const statement of statements) await sql.raw(statement).execute(mailer.test.db.kysely);
  };
  /** A configuration beside the ordinary one, with one field. */
  const withField = (name: string, field: string, settings = 'adopted: true'): readonly string[] => {
    const file = `${name}.config.ts`;
    const text = `import { column, defineConfig, path, setting } from '@casehard/core';
export default defineConfig({ database: process.env.DATABASE_URL, ${settings}, fields: { 'a.field': ${field} } });\n`;
    writeFileSync(join(mailer.folder, file), text);
    return ['--config', file];
  };
  const USERS = "column('users', 'smtp_password', { row: { user_id: 'int' }, was: 'base64' })";

  it.skipIf(engine.absent)('an upgrade that is pending comes first', async () => {
    await expectRefusal(mailer, ['harden'], {
      ...PENDING,
      message: /create casehard_keys: the table casehard_keys is missing/,
    });
    await expectRefusal(mailer, ['soften', '--yes'], PENDING);
    if (engine.engine !== 'sqlite') {
      await expectRefusal(mailer, ['harden'], {
        ...PENDING,
        message: /widen lists\.bounce_password: .* holds 100 and 253 are needed/,
      });
    }
    expect((await mailer.run(['upgrade'])).code).toBe(0);
  });

  it.skipIf(engine.absent)(
    'harden waits until the configuration says that every reader opens sealed values',
    async () => {
      await expectRefusal(mailer, ['harden', ...withField('waiting', USERS, 'adopted: false')], {
        exit: 1,
        code: 'NOT_ADOPTED',
        message: /^the configuration does not say that every reader opens sealed values$/,
        hint: /write `adopted: true` into the configuration$/,
      });
      expect((await mailer.run(['harden', '--dry-run', '--config', 'waiting.config.ts'])).code).toBe(3);
    },
  );

  it.skipIf(engine.absent)('a field that is not there is a wrong use, and the others are named', async () => {
    const refusal: Refusal = {
      exit: 2,
      code: 'UNKNOWN_FIELD',
      message: /^there is no field "user\.smtp\.pasword"$/,
      hint: /^the configuration has system\.smtp\.password, /,
    };
    for (const command of ['harden', 'soften', 'status']) {
      const yes = command === 'soften' ? ['--yes'] : [];
      await expectRefusal(mailer, [command, ...yes, '--field', 'user.smtp.pasword'], refusal);
    }
    await expectRefusal(mailer, ['set', 'user.smtp.pasword#1'], refusal, { input: 'x' });
  });

  it.skipIf(engine.absent)('a table or column that is not there is named with the field', async () => {
    await expectRefusal(mailer, ['harden', ...withField('gone', USERS.replace('users', 'members'))], {
      exit: 1,
      code: 'NOT_FOUND',
      message: /^field a\.field: there is no table members$/,
      hint: /check the configuration/,
    });
    await expectRefusal(mailer, ['harden', ...withField('gone', USERS.replace('smtp_p', 'smpt_p'))], {
      exit: 1,
      code: 'NOT_FOUND',
      message: /^field a\.field: table users has no column smpt_password$/,
      hint: /name it in the configuration/,
    });
  });

  it.skipIf(engine.absent)('a row key without a unique index, or one that may be NULL, is no row key', async () => {
    await execute(
      'create table bare (id integer not null, secret varchar(400))',
      'create table loose (id integer unique, secret varchar(400))',
      "insert into bare values (1, 'eA==')",
      "insert into loose values (1, 'eA=='), (null, 'eQ==')",
    );
    const field = (table: string): string => `column('${table}', 'secret', { row: { id: 'int' }, was: 'base64' })`;
    await expectRefusal(mailer, ['harden', ...withField('bare', field('bare'))], {
      exit: 1,
      code: 'REFUSED',
      message: /^field a\.field: no unique index covers the row key id$/,
      hint: /declare the primary key, or add a unique index/,
    });
    await expectRefusal(mailer, ['harden', ...withField('loose', field('loose'))], {
      exit: 1,
      code: 'REFUSED',
      message: /^field a\.field: row key id may be NULL$/,
      hint: /make the column NOT NULL$/,
    });
    await execute('create view seen as select * from users');
    // A view has no key either; the table behind it has.
    await expectRefusal(mailer, ['harden', ...withField('view', USERS.replace('users', 'seen'))], {
      exit: 1,
      code: 'NOT_FOUND',
      message: /^field a\.field: there is no table seen$/,
      hint: /check the configuration/,
    });
    await execute('drop view seen', 'drop table bare', 'drop table loose');
  });

  it.skipIf(engine.absent)('a trigger that may copy old plaintext is named, until it is accepted', async () => {
    await execute('create table history (old_value varchar(1000))', ...TRIGGER[engine.engine]);
    const refusal: Refusal = {
      exit: 1,
      code: 'REFUSED',
      message: /^field user\.smtp\.password: table users has .*keep_old/,
      hint: /add --accept-triggers; nothing was written$/,
    };
    await expectRefusal(mailer, ['harden'], refusal);
    await expectRefusal(mailer, ['soften', '--yes'], refusal);
    expect((await mailer.run(['harden', '--accept-triggers', '--field', 'user.smtp.password'])).code).toBe(3);
    const { rows } = await sql`select * from history`.execute(mailer.test.db.kysely);
    expect(rows.length).toBeGreaterThan(10);
    await execute(...NO_TRIGGER[engine.engine], 'drop table history');
  });

  it.skipIf(engine.absent)(
    'an index on the credential stops the upgrade, until the field says that nobody looks it up',
    async () => {
      await execute('create index by_token on users (api_token)');
      const { code, stdout } = await mailer.run(['upgrade']);
      expect(code).toBe(1);
      expect(stdout).toMatch(/problem {3}user\.api\.token: users\.api_token: has an index \(by_token\).* \[INDEXED\]/);
      expect(stdout).toMatch(/if nobody looks rows up by it, say notLookedUp: true in the field/);
      await expectRefusal(mailer, ['harden'], {
        ...PENDING,
        hint: /^a person has to decide first: `casehard upgrade --dry-run` says what; nothing was written$/,
        message: /user\.api\.token: users\.api_token: has an index/,
      });
      const field = "column('users', 'api_token', { row: { user_id: 'int' }, was: 'plaintext', notLookedUp: true })";
      expect((await mailer.run(['upgrade', ...withField('indexed', field)])).code).toBe(0);
      await execute(engine.engine === 'mysql' ? 'drop index by_token on users' : 'drop index by_token');
    },
  );

  it.skipIf(engine.absent)(
    'values cut by a narrower column are quarantined, and a narrowed column is an upgrade again',
    async () => {
      await mailer.run(['harden']);
      await execute(...NARROW[engine.engine]);
      if (engine.engine !== 'sqlite') {
        const message = /widen users\.smtp_password: .*\(100\) holds 100 and \d+ are needed/;
        await expectRefusal(mailer, ['harden'], { ...PENDING, message });
      }
      const { json, stdout } = await mailer.run(['status', '--deep', '--json', '--field', 'user.smtp.password']);
      const cut = (json.listed as readonly Listed[]).find(({ locator }) => locator === 'user.smtp.password#4');
      expect(cut, stdout).toMatchObject({ verdict: 'unreadable TRUNCATED' });
      const human = await mailer.run(['status', '--deep', '--field', 'user.smtp.password']);
      expect(human.stdout).toMatch(/#4 +unreadable TRUNCATED +cut by a narrower column: restore it; set it anew, or/);
    },
  );
});

// --- internal ---

type Statements = Readonly<Record<'sqlite' | 'postgres' | 'mysql', readonly string[]>>;

const TRIGGER: Statements = {
  sqlite: ['create trigger keep_old after update on users begin insert into history values (old.smtp_password); end'],
  postgres: [
    `create function keep_old() returns trigger language plpgsql as
      $$ begin insert into history values (old.smtp_password); return new; end $$`,
    'create trigger keep_old after update on users for each row execute function keep_old()',
  ],
  mysql: ['create trigger keep_old after update on users for each row insert into history values (old.smtp_password)'],
};

const NO_TRIGGER: Statements = {
  sqlite: ['drop trigger keep_old'],
  postgres: ['drop trigger keep_old on users'],
  mysql: ['drop trigger keep_old'],
};

/** A migration of the application that shrinks the column again. SQLite has no widths: there a copy was cut. */
const NARROW: Statements = {
  sqlite: ['update users set smtp_password = substr(smtp_password, 1, 100) where user_id = 4'],
  postgres: ['alter table users alter column smtp_password type varchar(100) using substr(smtp_password, 1, 100)'],
  mysql: ["set statement sql_mode = '' for alter table users modify smtp_password varchar(100)"],
};
