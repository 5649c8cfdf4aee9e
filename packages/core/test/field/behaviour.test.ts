/** The table "Behaviour around the format" of docs/format.md, line by line. */
import { describe, expect, test } from 'vitest';
import { createCasehard } from '../../src/field/casehard.ts';
import { column, type FieldOptions, setting } from '../../src/field/define-config.ts';
import { keyringOf, type Names } from '../make.ts';

const row = { id: 42 };
const NAME = 'mailer.smtp.password';

function fieldWith(
  options: FieldOptions = { was: 'base64' },
  names: Names = { active: 'counting' },
  name: string = NAME,
) {
  const fields = { [name]: column('users', 'smtp_password', { row: { id: 'int' }, ...options }) };
  return createCasehard({ fields, keyring: keyringOf(names), warn: () => {} }).field(name);
}

const b64 = (text: string) => Buffer.from(text).toString('base64');

describe('a sealed-looking value that does not open', () => {
  const good = fieldWith().seal('hunter2', row);
  const cases: [name: string, stored: string, reason: string][] = [
    ['tampered', `${good.slice(0, 80)}${good[80] === 'A' ? 'B' : 'A'}${good.slice(81)}`, 'MAC'],
    ['cut', good.slice(0, 100), 'TRUNCATED'],
    ['in lower case', good.toLowerCase(), 'CASE_DAMAGED'],
    ['of another row', fieldWith().seal('hunter2', { id: 43 }), 'MAC'],
    ['of another field', fieldWith({}, { active: 'counting' }, 'other').seal('x', row), 'MAC'],
    ['of an unknown key', fieldWith({}, { active: 'second' }).seal('x', row), 'UNKNOWN_KEY'],
    ['of a later version', good.replace('chd1.', 'chd2.'), 'UNKNOWN_VERSION'],
    ['that is a plaintext with the marker', 'chd1.password', 'TRUNCATED'],
    ['in another context', fieldWith({ bind: 'field' }).seal('x', row), 'CONTEXT_POLICY'],
  ];

  test.each(cases)('%s is an error in every mode, never plaintext', (_name, stored, reason) => {
    for (const was of ['plaintext', 'base64', 'hex'] as const) {
      for (const strict of [false, true]) {
        const field = fieldWith({ was, strict });
        const refusal = expect.objectContaining({ code: 'CANNOT_OPEN', reason });
        expect(() => field.open(stored, row)).toThrow(refusal);
        expect(() => field.openText(stored, row)).toThrow(refusal);
        expect(() => field.reseal(stored, row)).toThrow(refusal);
      }
    }
  });

  test.each(cases)('%s is quarantined by a bulk run: nothing is written', (_name, stored, reason) => {
    const field = fieldWith({ was: 'plaintext' });
    const outcome = { verdict: expect.objectContaining({ kind: 'unreadable', why: reason }) };
    expect(field.harden(stored, row)).toEqual(outcome);
    expect(field.soften(stored, row)).toEqual(outcome);
  });

  test('gives one message for every cause, and the same JSON', () => {
    const errors = cases.map(([, stored]) => caught(() => fieldWith().open(stored, row)));
    errors.push(caught(() => fieldWith().open('not base64!', row)));
    errors.push(caught(() => fieldWith({ was: 'base64', strict: true }).open('$2y$10$abcdefghijklmnopqrstuv', row)));
    errors.push(caught(() => fieldWith().open(b64(good), row)));
    expect(new Set(errors.map(({ message }) => message))).toEqual(
      new Set([`${NAME}: the stored credential cannot be opened`]),
    );
    expect(new Set(errors.map(({ hint }) => hint)).size).toBe(1);
    expect(new Set(errors.map((error) => JSON.stringify(error))).size).toBe(1);
    expect(new Set(errors.map((error) => Object.keys(error).join())).size).toBe(1);
  });
});

describe('an application saves text that looks sealed', () => {
  test('it is sealed like any other text, and opens as it was', () => {
    const field = fieldWith();
    const stolen = field.seal('of row 43', { id: 43 });
    for (const text of [stolen, 'chd1.', 'CHD1.x', field.seal('own', row)]) {
      const stored = field.seal(text, row);
      expect(stored).not.toBe(text);
      expect(field.openText(stored, row)).toBe(text);
      expect(field.verdict(stored, row)).toMatchObject({ kind: 'current', nested: true });
    }
  });

  test('reseal and harden keep the content and warn', () => {
    const stored = fieldWith({}, { active: 'second' }).seal('chd1.x', row);
    const field = fieldWith({}, { active: 'counting', previous: ['second'] });
    const { verdict, write } = field.harden(stored, row);
    expect(verdict).toMatchObject({ kind: 'stale', because: 'key', nested: true });
    expect(field.openText(write, row)).toBe('chd1.x');
    expect(field.openText(field.reseal(stored, row), row)).toBe('chd1.x');
  });
});

