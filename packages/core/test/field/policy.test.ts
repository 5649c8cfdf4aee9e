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
  warn: (message: string) => void = () => {},
) {
  const fields = { f: column('users', 'pw', { row: { id: 'int' }, ...options }) };
  return createCasehard({
    fields,
    keyring: keyringOf(names),
    warn,
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

  test.each([{ chars: 103 }, { bytes: 103 }])(
    'a column of %j holds no sealed value: until its upgrade the existing scheme goes on',
    (max) => {
      const warnings: string[] = [];
      const field = fieldWith({ was: 'base64', max }, undefined, undefined, undefined, (message) =>
        warnings.push(message),
      );
      expect(field.seal('hunter2', row)).toBe('aHVudGVyMg==');
      expect(field.seal('hunter3', row, { stored: 'aHVudGVyMg==' })).toBe('aHVudGVyMw==');
      expect(warnings).toEqual([expect.stringContaining('f: its column holds 103 characters and no sealed value')]);
      expect(() => field.seal('x'.repeat(100), row)).toThrow(expect.objectContaining({ code: 'TOO_LONG' }));
      const sealed = fieldWith({ was: 'base64' }).seal('hunter2', row);
      for (const stored of [sealed, Buffer.from(sealed).toString('base64')]) {
        expect(() => field.seal('hunter2', row, { stored })).toThrow(expect.objectContaining({ code: 'TOO_LONG' }));
      }
      for (const strict of [{ strict: true }, { was: undefined }]) {
        const closed = fieldWith({ was: 'base64', max, ...strict } as never);
        expect(() => closed.seal('hunter2', row)).toThrow(expect.objectContaining({ code: 'TOO_LONG' }));
      }
      expect(field.harden('aHVudGVyMg==', row)).toEqual({ verdict: { kind: 'unexpected', why: 'TOO_LONG' } });
    },
  );

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

describe('what is sealed already is never sealed again', () => {
  const sealedUnder = (names: Names, other = row) => fieldWith({ was: 'plaintext' }, names).seal('hunter2', other);

  test.each([
    ['of an unknown key', () => sealedUnder({ active: 'second' }), 'unreadable', 'UNKNOWN_KEY'],
    ['of another row', () => sealedUnder({ active: 'counting' }, { id: 43 }), 'unreadable', 'MAC'],
    ['with column padding', () => `${sealedUnder({ active: 'second' })}  `, 'unreadable', 'UNKNOWN_KEY'],
  ])('not even as plaintext: a sealed value %s', (_what, make, kind, why) => {
    const stored = make();
    const outcome = fieldWith({ was: 'plaintext' }).harden(stored, row, { asPlaintext: true });
    expect(outcome).toEqual({ verdict: expect.objectContaining({ kind, why }) });
  });

  test('nor where an old process saved its scheme over one', () => {
    const stored = b64(sealedUnder({ active: 'counting' }));
    const outcome = fieldWith({ was: 'base64' }).harden(stored, row, { asPlaintext: true });
    expect(outcome).toEqual({ verdict: { kind: 'unexpected', why: 'LOOKS_SEALED' } });
  });

  test('a plaintext that only begins so is', () => {
    for (const stored of ['chd1.my-own-token-0001', 'Chd1.x', sealedUnder({ active: 'counting' }).slice(0, 60)]) {
      expect(fieldWith({ was: 'plaintext' }).harden(stored, row, { asPlaintext: true }).write).toMatch(/^chd1\./);
    }
  });
});

describe('what a driver may hand over', () => {
  test.each([42, 42n, true, { a: 1 }, [1]])('%o is no stored credential, and no crash', (stored) => {
    const field = fieldWith({ was: 'plaintext' });
    expect(field.verdict(stored as never, row)).toEqual({ kind: 'unexpected', why: 'NOT_LEGACY' });
    expect(() => field.open(stored as never, row)).toThrow(expect.objectContaining({ code: 'CANNOT_OPEN' }));
  });

  test('bytes are copied: what the driver does with its buffer later changes no Secret', () => {
    const bytes = Buffer.from([1, 2, 3]);
    const secret = fieldWith({ was: 'plaintext' }).open(bytes, row);
    bytes.fill(0);
    expect(Buffer.from(secret?.revealBytes() ?? [])).toEqual(Buffer.from([1, 2, 3]));
  });

  test('a key of char(n) is the same with its padding and without', () => {
    const fields = { f: column('t', 'pw', { row: { code: 'char' } }) };
    const field = createCasehard({ fields, keyring: keyringOf({ active: 'counting' }) }).field('f');
    expect(field.openText(field.seal('hunter2', { code: 'ab' }), { code: 'ab      ' })).toBe('hunter2');
  });
});

test('a row is asked for where a value needs it, and only there', () => {
  const fields = {
    f: column('t', 'pw', { row: { id: 'int' }, bind: 'field', contexts: [{ bind: 'field' }, { bind: 'row' }] }),
    g: column('t', 'pw', { row: { id: 'int' }, contexts: [{ scope: 'f', bind: 'row' }] }),
  };
  const [f, g] = (['f', 'g'] as const).map((name) =>
    createCasehard({ fields: { [name]: fields[name] } as never, keyring: keyringOf({ active: 'counting' }) }).field(
      name as never,
    ),
  ) as unknown as {
    seal: (text: string, row?: unknown) => string;
    openText: (stored: string, row?: unknown) => string;
  }[];
  expect(f?.openText(f.seal('hunter2'))).toBe('hunter2');
  const bound = g?.seal('hunter2', row) ?? '';
  expect(f?.openText(bound, row)).toBe('hunter2');
  expect(() => f?.openText(bound)).toThrow(expect.objectContaining({ code: 'BAD_ROW' }));
});
