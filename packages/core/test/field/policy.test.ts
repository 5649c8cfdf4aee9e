import { describe, expect, test } from 'vitest';
import { createCasehard } from '../../src/field/casehard.ts';
import { column, type FieldOptions } from '../../src/field/define-config.ts';
import { keyringOf, type Names } from '../make.ts';
import { keyOf } from '../vectors/masters.ts';

const row = { id: 42 };
const b64 = (text: string) => Buffer.from(text).toString('base64');

function fieldWith(
  options: FieldOptions,
  names: Names = { active: 'counting' },
  now?: () => number,
  maxSecret?: number,
) {
  const fields = { f: column('users', 'pw', { row: { id: 'int' }, ...options }) };
  return createCasehard({
    fields,
    keyring: keyringOf(names),
    warn: () => {},
    ...(now ? { now } : {}),
    ...(maxSecret === undefined ? {} : { maxSecret }),
  }).field('f');
}

describe('strict and legacyUntil', () => {
  const refusal = expect.objectContaining({ code: 'CANNOT_OPEN', reason: 'UNEXPECTED' });

  test('a strict field accepts no legacy value, neither in reads nor in bulk', () => {
    const field = fieldWith({ was: 'base64', strict: true });
    expect(field.strict).toBe(true);
    expect(() => field.open(b64('x'), row)).toThrow(refusal);
    expect(field.harden(b64('x'), row)).toEqual({ verdict: { kind: 'unexpected', why: 'LEGACY_NOT_ACCEPTED' } });
  });

  test('a field without a legacy scheme is strict', () => {
    const field = fieldWith({});
    expect(field.strict).toBe(true);
    expect(() => field.open('anything', row)).toThrow(refusal);
  });

  test('strict wins over a date in the future', () => {
    expect(fieldWith({ was: 'base64', strict: true, legacyUntil: '2999-01-01' }).strict).toBe(true);
  });

  test('a date ends the time of legacy values, at its midnight in UTC, without a restart', () => {
    let now = Date.parse('2027-01-30T23:59:59.999Z');
    const field = fieldWith({ was: 'base64', legacyUntil: '2027-01-31' }, { active: 'counting' }, () => now);
    expect(field.strict).toBe(false);
    expect(field.openText(b64('x'), row)).toBe('x');
    now++;
    expect(field.strict).toBe(true);
    expect(() => field.open(b64('x'), row)).toThrow(refusal);
    expect(field.verdict(b64('x'), row)).toEqual({ kind: 'unexpected', why: 'LEGACY_NOT_ACCEPTED' });
  });

  test('sealed values open either way', () => {
    const stored = fieldWith({ was: 'base64' }).seal('hunter2', row);
    expect(fieldWith({ was: 'base64', strict: true }).openText(stored, row)).toBe('hunter2');
  });
});

describe('contexts', () => {
  const values = {
    row: fieldWith({ bind: 'row' }).seal('x', row),
    field: fieldWith({ bind: 'field' }).seal('x', row),
    none: fieldWith({ contexts: [{ bind: 'none' }] }).seal('x', row),
    renamed: fieldWith({ contexts: [{ bind: 'row', scope: 'old.name' }] }).seal('x', row),
  };
  const accept = {
    row: { bind: 'row' },
    field: { bind: 'field' },
    none: { bind: 'none' },
    renamed: { bind: 'row', scope: 'old.name' },
  } as const;
  const names = Object.keys(accept) as (keyof typeof accept)[];

  for (const first of names) {
    for (const second of names) {
      test(`a field that accepts ${first}, then ${second}, gives each value its verdict`, () => {
        const field = fieldWith({ contexts: [accept[first], accept[second]] });
        for (const name of names) {
          const { kind } = field.verdict(values[name], row);
          expect([name, kind]).toEqual([name, name === first ? 'current' : name === second ? 'stale' : 'unreadable']);
        }
      });
    }
  }

  test('the first one seals', () => {
    const field = fieldWith({ contexts: [{ bind: 'field' }, { bind: 'row' }] });
    expect(fieldWith({ bind: 'field' }).verdict(field.seal('x', row), row)).toMatchObject({ kind: 'current' });
  });

  test('a value bound to the field opens in every row of it, and in no other field', () => {
    const fields = {
      a: column('t', 'a', { row: { id: 'int' }, bind: 'field' }),
      b: column('t', 'b', { row: { id: 'int' }, bind: 'field' }),
    };
    const hard = createCasehard({ fields, keyring: keyringOf({ active: 'counting' }) });
    const stored = hard.field('a').seal('x', { id: 1 });
    expect(hard.field('a').openText(stored, { id: 2 })).toBe('x');
    expect(hard.field('b').verdict(stored, { id: 1 })).toMatchObject({ kind: 'unreadable', why: 'MAC' });
  });

  test('a row-bound field needs its row to read and to seal', () => {
    const field = fieldWith({});
    for (const bad of [undefined, null, {}, { id: 'x' }, { ID: 42 }]) {
      const refusal = expect.objectContaining({ code: 'BAD_ROW', field: 'f' });
      expect(() => field.seal('x', bad as typeof row)).toThrow(refusal);
      expect(() => field.open(values.row, bad as typeof row)).toThrow(refusal);
      expect(() => field.verdict(values.row, bad as typeof row)).toThrow(refusal);
    }
  });

  test('a whole record may be handed in as row, whatever types the driver returns', () => {
    for (const id of [42, 42n, '42', '0042']) {
      expect(fieldWith({}).openText(values.row, { id, name: 'x', pw: null } as unknown as typeof row)).toBe('x');
    }
  });
});