describe('a bulk run meets a sealed value', () => {
  test('that opens here: it is skipped', () => {
    const field = fieldWith();
    const stored = field.seal('x', row);
    expect(field.harden(stored, row)).toEqual({ verdict: { kind: 'current', kid: 'h2zivffe', nested: false } });
    expect(field.reseal(stored, row)).toBe(stored);
  });

  test.each([
    ['under an older key', {}, { active: 'second' } as const, 'key'],
    ['in an older context', { bind: 'field' } as const, { active: 'counting' } as const, 'context'],
    ['under an older key in an older context', { bind: 'field' } as const, { active: 'second' } as const, 'both'],
  ])('%s: it is sealed again', (_name, options, names, because) => {
    const stored = fieldWith(options, names).seal('hunter2', row);
    const field = fieldWith(
      { contexts: [{ bind: 'row' }, { bind: 'field' }] },
      { active: 'counting', previous: ['second'] },
    );
    expect(field.openText(stored, row)).toBe('hunter2');
    const { verdict, write, tight } = field.harden(stored, row);
    expect(verdict).toMatchObject({ kind: 'stale', because });
    expect(tight).toBe(false);
    expect(field.verdict(write, row)).toMatchObject({ kind: 'current', kid: 'h2zivffe' });
    expect(field.openText(write, row)).toBe('hunter2');
    expect(field.verdict(field.reseal(stored, row), row)).toMatchObject({ kind: 'current' });
  });

  test('bytes stay bytes', () => {
    const stored = fieldWith({}, { active: 'second' }).sealBytes(Buffer.of(255, 0, 128), row) as string;
    const { write } = fieldWith({}, { active: 'counting', previous: ['second'] }).harden(stored, row);
    expect(fieldWith().open(write, row)?.revealBytes()).toEqual(new Uint8Array([255, 0, 128]));
  });
});

describe('plaintext that really begins with the marker', () => {
  test('is quarantined, and sealed with an explicit override', () => {
    const field = fieldWith({ was: 'plaintext' });
    expect(field.harden('chd1.my-password', row)).toEqual({
      verdict: { kind: 'unreadable', why: 'TRUNCATED', kid: undefined },
    });
    const { write } = field.harden('chd1.my-password', row, { asPlaintext: true });
    expect(field.openText(write, row)).toBe('chd1.my-password');
  });

  test('inside base64 is sealed decoded, so that the application reads what it always read', () => {
    const field = fieldWith({ was: 'base64' });
    const { verdict, write } = field.harden(b64('chd1.my-password'), row, { asPlaintext: true });
    expect(verdict).toEqual({ kind: 'unexpected', why: 'LOOKS_SEALED' });
    expect(field.openText(write, row)).toBe('chd1.my-password');
  });

  test('the override does not touch what is known: empty, current, legacy', () => {
    const field = fieldWith();
    const sealed = field.seal('x', row);
    expect(field.harden(sealed, row, { asPlaintext: true })).not.toHaveProperty('write');
    expect(field.harden(null, row, { asPlaintext: true })).toEqual({ verdict: { kind: 'empty' } });
    expect(field.openText(field.harden(b64('pw'), row, { asPlaintext: true }).write, row)).toBe('pw');
  });
});

describe('NULL and the empty string', () => {
  const modes: [name: string, options: FieldOptions, names: Names][] = [
    ['with a key', { was: 'base64' }, { active: 'counting' }],
    ['without a key', { was: 'base64' }, {}],
    ['strict', { was: 'base64', strict: true }, { active: 'counting' }],
    ['strict without a key', { strict: true }, {}],
    ['with staged keys', { was: 'plaintext' }, { staged: ['counting'] }],
  ];
  test.each(modes)('stay as they are, %s', (_name, options, names) => {
    const field = fieldWith(options, names);
    expect(field.seal(null, row)).toBeNull();
    expect(field.seal(undefined, row)).toBeNull();
    expect(field.seal('', row)).toBe('');
    expect(field.sealBytes(new Uint8Array(), row)).toBe('');
    expect(field.open(null, row)).toBeNull();
    expect(field.open(undefined, row)).toBeNull();
    expect(field.openText(null, row)).toBeNull();
    expect(field.openText('', row)).toBe('');
    expect(field.openText(new Uint8Array(), row)).toBe('');
    for (const stored of [null, undefined, '', new Uint8Array()]) {
      expect(field.verdict(stored, row)).toEqual({ kind: 'empty' });
      expect(field.harden(stored, row)).toEqual({ verdict: { kind: 'empty' } });
      expect(field.soften(stored, row)).toEqual({ verdict: { kind: 'empty' } });
    }
    expect(field.reseal(null, row)).toBeNull();
    expect(field.reseal('', row)).toBe('');
  });
});

