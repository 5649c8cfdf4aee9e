import { createCasehard, createKeyring, generateKey } from '@casehard/core';
import { sql } from 'kysely';
import { afterAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/connect.ts';
import { printConfig } from '../../src/inventory/print-config.ts';
import { type Proposals, proposeFields } from '../../src/inventory/propose.ts';
import { uncovered } from '../../src/inventory/uncovered.ts';
import { sampleFields } from '../../src/sample/config.ts';
import { createSample } from '../../src/sample/create-sample.ts';
import { ENGINES, type TestDatabase } from '../engines.ts';

const MARK = 'Pl4nted-Secret';

describe.each(ENGINES)('proposals on $engine', ({ create, absent, engine }) => {
  const open: TestDatabase[] = [];
  const database = async (): Promise<Database> => {
    const test = await create();
    open.push(test);
    return test.db;
  };
  afterAll(async () => {
    for (const test of open) await test.drop();
  });

  it.skipIf(absent)('finds exactly the fields of the sample, before and after values are sealed', async () => {
    for (const keyring of [createKeyring(), createKeyring({ active: generateKey('enc') })]) {
      const db = await database();
      await createSample(db, { keyring });
      const { proposals, leftAlone } = await proposeFields(db);
      expect(Object.fromEntries(proposals.map(({ name, spec }) => [name, { ...spec, max: undefined }]))).toEqual(
        Object.fromEntries(
          Object.entries(sampleFields).map(([name, spec]) => [
            name,
            { ...spec, max: undefined, group: undefined, label: undefined },
          ]),
        ),
      );
      expect(leftAlone).toEqual([]);
      expect(proposals.find(({ name }) => name === 'list.bounce.password')?.spec.max?.chars).toBe(
        engine === 'sqlite' ? undefined : 100,
      );
      createCasehard({ fields: specs({ proposals, leftAlone }), warn: () => {} }); // each is a valid declaration
    }
  });

  it.skipIf(absent)('says nothing of an empty database', async () => {
    const db = await database();
    expect(await proposeFields(db)).toEqual({ proposals: [], leftAlone: [] });
    expect(await uncovered(db, {})).toEqual([]);
  });

  it.skipIf(absent)(
    'leaves password hashes, tokens that are looked up, numbers and switches alone, and says why',
    async () => {
      const db = await database();
      await table(
        db,
        'logins',
        { password: 'varchar(100)', legacy_password: 'char(40)', password_hash: 'varchar(100)' },
        [
          {
            password: bcrypt('a'),
            legacy_password: 'da39a3ee5e6b4b0d3255bfef95601890afd80709',
            password_hash: bcrypt('b'),
          },
          { password: bcrypt('c'), legacy_password: 'b6589fc6ab0dc82cf12099d1c2d40ab994e8410c', password_hash: null },
        ],
      );
      await table(
        db,
        'things',
        {
          token: 'varchar(50)',
          use_token: 'integer',
          secret: 'integer',
          password: 'varchar(9)',
          reset_token: 'varchar(9)',
        },
        [{ token: `${MARK}-1`, use_token: 1, secret: 5, password: 'yes', reset_token: `${MARK}`.slice(0, 9) }],
      );
      await db.kysely.schema.createIndex('things_token').on('things').column('token').execute();
      const found = await proposeFields(db);
      expect(found.proposals).toEqual([]);
      expect(found.leftAlone.map(({ table, column, because }) => `${table}.${column}: ${because}`)).toEqual([
        'logins.password: hash, left alone: 2 of 2 sampled values are password hashes',
        'logins.legacy_password: hash, left alone: 2 of 2 sampled values are hex of one length, as a digest has',
        'logins.password_hash: named a hash: it can be checked but not turned back',
        'things.token: named like a token, but the index things_token says that rows are looked up by it; if not, declare it with notLookedUp: true',
        'things.use_token: named as something about a credential ("token"), not the credential',
        expect.stringMatching(
          /^things\.secret: named like a secret, but of type int\w*(\(11\))?, which holds no text$/i,
        ),
        'things.password: its values are switches, not credentials',
        'things.reset_token: a reset token: short-lived, and looked up by its value, which sealing would stop',
      ]);
    },
  );

  it.skipIf(absent)('tells base64 and hex of text from tokens that only look so', async () => {
    const db = await database();
    const text = (encoding: 'base64' | 'hex', i: number): string => Buffer.from(`${MARK}-${i}`).toString(encoding);
    // 40 letters and digits are canonical base64 by chance, and hex digits are hex.
    const rows = [1, 2, 3, 4, 5, 6].map((i) => ({
      smtp_pass: text('base64', i),
      imap_pwd: text('hex', i),
      api_key: `Ab${i}`.repeat(16).slice(0, 40),
      secretKey: `${i}ae9f0`.repeat(3 + i),
      wsToken: `${i}fe9`.repeat(8),
    }));
    await table(
      db,
      'accounts',
      { smtp_pass: 'text', imap_pwd: 'text', api_key: 'text', secretKey: 'text', wsToken: 'text' },
      rows,
    );
    const { proposals } = await proposeFields(db);
    expect(proposals.map(({ name, spec, confidence }) => [name, spec.was, confidence])).toEqual([
      ['account.smtp.pass', 'base64', 'sure'],
      ['account.imap.pwd', 'hex', 'sure'],
      ['account.api.key', 'plaintext', 'sure'],
      ['account.secret.key', 'plaintext', 'sure'],
      ['account.ws.token', 'plaintext', 'unsure'],
    ]);
  });

  it.skipIf(absent)('binds to the primary key, else to a unique index, else explains', async () => {
    const db = await database();
    const s = db.kysely.schema;
    await s
      .createTable('a')
      .addColumn('x', 'integer', (c) => c.notNull())
      .addColumn('y', 'varchar(20)', (c) => c.notNull())
      .addColumn('password', 'text')
      .addPrimaryKeyConstraint('a_pk', ['y', 'x'])
      .execute();
    await s
      .createTable('b')
      .addColumn('code', 'varchar(20)', (c) => c.notNull().unique())
      .addColumn('password', 'text')
      .execute();
    await s
      .createTable('c')
      .addColumn('code', 'varchar(20)', (c) => c.unique())
      .addColumn('password', 'text')
      .execute();
    await s.createTable('d').addColumn('password', 'text').execute();
    const { proposals, leftAlone } = await proposeFields(db);
    expect(proposals.map(({ name, spec }) => [name, Object.entries(spec.row ?? {})])).toEqual([
      [
        'a.password',
        [
          ['y', 'text'],
          ['x', 'int'],
        ],
      ],
      ['b.password', [['code', 'text']]],
    ]);
    expect(leftAlone.map(({ table, because }) => `${table}: ${because}`)).toEqual([
      'c: named like a password, but no unique index (code) is over NOT NULL columns of type int, uuid, text or binary',
      'd: named like a password, but the table has neither a primary key nor a unique index to bind values to',
    ]);
  });

  it.skipIf(absent)('takes a name/value table apart by its names, one field a row where rows repeat', async () => {
    const db = await database();
    await db.kysely.schema
      .createTable('site_options')
      .addColumn('option_name', 'varchar(60)')
      .addColumn('option_value', 'text')
      .execute();
    await db.kysely
      .insertInto('site_options')
      .values([
        { option_name: 'SMTP Pass', option_value: MARK },
        { option_name: 'smtp_password_hint', option_value: MARK },
        { option_name: 'keyboard', option_value: MARK },
        { option_name: `my secret; ${MARK}`, option_value: MARK },
      ])
      .execute();
    await table(db, 'user_meta', { user_id: 'integer', meta_key: 'varchar(60)', meta_value: 'text' }, [
      { user_id: 1, meta_key: 'imap_password', meta_value: MARK },
      { user_id: 2, meta_key: 'imap_password', meta_value: MARK },
      { user_id: 2, meta_key: 'color', meta_value: 'red' },
    ]);
    const found = await proposeFields(db);
    expect(found.proposals.map(({ name, spec }) => [name, spec.kind, spec.where, spec.row])).toEqual([
      ['site.system.smtp.pass', 'setting', { option_name: 'SMTP Pass' }, undefined],
      ['user.meta.imap.password', 'column', { meta_key: 'imap_password' }, { id: 'int' }],
    ]);
    expect(found.leftAlone).toHaveLength(1);
    expect(JSON.stringify(found)).not.toContain(MARK);
  });

  it.skipIf(absent)(
    'finds nested keys of documents, not those in lists, and never a key that may be data',
    async () => {
      const db = await database();
      const config = {
        smtp: { password: `${MARK}-x`, 'a/b~c': 1 },
        accounts: [{ token: MARK }],
        [`${MARK} token!`]: MARK,
        token_type: 'x',
      };
      await table(db, 'hooks', { config: engine === 'postgres' ? 'json' : 'text', extra: 'text' }, [
        { config: JSON.stringify(config), extra: `a:1:{s:4:"mail";a:1:{s:8:"ftp_pass";s:${MARK.length}:"${MARK}";}}` },
      ]);
      const found = await proposeFields(db);
      expect(found.proposals.map(({ name, spec }) => [name, spec.in, spec.pointer])).toEqual([
        ['hook.smtp.password', 'json', '/smtp/password'],
        ['hook.mail.ftp.pass', 'php-serialize', '/mail/ftp_pass'],
      ]);
      expect(found.leftAlone.map(({ because }) => because)).toEqual([
        '/accounts/*/token is named like a token, but inside a list: a field names one fixed place',
      ]);
      expect(JSON.stringify(found)).not.toContain(MARK);
    },
  );

  it.skipIf(absent)('keeps names apart and copes with odd identifiers', async () => {
    const db = await database();
    const odd = `it's "odd" \\ Ünï`;
    for (const name of [odd, 'order', 'user-keys', 'user_keys', ...(engine === 'mysql' ? [] : ['with.dot'])]) {
      await db.kysely.schema
        .createTable('odd_table')
        .addColumn('id', 'integer', (c) => c.primaryKey().notNull())
        .addColumn('Select Password', 'text')
        .addColumn('group.pwd', 'text')
        .execute();
      // Kysely would take a dot for a schema.
      await sql`alter table odd_table rename to ${sql.id(name)}`.execute(db.kysely);
      if (!name.includes('.')) {
        await sql`insert into ${sql.id(name)} values (1, ${MARK}, ${MARK})`.execute(db.kysely);
      }
    }
    const found = await proposeFields(db);
    expect(found.proposals.map(({ name }) => name).sort()).toEqual([
      'it.s.odd.uni.group.pwd',
      'it.s.odd.uni.select.password',
      'order.group.pwd',
      'order.select.password',
      'user.key.group.pwd',
      'user.key.group.pwd-2',
      'user.key.select.password',
      'user.key.select.password-2',
    ]);
    expect(found.proposals.find(({ name }) => name === 'it.s.odd.uni.group.pwd')?.spec).toMatchObject({
      table: odd,
      column: 'group.pwd',
    });
    createCasehard({ fields: specs(found), warn: () => {} });
    if (engine !== 'mysql')
      expect(found.leftAlone).toEqual([
        { table: 'with.dot', because: 'a table with a dot in its name cannot be declared' },
      ]);
  });

  it.skipIf(absent)('gives nothing of a value away, and the same text every time', async () => {
    const db = await database();
    const columns = Object.fromEntries(
      ['password', 'api_token', 'hex_secret', 'json_doc', 'name', 'value'].map((name) => [name, 'text']),
    );
    await table(
      db,
      'planted',
      columns,
      Array.from({ length: 9 }, (_, i) => ({
        password: `${MARK}-${i}`,
        api_token: Buffer.from(`${MARK}-${i}`).toString('base64'),
        hex_secret: Buffer.from(MARK).toString('hex'),
        json_doc: JSON.stringify({ secret: MARK, [MARK]: { password: MARK } }),
        name: `password ${i}`,
        value: MARK,
      })),
    );
    const print = async (): Promise<string> => {
      const found = await proposeFields(db);
      return JSON.stringify(found) + printConfig({ database: 'sqlite:x.db', fields: found.proposals });
    };
    const text = await print();
    const spellings = [MARK, Buffer.from(MARK).toString('base64').slice(0, 16), Buffer.from(MARK).toString('hex')];
    // A key of a document may be shown; the planted one is taken out to see what else there is.
    const rest = text.replaceAll(`/${MARK}/password`, '').replaceAll(`"/${MARK}`, '');
    for (const spelling of spellings) expect(rest).not.toContain(spelling);
    expect(await print()).toBe(text);
  });

  it.skipIf(absent)('lists what no configured field covers', async () => {
    const db = await database();
    await createSample(db, { rows: 50 });
    expect(await uncovered(db, sampleFields)).toEqual([]);
    const { 'user.smtp.password': _, 'addon.api.key': __, 'system.smtp.password': ___, ...rest } = sampleFields;
    expect((await uncovered(db, rest)).map(({ name }) => name)).toEqual([
      'addon.api.key',
      'system.smtp.password',
      'user.smtp.password',
    ]);
    const everySetting = { ...rest, s: { kind: 'column', table: 'settings', column: 'value' } as const };
    expect((await uncovered(db, everySetting)).map(({ name }) => name)).toEqual([
      'addon.api.key',
      'user.smtp.password',
    ]);
    const someUsers = {
      ...sampleFields,
      'user.smtp.password': { ...sampleFields['user.smtp.password'], where: { deleted: 0 } },
    };
    expect((await uncovered(db, someUsers)).map(({ name }) => name)).toEqual(['user.smtp.password']);
  });
});

// --- internal ---

function specs({ proposals }: Proposals) {
  return Object.fromEntries(proposals.map(({ name, spec }) => [name, spec]));
}

/** A table with an integer primary key `id`, and rows. */
async function table(
  db: Database,
  name: string,
  columns: Readonly<Record<string, string>>,
  rows: readonly Readonly<Record<string, string | number | null>>[],
): Promise<void> {
  let statement = db.kysely.schema.createTable(name).addColumn('id', 'integer', (c) => c.primaryKey().notNull());
  for (const [column, type] of Object.entries(columns)) statement = statement.addColumn(column, sql.raw(type));
  await statement.execute();
  await db.kysely
    .insertInto(name)
    .values(rows.map((row, i) => ({ id: i + 1, ...row })))
    .execute();
}

/** Shaped like a hash of PHP's password_hash. */
function bcrypt(letter: string): string {
  return `$2y$10$${letter.repeat(53)}`;
}
