import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { base64, hex, plaintext, schemeOf } from '../../src/schemes/legacy.ts';

const content = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array());

describe('a legacy scheme', () => {
  test.each([plaintext(), base64(), hex()])('$name encodes and decodes without loss', (scheme) => {
    fc.assert(
      fc.property(content, (value) => {
        const back = scheme.decode(scheme.encode(value));
        expect(Buffer.from(back as string).equals(Buffer.from(value as string))).toBe(true);
      }),
    );
  });

  test.each([plaintext(), base64(), hex()])('$name counts a value only if encoding again gives the same', (scheme) => {
    fc.assert(
      fc.property(fc.oneof(content, fc.base64String(), fc.stringMatching(/^[0-9a-fA-F]*$/)), (stored) => {
        const decoded = scheme.decode(stored);
        fc.pre(decoded !== undefined);
        expect(Buffer.from(scheme.encode(decoded as string) as string)).toEqual(Buffer.from(stored as string));
      }),
    );
  });

  test.each([
    ['base64', 'aHVudGVyMg'],
    ['base64', 'aHVudGVyMg='],
    ['base64', 'aHVudGVyMg==='],
    ['base64', 'aHVudGVyMh=='],
    ['base64', 'aHVudGVyMg==\n'],
    ['base64', 'aHVu dGVyMg=='],
    ['base64', '__8='],
    ['base64', 'hunter2!'],
    ['base64', 'пароль'],
    ['base64', '='],
    ['hex', 'ABCD'],
    ['hex', 'abc'],
    ['hex', '0xab'],
    ['hex', 'ab cd'],
    ['hex', 'zz'],
    ['plaintext', '\ud800'],
  ] as const)('%s does not take %j', (name, stored) => {
    expect(schemeOf(name).decode(stored)).toBeUndefined();
  });

  test('base64 and hex have text where the bytes are UTF-8, else bytes', () => {
    expect(base64().decode('aHVudGVyMg==')).toBe('hunter2');
    expect(base64().decode('77u/YQ==')).toBe('\ufeffa');
    expect(base64().decode('/w==')).toEqual(new Uint8Array([255]));
    expect(hex().decode('eda080')).toEqual(new Uint8Array([0xed, 0xa0, 0x80]));
    expect(base64().decode(Buffer.from('aHVudGVyMg=='))).toBe('hunter2');
  });

  test('a name that is none is a TypeError', () => {
    for (const name of ['rot13', 'constructor', '__proto__', '']) {
      expect(() => schemeOf(name as 'hex')).toThrow('"was" must be');
    }
  });
});