describe('keys', () => {
  const second = fieldWith({}, { active: 'second' }).seal('x', row);
  const kid = keyOf('second').kid;

  test.each([
    ['previous', { active: 'counting', previous: ['second'] }, { kind: 'stale', kid, because: 'key' }],
    ['staged', { active: 'counting', staged: ['second'] }, { kind: 'current', kid }],
    ['unknown', { active: 'counting' }, { kind: 'unreadable', why: 'UNKNOWN_KEY', kid }],
    [
      'previous and withdrawn',
      { active: 'counting', previous: ['second'], withdrawn: [kid] },
      { kind: 'unreadable', why: 'WITHDRAWN_KEY', kid },
    ],
    [
      'staged and withdrawn',
      { active: 'counting', staged: ['second'], withdrawn: [kid] },
      { kind: 'unreadable', why: 'WITHDRAWN_KEY', kid },
    ],
    ['withdrawn and gone', { active: 'counting', withdrawn: [kid] }, { kind: 'unreadable', why: 'WITHDRAWN_KEY', kid }],
    ['previous, without an active one', { previous: ['second'] }, { kind: 'current', kid }],
  ] as const)('a value under a key that is %s gets its verdict', (_name, names: Names, verdict) => {
    expect(fieldWith({}, names).verdict(second, row)).toMatchObject(verdict);
  });

  test('only the active key seals', () => {
    const field = fieldWith({}, { active: 'counting', staged: ['second'], previous: ['third'] });
    for (let i = 0; i < 20; i++) expect(field.seal('x', row).slice(5, 13)).toBe('h2zivffe');
  });
});

describe('what does not fit', () => {
  test.each([
    [255, 126, 253, false],
    [255, 127, undefined, undefined],
    [252, 62, 168, false],
    [252, 94, 210, true],
    [104, 14, 104, true],
    [103, 1, undefined, undefined],
    [125, 30, 125, false],
  ])('a column of %i characters takes a secret of %i bytes as %s characters', (chars, bytes, stored, tight) => {
    for (const max of [{ chars }, { bytes: chars }, { chars: 9999, bytes: chars }]) {
      const field = fieldWith({ was: 'plaintext', max });
      const secret = 'x'.repeat(bytes);
      if (stored === undefined) {
        expect(() => field.seal(secret, row)).toThrow(expect.objectContaining({ code: 'TOO_LONG', field: 'f' }));
        expect(field.harden(secret, row)).toEqual({ verdict: { kind: 'unexpected', why: 'TOO_LONG' } });
      } else {
        expect(field.seal(secret, row)).toHaveLength(stored);
        expect(field.harden(secret, row)).toMatchObject({ verdict: { kind: 'legacy' }, tight });
      }
    }
  });

  test('the message says how much is needed and how much there is', () => {
    const field = fieldWith({ max: { chars: 100 } });
    expect(() => field.seal('x'.repeat(30), row)).toThrow('f: needs 125 characters, the column holds 100');
  });

  test('the configured maximum is exact, opens what it seals, and is named', () => {
    const field = fieldWith({}, { active: 'counting' }, undefined, 100);
    expect(field.openText(field.seal('x'.repeat(100), row), row)).toHaveLength(100);
    expect(() => field.seal('x'.repeat(101), row)).toThrow('f: has 101 bytes, a secret may have 100');
    const wide = fieldWith({ max: { chars: 100_000 } });
    expect(wide.openText(wide.seal('x'.repeat(65_534), row), row)).toHaveLength(65_534);
    expect(() => wide.seal('x'.repeat(65_535), row)).toThrow('f: has 65535 bytes, a secret may have 65534');
  });

  test('soften refuses what the old scheme cannot hold any more', () => {
    const sealed = fieldWith({ was: 'base64' }).seal('x'.repeat(300), row);
    const outcome = { verdict: { kind: 'unexpected', why: 'TOO_LONG' } };
    expect(fieldWith({ was: 'base64', max: { chars: 255 } }).soften(sealed, row)).toEqual(outcome);
  });
});

describe('harden and soften', () => {
  test.each([
    ['plaintext', 'pä"ss\n🔑'],
    ['base64', b64('pä"ss\n🔑')],
    ['base64', '/////w=='],
    ['hex', 'c3a4ff'],
  ] as const)('undo each other, byte for byte: %s %j', (was, stored) => {
    const field = fieldWith({ was });
    const { verdict, write } = field.harden(stored, row);
    expect(verdict).toEqual({ kind: 'legacy', scheme: was });
    expect(field.open(write, row)?.revealBytes()).toEqual(field.open(stored, row)?.revealBytes());
    expect(field.soften(write, row)).toMatchObject({ verdict: { kind: 'current' }, write: stored });
  });

  test('soften leaves legacy values alone, and needs a scheme to go back to', () => {
    expect(fieldWith({ was: 'base64' }).soften(b64('x'), row)).toEqual({
      verdict: { kind: 'legacy', scheme: 'base64' },
    });
    const field = fieldWith({});
    expect(() => field.soften(field.seal('x', row), row)).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  });

  test('harden never throws for what is stored, half of a surrogate pair included', () => {
    for (const was of ['plaintext', 'base64', 'hex'] as const) {
      for (const stored of ['\ud800', 'chd1.\ud800', 'a\udfff', '\0', ' ', '=', '==', Buffer.of(0xed, 0xa0, 0x80)]) {
        for (const asPlaintext of [false, true])
          expect(() => fieldWith({ was }).harden(stored, row, { asPlaintext })).not.toThrow();
      }
    }
    const outcome = { verdict: { kind: 'unexpected', why: 'NOT_LEGACY' } };
    expect(fieldWith({ was: 'plaintext' }).harden('\ud800', row)).toEqual(outcome);
  });
});
