import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cbc } from '../../src/crypto/cbc.ts';

const bytes = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex');
const key = createSecretKey(bytes);

/** What a new object would give: the plain use of Node. */
function fresh(iv: Uint8Array, blocks: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-cbc', bytes, iv).setAutoPadding(false);
  return Buffer.concat([cipher.update(blocks), cipher.final()]);
}

/** One value: its IV and its blocks in, its blocks out. */
function decipher(cbc: Cbc, iv: Uint8Array, blocks: Uint8Array): Buffer {
  return cbc.decipher(Buffer.concat([iv, blocks])).subarray(16);
}

const step = fc.record({
  iv: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  blocks: fc.integer({ min: 1, max: 12 }).chain((n) => fc.uint8Array({ minLength: 16 * n, maxLength: 16 * n })),
  way: fc.constantFrom('encipher', 'decipher', 'fail to encipher', 'fail to decipher'),
});

describe('a long-lived Cbc', () => {
  test('gives what a new cipher object gives, for any sequence, also after an exception in between', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
        const cbc = new Cbc(key);
        for (const { iv, blocks, way } of steps) {
          const expected = fresh(iv, blocks);
          if (way === 'encipher') expect(cbc.encipher(iv, Buffer.from(blocks)).equals(expected)).toBe(true);
          else if (way === 'decipher') expect(decipher(cbc, iv, expected).equals(Buffer.from(blocks))).toBe(true);
          else if (way === 'fail to encipher')
            expect(() => cbc.encipher(iv, Buffer.alloc(blocks.length + 5))).toThrow('"blocks"');
          else expect(() => cbc.decipher(Buffer.alloc(blocks.length + 5))).toThrow('"blocks"');
        }
      }),
      { numRuns: 300 },
    );
  });

  test('throws for no block at all and goes on', () => {
    const cbc = new Cbc(key);
    const iv = randomBytes(16);
    const blocks = randomBytes(32);
    expect(() => cbc.encipher(iv, Buffer.alloc(0))).toThrow();
    expect(() => cbc.decipher(Buffer.alloc(0))).toThrow();
    expect(cbc.encipher(iv, Buffer.from(blocks)).equals(fresh(iv, blocks))).toBe(true);
    expect(decipher(cbc, iv, fresh(iv, blocks)).equals(blocks)).toBe(true);
  });

  test('gives the same across the point where its objects are renewed', () => {
    const cbc = new Cbc(key);
    const iv = randomBytes(16);
    const blocks = randomBytes(16);
    const expected = fresh(iv, blocks);
    const work = Buffer.alloc(16);
    let wrong = 0;
    for (let i = 0; i < 2 ** 20 + 5; i++) {
      work.set(blocks);
      if (!cbc.encipher(iv, work).equals(expected)) wrong++;
      if (!decipher(cbc, iv, expected).equals(blocks)) wrong++;
    }
    expect(wrong).toBe(0);
  });

  test('does not let a caller who changes a returned buffer change the next value', () => {
    const cbc = new Cbc(key);
    const iv = randomBytes(16);
    const blocks = randomBytes(48);
    cbc.encipher(iv, Buffer.from(blocks)).fill(0);
    expect(cbc.encipher(iv, Buffer.from(blocks)).equals(fresh(iv, blocks))).toBe(true);
    const input = fresh(iv, blocks);
    decipher(cbc, iv, input).fill(0);
    input.fill(0);
    expect(decipher(cbc, iv, fresh(iv, blocks)).equals(blocks)).toBe(true);
  });

  test('enciphers many values at once, each to a random IV and standard CBC under it', () => {
    const cbc = new Cbc(key);
    const values = [1, 2, 1, 4].map((n) => randomBytes(16 * n));
    const seen = new Set<string>();
    for (let round = 0; round < 50; round++) {
      const chains = cbc.encipherChains(Buffer.concat(values.flatMap((value) => [randomBytes(16), value])));
      const opened = cbc.decipher(chains);
      let at = 0;
      for (const value of values) {
        const iv = chains.subarray(at, at + 16);
        const blocks = chains.subarray(at + 16, at + 16 + value.length);
        expect(blocks.equals(fresh(iv, value))).toBe(true);
        expect(opened.subarray(at + 16, at + 16 + value.length).equals(value)).toBe(true);
        seen.add(iv.toString('hex'));
        at += 16 + value.length;
      }
      // The two ways may take turns.
      expect(
        cbc.encipher(randomIv, Buffer.from(values[1] as Buffer)).equals(fresh(randomIv, values[1] as Buffer)),
      ).toBe(true);
    }
    expect(seen.size).toBe(200);
    expect(() => cbc.encipherChains(Buffer.alloc(33))).toThrow('"blocks"');
    expect(() => cbc.encipherChains(Buffer.alloc(0))).toThrow('"blocks"');
  });
});

const randomIv = randomBytes(16);
