import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCasehard } from '../../src/field/casehard.ts';
import { column } from '../../src/field/define-config.ts';
import { base64 } from '../../src/schemes/legacy.ts';
import { keyringOf } from '../make.ts';

const fields = {
  'list.bounce.password': column('lists', 'bounce_password', {
    row: { list_id: 'int' },
    was: base64(),
    max: { chars: 200 },
    contexts: [{ bind: 'row' }, { bind: 'field' }],
  }),
} as const;
const keyring = keyringOf({ active: 'counting', previous: ['second'] });
const field = createCasehard({ fields, keyring }).field('list.bounce.password');
const older = createCasehard({ fields, keyring: keyringOf({ active: 'second' }) }).field('list.bounce.password');

const base = (text: string) => Buffer.from(text).toString('base64');
const item = fc
  .record({
    id: fc.integer({ min: 0, max: 50 }),
    text: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter((text) => text.isWellFormed()),
    kind: fc.constantFrom(
      'null',
      'empty',
      'legacy',
      'no base64',
      'current',
      'old key',
      'moved',
      'damaged',
      'foreign',
      'too long',
      'looks sealed',
      'legacy bytes',
    ),
  })
  .map(({ id, text, kind }) => {
    const row = { list_id: id };
    const stored = {
      null: null,
      empty: '',
      legacy: base(text),
      'no base64': `*${text}`,
      current: field.seal(text, row),
      'old key': older.seal(text, row),
      moved: field.seal(text, { list_id: id + 1 }),
      damaged: `${field.seal(text, row).slice(0, -2)}AA`,
      foreign: '$2y$10$abcdefghijklmnopqrstuv',
      'too long': base('x'.repeat(100 + id)),
      'looks sealed': base(`chd1.${text}`),
      'legacy bytes': Buffer.of(0xff, id).toString('base64'),
    }[kind];
    return { stored, row };
  });
const page = fc.array(item, { maxLength: 40 });

describe('many values at once', () => {
  test('get the verdicts that they get one by one', () => {
    fc.assert(
      fc.property(page, (items) => {
        expect(field.verdictMany(items)).toEqual(items.map(({ stored, row }) => field.verdict(stored, row)));
      }),
      { numRuns: 200 },
    );
  });

  test('get the outcomes that they get one by one, and what is to be written opens to the same content', () => {
    fc.assert(
      fc.property(page, (items) => {
        const many = field.hardenMany(items);
        expect(many).toHaveLength(items.length);
        for (const [i, { stored, row }] of items.entries()) {
          const { write, ...outcome } = many[i] as (typeof many)[number];
          const { write: single, ...expected } = field.harden(stored, row);
          expect(outcome).toEqual(expected);
          expect(typeof write).toBe(typeof single);
          if (write === undefined || single === undefined) continue;
          expect(write).toHaveLength(single.length);
          expect(field.verdict(write, row).kind).toBe('current');
          expect(field.open(write, row)?.revealBytes()).toEqual(field.open(single, row)?.revealBytes());
        }
      }),
      { numRuns: 200 },
    );
  });

  test('throw what they throw one by one: a wrong row, and no key to seal with', () => {
    const bad = { stored: base('hunter2'), row: { list_id: 'one' } };
    expect(() => field.hardenMany([bad])).toThrow('row key "list_id" is not of type int');
    const keyless = createCasehard({ fields, warn: () => {} }).field('list.bounce.password');
    const good = { stored: base('hunter2'), row: { list_id: 1 } };
    expect(() => keyless.hardenMany([good])).toThrow('CASEHARD_ENC_KEY not configured');
    expect(() => keyless.harden(good.stored, good.row)).toThrow('CASEHARD_ENC_KEY not configured');
    expect(keyless.hardenMany([{ stored: null, row: { list_id: 1 } }])).toEqual([{ verdict: { kind: 'empty' } }]);
  });

  test('may be none', () => {
    expect(field.hardenMany([])).toEqual([]);
    expect(field.verdictMany([])).toEqual([]);
  });
});
