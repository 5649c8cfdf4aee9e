/** "When there is no key": the existing scheme goes on, loudly, and only while nothing speaks against it. */
import { describe, expect, test } from 'vitest';
import { createCasehard } from '../../src/field/casehard.ts';
import { column, type FieldOptions, setting } from '../../src/field/define-config.ts';
import { createKeyring } from '../../src/keyring/keyring.ts';
import { keyringOf, type Names } from '../make.ts';

const row = { id: 42 };
const b64 = (text: string) => Buffer.from(text).toString('base64');

function make(options: FieldOptions = { was: 'base64' }, names: Names = {}) {
  const fields = { f: column('users', 'pw', { row: { id: 'int' }, ...options }) };
  return createCasehard({ fields, keyring: keyringOf(names), warn: () => {} });
}
const fieldWith = (options?: FieldOptions, names?: Names) => make(options, names).field('f');
const sealed = fieldWith({}, { active: 'counting' }).seal('hunter2', row);

function missing(because: string) {
  return expect.objectContaining({
    code: 'KEY_MISSING',
    message: `f: CASEHARD_ENC_KEY not configured, and ${because}`,
    field: 'f',
    hint: expect.stringContaining('CASEHARD_ENC_KEY'),
  });
}

describe('without a key', () => {
  test.each([
    ['plaintext', 'hunter2'],
    ['base64', b64('hunter2')],
    ['hex', '68756e74657232'],
  ] as const)('the existing scheme %s goes on, in and out', (was, stored) => {
    const field = fieldWith({ was });
    expect(field.seal('hunter2', row)).toBe(stored);
    expect(field.openText(stored, row)).toBe('hunter2');
    expect(field.openText(field.seal('pä🔑\0', row), row)).toBe('pä🔑\0');
  });

  test('bytes go on as the existing scheme has them', () => {
    const bytes = Buffer.of(255, 0);
    expect(fieldWith({ was: 'base64' }).sealBytes(bytes, row)).toBe('/wA=');
    expect(fieldWith({ was: 'plaintext' }).sealBytes(bytes, row)).toEqual(bytes);
  });

  test('no row is needed to save', () => {
    expect(fieldWith().seal('x', {} as typeof row)).toBe('eA==');
  });

  test('half of a surrogate pair is refused', () => {
    const refusal = expect.objectContaining({ code: 'NOT_WELL_FORMED' });
    for (const was of ['plaintext', 'base64'] as const) {
      expect(() => fieldWith({ was }).seal('\ud800', row)).toThrow(refusal);
    }
  });

  test('a value that does not fit the column in its scheme is refused before the write', () => {
    const field = fieldWith({ was: 'base64', max: { chars: 8 } });
    expect(field.seal('123456', row)).toHaveLength(8);
    expect(() => field.seal('1234567', row)).toThrow(expect.objectContaining({ code: 'TOO_LONG' }));
    const bytes = fieldWith({ was: 'plaintext', max: { chars: 8, bytes: 8 } });
    expect(() => bytes.seal('ääääää', row)).toThrow(expect.objectContaining({ code: 'TOO_LONG' }));
    expect(fieldWith({ was: 'plaintext', max: { chars: 2 } }).seal('🔑🔑', row)).toBe('🔑🔑');
  });

  test('text that begins like a sealed value is refused: the next read would take it for a damaged one', () => {
    for (const was of ['plaintext', 'base64', 'hex'] as const) {
      expect(() => fieldWith({ was }).seal('chd1.x', row)).toThrow(expect.objectContaining({ code: 'REFUSED' }));
    }
  });

  test('sealed values are errors, and hardening is refused', () => {
    const field = fieldWith();
    expect(() => field.open(sealed, row)).toThrow(
      expect.objectContaining({ code: 'CANNOT_OPEN', reason: 'UNKNOWN_KEY' }),
    );
    expect(() => field.harden(b64('x'), row)).toThrow(missing('nothing can be sealed'));
    expect(() => field.reseal(b64('x'), row)).toThrow(missing('nothing can be sealed'));
    expect(field.harden(sealed, row)).toEqual({ verdict: { kind: 'unreadable', why: 'UNKNOWN_KEY', kid: 'h2zivffe' } });
  });
});

