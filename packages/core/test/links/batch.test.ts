import { expect, test, vi } from 'vitest';
import { Minter } from '../../src/links/mint.ts';
import { NOW, trackingKey } from './make.ts';

// A million ciphers would take half a minute. Only the counting is asked for, so this one leaves the claims as they are,
// and its tag ends in the first byte of the nonce, which makes some tokens end in a dash or underscore.
vi.mock('../../src/crypto/xaes.ts', async (original) => ({
  ...(await original<typeof import('../../src/crypto/xaes.ts')>()),
  sealGcm: (_key: unknown, nonce: Uint8Array, _aad: unknown, plaintext: Uint8Array, target: Buffer, offset: number) => {
    target[offset + plaintext.length + 15] = nonce[0] as number;
  },
}));

test('a batch ends after 2^20 nonces, those that were thrown away among them', () => {
  let nonces = 0;
  const batches: number[] = [];
  const minter = new Minter(trackingKey('counting'), 'click', '', (target, offset, length) => {
    if (length === 4) batches.push(nonces);
    else nonces++;
    let rest = length === 4 ? batches.length : nonces;
    for (let i = 0; i < length; i++, rest >>>= 8) target[offset + i] = rest;
  });
  let tokens = 0;
  for (; nonces <= 1 << 20; tokens++) minter.mint({}, NOW);
  expect(batches).toEqual([0, 1 << 20]);
  expect(tokens).toBeLessThan(1 << 20); // some were thrown away
  expect(Buffer.from(minter.mint({}, NOW), 'base64url').readUInt32LE(3)).toBe(2);
  expect(batches).toEqual([0, 1 << 20]);
});
