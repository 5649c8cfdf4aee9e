import { createHmac, createSecretKey } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equalTags, hmac, MacKey } from '../../src/crypto/hmac.ts';

describe.each([
  ['from one-shot hashes', true],
  ['from createHmac, where there are no one-shot hashes', false],
])('a MacKey %s', (_name, oneShot) => {
  test('gives what createHmac gives, for keys and messages of every length, also on a key in use', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.array(fc.uint8Array({ maxLength: 5000, size: 'max' }), { minLength: 1, maxLength: 5 }),
        (bytes, messages) => {
          const key = new MacKey(createSecretKey(bytes), oneShot);
          for (const message of messages) {
            const expected = createHmac('sha256', bytes).update(message).digest();
            expect(equalTags(hmac(key, message), expected)).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test('takes the bytes that lie in its room, and its room grows', () => {
    const bytes = Buffer.alloc(32, 7);
    const key = new MacKey(createSecretKey(bytes), oneShot);
    for (const length of [1, 2048, 2049, 70_000, 3]) {
      key.room(length).fill(0x61, 0, length);
      const target = Buffer.alloc(40, 1);
      key.writeTag(length, target, 4);
      const expected = createHmac('sha256', bytes).update('a'.repeat(length)).digest();
      expect(target.equals(Buffer.concat([Buffer.alloc(4, 1), expected, Buffer.alloc(4, 1)]))).toBe(true);
    }
  });
});

test('a MacKey shows nothing of itself', () => {
  const key = new MacKey(createSecretKey(Buffer.alloc(32, 0x61)));
  for (const shown of [`${key}`, JSON.stringify({ key }), inspect({ key }, { depth: 9, showHidden: true })]) {
    expect(shown).toContain('[mac key]');
    expect(shown).not.toMatch(/aaaa|6161|97, ?97|YWFh|<Buffer/);
  }
});

test('tags are equal only where all of 32 bytes are', () => {
  const tag = Buffer.alloc(32, 5);
  expect(equalTags(tag, Buffer.alloc(32, 5))).toBe(true);
  expect(equalTags(tag, Buffer.concat([Buffer.alloc(31, 5), Buffer.alloc(1)]))).toBe(false);
  expect(equalTags(tag, tag.subarray(1))).toBe(false);
  expect(equalTags(tag.subarray(16), tag.subarray(16))).toBe(false);
});
