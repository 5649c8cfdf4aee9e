import { hkdfSync, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { loadKeyring } from '../../src/keyring/load.ts';

/** The tracking key id, by HKDF of node alone. */
function idOf(master: Buffer): string {
  const salt = Buffer.from('casehard/v1');
  const root = Buffer.from(hkdfSync('sha256', master, salt, 'casehard/v1/token/root', 32));
  return Buffer.from(hkdfSync('sha256', root, salt, 'casehard/v1/token/kid', 2)).toString('hex');
}

/** Two tracking keys of one id: it has 16 bits, so that some hundred draws do. */
function twins(): [string, string] {
  const seen = new Map<string, Buffer>();
  for (;;) {
    const master = randomBytes(32);
    const twin = seen.get(idOf(master));
    if (twin) return [twin.toString('base64url'), master.toString('base64url')];
    seen.set(idOf(master), master);
  }
}

test('two different tracking keys of one id are refused at start', () => {
  const [active, previous] = twins();
  const env = { CASEHARD_TRACKING_KEY: active, CASEHARD_PREVIOUS_TRACKING_KEYS: previous };
  const load = () => loadKeyring({ env, folder: '/nowhere' });
  expect(load).toThrow(
    expect.objectContaining({
      code: 'KEY_CONFLICT',
      message: expect.stringContaining('two different keys have the key id'),
    }),
  );
  try {
    load();
  } catch (error) {
    expect(inspect(error)).not.toContain(active);
  }
  expect(loadKeyring({ env: { ...env, CASEHARD_PREVIOUS_TRACKING_KEYS: active }, folder: '/nowhere' }).list()).toEqual(
    [],
  );
});
