import { generateKey } from '@casehard/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES } from '../engines.ts';
import { makeOwnFields, type OwnFields } from './fields.ts';

const FIELDS = `'user.password': column('users', 'password', { row: { id: 'int' }, was: base64() })`;

describe.each(ENGINES)('status with keys that do not belong here, on $engine', (engine) => {
  let own: OwnFields;
  beforeAll(async () => {
    if (engine.absent) return;
    own = await makeOwnFields(
      engine,
      [
        'create table users (id int not null primary key, password varchar(400))',
        `insert into users values (1, 'b2xk')`,
      ],
      FIELDS,
    );
    expect((await own.run(['harden'])).code).toBe(0);
    await own.execute(`update users set password = 'b2xk'`); // an old process; only the canary is left
  });
  afterAll(() => own?.drop());

  const codes = async (keys: Readonly<Record<string, string>>) => {
    const { CASEHARD_ENC_KEY: _, ...env } = own.env;
    const { code, json } = await own.run(['status', '--json'], { env: { ...env, ...keys } });
    return [code, (json.problems as readonly { readonly code: string }[]).map((problem) => problem.code)];
  };

  it.skipIf(engine.absent)('says so, although no value is unreadable', async () => {
    expect(await codes({ CASEHARD_ENC_KEY: generateKey('enc') })).toEqual([1, ['KEY_NOT_KNOWN_HERE']]);
    expect(await codes({})).toEqual([1, ['KEY_MISSING']]);
    expect(await codes({ CASEHARD_ENC_KEY: own.env.CASEHARD_ENC_KEY ?? '' })).toEqual([0, []]);
  });

  it.skipIf(engine.absent)('tells two plain keys that were exchanged', async () => {
    const plain = (key: string): string => Buffer.from(key.split('.')[3] ?? '', 'base64url').toString('base64');
    const tracking = plain(generateKey('trk'));
    const keys = {
      CASEHARD_ENC_KEY: tracking,
      CASEHARD_TRACKING_KEY: plain(own.env.CASEHARD_ENC_KEY ?? ''),
    };
    expect(await codes(keys)).toEqual([1, ['KEY_IN_WRONG_SETTING']]);
    for (const args of [['harden'], ['set', 'user.password#1']]) {
      const { code, json } = await own.run([...args, '--json'], { env: { ...own.env, ...keys }, input: 'x' });
      expect([args, code, json.error]).toMatchObject([args, 1, { code: 'KEY_IN_WRONG_SETTING' }]);
    }
  });
});
