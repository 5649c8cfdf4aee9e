import { createCasehard, createKeyring, type FieldSpec, type RowKeyType } from '@casehard/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES } from '../engines.ts';
import { makeOwnFields, type OwnFields } from './fields.ts';

const UUID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const TYPES = {
  sqlite: { uuid: 'text', binary: 'blob', text: 'text' },
  postgres: { uuid: 'uuid', binary: 'bytea', text: 'varchar(80)' },
  mysql: { uuid: 'char(36)', binary: 'binary(16)', text: 'varchar(80)' },
} as const;

/** Tables by the kind of their row key; each locator as status prints it, and the SQL that finds the row. */
function keyed(engine: keyof typeof TYPES) {
  const hex = UUID.replaceAll('-', '');
  const bytes = { sqlite: `x'${hex}'`, postgres: `'\\x${hex}'`, mysql: `x'${hex}'` }[engine];
  const odd = 'o\'\'brien & "söhne", #1%';
  return [
    {
      table: 'by_int',
      keys: { id: 'int' },
      columns: ['bigint'],
      locator: '9007199254740993',
      values: ['9007199254740993'],
    },
    {
      table: 'by_text',
      keys: { id: 'text' },
      columns: [TYPES[engine].text],
      locator: 'o%27brien%20%26%20%22s%C3%B6hne%22%2C%20%231%25',
      values: [`'${odd}'`],
    },
    { table: 'by_uuid', keys: { id: 'uuid' }, columns: [TYPES[engine].uuid], locator: UUID, values: [`'${UUID}'`] },
    { table: 'by_binary', keys: { id: 'binary' }, columns: [TYPES[engine].binary], locator: hex, values: [bytes] },
    {
      table: 'by_two',
      keys: { site: 'text', id: 'int' },
      columns: [TYPES[engine].text, 'integer'],
      locator: 'a%2Cb,-7',
      values: ["'a,b'", '-7'],
    },
  ] as const satisfies readonly {
    readonly keys: Readonly<Record<string, RowKeyType>>;
    readonly [other: string]: unknown;
  }[];
}

