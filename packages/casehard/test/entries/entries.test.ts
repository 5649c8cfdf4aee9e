import {
  type CasehardConfig,
  column,
  createCasehard,
  createKeyring,
  type Fields,
  generateKey,
  group,
  type Keyring,
  path,
  setting,
  smtp,
} from '@casehard/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { settingsPages } from '../../src/config/groups.ts';
import { withSession } from '../../src/database/session.ts';
import { type Entry, resolveEntry } from '../../src/entries/entry.ts';
import { listEntries, type OpenEntry, readEntry } from '../../src/entries/read.ts';
import { clearEntry, type SaveOrder, type SaveTools, saveEntry, versionOf } from '../../src/entries/save.ts';
import { checkKeys } from '../../src/inventory/belonging.ts';
import { resolveFields } from '../../src/inventory/resolve.ts';
import { ENGINES, type TestDatabase } from '../engines.ts';

const SECRET = 'a new secret 🔑';
const b64 = (text: string): string => Buffer.from(text).toString('base64');

const fields = {
  'user.smtp.password': column('users', 'password', { row: { id: 'int' }, was: 'base64' }),
  'system.smtp.password': setting('settings', { where: { name: 'smtp_password' }, value: 'value', was: 'base64' }),
  'addon.key': path('addons', 'doc', '/key', { row: { id: 'text' }, in: 'php-serialize', was: 'plaintext' }),
  'client.secret': path('clients', 'doc', '/secret', { row: { id: 'text' }, in: 'json', was: 'plaintext' }),
} satisfies Fields;

const config: CasehardConfig = {
  fields,
  adopted: true,
  groups: [
    group({
      label: 'Email',
      secret: 'user.smtp.password',
      neighbours: { host: 'host', port: 'port', note: { at: 'note', label: 'Note' }, id: 'id' },
      check: smtp(),
    }),
    group({
      label: 'Email',
      secret: 'system.smtp.password',
      neighbours: { host: 'smtp_host', user: 'smtp_user', from: 'smtp_from', tls: { is: 'tls' } },
      check: smtp(),
    }),
    group({ label: 'Keys', secret: 'addon.key', neighbours: { url: '/url', tries: '/tries' } }),
    group({ label: 'Keys', secret: 'client.secret', neighbours: { url: '/url', big: '/big' } }),
  ],
};

