import { describe, expect, test } from 'vitest';
import type { Claims } from '../../src/links/claims.ts';
import { createLinks } from '../../src/links/links.ts';
import { Minter } from '../../src/links/mint.ts';
import { PURPOSES, type Purpose, purposeOf } from '../../src/links/purpose.ts';
import { Verifier } from '../../src/links/verify.ts';
import * as reference from '../reference-token.ts';
import { masterOf } from '../vectors/masters.ts';
import { tkidOf } from '../vectors/token.ts';
import { CLAIMS, linksOf, NOW, PATHS, trackingKey, trackingKeysOf, trackingOf } from './make.ts';

const ALL = Object.keys(PURPOSES) as Purpose[];
const verifier = new Verifier(trackingKeysOf(['counting']), '');
const referenceInput = { keys: [reference.deriveTokenKey(masterOf('counting'))], withdrawn: [], audience: '' };

/** The defect, agreed on by both implementations; undefined where the token verifies. */
function defectOf(token: string, purpose: Purpose = 'click'): string | undefined {
  const ours = verifier.open(purpose, token);
  const theirs = reference.verifyToken({ ...referenceInput, purpose }, token);
  const defect = typeof ours === 'string' ? ours : undefined;
  expect(defect).toBe(theirs.ok ? undefined : theirs.code);
  return defect;
}

describe('a purpose', () => {
  const pairs = ALL.flatMap((made) => ALL.map((asked) => [made, asked] as const));

  test('is one of six, so that there are 36 pairs', () => expect(pairs.length).toBe(36));

  test.each(pairs)('a token for %s, read for %s', (made, asked) => {
    const links = linksOf();
    const wanted = made === asked ? { kind: 'valid', claims: CLAIMS } : { kind: 'invalid', reason: 'WRONG_PURPOSE' };
    expect(links.verify(asked, links.mint(made, CLAIMS))).toMatchObject(wanted);
    expect(links.verify(asked, links.url(made, CLAIMS))).toMatchObject(wanted);
  });

  test.each(pairs.filter(([made, asked]) => made !== asked))(
    'a token for %s, rewritten to %s, is refused',
    (made, asked) => {
      const bytes = Buffer.from(linksOf().mint(made, CLAIMS), 'base64url');
      bytes[0] = 0x10 | PURPOSES[asked];
      expect(linksOf().verify(asked, bytes.toString('base64url'))).toEqual({ kind: 'invalid', reason: 'TAG' });
    },
  );

  test.each(['', 'Click', 'constructor', '__proto__', 'toString', 2, null, undefined, {}])('%j is none', (purpose) => {
    const refusal = new TypeError('"purpose" must be one of open, click, unsubscribe, confirm, view, preferences');
    const links = linksOf();
    expect(() => links.mint(purpose as Purpose, CLAIMS)).toThrow(refusal);
    expect(() => links.mintMany(purpose as Purpose, [CLAIMS])).toThrow(refusal);
    expect(() => links.url(purpose as Purpose, CLAIMS)).toThrow(refusal);
    expect(() => links.verify(purpose as Purpose, '')).toThrow(refusal);
  });

  test('has a number, and each number its purpose', () => {
    expect(ALL.map((purpose) => purposeOf(PURPOSES[purpose]))).toEqual(ALL);
    expect([0, 7, 15, -1, 1.5].map(purposeOf)).toEqual(Array(5).fill(undefined));
  });
});

const made = (claims: Claims) => new Minter(trackingKey('counting'), 'click', '').mint(claims, NOW);

// The last characters of these hold 6, 2 and 4 bits.
describe.each([
  ['one block', made(CLAIMS)],
  ['two blocks', made({ recipientKey: Buffer.alloc(16, 0xab) })],
  ['three blocks', made({ url: 'https://example.com/offer?a=1&b=2' })],
])('a damaged token of %s', (_name, token) => {
  test('verifies as it is', () => expect(defectOf(token)).toBeUndefined());

  test('is refused with any one bit flipped', () => {
    const bytes = Buffer.from(token, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (0x80 >> (bit & 7));
      const code = bit < 4 ? 'UNKNOWN_VERSION' : bit < 8 ? 'WRONG_PURPOSE' : bit < 24 ? 'UNKNOWN_KEY' : 'TAG';
      expect([bit, defectOf(flipped.toString('base64url'))]).toEqual([bit, code]);
    }
  });

  test('is refused with any one bit of any character flipped', () => {
    for (let at = 0; at < token.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const other = String.fromCharCode(token.charCodeAt(at) ^ (1 << bit));
        expect(defectOf(token.slice(0, at) + other + token.slice(at + 1))).toBeDefined();
      }
    }
  });

  test('is refused truncated at every length, from either end', () => {
    for (let length = 0; length < token.length; length++) {
      for (const cut of [token.slice(0, length), token.slice(token.length - length)]) {
        const defect = defectOf(cut);
        if (length < 68) expect(defect).toBe('LENGTH');
        else expect(defect).toBeDefined();
      }
    }
  });

  test('is refused extended, before and behind, by characters and by blocks', () => {
    for (const extra of ['A', '-', '_', 'AA', 'AAA', 'AAAA', '=', '.', 'A'.repeat(64), token]) {
      expect(defectOf(token + extra)).toBeDefined();
      expect(defectOf(extra + token)).toBeDefined();
    }
    for (let more = 1; more <= 64; more++) {
      const bytes = Buffer.concat([Buffer.from(token, 'base64url'), Buffer.alloc(more)]);
      expect(defectOf(bytes.toString('base64url'))).toBe('TAG');
    }
    expect(defectOf(token + 'A'.repeat(1400))).toBe('LENGTH');
  });

  test('is refused with any character deleted, doubled, or changed places with the next', () => {
    for (let at = 0; at < token.length; at++) {
      const [before, here, after] = [token.slice(0, at), token.slice(at, at + 1), token.slice(at + 1)];
      expect(defectOf(before + after)).toBeDefined();
      expect(defectOf(before + here + here + after)).toBeDefined();
      const next = after.slice(0, 1);
      if (next !== here && next !== '') expect(defectOf(before + next + here + after.slice(1))).toBeDefined();
    }
  });
});

