import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketBlocks, tightBlocks } from '../../src/sealed/length.ts';
import { type Opened, openContent } from '../../src/sealed/open.ts';
import { sealContent } from '../../src/sealed/seal.ts';
import { sealPage } from '../../src/sealed/seal-page.ts';
import { contextIn, keysOf, sealingKey } from '../make.ts';
import * as reference from '../reference.ts';
import { keyOf } from '../vectors/masters.ts';

const key = sealingKey('counting');
const keys = keysOf(['counting', 'second']);

const wellFormed = fc.string({ unit: 'binary', maxLength: 3000 });
const content = fc.oneof(wellFormed, fc.string({ maxLength: 40 }), fc.uint8Array({ maxLength: 3000 }));
const scope = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 });
const piece = fc.string({ unit: 'binary', maxLength: 20 });
const context: fc.Arbitrary<reference.ReferenceContext> = fc.oneof(
  fc.constant({ binding: 'none' as const, scope: '', row: [] }),
  fc.record({ binding: fc.constant('field' as const), scope, row: fc.constant([]) }),
  fc.record({ binding: fc.constant('row' as const), scope, row: fc.array(piece, { minLength: 1, maxLength: 16 }) }),
);

function seal(
  value: string | Uint8Array,
  place: reference.ReferenceContext,
  n = bucketBlocks(Buffer.from(value as string).length),
): string {
  return sealContent(key, contextIn(place), { row: place.row, content: value, n });
}

function open(sealed: string, place: reference.ReferenceContext): Opened {
  return openContent(keys, [contextIn(place)], sealed, { row: place.row });
}

describe('opening', () => {
  test('undoes sealing: text and bytes, every binding, lengths to 3000, on both sides', () => {
    fc.assert(
      fc.property(content, context, fc.boolean(), (value, place, tight) => {
        const bytes = Buffer.from(value as string).length;
        const sealed = seal(value, place, tight ? tightBlocks(bytes) : bucketBlocks(bytes));
        expect(open(sealed, place)).toMatchObject({ ok: true, content: value });
        const input = { keys: [keyOf('counting')], withdrawn: [], contexts: [place], maxSecret: 65_534 };
        expect(reference.open(input, sealed)).toMatchObject({ ok: true, content: value });
      }),
      { numRuns: 400 },
    );
  });

  test('undoes the sealing of the other implementation', () => {
    fc.assert(
      fc.property(content, context, fc.uint8Array({ minLength: 16, maxLength: 16 }), (value, place, iv) => {
        const n = bucketBlocks(Buffer.from(value as string).length);
        const theirs = reference.seal(keyOf('counting'), place, { content: value, n, iv });
        expect(sealContent(key, contextIn(place), { row: place.row, content: value, n, iv })).toBe(theirs);
        expect(open(theirs, place)).toMatchObject({ ok: true, content: value });
      }),
      { numRuns: 300 },
    );
  });

  test('keeps text and bytes apart: what was sealed as one never opens as the other', () => {
    const place = { binding: 'field', scope: 's', row: [] } as const;
    expect(open(seal('hunter2', place), place)).toMatchObject({ content: 'hunter2' });
    const opened = open(seal(Buffer.from('hunter2'), place), place);
    expect(opened).toMatchObject({ content: new Uint8Array(Buffer.from('hunter2')) });
  });
});