describe.each(ENGINES)('a credential with its neighbours on $engine', (engine) => {
  let test: TestDatabase;
  let keyring: Keyring;
  const run = it.skipIf(engine.absent);

  beforeAll(async () => {
    if (engine.absent) return;
    test = await engine.create();
    keyring = createKeyring({ active: generateKey('enc') });
    const text = engine.engine === 'mysql' ? 'longtext' : 'text';
    await execute(
      `create table users (id int not null primary key, host varchar(100), port int, note varchar(20), password varchar(255))`,
      `create table settings (name varchar(50) not null, value ${text})`,
      `create table addons (id varchar(50) not null primary key, doc ${text})`,
      `create table clients (id varchar(50) not null primary key, doc ${engine.engine === 'postgres' ? 'jsonb' : text})`,
    );
  });
  afterAll(() => test?.drop());
  beforeEach(async () => {
    if (engine.absent) return;
    await execute('delete from users', 'delete from settings', 'delete from addons', 'delete from clients');
    await execute(
      `insert into users values (1, 'smtp.a', 587, 'one', '${b64('old')}'), (2, 'smtp.b', 25, null, null), (3, 'smtp.c', 465, 'broken', '${b64('x')}')`,
      `insert into settings values ('smtp_host', 'mx'), ('smtp_user', null), ('smtp_password', '${b64('system')}'), ('other', 'x')`,
      `insert into addons values ('a', 'a:4:{s:3:"key";s:3:"old";s:3:"url";s:10:"https://é";s:5:"tries";i:3;s:1:"z";d:0.10;}')`,
      `insert into clients values ('c', '{"url": "https://c", "secret": "old", "big": 9007199254740993, "n": 1.0}')`,
    );
  });

  const execute = async (...statements: readonly string[]): Promise<void> => {
    for (const statement of statements) await sql.raw(statement).execute(test.db.kysely);
  };
  const cell = async (query: string): Promise<unknown> =>
    Object.values((await sql.raw<Record<string, unknown>>(query).execute(test.db.kysely)).rows[0] ?? {})[0];
  const digest = (pieces: readonly (string | null)[]): string => JSON.stringify(pieces);
  const hardOf = (keys: Keyring) => createCasehard({ fields: config.fields, keyring: keys, warn: () => {} });
  const toolsOf = async (keys: Keyring): Promise<SaveTools> => {
    // Before a session takes SQLite's one connection.
    const { fields: all } = await resolveFields(test.db, hardOf(keys), { keyring: keys });
    return {
      keyring: keys,
      db: test.db,
      digest,
      hasOwnTables: false,
      sharing: [],
      refuseWrongKeys: async (session) => {
        await checkKeys(session, all, { keyring: keys, hasOwnTables: false });
      },
    };
  };
  const entryOf = async (name: keyof typeof fields, keys = keyring): Promise<Entry> => {
    const settings = settingsPages(config)
      .flatMap(({ entries }) => entries)
      .find(({ field }) => field === name);
    const { fields: found, problems } = await resolveFields(test.db, hardOf(keys), { keyring: keys, only: [name] });
    if (problems[0]) throw problems[0];
    if (!settings || !found[0]) throw new Error('no entry');
    return resolveEntry(test.db, settings, found[0]);
  };
  const open = async (name: keyof typeof fields, key: readonly string[], keys = keyring): Promise<OpenEntry> => {
    const entry = await entryOf(name, keys);
    const found = await withSession(test.db, (session) => readEntry(session, entry, key));
    if (!found) throw new Error('no row');
    return found;
  };
  const save = async (name: keyof typeof fields, key: readonly string[], order: Partial<SaveOrder>, keys = keyring) =>
    saveEntry(await toolsOf(keys), await entryOf(name, keys), key, {
      neighbours: {},
      version: versionOf(await open(name, key, keys), digest),
      ...order,
    });
  const openedText = async (name: keyof typeof fields, key: readonly string[]): Promise<string | null> => {
    const entry = await entryOf(name);
    const { value } = await open(name, key);
    return entry.field.field.openText(
      value.stored,
      Object.fromEntries(entry.field.place.keys.map(({ column: c }, i) => [c, key[i]])) as never,
    );
  };

  run('is read with what stands beside it, and never with its content', async () => {
    const one = await open('user.smtp.password', ['1']);
    expect(one.neighbours).toEqual({ host: 'smtp.a', port: '587', note: 'one', id: '1' });
    expect([...one.editable]).toEqual(['host', 'port', 'note']);
    expect(one.printed).toBe('legacy base64');
    const system = await open('system.smtp.password', []);
    expect(system.neighbours).toEqual({ host: 'mx', user: null, from: null, tls: 'tls' });
    expect([...system.editable]).toEqual(['host', 'user']); // casehard makes no rows, and a constant is no place
    expect((await open('addon.key', ['a'])).neighbours).toEqual({ url: 'https://é', tries: null });
    const client = await open('client.secret', ['c']);
    expect(client.neighbours.url).toBe('https://c');
    expect(client.editable.has('big')).toBe(false);
  });

  run('a secret is sealed, and its neighbours with it', async () => {
    expect(
      await save('user.smtp.password', ['1'], {
        secret: SECRET,
        neighbours: { host: 'smtp.new', port: ' 2525 ', note: 'n' },
      }),
    ).toBe('sealed');
    expect((await open('user.smtp.password', ['1'])).neighbours).toMatchObject({
      host: 'smtp.new',
      port: '2525',
      note: 'n',
    });
    expect((await open('user.smtp.password', ['1'])).printed).toBe('current');
    expect(await openedText('user.smtp.password', ['1'])).toBe(SECRET);
  });

  run('a value where none was is sealed too', async () => {
    expect(await save('user.smtp.password', ['2'], { secret: SECRET, neighbours: { host: 'elsewhere' } })).toBe(
      'sealed',
    );
    expect(await openedText('user.smtp.password', ['2'])).toBe(SECRET);
  });

  run('an untouched or emptied secret field leaves the secret as it is', async () => {
    const before = await cell('select password from users where id = 1');
    expect(await save('user.smtp.password', ['1'], { secret: '', neighbours: { note: 'changed' } })).toBe('neighbours');
    expect(
      await save('user.smtp.password', ['1'], { neighbours: { note: 'changed', host: 'smtp.a', port: '587' } }),
    ).toBe('nothing');
    expect(await cell('select password from users where id = 1')).toBe(before);
    expect(await cell('select note from users where id = 1')).toBe('changed');
  });

  run.each([
    ['user.smtp.password', ['1'], { host: 'evil' }],
    ['user.smtp.password', ['1'], { port: '26' }],
    ['system.smtp.password', [], { host: 'evil' }],
    ['system.smtp.password', [], { user: 'somebody' }],
    ['addon.key', ['a'], { url: 'https://evil' }],
    ['client.secret', ['c'], { url: 'https://evil' }],
  ] as const)('%s %j: a stored secret does not go to another place (%j)', async (name, key, neighbours) => {
    const before = await open(name, key);
    await expect(save(name, key, { neighbours })).rejects.toMatchObject({ code: 'SECRET_NEEDED' });
    expect(await open(name, key)).toEqual(before);
    expect(await save(name, key, { neighbours, secret: SECRET })).toBe('sealed');
    expect(await openedText(name, key)).toBe(SECRET);
    expect((await open(name, key)).neighbours).toMatchObject(neighbours);
  });

  run('a place that two credentials share cannot be changed by typing one of them', async () => {
    const [entry, settings] = [await entryOf('user.smtp.password'), settingsPages(config)[0]?.entries[0]];
    if (!settings) throw new Error('no entry');
    // The same column again, as another credential of the row would have it.
    const twin: Entry = { ...entry, settings: { ...settings, field: 'user.other', label: 'the other one' } };
    const tools = { ...(await toolsOf(keyring)), sharing: [twin] };
    const version = versionOf(await open('user.smtp.password', ['1']), digest);
    const moved = saveEntry(tools, entry, ['1'], { neighbours: { host: 'elsewhere' }, secret: SECRET, version });
    await expect(moved).rejects.toMatchObject({
      code: 'SECRET_NEEDED',
      message: 'Server also says where the other one goes',
    });
    expect((await open('user.smtp.password', ['1'])).neighbours.host).toBe('smtp.a');
    expect(await saveEntry(tools, entry, ['1'], { neighbours: {}, secret: SECRET, version })).toBe('sealed');
  });

  run('a secret is never paired with the server of a later save', async () => {
    const entry = await entryOf('system.smtp.password');
    const writer = test.connect();
    let n = 0;
    // Saves that change both together, as fast as they go, while pairs are read.
    let stop = false;
    const writing = (async () => {
      while (!stop) {
        n++;
        await writer.kysely.transaction().execute(async (trx) => {
          await sql`update settings set value = ${b64(`secret ${n}`)} where name = 'smtp_password'`.execute(trx);
          await sql`update settings set value = ${`host ${n}`} where name = 'smtp_host'`.execute(trx);
        });
        await new Promise((done) => setImmediate(done));
      }
    })();
    for (let i = 0; i < 150; i++) {
      const found = await withSession(test.db, (session) => readEntry(session, entry, [])).catch(() => undefined);
      if (!found || found.neighbours.host === 'mx') continue;
      expect(`host ${entry.field.field.openText(found.value.stored, undefined as never)?.slice(7)}`).toBe(
        found.neighbours.host,
      );
    }
    stop = true;
    await writing;
    await writer.close();
  });

  run('where nothing is stored, the place may change without a secret', async () => {
    expect(await save('user.smtp.password', ['2'], { neighbours: { host: 'elsewhere', port: '26' } })).toBe(
      'neighbours',
    );
  });

  run.each([
    ["update users set note = 'theirs' where id = 1", 'a neighbour'],
    [`update users set password = '${b64('theirs')}' where id = 1`, 'the secret'],
    ['update users set password = null where id = 1', 'the secret, emptied'],
  ])('what somebody else has saved meanwhile is not written over: %s', async (statement) => {
    const version = versionOf(await open('user.smtp.password', ['1']), digest);
    await execute(statement);
    const before = await open('user.smtp.password', ['1']);
    await expect(
      save('user.smtp.password', ['1'], { secret: SECRET, version, neighbours: { note: 'mine' } }),
    ).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
    expect(await open('user.smtp.password', ['1'])).toEqual(before);
  });

  run('two people who save one row at once: one is told', async () => {
    const version = versionOf(await open('user.smtp.password', ['1']), digest);
    const entry = await entryOf('user.smtp.password');
    const other = { ...(await toolsOf(keyring)), db: test.connect() };
    const results = await Promise.allSettled([
      saveEntry(await toolsOf(keyring), entry, ['1'], { neighbours: { note: 'a' }, secret: 'the one', version }),
      saveEntry(other, entry, ['1'], { neighbours: { note: 'b' }, secret: 'the other', version }),
    ]);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const note = await cell('select note from users where id = 1');
    expect(await openedText('user.smtp.password', ['1'])).toBe(note === 'a' ? 'the one' : 'the other');
    await other.db.close();
  });

  run('one that nobody can read is replaced without being opened, and without a word about the others', async () => {
    const lost = createKeyring({ active: generateKey('enc') });
    await execute(`update users set password = 'not base64' where id = 3`);
    await save('user.smtp.password', ['1'], { secret: 'lost' }, lost);
    const both = createKeyring({ active: generateKey('enc'), withdrawn: lost.list().map(({ kid }) => kid) });
    expect((await open('user.smtp.password', ['1'], both)).printed).toBe('unreadable WITHDRAWN_KEY');
    expect(await save('user.smtp.password', ['1'], { secret: SECRET }, both)).toBe('sealed');
    expect(await save('user.smtp.password', ['3'], { secret: SECRET }, both)).toBe('sealed');
  });

  run('with keys that do not belong here nothing is written', async () => {
    await save('user.smtp.password', ['1'], { secret: SECRET });
    const before = await cell('select password from users where id = 1');
    const stranger = createKeyring({ active: generateKey('enc') });
    await expect(save('user.smtp.password', ['1'], { secret: 'x' }, stranger)).rejects.toMatchObject({
      code: 'KEY_NOT_KNOWN_HERE',
    });
    await expect(save('user.smtp.password', ['1'], { secret: 'x' }, createKeyring())).rejects.toMatchObject({
      code: 'KEY_MISSING',
    });
    expect(await cell('select password from users where id = 1')).toBe(before);
  });

  run('without a key the existing scheme goes on', async () => {
    expect(await save('user.smtp.password', ['1'], { secret: SECRET }, createKeyring())).toBe('legacy');
    expect(await cell('select password from users where id = 1')).toBe(b64(SECRET));
  });

  run('a document keeps every other byte', async () => {
    await save('addon.key', ['a'], { secret: 'k"é', neighbours: { url: 'https://ü.example' } }, createKeyring());
    expect(await cell('select doc from addons')).toBe(
      'a:4:{s:3:"key";s:4:"k"é";s:3:"url";s:18:"https://ü.example";s:5:"tries";i:3;s:1:"z";d:0.10;}',
    );
    await save('client.secret', ['c'], { secret: 's', neighbours: { url: 'https://d' } }, createKeyring());
    const doc = String(
      await cell(engine.engine === 'postgres' ? 'select doc::text from clients' : 'select doc from clients'),
    );
    expect(doc).toContain('9007199254740993');
    expect(doc).toMatch(/1\.0/);
    expect(JSON.parse(doc)).toMatchObject({ secret: 's', url: 'https://d' });
  });

  run.each([
    ['a port that is no number', { port: 'smtp' }, 'USAGE', 'Port must be a whole number'],
    ['a line end', { host: 'a\r\nb' }, 'USAGE', 'Server must be one line'],
    ['a text that does not fit', { note: 'x'.repeat(21) }, engine.engine === 'sqlite' ? undefined : 'any', ''],
    ['a row key', { id: '9' }, 'REFUSED', 'cannot be changed here'],
  ] as const)('refuses %s, and writes nothing', async (_what, neighbours, code, message) => {
    if (code === undefined) return; // SQLite enforces no width
    const before = await open('user.smtp.password', ['1']);
    const refused = expect(save('user.smtp.password', ['1'], { neighbours, secret: SECRET }));
    await refused.rejects.toMatchObject(
      code === 'any' ? { name: 'CasehardError' } : { code, message: expect.stringContaining(message) },
    );
    expect(await open('user.smtp.password', ['1'])).toEqual(before);
  });

  run('a setting that is there twice is saved in both rows, unless they differ', async () => {
    await execute(`insert into settings values ('smtp_password', '${b64('system')}')`);
    expect(await save('system.smtp.password', [], { secret: SECRET })).toBe('sealed');
    expect(await cell("select count(distinct value) from settings where name = 'smtp_password'")).toEqual(
      expect.anything(),
    );
    expect(Number(await cell("select count(distinct value) from settings where name = 'smtp_password'"))).toBe(1);
    await execute(`insert into settings values ('smtp_password', '${b64('another')}')`);
    await expect(open('system.smtp.password', [])).rejects.toMatchObject({ code: 'REFUSED' });
  });

  run('clearing is an act of its own', async () => {
    const entry = await entryOf('user.smtp.password');
    const version = versionOf(await open('user.smtp.password', ['1']), digest);
    await expect(clearEntry(await toolsOf(keyring), entry, ['1'], `${version}x`)).rejects.toMatchObject({
      code: 'CHANGED_MEANWHILE',
    });
    await clearEntry(await toolsOf(keyring), entry, ['1'], version);
    expect(await cell('select password from users where id = 1')).toBeNull();
    for (const [name, key] of [
      ['addon.key', ['a']],
      ['client.secret', ['c']],
      ['system.smtp.password', []],
    ] as const) {
      await clearEntry(await toolsOf(keyring), await entryOf(name), key, versionOf(await open(name, key), digest));
      expect((await open(name, key)).printed).toBe('empty');
    }
    expect(await cell('select doc from addons')).toBe(
      'a:4:{s:3:"key";s:0:"";s:3:"url";s:10:"https://é";s:5:"tries";i:3;s:1:"z";d:0.10;}',
    );
  });

  run('lists are paged, searched and filtered, and every row is met once', async () => {
    await execute('delete from users');
    for (let from = 0; from < 1000; from += 250) {
      const values = Array.from({ length: 250 }, (_, i) => from + i + 1).map(
        (id) =>
          `(${id}, 'h${id % 7}.example', 25, ${id === 777 ? "'50%_Off'" : 'null'}, ${id % 10 === 0 ? 'null' : id % 10 === 1 ? "'no base64'" : `'${b64(`p${id}`)}'`})`,
      );
      await execute(`insert into users values ${values.join(', ')}`);
    }
    const entry = await entryOf('user.smtp.password');
    const all = async (options: {
      readonly search?: string;
      readonly verdict?: 'empty' | 'legacy' | 'quarantined';
    }): Promise<string[]> => {
      const keys: string[] = [];
      let after: readonly string[] | undefined;
      do {
        const page = await withSession(test.db, (session) =>
          listEntries(session, entry, { ...options, limit: 30, ...(after ? { after } : {}) }),
        );
        keys.push(...page.rows.map(({ key }) => key[0] ?? ''));
        after = page.next;
      } while (after);
      return keys;
    };
    const every = await all({});
    expect(every).toEqual(Array.from({ length: 1000 }, (_, i) => String(i + 1)));
    expect(await all({ verdict: 'empty' })).toHaveLength(100);
    expect(await all({ verdict: 'quarantined' })).toEqual(every.filter((id) => Number(id) % 10 === 1));
    expect(await all({ verdict: 'legacy' })).toHaveLength(800);
    expect(await all({ search: 'H3.EXAM' })).toEqual(every.filter((id) => Number(id) % 7 === 3));
    expect(await all({ search: '%_o' })).toEqual(['777']);
    expect(await all({ search: '_x' })).toEqual([]);
    expect(await all({ search: 'h3.example', verdict: 'empty' })).toEqual(every.filter((id) => Number(id) % 70 === 10));
    expect(await all({ search: '999' })).toEqual(['999']);
  });
});