describe('falling back is refused', () => {
  test('when the field is strict', () => {
    expect(() => fieldWith({ was: 'base64', strict: true }).seal('x', row)).toThrow(
      missing('it accepts sealed values only'),
    );
    expect(() => fieldWith({}).seal('x', row)).toThrow(missing('it accepts sealed values only'));
    const until = { was: 'base64', legacyUntil: '2020-01-01' } as const;
    expect(() => fieldWith(until).seal('x', row)).toThrow(missing('it accepts sealed values only'));
  });

  test.each([
    ['a verdict', (f: ReturnType<typeof fieldWith>) => f.verdict(sealed, row)],
    ['a failed opening', (f: ReturnType<typeof fieldWith>) => expect(() => f.open(sealed, row)).toThrow()],
    ['a bulk run', (f: ReturnType<typeof fieldWith>) => f.harden(sealed, row)],
    ['a damaged one', (f: ReturnType<typeof fieldWith>) => f.verdict(sealed.toUpperCase(), row)],
    ['one in a binary column', (f: ReturnType<typeof fieldWith>) => f.verdict(Buffer.from(sealed), row)],
    [
      'the stored value of an earlier save',
      (f: ReturnType<typeof fieldWith>) => expect(() => f.seal('y', row, { stored: sealed })).toThrow(),
    ],
  ])('when this process has met a sealed value: %s', (_name, meet) => {
    const field = fieldWith();
    expect(field.seal('x', row)).toBe('eA==');
    meet(field);
    expect(() => field.seal('x', row)).toThrow(missing('sealed values exist'));
    expect(() => field.sealBytes(Buffer.of(1), row)).toThrow(missing('sealed values exist'));
  });

  test('in every field, when one of them has met a sealed value', () => {
    const fields = {
      a: column('t', 'a', { row: { id: 'int' }, was: 'base64' }),
      b: setting('s', { where: { name: 'b' }, value: 'v', was: 'base64' }),
    };
    const hard = createCasehard({ fields, warn: () => {} });
    hard.field('a').verdict(sealed, row);
    expect(() => hard.field('b').seal('x')).toThrow(expect.objectContaining({ code: 'KEY_MISSING' }));
  });

  test.each([
    ['text', sealed],
    ['bytes', Buffer.from(sealed)],
    ['damaged', sealed.slice(0, 30)],
    ['with padding', `${sealed}  `],
  ])('when the stored value is sealed: %s', (_name, stored) => {
    expect(() => fieldWith().seal('x', row, { stored })).toThrow(missing('the stored value is sealed'));
  });

  test('not when the stored value is legacy, NULL or unknown', () => {
    for (const stored of [b64('old'), null, undefined, '', Buffer.from('b2xk')]) {
      expect(fieldWith().seal('x', row, { stored })).toBe('eA==');
    }
  });

  test('when the attached database holds sealed values', async () => {
    const hard = make();
    await hard.attach({ holdsSealedValues: async () => false });
    expect(hard.field('f').seal('x', row)).toBe('eA==');
    await hard.attach({ holdsSealedValues: async () => true });
    expect(() => hard.field('f').seal('x', row)).toThrow(missing('sealed values exist'));
  });

  test('and the warning says so when only previous keys are configured', () => {
    const warnings: string[] = [];
    const keyring = keyringOf({ previous: ['counting'] });
    createCasehard({ fields: {}, keyring, warn: (message) => warnings.push(message) });
    expect(warnings).toEqual([expect.stringContaining('saving is refused')]);
  });

  test('when the stored value is a legacy one over a sealed one', () => {
    const sealed = fieldWith({ was: 'base64' }, { active: 'counting' }).seal('x', row);
    const field = fieldWith({ was: 'base64' }, {});
    expect(() => field.seal('x', row, { stored: Buffer.from(sealed).toString('base64') })).toThrow(
      missing('the stored value is sealed'),
    );
    expect(() => field.seal('x', row)).toThrow(missing('sealed values exist'));
  });

  test('when only previous keys are configured', () => {
    const field = fieldWith({ was: 'base64' }, { previous: ['counting'] });
    expect(field.openText(sealed, row)).toBe('hunter2');
    expect(() => fieldWith({ was: 'base64' }, { previous: ['counting'] }).seal('x', row)).toThrow(
      missing('previous keys are configured but no active one'),
    );
  });

  test('never for an empty value: emptying a field is a deletion', () => {
    const field = fieldWith();
    field.verdict(sealed, row);
    expect(field.seal('', row, { stored: sealed })).toBe('');
    expect(field.seal(null, row, { stored: sealed })).toBeNull();
  });

  test('never with a key: saving over an unreadable value works', () => {
    const field = fieldWith({ was: 'base64' }, { active: 'second' });
    expect(field.openText(field.seal('new', row, { stored: sealed }), row)).toBe('new');
  });
});