describe('the audience', () => {
  test.each([
    ['', 'mailer-2'],
    ['mailer-2', ''],
    ['mailer-1', 'mailer-2'],
    ['Mailer', 'mailer'],
    ['mailer', 'mailer '],
    ['\u00e9', 'e\u0301'],
  ])('%j is not %j', (one, other) => {
    const token = linksOf({ audience: one }).mint('click', CLAIMS);
    expect(linksOf({ audience: one }).verify('click', token)).toMatchObject({ kind: 'valid', claims: CLAIMS });
    expect(linksOf({ audience: other }).verify('click', token)).toEqual({ kind: 'invalid', reason: 'TAG' });
  });

  test('must be well-formed, because UTF-8 would make different ones alike', () => {
    const refusal = new TypeError('"audience" must be well-formed text');
    expect(() => linksOf({ audience: 'a\ud800' })).toThrow(refusal);
  });
});

describe('the key', () => {
  const token = linksOf().mint('click', CLAIMS);
  const tkid = tkidOf('counting');
  test.each([
    ['active', { active: 'counting' }, 'valid'],
    ['previous', { active: 'second', previous: ['counting'] }, 'valid'],
    ['previous, without an active one', { previous: ['counting'] }, 'valid'],
    ['staged', { active: 'second', staged: ['counting'] }, 'valid'],
    ['staged, without an active one', { staged: ['counting'] }, 'valid'],
    ['unknown', { active: 'second', previous: ['third'] }, 'UNKNOWN_KEY'],
    ['unknown, and no key there', {}, 'UNKNOWN_KEY'],
    ['withdrawn and at hand', { active: 'second', previous: ['counting'], withdrawn: [tkid] }, 'WITHDRAWN_KEY'],
    ['withdrawn, staged before', { active: 'second', staged: ['counting'], withdrawn: [tkid] }, 'WITHDRAWN_KEY'],
    ['withdrawn and not at hand', { active: 'second', withdrawn: [tkid] }, 'WITHDRAWN_KEY'],
    ['withdrawn, and no key there', { withdrawn: [tkid] }, 'WITHDRAWN_KEY'],
  ] as const)('%s', (_name, names, expected) => {
    const result = linksOf({ keyring: trackingOf(names), warn: () => {} }).verify('click', token);
    expect(result.kind === 'invalid' ? result.reason : result.kind).toBe(expected);
    if (result.kind === 'valid') expect(result.tkid).toBe(tkid);
  });

  test('that is active makes tokens, and a staged or previous one does not', () => {
    const links = linksOf({ keyring: trackingOf({ active: 'second', staged: ['counting'], previous: ['third'] }) });
    expect(links.verify('click', links.mint('click', CLAIMS))).toMatchObject({ kind: 'valid', tkid: tkidOf('second') });
  });

  test.each([
    ['none', {}],
    ['a staged one', { staged: ['counting'] }],
    ['a previous one', { previous: ['counting'] }],
  ] as const)('that makes tokens is missing where there is only %s', (_name, names) => {
    const links = createLinks({
      keyring: trackingOf(names),
      baseUrl: 'https://example.com',
      purposes: PATHS,
      warn: () => {},
    });
    const missing = expect.objectContaining({
      code: 'KEY_MISSING',
      message: 'CASEHARD_TRACKING_KEY not configured, so there is nothing to make a token with',
      hint: expect.stringContaining('casehard keys generate'),
    });
    expect(() => links.mint('click', CLAIMS)).toThrow(missing);
    expect(() => links.mintMany('click', [CLAIMS])).toThrow(missing);
  });
});
