import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { looksSealed, openContent, parseHeader, stripPadding } from '../../src/sealed/open.ts';
import { contextIn, keysOf } from '../make.ts';
import * as reference from '../reference.ts';
import { keyOf } from '../vectors/masters.ts';

// One short value of each binding and type, damaged in every way there is.
const places: reference.ReferenceContext[] = [
  { binding: 'row', scope: 'mailer.smtp.password', row: ['42'] },
  { binding: 'field', scope: 'mailer.smtp.password', row: [] },
  { binding: 'none', scope: '', row: [] },
];
const keys = keysOf(['counting']);
const contexts = places.map(contextIn);
const input = { keys: [keyOf('counting')], withdrawn: [], contexts: places, maxSecret: 65_534 };
const iv = Buffer.from('030a11181f262d343b424950575e656c', 'hex');
const values = places.flatMap((place) => [
  reference.seal(keyOf('counting'), place, { content: 'hunter2', n: 2, iv }),
  reference.seal(keyOf('counting'), place, { content: Buffer.of(0xff, 0), n: 1, iv }),
]);

/** The failure, agreed on by both implementations; undefined where the value opens. */
function failureOf(stored: string): string | undefined {
  const ours = openContent(keys, contexts, stored, { row: ['42'] });
  const theirs = reference.open(input, stored);
  expect(ours.ok ? 'opens' : ours.failure).toBe(theirs.ok ? 'opens' : theirs.code);
  return ours.ok ? undefined : ours.failure;
}

describe.each(values)('a sealed value with %s', (sealed) => {
  test('opens as it is', () => expect(failureOf(sealed)).toBeUndefined());

  test('is refused with any one bit of its body flipped', () => {
    const body = Buffer.from(sealed.slice(14), 'base64url');
    for (let bit = 0; bit < body.length * 8; bit++) {
      const flipped = Buffer.from(body);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (0x80 >> (bit & 7));
      expect(failureOf(sealed.slice(0, 14) + flipped.toString('base64url'))).toBeDefined();
    }
  });

  test('is refused with any one bit of any character flipped', () => {
    for (let at = 0; at < sealed.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const other = String.fromCharCode(sealed.charCodeAt(at) ^ (1 << bit));
        expect(failureOf(sealed.slice(0, at) + other + sealed.slice(at + 1))).toBeDefined();
      }
    }
  });

  test('is refused with any character replaced by any printable one', () => {
    for (let at = 0; at < sealed.length; at++) {
      for (let code = 32; code < 127; code++) {
        if (code === sealed.charCodeAt(at)) continue;
        expect(failureOf(sealed.slice(0, at) + String.fromCharCode(code) + sealed.slice(at + 1))).toBeDefined();
      }
    }
  });

  test('is refused truncated at every length, from either end', () => {
    for (let length = 0; length < sealed.length; length++) {
      expect(failureOf(sealed.slice(0, length))).toBe(length < 5 ? 'NOT_SEALED' : 'TRUNCATED');
      expect(failureOf(sealed.slice(sealed.length - length))).toBeDefined();
    }
  });

  test('is refused with any character deleted, doubled, or changed places with the next', () => {
    for (let at = 0; at < sealed.length; at++) {
      const [before, here, after] = [sealed.slice(0, at), sealed.slice(at, at + 1), sealed.slice(at + 1)];
      expect(failureOf(before + after)).toBeDefined();
      expect(failureOf(before + here + here + after)).toBeDefined();
      const next = after.slice(0, 1);
      if (next !== here && next !== '') expect(failureOf(before + next + here + after.slice(1))).toBeDefined();
    }
  });

  test('is refused with any two characters of its body exchanged', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 14, max: sealed.length - 1 }),
        fc.integer({ min: 14, max: sealed.length - 1 }),
        (a, b) => {
          fc.pre(sealed[a] !== sealed[b]);
          const characters = [...sealed];
          [characters[a], characters[b]] = [sealed[b] as string, sealed[a] as string];
          expect(failureOf(characters.join(''))).toBeDefined();
        },
      ),
      { numRuns: 300 },
    );
  });

  test('is refused with a character inserted at any place, except column padding at the end', () => {
    for (let at = 0; at <= sealed.length; at++) {
      for (const extra of ['A', '=', '\n', '.', ' ', '\0']) {
        const padding = at === sealed.length && (extra === ' ' || extra === '\0');
        expect(failureOf(sealed.slice(0, at) + extra + sealed.slice(at)) === undefined).toBe(padding);
      }
    }
  });

  test.each([' ', '   ', '\0', '\0\0\0', ' \0 \0'])('opens with the column padding %j', (padding) => {
    expect(failureOf(sealed + padding)).toBeUndefined();
  });
});

describe('no input crashes the parser, and both implementations say the same', () => {
  const marked = fc.constantFrom(
    'chd1.',
    'chd1.h2zivffe.',
    'chd1.h2zivffe.AgAC',
    'chd1.h2zivffe.AgAB',
    'CHD1.',
    'chd2.',
    'chd999.',
  );
  const good = fc.constantFrom(...values);
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'binary-ascii' }),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes)),
    fc.base64String(),
  );
  const input = fc.oneof(
    text,
    fc.tuple(marked, text).map(([a, b]) => a + b),
    fc.tuple(good, fc.nat(), fc.nat(20), text).map(([value, at, gone, put]) => {
      const start = at % value.length;
      return value.slice(0, start) + put + value.slice(start + gone);
    }),
  );

  test('random text, with and without marker, and good values with something cut out and put in', () => {
    fc.assert(
      fc.property(input, (stored) => {
        failureOf(stored);
        expect(looksSealed(stored)).toBe(/^chd\d{1,3}\./i.test(stored));
        parseHeader(stored);
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ['ten million characters', `chd1.h2zivffe.AgAC${'A'.repeat(10_000_000)}`],
    ['ten million spaces after the marker', `chd1.${' '.repeat(10_000_000)}`],
    ['ten million characters without a marker', 'c'.repeat(10_000_000)],
    ['65535 blocks of zeros', `chd1.h2zivffe.Av__${'A'.repeat(Math.ceil((4 * (51 + 16 * 65_535)) / 3) - 4)}`],
  ])('%s', (_name, stored) => {
    expect(failureOf(stored)).toBeDefined();
  });
});

describe('the header, without any key', () => {
  const [sealed] = values as [string];

  test('is read from a value with or without column padding', () => {
    for (const padding of ['', '  ', '\0'])
      expect(parseHeader(sealed + padding)).toEqual({ kid: 'h2zivffe', flags: 2, n: 2 });
  });

  test('names what is wrong', () => {
    expect(parseHeader('hunter2')).toBe('NOT_SEALED');
    expect(parseHeader(sealed.slice(0, 60))).toBe('TRUNCATED');
    expect(parseHeader(`${sealed}A`)).toBe('MALFORMED');
  });

  test('padding is spaces and NULs at the end, nothing else', () => {
    expect(stripPadding('a \0 \0')).toBe('a');
    expect(stripPadding(' a\n ')).toBe(' a\n');
    expect(stripPadding(' \0 ')).toBe('');
  });
});
