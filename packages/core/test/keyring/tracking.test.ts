import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { generateKey } from '../../src/keyring/key.ts';
import { loadKeyring, loadKeyrings, loadTrackingKeyring } from '../../src/keyring/load.ts';
import { createTrackingKeyring } from '../../src/keyring/tracking-keyring.ts';
import { trackingOf, trackingTextOf } from '../links/make.ts';
import { keyTextOf } from '../make.ts';
import { deriveTokenKey } from '../reference-token.ts';
import { keyOf, type MasterName, masterOf } from '../vectors/masters.ts';
import { tkidOf } from '../vectors/token.ts';

const [one, two, three] = [tkidOf('counting'), tkidOf('second'), tkidOf('third')];
const tagged = (name: MasterName) => `chkey1.trk.${tkidOf(name)}.${trackingTextOf(name)}`;

/** Two different keys of one id: it has 16 bits, so that some hundred tries do. */
function twins(): [string, string] {
  const seen = new Map<string, string>();
  for (let i = 0; ; i++) {
    const master = Buffer.alloc(32, 1);
    master.writeUInt32BE(i);
    const tkid = deriveTokenKey(master).tkid.toString('hex');
    const twin = seen.get(tkid);
    if (twin !== undefined) return [twin, master.toString('base64url')];
    seen.set(tkid, master.toString('base64url'));
  }
}

