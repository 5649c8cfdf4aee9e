import { describe, expect, test } from 'vitest';
import { createCasehard } from '../../src/field/casehard.ts';
import { column, defineConfig, type Fields, path, setting } from '../../src/field/define-config.ts';
import { base64, hex, plaintext } from '../../src/schemes/legacy.ts';
import { keyringOf } from '../make.ts';

const keyring = keyringOf({ active: 'counting' });
const base = { kind: 'column', table: 't', column: 'c', row: { id: 'int' } };

/** As a configuration in JSON or JavaScript may hold it: the compiler does not see it. */
function load(fields: Record<string, unknown>) {
  return createCasehard({ fields: fields as Fields, keyring });
}

describe('a wrong declaration is refused at start, with its field, the problem and the fix', () => {
  test.each([
    ['a name with a hash sign', 'a#b', base, 'the name has other characters'],
    ['a name with a space', 'a b', base, 'the name has other characters'],
    ['an empty name', '', base, 'the name has other characters'],
    ['no table', 'f', { ...base, table: '' }, 'table or column is missing'],
    ['no column', 'f', { ...base, column: undefined }, 'table or column is missing'],
    ['nothing', 'f', null, 'table or column is missing'],
    ['no row key', 'f', { ...base, row: {} }, 'no row key'],
    ['a row-key type that is not known', 'f', { ...base, row: { id: 'bigint' } }, 'row key id has no known type'],
    ['17 row-key columns', 'f', { ...base, row: manyKeys(17) }, 'more than 16 row-key columns'],
    ['a binding that is not known', 'f', { ...base, bind: 'rows' }, '`bind` is neither'],
    ['a binding inherited from Object', 'f', { ...base, bind: 'toString' }, '`bind` is neither'],
    ['a context without binding', 'f', { ...base, contexts: [{}] }, '`bind` is neither'],
    ['a context with a binding that is not known', 'f', { ...base, contexts: [{ bind: 'Row' }] }, '`bind` is neither'],
    ['an option that is not known', 'f', { ...base, Strict: true }, 'unknown option "Strict"'],
    [
      'a day that does not exist',
      'f',
      { ...base, was: 'base64', legacyUntil: '2027-02-31' },
      '`legacyUntil` is no date',
    ],
    ['no contexts', 'f', { ...base, contexts: [] }, '`contexts` is empty'],
    ['an empty scope', 'f', { ...base, contexts: [{ bind: 'row', scope: '' }] }, 'a context is wrong'],
    [
      'a scope of 1025 bytes',
      'f',
      { ...base, contexts: [{ bind: 'row', scope: 'x'.repeat(1025) }] },
      'a context is wrong',
    ],
    [
      'a scope with half of a surrogate pair',
      'f',
      { ...base, contexts: [{ bind: 'row', scope: '\ud800' }] },
      'a context is wrong',
    ],
    [
      'a setting bound to its row',
      'f',
      { kind: 'setting', table: 't', column: 'c', where: { n: 1 }, bind: 'row' },
      'bound to the row',
    ],
    ['a setting without condition', 'f', { kind: 'setting', table: 't', column: 'c' }, 'a setting needs `where`'],
    [
      'a setting with an empty condition',
      'f',
      { kind: 'setting', table: 't', column: 'c', where: {} },
      'a setting needs `where`',
    ],
    ['a path without pointer', 'f', { ...base, kind: 'path', in: 'json' }, 'a path needs'],
    ['a path without format', 'f', { ...base, kind: 'path', pointer: '/a' }, 'a path needs'],
    ['a pointer without slash', 'f', { ...base, kind: 'path', in: 'json', pointer: 'a' }, 'a path needs'],
    ['a scheme that is not known', 'f', { ...base, was: 'rot13' }, '`was` names no scheme'],
    ['a scheme inherited from Object', 'f', { ...base, was: 'constructor' }, '`was` names no scheme'],
    ['an object that is no scheme', 'f', { ...base, was: {} }, '`was` names no scheme'],
    ['strict as text', 'f', { ...base, was: 'base64', strict: 'true' }, '`strict` is neither true nor false'],
    ['a date that is none', 'f', { ...base, was: 'base64', legacyUntil: 'soon' }, '`legacyUntil` is no date'],
    [
      'a date that reads differently by country',
      'f',
      { ...base, was: 'base64', legacyUntil: '01/02/2027' },
      '`legacyUntil` is no date',
    ],
    [
      'a day that does not exist',
      'f',
      { ...base, was: 'base64', legacyUntil: '2027-13-01' },
      '`legacyUntil` is no date',
    ],
    ['a width that is no number', 'f', { ...base, max: { chars: '255' } }, '`max` is not'],
    ['a width of zero', 'f', { ...base, max: { bytes: 0 } }, '`max` is not'],
    ['a width that is not finite', 'f', { ...base, max: { chars: Number.NaN } }, '`max` is not'],
  ])('%s', (_name, name, spec, problem) => {
    const wrong = expect.objectContaining({ code: 'CONFIG', hint: expect.stringMatching(/./), field: name });
    expect(() => load({ [name]: spec })).toThrow(wrong);
    expect(() => load({ [name]: spec })).toThrow(`field ${name}: ${problem}`);
  });

  test('two fields cannot share a scope, current or older: they could open each other', () => {
    const old = { ...base, contexts: [{ bind: 'row' }, { bind: 'row', scope: 'b' }] };
    expect(() => load({ a: old, b: base })).toThrow('fields a and b share the scope b');
    expect(() => load({ b: base, a: old })).toThrow('fields b and a share the scope b');
    expect(() => load({ a: old, c: base })).not.toThrow();
  });
});