describe('with staged keys only, the road in and out', () => {
  test('sealed values open, saves use the existing scheme, also after a sealed one was met', async () => {
    const hard = make({ was: 'base64' }, { staged: ['counting'] });
    const field = hard.field('f');
    expect(field.openText(sealed, row)).toBe('hunter2');
    await hard.attach({ holdsSealedValues: async () => true });
    expect(field.seal('x', row)).toBe('eA==');
    expect(field.seal('x', row, { stored: sealed })).toBe('eA==');
    expect(field.soften(sealed, row)).toMatchObject({ write: b64('hunter2') });
  });

  test('a strict field still refuses', () => {
    const field = fieldWith({ was: 'base64', strict: true }, { staged: ['counting'] });
    expect(() => field.seal('x', row)).toThrow(missing('it accepts sealed values only'));
  });
});

describe('the warning', () => {
  const fields = { f: column('users', 'pw', { row: { id: 'int' }, was: 'base64' }) };
  const warnings = (keyring?: ReturnType<typeof createKeyring>) => {
    const seen: string[] = [];
    const hard = createCasehard({ fields, ...(keyring ? { keyring } : {}), warn: (message) => seen.push(message) });
    for (let i = 0; i < 5; i++) hard.field('f').openText(b64('x'), row);
    return seen;
  };

  test('comes once, at start, and names the setting', () => {
    expect(warnings()).toEqual([
      'CASEHARD_ENC_KEY not configured: credentials are stored in the existing scheme, not hardened',
    ]);
  });
  test('names the setting that the operator uses', () => {
    const [warning] = warnings(createKeyring({ setting: 'SENDSTUDIO_ENC_KEY' }));
    expect(warning).toMatch(/^SENDSTUDIO_ENC_KEY not configured/);
    const field = createCasehard({
      fields: { f: column('t', 'c', { row: { id: 'int' } }) },
      keyring: createKeyring({ setting: 'SENDSTUDIO_ENC_KEY' }),
      warn: () => {},
    }).field('f');
    expect(() => field.seal('x', row)).toThrow('SENDSTUDIO_ENC_KEY not configured');
  });
  test('does not come with a key', () => {
    expect(warnings(keyringOf({ active: 'counting' }))).toEqual([]);
  });
  test('is a process warning by default', async () => {
    const warning = new Promise<Error>((resolve) => process.once('warning', resolve));
    createCasehard({ fields });
    expect(await warning).toMatchObject({
      code: 'CASEHARD_NO_KEY',
      message: expect.stringMatching(/^CASEHARD_ENC_KEY not/),
    });
  });
});