describe('a tracking keyring', () => {
  test('has one active key and the state of each, the active one first', () => {
    const keyring = trackingOf({ active: 'counting', previous: ['second'], staged: ['third'] });
    expect(keyring.active?.tkid).toBe(one);
    expect(keyring.list()).toEqual([
      { tkid: one, state: 'active' },
      { tkid: three, state: 'staged' },
      { tkid: two, state: 'previous' },
    ]);
    expect(keyring.find(two)?.tkid).toBe(two);
    expect(keyring.find('0000')).toBeUndefined();
    expect(keyring.isWithdrawn(two)).toBe(false);
  });

  test('may be empty, or have no active key', () => {
    expect([createTrackingKeyring().active, createTrackingKeyring().list()]).toEqual([undefined, []]);
    expect(trackingOf({ previous: ['second'] }).active).toBeUndefined();
    expect(createTrackingKeyring().setting).toBe('CASEHARD_TRACKING_KEY');
  });

  test.each([
    ['active and previous', { active: 'counting', previous: ['counting'] }, 'active'],
    ['active and staged', { active: 'counting', staged: ['counting'] }, 'active'],
    ['staged and previous', { staged: ['counting'], previous: ['counting'] }, 'staged'],
    ['previous twice', { previous: ['counting', 'counting'] }, 'previous'],
  ] as const)('takes a key that is listed twice once: %s', (_name, names, state) => {
    expect(trackingOf(names).list()).toEqual([{ tkid: one, state }]);
  });

  test('knows withdrawn keys, at hand or not', () => {
    const keyring = trackingOf({ active: 'counting', previous: ['second'], withdrawn: [two, three] });
    expect([one, two, three, '0000'].map((tkid) => keyring.isWithdrawn(tkid))).toEqual([false, true, true, false]);
    expect(keyring.list()).toEqual([
      { tkid: one, state: 'active' },
      { tkid: two, state: 'withdrawn' },
      { tkid: three, state: 'withdrawn' },
    ]);
  });

  test('cannot withdraw the active key', () => {
    expect(() => trackingOf({ active: 'counting', withdrawn: [one] }, { setting: 'SENDSTUDIO_TRACKING_KEY' })).toThrow(
      expect.objectContaining({
        code: 'KEY_CONFLICT',
        kid: one,
        message: `the active tracking key ${one} is also withdrawn`,
        hint: 'take it out of CASEHARD_WITHDRAWN_KIDS, or put another key into SENDSTUDIO_TRACKING_KEY',
      }),
    );
  });

  test.each(['', 'f92', 'F927', 'f9277', 'g927', ' f927', 'h2zivffe', trackingTextOf('second')])(
    'does not take %j as a withdrawn key id, nor quote it',
    (tkid) => {
      expect(() => trackingOf({ active: 'counting', withdrawn: [tkid] })).toThrow(
        expect.objectContaining({
          code: 'KEY_FORMAT',
          message: 'CASEHARD_WITHDRAWN_KIDS holds something that is not a key id',
          hint: expect.stringContaining('a tracking key 4 hex digits'),
        }),
      );
    },
  );

  const [twin, other] = twins();
  test.each([
    ['active and previous', { active: twin, previous: [other] }],
    ['active and staged', { active: twin, staged: [other] }],
    ['staged and previous', { staged: [twin], previous: [other] }],
    ['both previous', { previous: [twin, other] }],
  ])('refuses two different keys of one id: %s', (_name, options) => {
    const conflict = {
      code: 'KEY_CONFLICT',
      message: expect.stringMatching(/^two different keys have the key id [0-9a-f]{4}$/),
    };
    expect(() => createTrackingKeyring(options)).toThrow(expect.objectContaining(conflict));
  });

  test('names the setting, or the place, where a wrong key was found', () => {
    const place = (message: string) => expect.objectContaining({ code: 'KEY_FORMAT', message });
    expect(() => createTrackingKeyring({ active: 'x' })).toThrow(place('CASEHARD_TRACKING_KEY is not a key'));
    expect(() => createTrackingKeyring({ active: 'x', setting: 'S' })).toThrow(place('S is not a key'));
    expect(() => createTrackingKeyring({ staged: ['x'] })).toThrow(place('CASEHARD_STAGED_TRACKING_KEYS is not a key'));
    expect(() => createTrackingKeyring({ previous: ['x'] })).toThrow(
      place('CASEHARD_PREVIOUS_TRACKING_KEYS is not a key'),
    );
    const found = { text: 'x', source: '.env line 3' };
    expect(() => createTrackingKeyring({ active: found })).toThrow(place('.env line 3 is not a key'));
  });

  test('takes every spelling of a key, and no sealing key', () => {
    const master = masterOf('counting');
    for (const text of [
      tagged('counting'),
      master.toString('hex'),
      master.toString('base64'),
      `"${tagged('counting')}"\n`,
    ]) {
      expect(createTrackingKeyring({ active: text }).active?.tkid).toBe(one);
    }
    for (const options of [
      { active: generateKey('enc') },
      { staged: [generateKey('enc')] },
      { previous: [generateKey('enc')] },
    ]) {
      expect(() => createTrackingKeyring(options)).toThrow(
        expect.objectContaining({
          code: 'KEY_IN_WRONG_SETTING',
          message: expect.stringContaining('holds a sealing key where a tracking key belongs'),
        }),
      );
    }
  });

  test('shows key ids and states on every surface, and nothing of a key', () => {
    const keyring = trackingOf({ active: 'counting', previous: ['second'], withdrawn: [three] });
    expect(inspect(keyring)).toBe(`TrackingKeyring { ${one}: active, ${two}: previous, ${three}: withdrawn }`);
    expect(JSON.parse(JSON.stringify(keyring))).toEqual(keyring.list());
    expect([String(keyring.active), JSON.stringify(keyring.active)]).toEqual([
      `[tracking key ${one}]`,
      `{"tkid":"${one}"}`,
    ]);
    const shown = [keyring, keyring.active, { keyring }, [keyring.find(two)]].flatMap((thing) => [
      inspect(thing, { depth: Infinity, showHidden: true }),
      inspect(thing, { depth: Infinity, showHidden: true, customInspect: false, getters: true }),
      JSON.stringify(thing),
      JSON.stringify(Object.getOwnPropertyDescriptors(thing)),
    ]);
    for (const name of ['counting', 'second'] as const) {
      const secrets = [masterOf(name), deriveTokenKey(masterOf(name)).tokKey];
      for (const text of shown) {
        for (const secret of secrets) {
          for (const form of ['hex', 'base64', 'base64url'] as const) {
            expect(text.replace(/\s/g, '').includes(secret.toString(form).slice(0, 10))).toBe(false);
          }
          expect(text.includes([...secret.subarray(0, 5)].join(', '))).toBe(false);
        }
      }
    }
  });
});

