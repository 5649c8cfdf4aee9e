import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES } from '../engines.ts';
import { makeOwnFields, type OwnFields } from './fields.ts';

describe.each(ENGINES)('after the way back on $engine', (engine) => {
  let own: OwnFields;
  beforeAll(async () => {
    if (engine.absent) return;
    own = await makeOwnFields(
      engine,
      ['create table a (id integer not null primary key, secret varchar(400))', "insert into a values (1, 'eHh4eA==')"],
      `'a.secret': column('a', 'secret', { row: { id: 'int' }, was: base64() })`,
    );
  });
  afterAll(() => own?.drop());

  it.skipIf(engine.absent)('a save without a key goes on in the legacy scheme', async () => {
    await own.run(['harden']);
    const without = { env: { DATABASE_URL: own.test.url }, input: 'a new value' };
    const refused = await own.run(['set', 'a.secret#1', '--json'], without);
    expect([refused.code, refused.json.error]).toMatchObject([1, { code: 'KEY_MISSING' }]);
    expect((await own.run(['soften', '--yes'])).code).toBe(0);
    const { code, json } = await own.run(['set', 'a.secret#1', '--json'], without);
    expect([code, json.stored]).toEqual([0, 'legacy']);
  });
});
