import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseLocator, printLocator } from '../../src/field/locator.ts';

describe('a locator', () => {
  test.each([
    ['system.smtp.password', [], 'system.smtp.password'],
    ['user.smtp.password', ['42'], 'user.smtp.password#42'],
    ['a', ['eu', '7'], 'a#eu,7'],
    ['a', ['eu,7'], 'a#eu%2C7'],
    ['a', [''], 'a#'],
    ['a', ['', ''], 'a#,'],
    ['a', ['x#y z%'], 'a#x%23y%20z%25'],
    ['a', ["it's(*!~)"], 'a#it%27s%28%2A%21%7E%29'],
    ['a', ['пароль\n\0🔑'], 'a#%D0%BF%D0%B0%D1%80%D0%BE%D0%BB%D1%8C%0A%00%F0%9F%94%91'],
    ['a', ['0190163d-8694-739b-aea5-966c26f8ad91'], 'a#0190163d-8694-739b-aea5-966c26f8ad91'],
    ['a', ['me@example.com'], 'a#me@example.com'],
  ])('%s %j is printed %s, and read back', (field, key, text) => {
    expect(printLocator(field, key)).toBe(text);
    expect(parseLocator(text)).toEqual({ field, key });
  });

  test('printed and read back is the same, for every key; print has no character that a shell or a log splits at', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }), (key) => {
        const text = printLocator('user.smtp.password', key);
        expect(parseLocator(text)).toEqual({ field: 'user.smtp.password', key });
        expect(text).toMatch(/^[A-Za-z0-9._@+:,%#-]+$/);
      }),
    );
  });

  test.each(['', '#', '#42', 'a#%', 'a#%zz', 'a#%ff'])('%j is none', (text) => {
    expect(parseLocator(text)).toBeUndefined();
  });

  test('reading never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseLocator(text)));
  });
});
