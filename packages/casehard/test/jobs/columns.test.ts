import { column, createCasehard, createKeyring, type Fields, generateKey, looksSealed, setting } from '@casehard/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES } from '../engines.ts';
import { makeWork, type Work } from './project.ts';

const base64 = (content: string | Uint8Array): string => Buffer.from(content as string).toString('base64');
const ROW = { id: 'int' } as const;

describe.each(ENGINES)('columns and their policies on $engine', (engine) => {
  let work: Work;
  beforeAll(async () => {
    if (engine.absent) return;
    work = await makeWork(engine);
    await work.upgrade({});
  });
  afterAll(() => work?.drop());

  const make = (name: string, type: string, values: readonly (string | null)[]): Promise<void> =>
    work.execute(
      `create table ${name} (id integer not null primary key, secret ${type})`,
      `insert into ${name} values ${values.map((value, i) => `(${i + 1}, ${value === null ? 'null' : value})`).join(', ')}`,
    );
  const stored = (name: string): Promise<readonly unknown[]> => work.read(`select secret from ${name} order by id`);

  it.skipIf(engine.absent)('a binary column keeps bytes, whatever they are', async () => {
    const literal = (hex: string): string => (engine.engine === 'postgres' ? `'\\x${hex}'` : `x'${hex}'`);
    const contents = ['00ff80fe', Buffer.from('pässwörd').toString('hex'), '636864', 'c328'];
    const type = { sqlite: 'blob', postgres: 'bytea', mysql: 'blob' }[engine.engine];
    await make('binary_values', type, [
      ...contents.map(literal),
      null,
      engine.engine === 'sqlite' ? "x''" : literal(''),
    ]);
    const fields = { 'binary.value': column('binary_values', 'secret', { row: ROW, was: 'plaintext' }) };
    const before = await stored('binary_values');
    expect(await work.run(fields)).toMatchObject({ changed: 4, quarantined: 0 });
    const sealed = (await stored('binary_values')).slice(0, 4) as Uint8Array[];
    const field = createCasehard({ fields, keyring: work.keyring }).field('binary.value');
    const opened = sealed.map((value, i) =>
      Buffer.from(field.open(value, { id: i + 1 })?.revealBytes() ?? []).toString('hex'),
    );
    expect(opened).toEqual(contents);
    await work.run(fields, { act: 'soften' });
    expect(await stored('binary_values')).toEqual(before);
  });

  it.skipIf(engine.absent || engine.engine !== 'postgres')(
    'a key of char(n) is bound without its padding, which drivers hand over',
    async () => {
      await work.execute(
        `create table padded (code char(8) not null primary key, secret text)`,
        `insert into padded values ('ab', '${base64('hunter2')}')`,
      );
      const as = (type: 'char' | 'text') => ({
        'padded.secret': column('padded', 'secret', { row: { code: type }, was: 'base64' }),
      });
      await expect(work.run(as('text'))).rejects.toMatchObject({
        code: 'REFUSED',
        message: expect.stringContaining('whose padding drivers hand over'),
      });
      expect(await work.run(as('char'))).toMatchObject({ changed: 1 });
      const [code, secret] = [
        (await work.read('select code from padded'))[0],
        (await work.read('select secret from padded'))[0],
      ] as string[];
      expect(code).toBe('ab      ');
      const field = createCasehard({ fields: as('char'), keyring: work.keyring }).field('padded.secret');
      expect(field.openText(secret, { code: code ?? '' })).toBe('hunter2');
      expect(await work.verdicts(as('char'))).toEqual({ ab: 'current' });
    },
  );

  it.skipIf(engine.absent)('a value sealed in an older context is stale, and resealed in the current one', async () => {
    const older: Fields = { 'old.name': column('renamed', 'secret', { row: ROW, was: 'base64', bind: 'field' }) };
    const newer: Fields = {
      'new.name': column('renamed', 'secret', {
        row: ROW,
        was: 'base64',
        contexts: [{ bind: 'row' }, { bind: 'field', scope: 'old.name' }],
      }),
    };
    const current: Fields = { 'new.name': column('renamed', 'secret', { row: ROW, was: 'base64' }) };
    await make('renamed', 'varchar(400)', [`'${base64('one')}'`, `'${base64('two')}'`]);
    await work.run(older);
    expect(await work.verdicts(current)).toEqual({ 1: 'unreadable CONTEXT_POLICY', 2: 'unreadable CONTEXT_POLICY' });
    expect(await work.verdicts(newer)).toEqual({ 1: 'stale context', 2: 'stale context' });
    expect(await work.run(newer)).toMatchObject({ changed: 2, quarantined: 0 });
    expect(await work.verdicts(current)).toEqual({ 1: 'current', 2: 'current' });
  });

  it.skipIf(engine.absent)(
    'a value under a previous key is stale, and one under a withdrawn or unknown key is left alone',
    async () => {
      const [old, withdrawn, strange] = [generateKey('enc'), generateKey('enc'), generateKey('enc')];
      const fields = { 'rotated.secret': column('rotated', 'secret', { row: ROW, was: 'base64' }) };
      const seal = (key: string, id: number): string =>
        `'${createCasehard({ fields, keyring: createKeyring({ active: key }) })
          .field('rotated.secret')
          .seal('x', { id })}'`;
      await make('rotated', 'varchar(400)', [seal(old, 1), seal(withdrawn, 2), seal(strange, 3)]);
      const active = generateKey('enc');
      const kid = withdrawn.split('.')[2] ?? '';
      const keyring = createKeyring({ active, previous: [old, withdrawn], withdrawn: [kid] });
      const first = await work.test.db.kysely.deleteFrom('casehard_keys').execute(); // canaries of the tests before
      expect(first).toHaveLength(1);
      const before = await stored('rotated');
      expect(await work.run(fields, {}, keyring)).toMatchObject({ changed: 1, quarantined: 2 });
      expect(await work.verdicts(fields, keyring)).toEqual({
        1: 'current',
        2: 'unreadable WITHDRAWN_KEY',
        3: 'unreadable UNKNOWN_KEY',
      });
      expect((await stored('rotated')).slice(1)).toEqual(before.slice(1));
      await work.test.db.kysely.deleteFrom('casehard_keys').execute();
    },
  );

  it.skipIf(engine.absent)('a field made strict keeps what is sealed, and quarantines what is not', async () => {
    const fields = (strict: boolean): Fields => ({
      'strict.secret': column('strict', 'secret', { row: ROW, was: 'base64', strict }),
    });
    await make('strict', 'varchar(400)', [`'${base64('one')}'`]);
    await work.run(fields(false));
    await work.execute(`insert into strict values (2, '${base64('saved by an old process')}')`);
    expect(await work.run(fields(true))).toMatchObject({ changed: 0, quarantined: 1 });
    expect(await work.verdicts(fields(true))).toEqual({ 1: 'current', 2: 'unexpected LEGACY_NOT_ACCEPTED' });
    await expect(work.run(fields(true), { act: 'soften' })).rejects.toMatchObject({
      code: 'REFUSED',
      message: 'field strict.secret is strict: softened values could not be read',
      hint: 'take `strict` and `legacyUntil` out of the configuration first, in every process',
    });
  });

  // SQLite's columns have no width.
  if (engine.engine !== 'sqlite')
    it.skipIf(engine.absent)('a narrow column takes the tight form where the bucket does not fit', async () => {
      const secret = 'p'.repeat(300); // its bucket has 765 characters, the tight form 488
      await make('narrow', 'varchar(500)', [`'${secret}'`, "'short'"]);
      const fields: Fields = { 'narrow.secret': column('narrow', 'secret', { row: ROW, was: 'plaintext' }) };
      const {
        fields: [walked],
      } = await work.run(fields);
      expect(walked?.walked).toMatchObject({ changed: 2, tight: 1, quarantined: 0 });
      const lengths = ((await stored('narrow')) as string[]).map(({ length }) => length);
      expect(lengths).toEqual([488, 125]);
      await work.run(fields, { act: 'soften' });
      expect(await stored('narrow')).toEqual([secret, 'short']);
    });

  it.skipIf(engine.absent)('what no sealed form can hold is quarantined, and the run goes on', async () => {
    const type = engine.engine === 'mysql' ? 'longtext' : 'text';
    await make('huge', type, [`'${'x'.repeat(65_535)}'`, "'ordinary'", `'${'y'.repeat(65_000)}'`]);
    const fields = { 'huge.secret': column('huge', 'secret', { row: ROW, was: 'plaintext' }) };
    const before = await stored('huge');
    expect(await work.run(fields)).toMatchObject({ changed: 2, quarantined: 1 });
    const after = (await stored('huge')) as string[];
    expect(after[0]).toBe(before[0]);
    expect(after.slice(1).every((value) => looksSealed(value))).toBe(true);
  });

  // SQLite's columns have no width.
  if (engine.engine !== 'sqlite')
    it.skipIf(engine.absent)(
      'a column that was too narrow for one value only is never cut: it is an upgrade, or quarantined',
      async () => {
        await make('cutting', 'varchar(255)', [`'${'z'.repeat(200)}'`]);
        const fields = { 'cutting.secret': column('cutting', 'secret', { row: ROW, was: 'plaintext' }) };
        await expect(work.run(fields)).rejects.toMatchObject({
          code: 'UPGRADE_PENDING',
          message: expect.stringContaining('widen cutting.secret'),
        });
        expect(await stored('cutting')).toEqual(['z'.repeat(200)]);
        await work.upgrade(fields);
        expect(await work.run(fields)).toMatchObject({ changed: 1, quarantined: 0 });
      },
    );

  it.skipIf(engine.absent)('content that itself looks sealed is a warning, and comes back as it was', async () => {
    const fields = { 'nested.secret': column('nested', 'secret', { row: ROW, was: 'base64' }) };
    const keyed = createCasehard({ fields, keyring: work.keyring }).field('nested.secret');
    await make('nested', 'varchar(600)', [`'${keyed.seal(keyed.seal('inner', { id: 1 }), { id: 1 })}'`]);
    const {
      fields: [walked],
    } = await work.run(fields);
    expect(walked?.walked).toMatchObject({ changed: 0, kept: 1, nested: 1 });
    expect(await work.verdicts(fields)).toEqual({ 1: 'current (nested)' });
  });

  it.skipIf(engine.absent)(
    'rows of a settings table that are there twice are hardened and softened together',
    async () => {
      await work.execute(
        'create table options (name varchar(40), value varchar(600))',
        `insert into options values ('key', '${base64('a')}'), ('other', 'KEEP'), ('key', '${base64('a')}'), ('key', '${base64('b')}'), ('key', null), ('key', '')`,
      );
      const fields = { 'options.key': setting('options', { where: { name: 'key' }, value: 'value', was: 'base64' }) };
      const read = (): Promise<readonly unknown[]> =>
        work.read('select value from options order by name, length(value), value');
      const before = await read();
      expect(await work.run(fields)).toMatchObject({ changed: 3, quarantined: 0, busy: 0 });
      const sealed = (await work.read("select value from options where value like 'chd1.%'")) as string[];
      expect([sealed.length, new Set(sealed).size]).toEqual([3, 2]);
      expect(await work.run(fields)).toMatchObject({ changed: 0 });
      await work.run(fields, { act: 'soften' });
      expect(await read()).toEqual(before);
    },
  );
});