describe('a good declaration', () => {
  test('has the binding that follows from its row key', () => {
    const hard = createCasehard({
      keyring,
      fields: {
        a: column('t', 'c', { row: { id: 'int' } }),
        b: setting('t', { where: { n: 'x' }, value: 'v' }),
        c: path('t', 'c', '/a/b', { row: { id: 'int' }, in: 'json' }),
        d: column('t', 'd', { row: { id: 'int' }, bind: 'field' }),
      },
    });
    expect(hard.names).toEqual(['a', 'b', 'c', 'd']);
    expect(hard.names.map((name) => hard.definition(name).contexts[0]?.binding)).toEqual([2, 1, 2, 1]);
    expect(hard.definition('b').spec).toMatchObject({ kind: 'setting', table: 't', column: 'v', where: { n: 'x' } });
    expect(hard.definition('c').spec).toMatchObject({ kind: 'path', pointer: '/a/b', in: 'json' });
  });

  test('takes schemes as objects and by name', () => {
    for (const [scheme, name] of [
      [plaintext(), 'plaintext'],
      [base64(), 'base64'],
      [hex(), 'hex'],
    ] as const) {
      expect(load({ f: { ...base, was: scheme } }).definition('f').scheme?.name).toBe(name);
      expect(load({ f: { ...base, was: name } }).definition('f').scheme?.name).toBe(name);
    }
  });

  test('keeps dates with and without a time', () => {
    for (const [text, date] of [
      ['2027-01-31', 1_801_353_600_000],
      ['2027-01-31T00:00:00Z', 1_801_353_600_000],
    ] as const) {
      expect(load({ f: { ...base, was: 'hex', legacyUntil: text } }).definition('f').strictFrom).toBe(date);
    }
  });

  test('passes through defineConfig unchanged', () => {
    const config = { database: 'sqlite:./x.db', fields: {}, adopted: true };
    expect(defineConfig(config)).toBe(config);
  });
});

describe('a field that is not declared', () => {
  test.each(['nope', '', 'constructor', '__proto__', 'toString'])('%j is an error that lists the names', (name) => {
    const hard = load({ 'user.password': base });
    const unknown = expect.objectContaining({ code: 'UNKNOWN_FIELD', hint: 'the configuration has user.password' });
    expect(() => hard.field(name as never)).toThrow(unknown);
    expect(() => hard.definition(name)).toThrow(unknown);
  });
});

// --- internal ---

function manyKeys(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'int']));
}
