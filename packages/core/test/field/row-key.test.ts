import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyPiece, rowPieces } from '../../src/field/row-key.ts';

const UUID = '0190163d-8694-739b-aea5-966c26f8ad91';

describe('a row key is text by its declared type', () => {
  test.each([
    ['int', 42, '42'],
    ['int', 42n, '42'],
    ['int', '42', '42'],
    ['int', '0042', '42'],
    ['int', 0, '0'],
    ['int', -0, '0'],
    ['int', '-0', '0'],
    ['int', -7, '-7'],
    ['int', '-007', '-7'],
    ['int', Number.MAX_SAFE_INTEGER, '9007199254740991'],
    ['int', 18446744073709551615n, '18446744073709551615'],
    ['int', '18446744073709551615', '18446744073709551615'],
    ['uuid', UUID, UUID],
    ['uuid', UUID.toUpperCase(), UUID],
    ['text', 'Alice', 'Alice'],
    ['text', '', ''],
    ['text', ' a ', ' a '],
    ['text', 'e\u0301', 'e\u0301'],
    ['text', 'a\0b', 'a\0b'],
    ['binary', new Uint8Array([0, 255]), '00ff'],
    ['binary', Buffer.from([1, 2]), '0102'],
    ['binary', '00FF', '00ff'],
    ['binary', '', ''],
  ] as const)('%s %s is %j', (type, value, piece) => {
    expect(keyPiece(type, value)).toBe(piece);
  });

  test.each([
    ['int', 1.5],
    ['int', Number.NaN],
    ['int', Number.POSITIVE_INFINITY],
    ['int', 2 ** 53],
    ['int', -(2 ** 53)],
    ['int', '2^3'],
    ['int', '1e3'],
    ['int', '0x10'],
    ['int', '+1'],
    ['int', ' 1'],
    ['int', '1\n'],
    ['int', '1.0'],
    ['int', ''],
    ['int', '\u0661'],
    ['int', true],
    ['int', null],
    ['int', undefined],
    ['int', [42]],
    ['int', new Date(42)],
    ['int', '9'.repeat(41)],
    ['uuid', UUID.replaceAll('-', '')],
    ['uuid', `{${UUID}}`],
    ['uuid', `${UUID}\n`],
    ['uuid', ` ${UUID}`],
    ['uuid', UUID.slice(1)],
    ['uuid', Buffer.alloc(16)],
    ['uuid', 42],
    ['text', 42],
    ['text', null],
    ['text', undefined],
    ['text', '\ud800'],
    ['text', Buffer.from('a')],
    ['binary', 'abc'],
    ['binary', 'zz'],
    ['binary', 42],
    ['binary', [1, 2]],
    ['binary', null],
  ] as const)('%s %s is refused', (type, value) => {
    expect(keyPiece(type, value)).toBeUndefined();
  });

  test('42, 42n and "42" are one row, for every integer', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(
          new Set([keyPiece('int', value), keyPiece('int', BigInt(value)), keyPiece('int', `${value}`)]).size,
        ).toBe(1);
      }),
    );
  });
});

describe('a row', () => {
  const keys = { tenant: 'text', id: 'int' } as const;
  test('gives its pieces in key order, whatever the order and the extra columns of the record', () => {
    expect(rowPieces('f', keys, { id: 7, extra: null, tenant: 'a' })).toEqual(['a', '7']);
  });
  test.each([
    ['missing', undefined, 'f: the row with tenant, id is missing'],
    ['null', null, 'f: the row with tenant, id is missing'],
    ['not an object', 42, 'f: the row with tenant, id is missing'],
    ['without a column', { tenant: 'a' }, 'f: row key "id" is not of type int'],
    ['with a wrong type', { tenant: 'secret-looking', id: 'abc-secret' }, 'f: row key "id" is not of type int'],
  ])('%s is refused with the column and its type, never its value', (_name, row, message) => {
    expect(() => rowPieces('f', keys, row)).toThrow(expect.objectContaining({ code: 'BAD_ROW', message, field: 'f' }));
  });
});
