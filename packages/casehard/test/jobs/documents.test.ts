import { type Fields, path } from '@casehard/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/database/connect.ts';
import { ENGINES } from '../engines.ts';
import { makeWork, type Work } from './project.ts';

const ROW = { id: 'int' } as const;
const field = (pointer: string, format: 'json' | 'php-serialize' = 'json') =>
  path('documents', 'body', pointer, { row: ROW, in: format, was: 'plaintext' });

/** Documents that printing anew would change: big numbers, spacing, order, escapes of other places, duplicate keys. */
const TEXTS = [
  '{"a": {"secret":"one"},  "n":12345678901234567890, "x":[1.0,1e400,"\\u00e9\\/"], "b":{"secret":"two"}}',
  '{"b":{"secret":"pässwörd 🔑"},"a":{"secret":"quote \\" back \\\\ line \\n"},"dup":1,"dup":2}',
  '{"a":{"secret":null},"b":{"secret":""}}',
  '{"a":{},"c":"s\\u0065cret"}',
];

const TYPES: Readonly<Record<Engine, readonly string[]>> = {
  sqlite: ['text'],
  postgres: ['text', 'json', 'jsonb'],
  mysql: ['longtext', 'json'],
};

describe.each(ENGINES)('documents on $engine', (engine) => {
  let work: Work;
  beforeAll(async () => {
    if (engine.absent) return;
    work = await makeWork(engine);
    await work.upgrade({});
  });
  afterAll(() => work?.drop());

  const make = async (type: string, texts: readonly string[]): Promise<void> => {
    await work.execute(
      'drop table if exists documents',
      `create table documents (id integer not null primary key, body ${type})`,
    );
    for (const [i, text] of texts.entries()) {
      await work.test.db.kysely
        .insertInto('documents')
        .values({ id: i + 1, body: text })
        .execute();
    }
  };
  const bodies = async (): Promise<readonly string[]> => {
    const cast = engine.engine === 'mysql' ? 'cast(body as char)' : 'cast(body as text)';
    return (await work.read(`select ${cast} as body from documents order by id`)) as string[];
  };

  it.skipIf(engine.absent).each(TYPES[engine.engine])(
    'two fields of one json document live side by side in %s',
    async (type) => {
      const texts = type === 'jsonb' ? TEXTS.map((text) => text.replace('1e400', '1e40')) : TEXTS;
      await make(type, texts);
      const fields: Fields = { 'doc.a': field('/a/secret'), 'doc.b': field('/b/secret') };
      const before = await bodies();
      expect(await work.run(fields)).toMatchObject({ changed: 4, quarantined: 0, busy: 0 });
      const hardened = await bodies();
      expect(hardened.slice(2)).toEqual(before.slice(2));
      // Every byte around the two values is as it was.
      const around = (text: string): string => text.replace(/"secret": ?"(?:[^"\\]|\\.)*"/g, '"secret":…');
      expect(hardened.map(around)).toEqual(before.map(around));
      expect(hardened.join()).not.toMatch(/"one"|"two"|quote/);
      const verdicts = Object.values(await work.verdicts(fields)).filter((verdict) => verdict !== 'empty');
      expect(verdicts).toEqual(['current', 'current', 'current', 'current']);
      expect(await work.run(fields, { act: 'soften' })).toMatchObject({ changed: 4, busy: 0 });
      expect(await bodies()).toEqual(before);
    },
  );

  it.skipIf(engine.absent)("a token that PHP's json_encode spelled comes back in PHP's spelling", async () => {
    const texts = [
      '{"a":{"secret":"caf\\u00e9\\/\\ud83d\\udd11"}}',
      '{"a":{"secret":"café/🔑"}}',
      '{"a":{"secret":"a\\/b"}}',
    ];
    await make(engine.engine === 'mysql' ? 'longtext' : 'text', texts);
    const fields: Fields = { 'doc.a': field('/a/secret') };
    expect(await work.run(fields)).toMatchObject({ changed: 3, quarantined: 0 });
    const sealed = (await bodies()).map((text) => (JSON.parse(text) as { a: { secret: string } }).a.secret);
    expect(sealed.every((value) => value.startsWith('chd1.'))).toBe(true);
    expect(await work.run(fields, { act: 'soften' })).toMatchObject({ changed: 3 });
    expect(await bodies()).toEqual(texts);
  });

  it.skipIf(engine.absent)('what is no document, or no text at the path, is quarantined and untouched', async () => {
    const texts = ['{"a":{"secret":1}}', '{"a":"text"}', '{"a":{"secret":"x","secret":"y"}}', '{"a":', 'plain'];
    await make(engine.engine === 'mysql' ? 'longtext' : 'text', texts);
    const fields: Fields = { 'doc.a': field('/a/secret') };
    expect(await work.run(fields)).toMatchObject({ changed: 0, quarantined: 5 });
    expect(await bodies()).toEqual(texts);
    expect(await work.verdicts(fields)).toEqual({
      1: 'unexpected NOT_A_STRING',
      2: 'unexpected NOT_A_STRING',
      3: 'unexpected AMBIGUOUS',
      4: 'unexpected NOT_A_DOCUMENT',
      5: 'unexpected NOT_A_DOCUMENT',
    });
  });

  it.skipIf(engine.absent)(
    'a php document counts its lengths anew, and two fields of it do not disturb each other',
    async () => {
      const text = 'a:3:{s:1:"a";s:9:"pässwörd";s:3:"arr";a:1:{s:1:"b";s:3:"two";}s:1:"n";i:5;}'.replace('s:9', 's:10');
      await make(engine.engine === 'mysql' ? 'longtext' : 'text', [text]);
      const fields: Fields = { 'php.a': field('/a', 'php-serialize'), 'php.b': field('/arr/b', 'php-serialize') };
      expect(await work.run(fields)).toMatchObject({ changed: 2, quarantined: 0 });
      const [hardened = ''] = await bodies();
      expect(hardened).toMatch(
        /^a:3:\{s:1:"a";s:(\d+):"chd1\.[\w.-]+";s:3:"arr";a:1:\{s:1:"b";s:\d+:"chd1\.[\w.-]+";\}s:1:"n";i:5;\}$/,
      );
      for (const [, length, value] of hardened.matchAll(/s:(\d+):"(chd1[^"]+)"/g))
        expect(Number(length)).toBe(value?.length);
      await work.run(fields, { act: 'soften' });
      expect(await bodies()).toEqual([text]);
    },
  );

  // SQLite's columns have no width.
  if (engine.engine !== 'sqlite')
    it.skipIf(engine.absent)('a document that would not fit its column any more is never cut', async () => {
      const filler = 'f'.repeat(230);
      await make('varchar(300)', [`{"a":{"secret":"x"},"f":"${filler}"}`]);
      const fields: Fields = { 'doc.a': field('/a/secret') };
      const before = await bodies();
      await expect(work.run(fields)).rejects.toMatchObject({ code: 'UPGRADE_PENDING' });
      expect(await bodies()).toEqual(before);
      await work.upgrade(fields);
      expect(await work.run(fields)).toMatchObject({ changed: 1, quarantined: 0 });
    });
});
