import { describe, expect, test } from 'vitest';
import { generateKey, keyId, parseKey } from '../../src/keyring/key.ts';
import { createKeyring } from '../../src/keyring/keyring.ts';
import { keyringOf, keyTextOf } from '../make.ts';
import { keyOf, masterOf } from '../vectors/masters.ts';

const [one, two, three] = (['counting', 'second', 'third'] as const).map((name) => keyOf(name).kid) as [
  string,
  string,
  string,
];

describe('a keyring', () => {
  test('has one active key and the state of each, the active one first', () => {
    const keyring = keyringOf({ active: 'counting', previous: ['second'], staged: ['third'] });
    expect(keyring.active?.kid).toBe(one);
    expect(keyring.list()).toEqual([
      { kid: one, state: 'active' },
      { kid: three, state: 'staged' },
      { kid: two, state: 'previous' },
    ]);
    expect(keyring.stateOf(two)).toBe('previous');
    expect(keyring.stateOf('aaaaaaaa')).toBeUndefined();
    expect(keyring.find('aaaaaaaa')).toBeUndefined();
  });

  test('may be empty, or have no active key', () => {
    expect(createKeyring().active).toBeUndefined();
    expect(createKeyring().list()).toEqual([]);
    expect(keyringOf({ previous: ['second'] }).active).toBeUndefined();
  });

  test.each([
    ['active and previous', { active: 'counting', previous: ['counting'] }, 'active'],
    ['active and staged', { active: 'counting', staged: ['counting'] }, 'active'],
    ['staged and previous', { staged: ['counting'], previous: ['counting'] }, 'staged'],
    ['previous twice', { previous: ['counting', 'counting'] }, 'previous'],
  ] as const)('takes a key that is listed twice once: %s', (_name, names, state) => {
    expect(keyringOf(names).list()).toEqual([{ kid: one, state }]);
  });

  test('refuses withdrawn keys, at hand or not', () => {
    const keyring = keyringOf({ active: 'counting', previous: ['second'], withdrawn: [two, three] });
    expect(keyring.isWithdrawn(two)).toBe(true);
    expect(keyring.isWithdrawn(three)).toBe(true);
    expect(keyring.isWithdrawn(one)).toBe(false);
    expect(keyring.stateOf(two)).toBe('withdrawn');
  });

  test('cannot withdraw the active key', () => {
    const conflict = expect.objectContaining({
      code: 'KEY_CONFLICT',
      kid: one,
      hint: expect.stringContaining('SENDSTUDIO_ENC_KEY'),
    });
    expect(() => keyringOf({ active: 'counting', withdrawn: [one] }, { setting: 'SENDSTUDIO_ENC_KEY' })).toThrow(
      conflict,
    );
  });

  test.each(['', 'h2zivff', 'H2ZIVFFE', 'h2zivffe1', 'h2zivff0', ' h2zivffe', keyTextOf('second')])(
    'does not take %s as a withdrawn key id, nor quote it',
    (kid) => {
      const refusal = expect.objectContaining({
        code: 'KEY_FORMAT',
        message: 'CASEHARD_WITHDRAWN_KIDS holds something that is not a key id',
      });
      expect(() => keyringOf({ active: 'counting', withdrawn: [kid] })).toThrow(refusal);
    },
  );

  test('names the setting, or the place, where a wrong key was found', () => {
    expect(() => createKeyring({ active: 'x' })).toThrow('CASEHARD_ENC_KEY is not a key');
    expect(() => createKeyring({ active: 'x', setting: 'SENDSTUDIO_ENC_KEY' })).toThrow(
      'SENDSTUDIO_ENC_KEY is not a key',
    );
    expect(() => createKeyring({ previous: ['x'] })).toThrow('CASEHARD_PREVIOUS_ENC_KEYS is not a key');
    expect(() => createKeyring({ staged: ['x'] })).toThrow('CASEHARD_STAGED_ENC_KEYS is not a key');
    expect(() => createKeyring({ active: { text: 'x', source: '.env line 3' } })).toThrow('.env line 3 is not a key');
  });
});

describe('a generated key', () => {
  test.each(['enc', 'trk'] as const)('of kind %s is read back, and only in its own setting', (kind) => {
    const text = generateKey(kind);
    const master = parseKey(kind, text);
    expect(text).toMatch(
      kind === 'enc' ? /^chkey1\.enc\.[a-z2-7]{8}\.[\w-]{43}$/ : /^chkey1\.trk\.[0-9a-f]{4}\.[\w-]{43}$/,
    );
    expect(text.split('.')[2]).toBe(keyId(kind, master));
    const other = kind === 'enc' ? 'trk' : 'enc';
    expect(() => parseKey(other, text)).toThrow(expect.objectContaining({ code: 'KEY_IN_WRONG_SETTING' }));
  });

  test('is new each time', () => {
    expect(new Set(Array.from({ length: 200 }, () => generateKey('enc'))).size).toBe(200);
  });
});

describe('a wrong paste', () => {
  const tagged = `chkey1.enc.${one}.${keyTextOf('counting')}`;
  test('a change of any one character is refused, whichever it is', () => {
    const master = masterOf('counting').toString('hex');
    for (let at = 0; at < tagged.length; at++) {
      for (const put of ['', 'A', 'a', '2', '-', '.', tagged.charAt(at).repeat(2)]) {
        if (put === tagged[at]) continue;
        const text = tagged.slice(0, at) + put + tagged.slice(at + 1);
        let read: string | undefined;
        try {
          read = Buffer.from(parseKey('enc', text)).toString('hex');
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^KEY_(FORMAT|CHECKSUM|IN_WRONG_SETTING)$/) });
        }
        expect([text, read]).toEqual([text, undefined]);
      }
    }
    expect(Buffer.from(parseKey('enc', tagged)).toString('hex')).toBe(master);
  });

  test.each([
    [
      'of both kinds, in the sealing setting',
      'enc',
      'trk',
      'CASEHARD_ENC_KEY holds a tracking key where a sealing key belongs',
      'CASEHARD_TRACKING_KEY',
    ],
    [
      'of both kinds, in the tracking setting',
      'trk',
      'enc',
      'CASEHARD_TRACKING_KEY holds a sealing key where a tracking key belongs',
      'CASEHARD_ENC_KEY',
    ],
  ] as const)('%s, says which key is where and where it belongs', (_name, kind, other, message, hint) => {
    const refusal = { code: 'KEY_IN_WRONG_SETTING', message, hint: expect.stringContaining(hint) };
    expect(() => parseKey(kind, generateKey(other))).toThrow(expect.objectContaining(refusal));
  });

  test('of a line with the name of the setting says so', () => {
    for (const line of [
      `CASEHARD_ENC_KEY=${tagged}`,
      `export CASEHARD_ENC_KEY="${tagged}"`,
      `define('SENDSTUDIO_ENC_KEY', '${tagged}');`,
    ]) {
      const refusal = {
        code: 'KEY_FORMAT',
        message: 'CASEHARD_ENC_KEY holds a whole line of settings, not the key alone',
      };
      expect(() => parseKey('enc', line)).toThrow(expect.objectContaining(refusal));
    }
  });
});