describe('bytes', () => {
  const bytes = new Uint8Array([0xff, 0xfe, 0, 0x80, 0]);
  test('go through the bytes API and come back', () => {
    const field = fieldWith();
    const secret = field.open(field.sealBytes(bytes, row), row);
    expect(secret?.revealBytes()).toEqual(bytes);
    expect(() => secret?.reveal()).toThrow(expect.objectContaining({ code: 'NOT_TEXT' }));
  });
  test('in a BLOB column are sealed as bytes; UTF-8 comes back as it was', () => {
    const field = fieldWith({ was: 'plaintext' });
    const { verdict, write } = field.harden(bytes, row);
    expect(verdict).toEqual({ kind: 'legacy', scheme: 'plaintext' });
    expect(field.open(write, row)?.revealBytes()).toEqual(bytes);
    expect(field.soften(write, row).write).toEqual(bytes);
  });
  test('of base64 that is no UTF-8 survive harden and soften', () => {
    const field = fieldWith();
    const stored = Buffer.from(bytes).toString('base64');
    const { write } = field.harden(stored, row);
    expect(field.open(write, row)?.revealBytes()).toEqual(bytes);
    expect(field.soften(write, row).write).toBe(stored);
  });
  test('are not taken by seal, nor text by sealBytes', () => {
    const field = fieldWith();
    expect(() => field.seal(bytes as unknown as string, row)).toThrow('"value" must be a string');
    expect(() => field.sealBytes('x' as unknown as Uint8Array, row)).toThrow('"value" must be a Uint8Array');
  });
  test('sealed text in a binary column opens, padding of zeros included', () => {
    const field = fieldWith();
    const stored = Buffer.from(field.seal('hunter2', row));
    expect(field.openText(stored, row)).toBe('hunter2');
    expect(field.openText(Buffer.concat([stored, Buffer.alloc(9)]), row)).toBe('hunter2');
    expect(field.openText(`${stored.toString()}        `, row)).toBe('hunter2');
  });
});

describe('something encrypted by something else', () => {
  const hash = '$2y$10$.vGA1O9wmRjrwAVXD98HNOgsNpDczlqm3Jq7KnEd1rVAGv3Fykk1a';
  test.each([
    ['plaintext field', 'plaintext', hash],
    ['base64 field', 'base64', hash],
    ['base64 field, inside base64', 'base64', b64(hash)],
  ] as const)('is quarantined by a bulk run: %s', (_name, was, stored) => {
    const field = fieldWith({ was });
    expect(field.harden(stored, row)).toEqual({ verdict: { kind: 'foreign', product: expect.any(String) } });
    expect(() => field.reseal(stored, row)).toThrow(
      expect.objectContaining({ code: 'CANNOT_OPEN', reason: 'FOREIGN' }),
    );
  });
  test('is not looked for by reads of a field that still accepts legacy', () => {
    expect(fieldWith({ was: 'plaintext' }).openText(hash, row)).toBe(hash);
  });
  test('is named by reads of a strict field', () => {
    const strict = fieldWith({ was: 'plaintext', strict: true });
    expect(() => strict.open(hash, row)).toThrow(expect.objectContaining({ code: 'CANNOT_OPEN', reason: 'FOREIGN' }));
  });
});

describe('a setting', () => {
  const fields = { 'system.key': setting('settings', { where: { name: 'k' }, value: 'value', was: 'base64' }) };
  test('is bound to its field, and takes no row', () => {
    const field = createCasehard({ fields, keyring: keyringOf({ active: 'counting' }) }).field('system.key');
    const stored = field.seal('hunter2');
    expect(stored).toMatch(/^chd1\.h2zivffe\.AQAC/);
    expect(field.openText(stored)).toBe('hunter2');
    expect(field.openText(stored, undefined)).toBe('hunter2');
  });
});

// --- internal ---

function caught(run: () => unknown): Error & { hint?: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}