describe('loadTrackingKeyring', () => {
  const folder = mkdtempSync(join(tmpdir(), 'casehard-tracking-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const nowhere = '/nowhere';

  test('finds keys of every state in the environment', () => {
    const env = {
      CASEHARD_TRACKING_KEY: tagged('counting'),
      CASEHARD_STAGED_TRACKING_KEYS: tagged('third'),
      CASEHARD_PREVIOUS_TRACKING_KEYS: ` ${tagged('second')},${tagged('counting')} `,
    };
    const keyring = loadTrackingKeyring({ env, folder: nowhere });
    expect(keyring.list()).toEqual([
      { tkid: one, state: 'active' },
      { tkid: three, state: 'staged' },
      { tkid: two, state: 'previous' },
    ]);
    expect(keyring.setting).toBe('CASEHARD_TRACKING_KEY');
  });

  test('finds them in a .env file', () => {
    writeFileSync(
      join(folder, '.env'),
      `A=b\nCASEHARD_TRACKING_KEY="${tagged('counting')}"\nCASEHARD_ENC_KEY=${keyTextOf('second')}\n`,
    );
    const { keyring, tracking } = loadKeyrings({ env: {}, folder });
    expect([tracking.list(), keyring.active?.kid]).toEqual([[{ tkid: one, state: 'active' }], keyOf('second').kid]);
    expect(loadTrackingKeyring({ env: {}, folder }).active?.tkid).toBe(one);
  });

  test('names both places where two of them disagree', () => {
    writeFileSync(join(folder, '.env'), `CASEHARD_TRACKING_KEY=${tagged('counting')}\n`);
    expect(() => loadTrackingKeyring({ env: { CASEHARD_TRACKING_KEY: tagged('second') }, folder })).toThrow(
      expect.objectContaining({
        code: 'KEY_CONFLICT',
        message: `CASEHARD_TRACKING_KEY has different values in environment CASEHARD_TRACKING_KEY and in file ${join(folder, '.env')} line 1`,
      }),
    );
  });

  test('takes the name that the mailer used, and says it in messages', () => {
    const keyring = loadTrackingKeyring({ env: { SENDSTUDIO_TRACKING_KEY: tagged('counting') }, folder: nowhere });
    expect([keyring.active?.tkid, keyring.setting]).toEqual([one, 'SENDSTUDIO_TRACKING_KEY']);
  });

  test('takes withdrawn ids of both kinds from one setting, each to its own keys', () => {
    const kid = keyOf('third').kid;
    const env = {
      CASEHARD_ENC_KEY: keyTextOf('counting'),
      CASEHARD_TRACKING_KEY: tagged('counting'),
      CASEHARD_PREVIOUS_TRACKING_KEYS: tagged('second'),
      CASEHARD_WITHDRAWN_KIDS: `${kid}, ${two} ${three}`,
    };
    const { keyring, tracking } = loadKeyrings({ env, folder: nowhere });
    expect(keyring.list()).toEqual([
      { kid: keyOf('counting').kid, state: 'active' },
      { kid, state: 'withdrawn' },
    ]);
    expect(tracking.list()).toEqual([
      { tkid: one, state: 'active' },
      { tkid: two, state: 'withdrawn' },
      { tkid: three, state: 'withdrawn' },
    ]);
  });

  test.each(['f92', 'F927', 'nonsense!', '0123456', trackingTextOf('second')])('refuses %j as a withdrawn id', (id) => {
    const refusal = { code: 'KEY_FORMAT', message: 'CASEHARD_WITHDRAWN_KIDS holds something that is not a key id' };
    expect(() => loadTrackingKeyring({ env: { CASEHARD_WITHDRAWN_KIDS: id }, folder: nowhere })).toThrow(
      expect.objectContaining(refusal),
    );
  });

  test('gives a keyring that makes nothing where there is no key', () => {
    expect(loadTrackingKeyring({ env: {}, folder: nowhere }).list()).toEqual([]);
  });

  test.each([
    ['a sealing key in the tracking setting', { CASEHARD_TRACKING_KEY: generateKey('enc') }, 'KEY_IN_WRONG_SETTING'],
    ['a tracking key in the sealing setting', { CASEHARD_ENC_KEY: generateKey('trk') }, 'KEY_IN_WRONG_SETTING'],
    ['a cut key', { CASEHARD_TRACKING_KEY: tagged('counting').slice(0, -1) }, 'KEY_FORMAT'],
    ['a changed key', { CASEHARD_TRACKING_KEY: tagged('counting').replace('AAECAw', 'AAECAx') }, 'KEY_CHECKSUM'],
  ])('and loadKeyring refuse %s, naming the place', (_name, env, code) => {
    const ofLinks = Object.keys(env)[0] === 'CASEHARD_TRACKING_KEY';
    for (const load of ofLinks ? [loadTrackingKeyring, loadKeyring] : [loadKeyring]) {
      expect(() => load({ env, folder: nowhere })).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(`environment ${Object.keys(env)[0]}`) }),
      );
    }
  });

  test('does not mind a damaged sealing key: links do not need it', () => {
    const env = { CASEHARD_TRACKING_KEY: tagged('counting'), CASEHARD_ENC_KEY: 'damaged' };
    expect(loadTrackingKeyring({ env, folder: nowhere }).list()).toEqual([{ tkid: 'f927', state: 'active' }]);
    expect(() => loadKeyring({ env, folder: nowhere })).toThrow(expect.objectContaining({ code: 'KEY_FORMAT' }));
  });
});
