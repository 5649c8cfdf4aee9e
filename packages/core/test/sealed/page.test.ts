import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BINDING, Context } from '../../src/sealed/context.ts';
import { tightBlocks } from '../../src/sealed/length.ts';
import { openContent } from '../../src/sealed/open.ts';
import { openPage } from '../../src/sealed/open-page.ts';
import { sealContent } from '../../src/sealed/seal.ts';
import { sealPage } from '../../src/sealed/seal-page.ts';
import { keysOf, sealingKey } from '../make.ts';
import * as reference from '../reference.ts';
import { masterOf } from '../vectors/masters.ts';

const SCOPE = 'mailer.smtp.password';
const key = sealingKey('counting');
const keys = keysOf(['counting', 'second']);
const context = new Context(BINDING.row, SCOPE, 1);

const content = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 300 }).filter((text) => text.isWellFormed()),
  fc.uint8Array({ maxLength: 300 }),
  // Around the end of what is enciphered at once, and beyond it.
  fc.integer({ min: 30_000, max: 70_000 }).map((length) => 'x'.repeat(length)),
);
const page = fc.array(
  content.map((each) => ({ content: each, n: tightBlocks(Buffer.byteLength(each)) })),
  { maxLength: 12 },
);
const withRows = page.map((values) => values.map((value, i) => ({ ...value, row: [String(i)] })));

/** The second implementation, which shares no code with src and deciphers with a cipher object for each value. */
function openElsewhere(stored: string, row: readonly string[]) {
  return reference.open(
    {
      keys: [reference.deriveKeys(masterOf('counting'))],
      withdrawn: [],
      contexts: [{ binding: 'row', scope: SCOPE, row }],
      maxSecret: 70_000,
    },
    stored,
  );
}

describe('a page', () => {
  test('of sealed values opens one by one, here and in the second implementation', () => {
    fc.assert(
      fc.property(withRows, (values) => {
        const sealed = sealPage(key, context, values);
        expect(sealed).toHaveLength(values.length);
        for (const [i, stored] of sealed.entries()) {
          const { content, row } = values[i] as (typeof values)[number];
          expect(openContent(keys, [context], stored, { row, maxSecret: 70_000 })).toMatchObject({ ok: true, content });
          expect(openElsewhere(stored, row)).toMatchObject({ ok: true, content });
        }
      }),
      { numRuns: 100 },
    );
  });

  test('of one text a thousand times over shows it nowhere', () => {
    const value = { content: 'the same', n: 2, row: ['1'] };
    const bodies = sealPage(
      key,
      context,
      Array.from({ length: 3000 }, () => value),
    ).map((stored) => Buffer.from(stored.slice(14), 'base64url'));
    for (const [from, to] of [
      [3, 19],
      [19, 35],
      [35, 51],
    ]) {
      expect(new Set(bodies.map((body) => body.toString('hex', from, to))).size).toBe(3000);
    }
  });

  test('of stored values gives what opening them one by one gives: damaged, foreign and long ones among them', () => {
    const other = sealingKey('second');
    const none = new Context(BINDING.none, 'unused', 0);
    const damage = fc.constantFrom('', 'tag', 'iv', 'row', 'cut', 'other key', 'older context', 'plain');
    fc.assert(
      fc.property(withRows, fc.array(damage, { minLength: 12, maxLength: 12 }), (values, damages) => {
        const items = values.map((value, i) => {
          const how = damages[i];
          const sealed =
            how === 'older context'
              ? sealContent(key, none, { ...value, row: [] })
              : sealContent(how === 'other key' ? other : key, context, value);
          const row = how === 'row' ? ['99'] : value.row;
          return { stored: damaged(sealed, how), row };
        });
        const contexts = [context, none];
        const options = { maxSecret: 70_000 };
        const singly = items.map(({ stored, row }) => openContent(keys, contexts, stored, { ...options, row }));
        const opened = openPage(keys, contexts, items, options.maxSecret);
        const shown = ({ ...result }) => ({ ...result, key: 'key' in result ? result.key.kid : undefined });
        expect(opened.map(shown)).toEqual(singly.map(shown));
      }),
      { numRuns: 100 },
    );
  });

  test('that cannot be sealed whole is refused whole, and the next one is not touched by it', () => {
    const good = { content: 'hunter2', n: 2, row: ['1'] };
    expect(() => sealPage(key, context, [good, { ...good, content: '\ud800' }])).toThrow('half of a surrogate pair');
    expect(() => sealPage(key, context, [good, { ...good, content: 'x'.repeat(31) }])).toThrow('"n"');
    expect(() => sealPage(key, context, [good, { ...good, row: [] }])).toThrow('"row"');
    const [stored] = sealPage(key, context, [good]);
    expect(openElsewhere(stored as string, ['1'])).toMatchObject({ ok: true, content: 'hunter2' });
  });

  test('may be empty', () => {
    expect(sealPage(key, context, [])).toEqual([]);
    expect(openPage(keys, [context], [])).toEqual([]);
  });
});

// --- internal ---

function damaged(sealed: string, how: string | undefined): string {
  const flip = (at: number) => sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
  switch (how) {
    case 'tag':
      return flip(sealed.length - 8);
    case 'iv':
      return flip(22);
    case 'cut':
      return sealed.slice(0, -5);
    case 'plain':
      return 'hunter2';
    default:
      return sealed;
  }
}
