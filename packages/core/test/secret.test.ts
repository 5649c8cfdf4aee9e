import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Secret } from '../src/secret.ts';

describe('a secret', () => {
  test('reveals text as text and as bytes, a byte order mark and NUL included', () => {
    const secret = new Secret('\ufeffpä🔑\0');
    expect(secret.reveal()).toBe('\ufeffpä🔑\0');
    expect(Buffer.from(secret.revealBytes()).toString()).toBe('\ufeffpä🔑\0');
  });

  test('reveals bytes as text only where they are UTF-8', () => {
    expect(new Secret(Buffer.from('\ufeffpä')).reveal()).toBe('\ufeffpä');
    for (const bytes of [[255], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80]]) {
      const refusal = expect.objectContaining({ code: 'NOT_TEXT', hint: 'use revealBytes()' });
      expect(() => new Secret(Uint8Array.from(bytes)).reveal()).toThrow(refusal);
    }
  });

  test('gives a copy of its bytes: changing it changes nothing', () => {
    const secret = new Secret(Uint8Array.of(1, 2, 3));
    secret.revealBytes().fill(0);
    expect(secret.revealBytes()).toEqual(Uint8Array.of(1, 2, 3));
  });

  test('says [secret] wherever it is printed', () => {
    const secret = new Secret('x');
    const said = [
      String(secret),
      `${secret}`,
      'a'.concat(secret as unknown as string).slice(1),
      inspect(secret),
      JSON.parse(JSON.stringify(secret)),
    ];
    expect(new Set(said)).toEqual(new Set(['[secret]']));
    expect(Number(secret)).toBeNaN();
  });
});
