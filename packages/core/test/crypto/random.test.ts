import { describe, expect, test } from 'vitest';
import { fillRandom, randomBytes } from '../../src/crypto/random.ts';

describe('the random pool', () => {
  test('never hands out the same bytes twice', () => {
    const seen = new Set<string>();
    const target = Buffer.alloc(16);
    for (let i = 0; i < 50_000; i++) {
      fillRandom(target, 0, 16);
      seen.add(target.toString('hex'));
    }
    expect(seen.size).toBe(50_000);
  });

  test('never hands out the same eight bytes at any place, whatever the lengths asked for', () => {
    const seen = new Set<string>();
    let taken = 0;
    for (let i = 0; i < 3000; i++) {
      const length = 8 * (1 + (i % 40));
      const target = Buffer.alloc(length);
      fillRandom(target, 0, length);
      for (let at = 0; at < length; at += 8, taken++) seen.add(target.toString('hex', at, at + 8));
    }
    expect(seen.size).toBe(taken);
  });

  test('takes every value at every place', () => {
    const seen = Array.from({ length: 16 }, () => new Set<number>());
    const target = Buffer.alloc(16);
    for (let i = 0; i < 10_000; i++) {
      fillRandom(target, 0, 16);
      for (const [at, byte] of target.entries()) seen[at]?.add(byte);
    }
    expect(seen.map((values) => values.size)).toEqual(Array.from({ length: 16 }, () => 256));
  });

  test('writes exactly the bytes asked for', () => {
    const target = Buffer.alloc(64);
    fillRandom(target, 16, 32);
    expect(target.subarray(0, 16).every((byte) => byte === 0)).toBe(true);
    expect(target.subarray(48).every((byte) => byte === 0)).toBe(true);
    expect(target.subarray(16, 48).some((byte) => byte !== 0)).toBe(true);
  });

  test.each([8192, 8193, 20_000])('fills %i bytes to the end', (length) => {
    const target = Buffer.alloc(length);
    fillRandom(target, 0, length);
    expect(target.subarray(-64).some((byte) => byte !== 0)).toBe(true);
  });

  test('key bytes come in the length asked for and differ', () => {
    expect(randomBytes(32)).toHaveLength(32);
    expect(randomBytes(32).equals(randomBytes(32))).toBe(false);
  });
});
