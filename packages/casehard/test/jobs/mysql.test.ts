import { column, type Fields, path } from '@casehard/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES } from '../engines.ts';
import { makeWork, type Work } from './project.ts';

const ROW = { id: 'int' } as const;
const hex = (text: string, encoding: BufferEncoding): string => `x'${Buffer.from(text, encoding).toString('hex')}'`;

describe.each(ENGINES.filter(({ engine }) => engine === 'mysql'))('what only MySQL and MariaDB have', (engine) => {
  let work: Work;
  beforeAll(async () => {
    if (engine.absent) return;
    work = await makeWork(engine);
    await work.upgrade({});
  });
  afterAll(() => work?.drop());

  const bytes = (table: string): Promise<readonly unknown[]> =>
    work.read(`select hex(secret) from ${table} order by id`);
  const latin1 = async (table: string, values: readonly string[]): Promise<void> => {
    await work.execute(
      `create table ${table} (id int not null primary key, secret varchar(400) character set latin1)`,
      `insert into ${table} values ${values.map((value, i) => `(${i + 1}, ${value})`).join(', ')}`,
    );
  };
  const fieldOf = (table: string, encoding?: 'latin1' | 'utf-8'): Fields => ({
    [`${table}.secret`]: column(table, 'secret', { row: ROW, was: 'plaintext', ...(encoding ? { encoding } : {}) }),
  });

  it.skipIf(engine.absent)('text in a latin1 column waits until its encoding is declared; ascii does not', async () => {
    await latin1('undeclared', ["'ascii'", hex('pässwörd', 'latin1'), hex('pässwörd', 'utf8')]);
    const before = await bytes('undeclared');
    expect(await work.run(fieldOf('undeclared'))).toMatchObject({ changed: 1, quarantined: 2 });
    expect(await work.verdicts(fieldOf('undeclared'))).toEqual({
      1: 'current',
      2: 'unexpected ENCODING',
      3: 'unexpected ENCODING',
    });
    expect((await bytes('undeclared')).slice(1)).toEqual(before.slice(1));
  });

  it.skipIf(engine.absent).each(['latin1', 'utf-8'] as const)(
    'declared as %s, it is sealed as the application reads it, and softened to its bytes',
    async (encoding) => {
      const table = `declared_${encoding.replace('-', '')}`;
      const texts = encoding === 'latin1' ? ['pässwörd', 'Straße €'.replace(' €', '')] : ['pässwörd', 'ключ 🔑'];
      await latin1(
        table,
        texts.map((text) => hex(text, encoding === 'latin1' ? 'latin1' : 'utf8')),
      );
      const before = await bytes(table);
      const fields = fieldOf(table, encoding);
      expect(await work.run(fields)).toMatchObject({ changed: 2, quarantined: 0 });
      const { createCasehard } = await import('@casehard/core');
      const field = createCasehard({ fields, keyring: work.keyring }).field(`${table}.secret`);
      const stored = (await work.read(`select secret from ${table} order by id`)) as string[];
      expect(stored.map((value, i) => field.openText(value, { id: i + 1 } as never))).toEqual(texts);
      await work.run(fields, { act: 'soften' });
      expect(await bytes(table)).toEqual(before);
    },
  );

  it.skipIf(engine.absent)('a php document in a latin1 column keeps counting as its application counted', async () => {
    const document = (size: number): string => `a:2:{s:5:"größe";i:${size};s:3:"key";s:4:"käse";}`;
    await work.execute(
      'create table legacy_php (id int not null primary key, secret text character set latin1)',
      // A latin1 application counts characters, one that stores UTF-8 bytes counts those.
      `insert into legacy_php values (1, ${hex(document(1), 'latin1')}), (2, ${hex(document(2).replace('s:5', 's:7').replace('s:4', 's:5'), 'utf8')})`,
    );
    const fields: Fields = {
      'php.key': path('legacy_php', 'secret', '/key', {
        row: ROW,
        in: 'php-serialize',
        was: 'plaintext',
        encoding: 'latin1',
      }),
    };
    const before = await bytes('legacy_php');
    await work.run(fields);
    const [first] = (await work.read('select convert(secret using utf8mb4) from legacy_php order by id')) as string[];
    expect(first).toMatch(/^a:2:\{s:5:"größe";i:1;s:3:"key";s:(\d+):"chd1\.[^"]+";\}$/);
    await work.run(fields, { act: 'soften' });
    expect(await bytes('legacy_php')).toEqual(before);
  });

  it.skipIf(engine.absent)('a MyISAM table, which has no transactions, is hardened row by row', async () => {
    await work.execute(
      `create table isam (id int not null primary key, secret varchar(400), updated_at timestamp not null default '2020-01-01 00:00:00' on update current_timestamp) engine = MyISAM`,
      "insert into isam (id, secret) values (1, 'b25l'), (2, 'dHdv'), (3, 'not base64'), (4, null)",
    );
    const fields: Fields = { 'isam.secret': column('isam', 'secret', { row: ROW, was: 'base64' }) };
    const before = await bytes('isam');
    expect(await work.run(fields)).toMatchObject({ changed: 2, quarantined: 1, busy: 0 });
    expect(await work.verdicts(fields)).toEqual({ 1: 'current', 2: 'current', 3: 'unexpected NOT_LEGACY' });
    expect(await work.run(fields, { act: 'soften' })).toMatchObject({ changed: 2, quarantined: 1 });
    expect(await bytes('isam')).toEqual(before);
    expect(new Set((await work.read('select updated_at from isam')).map(String)).size).toBe(1);
  });
});