describe('a place that is a destination for one credential', () => {
  const two: Fields = {
    a: fields['system.smtp.password'],
    b: setting('settings', { where: { name: 'b' }, value: 'value' }),
  };
  it.each([
    [{ host: 'mx' }, { note: 'mx' }],
    [{ host: 'mx' }, { note: { where: { name: 'MX' } } }],
    [{ host: { where: { section: 'mail', name: 'mx' } } }, { note: 'mx' }],
  ])('is one for every other: %j and %j', (one, other) => {
    const groups = [
      group({ label: 'x', secret: 'a', neighbours: one }),
      group({ label: 'x', secret: 'b', neighbours: other }),
    ];
    const [page] = settingsPages({ fields: two, groups });
    expect(page?.entries.flatMap(({ neighbours }) => neighbours.map(({ destination }) => destination))).toEqual([
      true,
      true,
    ]);
  });
});

describe('a configuration whose neighbours are credentials, or the documents around one', () => {
  const twins: Fields = {
    ...fields,
    'user.api.token': column('users', 'api_token', { row: { id: 'int' } }),
    'system.key': setting('settings', { where: { name: 'api_key' }, value: 'value' }),
    'addon.other': path('addons', 'doc', '/deep/key', { row: { id: 'text' }, in: 'php-serialize' }),
  };
  it.each([
    ['user.smtp.password', { token: 'api_token' }, 'user.api.token'],
    ['user.smtp.password', { token: 'API_TOKEN ' }, 'user.api.token'],
    ['user.smtp.password', { token: 'password' }, 'user.smtp.password'],
    ['system.smtp.password', { key: 'api_key' }, 'system.key'],
    ['system.smtp.password', { key: { at: { where: { name: 'API_KEY' } }, label: 'x' } }, 'system.key'],
    ['addon.key', { deep: '/deep' }, 'addon.other'],
    ['addon.key', { deep: '/deep/key' }, 'addon.other'],
    ['addon.key', { all: 'doc' }, 'addon.key'],
  ])('%s: %j is refused, because pages show neighbours', (secret, neighbours, credential) => {
    const wrong = () => settingsPages({ fields: twins, groups: [group({ label: 'x', secret, neighbours })] });
    expect(wrong).toThrow(
      expect.objectContaining({ code: 'CONFIG', message: expect.stringContaining(`is the credential ${credential}`) }),
    );
  });
});