describe('a sealed value', () => {
  test('opens in no other context', () => {
    fc.assert(
      fc.property(context, context, (sealedIn, openedIn) => {
        fc.pre(JSON.stringify(sealedIn) !== JSON.stringify(openedIn));
        const failure = sealedIn.binding === openedIn.binding ? 'MAC' : 'CONTEXT_POLICY';
        expect(open(seal('hunter2', sealedIn), openedIn)).toMatchObject({ ok: false, failure });
      }),
      { numRuns: 400 },
    );
  });

  test('opens in no context whose pieces are the same text, cut elsewhere', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 2, maxLength: 30 }), fc.nat(), fc.nat(), fc.nat(), (text, a, b, c) => {
        const cut = (at: number): reference.ReferenceContext => {
          const middle = 1 + (at % (text.length - 1));
          return { binding: 'row', scope: 's', row: [text.slice(0, middle), text.slice(middle)] };
        };
        const whole: reference.ReferenceContext = { binding: 'row', scope: 's', row: [text] };
        const [one, other] = [cut(a), c % 3 === 0 ? whole : cut(b)];
        fc.pre(JSON.stringify(one) !== JSON.stringify(other));
        expect(open(seal('x', one), other)).toMatchObject({ ok: false, failure: 'MAC' });
      }),
    );
  });

  test('opens with its columns in no other order', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), (order) => {
        fc.pre(order.join() !== '0,1,2,3');
        const row = ['1', '2', '3', '4'];
        const other = order.map((at) => row[at] as string);
        const opened = open(seal('x', { binding: 'row', scope: 's', row }), { binding: 'row', scope: 's', row: other });
        expect(opened).toMatchObject({ ok: false, failure: 'MAC' });
      }),
    );
  });

  test('opens under no other key', () => {
    const place = { binding: 'field', scope: 's', row: [] } as const;
    const other = openContent(keysOf(['second']), [contextIn(place)], seal('x', place), { row: [] });
    expect(other).toMatchObject({ ok: false, failure: 'UNKNOWN_KEY', kid: 'h2zivffe' });
  });

  test('never comes twice: 20 000 seals of one secret differ, in the first block too', () => {
    const place = { binding: 'none', scope: '', row: [] } as const;
    const all = Array.from({ length: 20_000 }, () => seal('hunter2', place));
    expect(new Set(all).size).toBe(all.length);
    expect(new Set(all.map((sealed) => sealed.slice(18, 39))).size).toBe(all.length);
    expect(new Set(all.map((sealed) => sealed.slice(40, 60))).size).toBe(all.length);
  });

  test('never comes twice from a key just loaded, as after a restart: singly or in a page', () => {
    const place = contextIn({ binding: 'none', scope: '', row: [] });
    const value = { row: [], content: 'hunter2', n: 2 };
    const all = Array.from({ length: 200 }, () => [
      sealContent(sealingKey('counting'), place, value),
      ...sealPage(sealingKey('counting'), place, [value, value, value]),
    ]).flat();
    expect(new Set(all.map((sealed) => sealed.slice(18, 39))).size).toBe(800);
  });

  test('has one length for all secrets of a bucket', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1100 }), (length) => {
        const place = { binding: 'none', scope: '', row: [] } as const;
        const bucket = [30, 62, 126, 254, 510, 1022, 2046].find((longest) => length <= longest) as number;
        expect(seal('x'.repeat(length), place)).toHaveLength(seal('y'.repeat(bucket), place).length);
      }),
    );
  });

  test('matches the pattern that the format promises', () => {
    fc.assert(
      fc.property(content, context, (value, place) => {
        expect(seal(value, place)).toMatch(/^chd1\.[a-z2-7]{8}\.[AB][A-Za-z0-9_-]{89,}$/);
      }),
    );
  });
});

describe('sealing refuses', () => {
  const place = { binding: 'none', scope: '', row: [] } as const;
  test('half of a surrogate pair, wherever it stands', () => {
    for (const text of ['\ud800', 'a\udfff', '\udc00\ud800', 'pass\ud83dword']) {
      expect(() => seal(text, place)).toThrow(expect.objectContaining({ code: 'NOT_WELL_FORMED' }));
    }
  });
  test('an IV that is not 16 bytes', () => {
    for (const length of [0, 8, 15, 17, 32]) {
      const value = { row: [], content: 'x', n: 2, iv: new Uint8Array(length) };
      expect(() => sealContent(key, contextIn(place), value)).toThrow('"iv" must be 16 bytes');
    }
  });
  test('numbers of blocks that do not hold the content or the format', () => {
    for (const n of [0, -1, 65_536, Number.NaN]) expect(() => seal('x', place, n)).toThrow('"n" must be');
    expect(() => seal('x'.repeat(31), place, 2)).toThrow('"n" is too small');
    expect(seal('x'.repeat(30), place, 2)).toHaveLength(125);
  });
  test('a row with more or fewer pieces than declared', () => {
    const context = contextIn({ binding: 'row', scope: 's', row: ['1', '2'] });
    for (const row of [[], ['1'], ['1', '2', '3']]) {
      expect(() => sealContent(key, context, { row, content: 'x', n: 2 })).toThrow('"row" must have');
    }
  });
});
