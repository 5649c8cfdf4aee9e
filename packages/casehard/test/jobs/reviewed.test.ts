import {
  column,
  createCasehard,
  createKeyring,
  type Fields,
  generateKey,
  type Keyring,
  path,
  setting,
} from '@casehard/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDriver } from '../../src/inventory/driver.ts';
import { ENGINES } from '../engines.ts';
import { propose } from '../inventory/propose-all.ts';
import { makeWork, type Work } from './project.ts';

const base64 = (content: string): string => Buffer.from(content).toString('base64');
const ROW = { id: 'int' } as const;

/** What reviews found by breaking it, each with what must happen instead. */
describe.each(ENGINES)('found by review, on $engine', (engine) => {
  let work: Work;
  beforeEach(async () => {
    if (engine.absent) return;
    work = await makeWork(engine);
    await work.upgrade({});
  });
  afterEach(() => work?.drop());
  const run = it.skipIf(engine.absent);
  const stranger = (): Keyring => createKeyring({ active: generateKey('enc') });

  run('a wrong key is noticed in every field, whatever --field says', async () => {
    const fields: Fields = {
      'c.a': column('c', 'a', { row: ROW, was: 'base64' }),
      'c.b': column('c', 'b', { row: ROW, was: 'base64' }),
    };
    const sealed = createCasehard({ fields, keyring: work.keyring }).field('c.a' as never) as unknown as {
      seal(text: string, row: object): string;
    };
    await work.execute(
      'create table c (id int not null primary key, a varchar(400), b varchar(400))',
      `insert into c values (1, '${sealed.seal('x', { id: 1 })}', '${base64('y')}')`,
    );
    const wrong = { code: 'KEY_NOT_KNOWN_HERE' };
    await expect(work.run(fields, {}, stranger())).rejects.toMatchObject(wrong);
    await expect(work.run(fields, { only: ['c.b'] }, stranger())).rejects.toMatchObject(wrong);
    await expect(work.run(fields, { asPlaintext: { field: 'c.b', key: ['1'] } }, stranger())).rejects.toMatchObject(
      wrong,
    );
    expect(await work.read('select b from c')).toEqual([base64('y')]);
  });

  run('sealed values inside documents count when keys are checked', async () => {
    const fields: Fields = {
      'd.json': path('d', 'doc', '/key', { row: ROW, in: 'json', was: 'plaintext' }),
      'd.php': path('d', 'php', '/key', { row: ROW, in: 'php-serialize', was: 'plaintext' }),
    };
    await work.execute(
      'create table d (id int not null primary key, doc text, php text)',
      `insert into d values (1, '{"key":"one/é"}', null), (2, '{"key":"\\\\u00e9"}', null), (3, null, 'a:1:{s:3:"key";s:3:"two";}')`.replaceAll(
        '\\\\',
        engine.engine === 'mysql' ? '\\\\' : '\\',
      ),
    );
    expect(await work.run(fields)).toMatchObject({ changed: 3 });
    await work.execute('delete from casehard_keys', `insert into d values (4, '{"key":"later"}', null)`);
    await expect(work.run(fields, {}, stranger())).rejects.toMatchObject({ code: 'KEY_NOT_KNOWN_HERE' });
    await expect(work.run(fields, {}, createKeyring())).rejects.toMatchObject({ code: 'KEY_MISSING' });
    const driver = createDriver(work.test.db, fields);
    expect(await driver.holdsSealedValues()).toBe(true);
    expect(await work.run(fields)).toMatchObject({ changed: 1 });
  });

  run('a retired key that is put back alone is not taken for the right one', async () => {
    const fields: Fields = { 'r.a': column('r', 'a', { row: ROW, was: 'base64' }) };
    await work.execute(
      'create table r (id int not null primary key, a varchar(400))',
      `insert into r values (1, '${base64('x')}')`,
    );
    const [old, fresh] = [generateKey('enc'), generateKey('enc')];
    const before = createKeyring({ active: old });
    await work.run(fields, {}, before);
    await work.run(fields, {}, createKeyring({ active: fresh, previous: [old] }));
    await work.execute(`insert into r values (2, '${base64('y')}')`);
    await expect(work.run(fields, {}, before)).rejects.toMatchObject({
      code: 'PREVIOUS_KEY_MISSING',
      message: expect.stringContaining('(1 values), which hardened it and is not configured'),
    });
    const kid = createKeyring({ active: fresh }).list()[0]?.kid ?? '';
    expect(await work.run(fields, {}, createKeyring({ active: old, withdrawn: [kid] }))).toMatchObject({ changed: 1 });
  });

  run('names with dots, quotes and spaces are names', async () => {
    const q = (name: string): string => (engine.engine === 'mysql' ? `\`${name}\`` : `"${name.replaceAll('"', '""')}"`);
    const odd = engine.engine === 'mysql' ? "smtp.pass'word" : 'smtp."pass" word';
    await work.execute(
      `create table ${q('odd table')} (id int not null primary key, ${q(odd)} varchar(100), check (length(${q(odd)}) < 9000))`,
      `insert into ${q('odd table')} values (1, '${base64('x')}')`,
    );
    const fields: Fields = { 'odd.field': column('odd table', odd, { row: ROW, was: 'base64' }) };
    await work.upgrade(fields);
    expect(await work.run(fields)).toMatchObject({ changed: 1 });
    expect(await work.verdicts(fields)).toEqual({ 1: 'current' });
  });

  run('one row that its table would not take again does not keep the others from being hardened', async () => {
    const fields: Fields = { 'k.a': column('k', 'a', { row: ROW, was: 'base64' }) };
    await work.execute('create table k (id int not null primary key, n int, a varchar(400))');
    const rows = Array.from({ length: 40 }, (_, i) => `(${i + 1}, ${i === 6 ? -5 : 1}, '${base64(`p${i}`)}')`);
    await work.execute(`insert into k values ${rows.join(', ')}`);
    await work.constrain('k', 'n > 0 or a is null');
    expect(await work.run(fields)).toMatchObject({ changed: 39, refused: 1 });
    expect(Object.entries(await work.verdicts(fields)).filter(([, verdict]) => verdict !== 'current')).toEqual([
      ['7', 'legacy base64'],
    ]);
    await work.execute('update k set n = 1 where n = -5').catch(() => {});
  });

  run('a constraint on the credential itself is an error that names the field', async () => {
    const fields: Fields = { 'k.a': column('k2', 'a', { row: ROW, was: 'base64' }) };
    await work.execute('create table k2 (id int not null primary key, n int not null, a varchar(400))');
    await work.execute(
      `insert into k2 values ${Array.from({ length: 60 }, (_, i) => `(${i + 1}, -1, '${base64(`p${i}`)}')`).join(', ')}`,
    );
    await work.constrain('k2', 'n > 0 or a is null');
    await expect(work.run(fields)).rejects.toMatchObject({
      code: 'REFUSED',
      message: 'field k.a: a constraint of its table refuses every row',
    });
  });

  run('two fields over the same rows are refused before they seal each other out', async () => {
    await work.execute(
      'create table s (name varchar(50) not null, value varchar(400))',
      `insert into s values ('smtp_password', '${base64('x')}')`,
    );
    const twice: Fields = {
      one: setting('s', { where: { name: 'smtp_password' }, value: 'value', was: 'base64' }),
      two: setting('s', {
        where: { name: engine.engine === 'mysql' ? 'SMTP_PASSWORD' : 'smtp_password' },
        value: 'value',
        was: 'base64',
      }),
    };
    await expect(work.run(twice)).rejects.toMatchObject({
      code: 'CONFIG',
      message: 'fields one and two cover the same rows',
    });
    expect(await work.read('select value from s')).toEqual([base64('x')]);
  });

  run('names of settings that a collation takes for one are proposed once', async () => {
    await work.execute(
      'create table s (name varchar(50) not null, value varchar(400))',
      `insert into s values ('smtp_password', '${base64('x')}'), ('SMTP_PASSWORD', '${base64('y')}')`,
    );
    expect((await propose(work.test.db)).filter(({ spec }) => spec.table === 's')).toHaveLength(
      engine.engine === 'mysql' ? 1 : 2,
    );
  });

  it.skipIf(engine.engine !== 'sqlite')('what is no TEXT in a column of texts is left as it is', async () => {
    await work.execute(
      'create table v (id int not null primary key, a)',
      `insert into v values (1, 'text'), (2, x'68756e74657232'), (3, 12345), (4, 1.5), (5, x'0041ff')`,
    );
    const fields: Fields = { 'v.a': column('v', 'a', { row: ROW, was: 'plaintext' }) };
    expect(await work.run(fields)).toMatchObject({ changed: 1, quarantined: 4 });
    expect(await work.verdicts(fields)).toMatchObject({
      1: 'current',
      2: 'unexpected NOT_A_STRING',
      3: 'unexpected NOT_A_STRING',
      5: 'unexpected NOT_A_STRING',
    });
    expect(await work.read('select typeof(a) from v order by id')).toEqual(['text', 'blob', 'integer', 'real', 'blob']);
  });
});