describe.each(ENGINES)('set on $engine', (engine) => {
  const tables = keyed(engine.engine);
  let own: OwnFields;
  beforeAll(async () => {
    if (engine.absent) return;
    const create = tables.flatMap(({ table, keys, columns, values }) => {
      const names = Object.keys(keys);
      const typed = names.map((name, i) => `${name} ${columns[i]} not null`).join(', ');
      const list = [...values, "'b2xk'"].join(', ');
      return [
        `create table ${table} (${typed}, secret varchar(400), primary key (${names.join(', ')}))`,
        `insert into ${table} values (${list})`,
      ];
    });
    const settings = [
      'create table settings (name varchar(40), value varchar(400))',
      "insert into settings values ('once', 'b2xk'), ('twice', 'b2xk'), ('twice', 'b2xk'), ('differing', 'b2xk'), ('differing', 'bmV3'), ('empty', ''), ('null', null)",
    ];
    const fields = tables.map(
      ({ table, keys }) => `'${table}': column('${table}', 'secret', { row: ${JSON.stringify(keys)}, was: base64() })`,
    );
    for (const name of ['once', 'twice', 'differing', 'empty', 'null', 'absent']) {
      fields.push(
        `'settings.${name}': setting('settings', { where: { name: '${name}' }, value: 'value', was: base64() })`,
      );
    }
    own = await makeOwnFields(engine, [...create, ...settings], fields.join(', '));
  });
  afterAll(() => own?.drop());

  const set = (locator: string, input: string | Uint8Array = 'a new value') =>
    own.run(['set', locator, '--json'], { input });
  const secret = async (table: string, where = '1 = 1'): Promise<unknown> => {
    const column = table === 'settings' ? 'value' : 'secret';
    const { rows } = await sql<{
      v: unknown;
    }>`select ${sql.id(column)} as v from ${sql.id(table)} where ${sql.raw(where)}`.execute(own.test.db.kysely);
    return rows.length === 1 ? rows[0]?.v : rows.map(({ v }) => v);
  };
  const open = (
    name: string,
    stored: unknown,
    keys?: Readonly<Record<string, RowKeyType>>,
    row?: object,
  ): string | null => {
    const spec: FieldSpec<never> = keys
      ? { kind: 'column', table: 't', column: 'secret', row: keys, was: 'base64' }
      : { kind: 'setting', table: 't', column: 'value', where: { name: 'x' }, was: 'base64' };
    const hard = createCasehard({
      fields: { [name]: spec },
      keyring: createKeyring({ active: own.env.CASEHARD_ENC_KEY ?? '' }),
    });
    return hard.field(name).openText(stored as string, row as never);
  };

  it.skipIf(engine.absent)(
    'finds a row by every kind of key, as status prints it, and binds the value to it',
    async () => {
      const rows: Readonly<Record<string, object>> = {
        by_int: { id: 9007199254740993n },
        by_text: { id: 'o\'brien & "söhne", #1%' },
        by_uuid: { id: UUID },
        by_binary: { id: UUID.replaceAll('-', '') },
        by_two: { site: 'a,b', id: -7 },
      };
      for (const { table, locator, keys } of tables) {
        const { code, json } = await set(`${table}#${locator}`, `for ${table}\n`);
        expect([code, json.locator, json.stored], JSON.stringify(json)).toEqual([0, `${table}#${locator}`, 'sealed']);
        expect(open(table, await secret(table), keys, rows[table])).toBe(`for ${table}`);
      }
      const { code, json } = await own.run([
        'status',
        '--check',
        '--deep',
        '--json',
        ...tables.flatMap(({ table }) => ['--field', table]),
      ]);
      expect([code, json.notHardened]).toEqual([0, 0]);
    },
  );

  it.skipIf(engine.absent)('says which row there is not', async () => {
    for (const locator of [
      'by_int#1',
      'by_uuid#0f8fad5b-d9cb-469f-a165-70867728950f',
      'by_two#a%2Cb,7',
      'settings.absent',
    ]) {
      const { code, json } = await set(locator);
      expect([code, json.error]).toEqual([
        1,
        {
          code: 'NOT_FOUND',
          message: `there is no row ${locator}`,
          hint: 'casehard replaces values and makes no rows; check the locator',
        },
      ]);
    }
  });

  it.skipIf(engine.absent)('refuses a locator that does not fit the row key', async () => {
    for (const locator of [
      'by_int#x',
      'by_int',
      'by_int#1,2',
      'by_uuid#1',
      'by_binary#zz',
      'by_two#a',
      'settings.once#1',
    ]) {
      const { code, json } = await set(locator);
      expect([locator, code], JSON.stringify(json)).toEqual([locator, 2]);
      expect(json.error).toMatchObject({
        code: 'USAGE',
        message: expect.stringMatching(/^the locator \S+ does not fit the row key of its field$/),
        hint: expect.stringMatching(/^write (by_\w+# and then \w+ \(\w+\)|settings\.once alone)/),
      });
    }
    const { code, json } = await own.run(['harden', '--as-plaintext', 'by_two#a', '--json']);
    expect([code, (json.error as { code: string }).code]).toEqual([2, 'USAGE']);
  });

  it.skipIf(engine.absent)('takes other spellings of the same key', async () => {
    for (const locator of ['by_int#0009007199254740993', `by_uuid#${UUID.toUpperCase()}`]) {
      expect([locator, (await set(locator)).code]).toEqual([locator, 0]);
    }
  });

  it.skipIf(engine.absent)(
    'sets equal rows of a settings table together, and refuses to choose between different ones',
    async () => {
      for (const name of ['once', 'twice', 'empty', 'null'])
        expect([name, (await set(`settings.${name}`)).code]).toEqual([name, 0]);
      const twice = (await secret('settings', "name = 'twice'")) as string[];
      expect(twice.map((stored) => open('settings.twice', stored))).toEqual(['a new value', 'a new value']);
      for (const name of ['once', 'empty', 'null']) {
        expect(open(`settings.${name}`, await secret('settings', `name = '${name}'`))).toBe('a new value');
      }
      const before = await secret('settings', "name = 'differing'");
      const { code, json } = await set('settings.differing');
      expect([code, json.error]).toEqual([
        1,
        {
          code: 'REFUSED',
          message: 'settings.differing stands for 2 rows with different values',
          hint: 'delete the rows that the application does not read, then set it again',
        },
      ]);
      expect(await secret('settings', "name = 'differing'")).toEqual(before);
    },
  );

  it.skipIf(engine.absent)('takes stdin as it is, but for one line end; empty or not UTF-8 is refused', async () => {
    for (const [input, kept] of [
      ['a\r\n', 'a'],
      ['a\n\n', 'a\n'],
      [' a ', ' a '],
      ['\ufeffpässwörd 🔑', '\ufeffpässwörd 🔑'],
    ] as const) {
      expect((await set('by_int#9007199254740993', input)).code).toBe(0);
      expect(open('by_int', await secret('by_int'), { id: 'int' }, { id: '9007199254740993' })).toBe(kept);
    }
    const before = await secret('by_int');
    for (const [input, message] of [
      ['', /^the value is empty$/],
      ['\n', /^the value is empty$/],
      [Uint8Array.of(0xff, 0x0a), /^the value on stdin is not UTF-8$/],
    ] as const) {
      const { code, json } = await set('by_int#9007199254740993', input);
      expect([code, json.error]).toMatchObject([2, { code: 'USAGE', message: expect.stringMatching(message) }]);
    }
    expect(await secret('by_int')).toBe(before);
  });

  it.skipIf(engine.absent)('refuses what does not fit the column, and writes nothing', async () => {
    const before = await secret('by_int');
    const { code, json } = await set('by_int#9007199254740993', 'x'.repeat(engine.engine === 'sqlite' ? 70_000 : 300));
    expect([code, (json.error as { code: string }).code]).toEqual([1, 'TOO_LONG']);
    expect(await secret('by_int')).toBe(before);
  });
});
