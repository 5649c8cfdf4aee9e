import { column, createCasehard, type RowKeys } from '@casehard/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/database/connect.ts';
import { ENGINES } from '../engines.ts';
import { makeWork, type Work } from './project.ts';

const UUIDS = [
  '00000000-0000-4000-8000-000000000001',
  'ffffffff-ffff-4fff-bfff-ffffffffffff',
  '0f8fad5b-d9cb-469f-a165-70867728950e',
];
const BIG = [
  '-9007199254740993',
  '9007199254740993',
  '9007199254740992',
  '9223372036854775807',
  '-9223372036854775808',
  '0',
];
const ODD = ['a', 'B', 'ä', 'Z', 'z', 'ß', ' lead', '0', '00', "it's", 'a,b', '🔑', 'A\u0308'];

interface Kind {
  readonly name: string;
  readonly row: RowKeys;
  /** The columns of the key, as the engine declares them. */
  readonly columns: Readonly<Record<Engine, string>>;
  /** SQL of the key of each row. */
  readonly keys: (engine: Engine) => readonly string[];
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const bytes = (engine: Engine, uuid: string): string => {
  const hex = uuid.replaceAll('-', '');
  return engine === 'postgres' ? `'\\x${hex}'` : `x'${hex}'`;
};
const same = (type: string): Readonly<Record<Engine, string>> => ({ sqlite: type, postgres: type, mysql: type });

const KINDS: readonly Kind[] = [
  { name: 'small_int', row: { id: 'int' }, columns: same('id integer not null'), keys: () => ['-1', '0', '1', '42'] },
  { name: 'big_int', row: { id: 'int' }, columns: same('id bigint not null'), keys: () => BIG },
  {
    name: 'composite',
    row: { site: 'text', id: 'int' },
    columns: same('site varchar(40) not null, id integer not null'),
    keys: () => ["'a', 1", "'a', 2", "'a', 10", "'b', 1", "'a,1', 1"],
  },
  {
    name: 'odd_text',
    row: { id: 'text' },
    columns: {
      sqlite: 'id text collate nocase not null',
      postgres: 'id varchar(40) collate "en-x-icu" not null',
      mysql: 'id varchar(40) character set utf8mb4 collate utf8mb4_german2_ci not null',
    },
    keys: (engine) => ODD.filter((key) => engine === 'postgres' || !['Z', 'ß', 'A\u0308'].includes(key)).map(quoted),
  },
  {
    name: 'fixed_text',
    row: { id: 'char' },
    columns: same('id char(6) not null'),
    keys: () => ["'ab'", "'abcdef'", "'b'"],
  },
  {
    name: 'native_uuid',
    row: { id: 'uuid' },
    columns: { sqlite: 'id text not null', postgres: 'id uuid not null', mysql: 'id uuid not null' },
    keys: () => UUIDS.map(quoted),
  },
  {
    name: 'text_uuid',
    row: { id: 'uuid' },
    columns: {
      sqlite: 'id text not null',
      postgres: 'id varchar(36) not null',
      mysql: 'id char(36) character set ascii not null',
    },
    keys: () => UUIDS.map(quoted),
  },
  {
    name: 'bytes',
    row: { id: 'binary' },
    columns: { sqlite: 'id blob not null', postgres: 'id bytea not null', mysql: 'id binary(16) not null' },
    keys: (engine) => UUIDS.map((uuid) => bytes(engine, uuid)),
  },
];

describe.each(ENGINES)('row keys of every kind on $engine', (engine) => {
  let work: Work;
  beforeAll(async () => {
    if (engine.absent) return;
    work = await makeWork(engine);
    await work.upgrade({});
  });
  afterAll(() => work?.drop());

  it.skipIf(engine.absent).each(KINDS)(
    '$name: every row is hardened, bound to its own key, and softened to its bytes',
    async ({ name, row, columns, keys }) => {
      const names = Object.keys(row);
      const rows = keys(engine.engine);
      await work.execute(
        `create table ${name} (${columns[engine.engine]}, secret varchar(400), primary key (${names.join(', ')}))`,
        `insert into ${name} values ${rows.map((key, i) => `(${key}, '${Buffer.from(`secret ${i}`).toString('base64')}')`).join(', ')}`,
      );
      const fields = { [name]: column(name, 'secret', { row, was: 'base64' }) };
      const before = await work.read(`select secret from ${name} order by ${names.join(', ')}`);
      // Pages of two rows: the order of the engine and that of the seek have to agree.
      const { changed, busy, quarantined } = await work.run(fields, { batch: 2 });
      expect({ changed, busy, quarantined }).toEqual({ changed: rows.length, busy: 0, quarantined: 0 });
      const after = (await work.read(`select secret from ${name} order by ${names.join(', ')}`)) as string[];
      const hard = createCasehard({ fields, keyring: work.keyring });
      const verdicts = await work.verdicts(fields);
      expect(Object.values(verdicts)).toEqual(rows.map(() => 'current'));
      // No value opens under the key of another row.
      const locators = Object.keys(verdicts).map((key) => (names.length > 1 ? splitKey(key) : [key]));
      const opening = after.map(
        (stored) =>
          locators.filter((key) => hard.field(name).verdict(stored, rowOf(names, key) as never).kind === 'current')
            .length,
      );
      expect(opening).toEqual(rows.map(() => 1));
      await work.run(fields, { act: 'soften', batch: 3 });
      expect(await work.read(`select secret from ${name} order by ${names.join(', ')}`)).toEqual(before);
    },
  );
});

// --- internal ---

/** The key of two pieces, whose last one has no comma. */
function splitKey(key: string): readonly string[] {
  const at = key.lastIndexOf(',');
  return [key.slice(0, at), key.slice(at + 1)];
}

function rowOf(names: readonly string[], key: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name, i) => [name, key[i] ?? '']));
}
