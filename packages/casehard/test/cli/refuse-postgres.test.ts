import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES } from '../engines.ts';
import { type Mailer, makeMailer } from './mailer.ts';
import { expectRefusal, type Refusal } from './refusal.ts';

const postgres = ENGINES.filter(({ engine }) => engine === 'postgres');

describe.each(postgres)('what only PostgreSQL has', (engine) => {
  const role = `casehard_test_${randomBytes(4).toString('hex')}`;
  let mailer: Mailer;
  beforeAll(async () => {
    if (engine.absent) return;
    mailer = await makeMailer(engine, { rows: 5 });
    await execute(`create role ${role} login`);
  });
  afterAll(async () => {
    if (!mailer) return;
    await execute(`drop owned by ${role}`, `drop role ${role}`);
    await mailer.drop();
  });

  const execute = async (...statements: readonly string[]): Promise<void> => {
    for (const statement of statements) await sql.raw(statement).execute(mailer.test.db.kysely);
  };
  /** The same database under another user. */
  const asRole = (): { readonly env: Readonly<Record<string, string>> } => {
    const url = new URL(mailer.test.url);
    url.username = role;
    return { env: { ...mailer.env, DATABASE_URL: url.href } };
  };

  it.skipIf(engine.absent)('a view that forbids the widening is named, and the other columns are widened', async () => {
    await execute('create view senders as select user_id, smtp_password from users');
    const { code, stdout } = await mailer.run(['upgrade']);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /problem {3}user\.smtp\.password: users\.smtp_password: view \S*senders forbids a change of its type \[DEPENDENT\]\n +drop and recreate it around: alter table users/,
    );
    expect(stdout).toMatch(/step {6}widen lists\.bounce_password/);
    await expectRefusal(mailer, ['harden'], {
      exit: 3,
      code: 'UPGRADE_PENDING',
      message: /user\.smtp\.password: users\.smtp_password: view \S*senders forbids a change of its type/,
      hint: /nothing was written$/,
    });
    await execute('drop view senders');
    expect((await mailer.run(['upgrade'])).code).toBe(0);
  });

  it.skipIf(engine.absent)('rows that a policy would hide are an error, not rows that do not exist', async () => {
    await execute(
      `grant all on all tables in schema public to ${role}`,
      'alter table users enable row level security',
      `create policy few on users to ${role} using (user_id < 5)`,
    );
    const refusal: Refusal = {
      exit: 1,
      code: 'ROWS_HIDDEN',
      message: /row-level security hides rows from this user/,
      hint: /^connect as the owner of the table, or as a user with BYPASSRLS$/,
    };
    await expectRefusal(mailer, ['harden'], refusal, asRole());
    await expectRefusal(mailer, ['set', 'user.smtp.password#1'], refusal, { ...asRole(), input: 'x' });
    const { json, code } = await mailer.run(['status', '--json'], asRole());
    expect(code).toBe(1);
    expect(json.problems ?? [json.error]).toEqual(
      expect.arrayContaining([expect.objectContaining({ code: 'ROWS_HIDDEN' })]),
    );
    await execute('drop policy few on users', 'alter table users disable row level security');
  });

  it.skipIf(engine.absent)('a user who may only read is told so, and reads the status', async () => {
    await execute(`revoke all on all tables in schema public from ${role}`);
    await execute(`grant select on all tables in schema public to ${role}`);
    await expectRefusal(
      mailer,
      ['harden'],
      {
        exit: 1,
        code: 'DATABASE',
        message: /privilege/,
        hint: /docs\/operations\.md|grant/i,
      },
      asRole(),
    );
    expect((await mailer.run(['status', '--deep'], asRole())).code).toBe(0);
  });

  it.skipIf(engine.absent)('a read-only database is recognised, and its status can be read', async () => {
    const database = new URL(mailer.test.url).pathname.slice(1);
    await execute(`alter database ${database} set default_transaction_read_only = on`);
    const refusal: Refusal = {
      exit: 1,
      code: 'READ_ONLY',
      message: /read-only/,
      hint: /^connect to the primary server, not to a replica/,
    };
    await expectRefusal(mailer, ['harden'], refusal);
    await expectRefusal(mailer, ['set', 'user.smtp.password#1'], refusal, { input: 'x' });
    expect((await mailer.run(['status', '--deep'])).code).toBe(0);
    expect((await mailer.run(['harden', '--dry-run'])).code).toBe(3);
    // The pool may have opened a new connection meanwhile, which begins read-only as well.
    await execute(
      'set default_transaction_read_only = off',
      `alter database ${database} reset default_transaction_read_only`,
    );
  });
});
