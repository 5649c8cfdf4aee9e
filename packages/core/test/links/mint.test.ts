import { describe, expect, test } from 'vitest';
import { fillRandom } from '../../src/crypto/random.ts';
import { type Draw, Minter } from '../../src/links/mint.ts';
import { Verifier } from '../../src/links/verify.ts';
import { deriveTokenKey, verifyToken } from '../reference-token.ts';
import { masterOf } from '../vectors/masters.ts';
import { CLAIMS, drawOf, linksOf, NOW, trackingKey, trackingKeysOf } from './make.ts';

const key = trackingKey('counting');

/** Random bytes, and the lengths that were asked for. */
function counted(): { draw: Draw; lengths: number[] } {
  const lengths: number[] = [];
  return {
    lengths,
    draw: (target, offset, length) => {
      lengths.push(length);
      fillRandom(target, offset, length);
    },
  };
}

describe('tokens', () => {
  const many = linksOf().mintMany(
    'click',
    Array.from({ length: 20_000 }, () => CLAIMS),
  );

  test('never end in a dash or an underscore', () => {
    expect(many.length).toBe(20_000);
    expect(many.filter((token) => /[-_]$/.test(token))).toEqual([]);
    expect(new Set(many.map((token) => token.at(-1))).size).toBe(62);
  });

  test('of the same claims are all different: no two have one nonce, no two one ciphertext', () => {
    const bytes = many.map((token) => Buffer.from(token, 'base64url'));
    expect(new Set(bytes.map((token) => token.toString('hex', 7, 19))).size).toBe(20_000);
    expect(new Set(bytes.map((token) => token.toString('hex', 19, 35))).size).toBe(20_000);
  });

  test('are all read again, by both implementations', () => {
    const verifier = new Verifier(trackingKeysOf(['counting']), '');
    const input = {
      keys: [deriveTokenKey(masterOf('counting'))],
      withdrawn: [],
      purpose: 'click',
      audience: '',
    } as const;
    const wrong = many.filter((token) => {
      const opened = verifier.open('click', token);
      return (
        typeof opened === 'string' || opened.claims.recipient !== CLAIMS.recipient || opened.claims.link !== CLAIMS.link
      );
    });
    expect(wrong).toEqual([]);
    for (const token of many.slice(0, 200)) expect(verifyToken(input, token).ok).toBe(true);
  });

  test('have ids that differ and are as long as R', () => {
    const links = linksOf();
    const ids = many.slice(0, 1000).map((token) => {
      const result = links.verify('click', token);
      return result.kind === 'valid' ? result.id : '';
    });
    expect(new Set(ids).size).toBe(1000);
    expect(ids.every((id) => /^[\w-]{22}$/.test(id))).toBe(true);
  });

  test('for many recipients keep their order', () => {
    const links = linksOf();
    const tokens = links.mintMany(
      'open',
      [1, 2, 3].map((recipient) => ({ recipient })),
    );
    const read = tokens.map((token) => links.verify('open', token));
    expect(read).toMatchObject([1, 2, 3].map((recipient) => ({ kind: 'valid', claims: { recipient } })));
    expect(links.mintMany('open', [])).toEqual([]);
  });

  test('are issued in the second in which they are made', () => {
    const links = linksOf({ now: () => NOW * 1000 + 999 });
    expect(links.verify('click', links.mint('click', CLAIMS))).toMatchObject({ issuedAt: new Date(NOW * 1000) });
  });

  test('are drawn again as often as needed, with the whole nonce fresh each time', () => {
    // Found by search: the first two of these end in a dash or underscore.
    const draws: Buffer[] = [];
    for (let i = 0; draws.length < 2; i++) {
      const nonce = Buffer.alloc(12);
      nonce.writeUInt32BE(i);
      const once = new Minter(key, 'click', '', drawOf(Buffer.alloc(4), nonce, Buffer.alloc(12, 0xaa)));
      const used = Buffer.from(once.mint(CLAIMS, NOW), 'base64url').subarray(7, 19);
      if (!used.equals(nonce)) draws.push(nonce);
    }
    const last = Buffer.alloc(12, 0xaa);
    const token = new Minter(key, 'click', '', drawOf(Buffer.alloc(4), ...draws, last)).mint(CLAIMS, NOW);
    expect(
      Buffer.from(token, 'base64url')
        .subarray(3, 19)
        .equals(Buffer.concat([Buffer.alloc(4), last])),
    ).toBe(true);
  });
});

describe('a batch', () => {
  test('shares the first four bytes of R, and so the derived key', () => {
    const { draw, lengths } = counted();
    const minter = new Minter(key, 'click', '', draw);
    const tokens = Array.from({ length: 1000 }, () => minter.mint(CLAIMS, NOW));
    expect(new Set(tokens.map((token) => Buffer.from(token, 'base64url').toString('hex', 3, 7))).size).toBe(1);
    expect(lengths[0]).toBe(4);
    expect(lengths.slice(1).every((length) => length === 12)).toBe(true);
    expect(lengths.length).toBeGreaterThan(1000);
  });

  test('is of one purpose and one maker: each draws its own', () => {
    const batchOf = (token: string) => Buffer.from(token, 'base64url').toString('hex', 3, 7);
    const batches = Array.from({ length: 50 }, () => linksOf()).flatMap((links) => {
      return [batchOf(links.mint('click', CLAIMS)), batchOf(links.mint('open', CLAIMS))];
    });
    expect(new Set(batches).size).toBe(100);
  });
});

describe('a verifier', () => {
  test('reads tokens of more batches than it keeps keys for, again and again', () => {
    const tokens = Array.from({ length: 1500 }, () => new Minter(key, 'click', '').mint(CLAIMS, NOW));
    const verifier = new Verifier(trackingKeysOf(['counting']), '');
    for (let round = 0; round < 2; round++) {
      expect(tokens.filter((token) => typeof verifier.open('click', token) === 'string')).toEqual([]);
    }
  });

  test('does not mix up the keys and purposes of batches with the same four bytes', () => {
    const verifier = new Verifier(trackingKeysOf(['counting', 'second']), '');
    const r = Buffer.alloc(40, 7);
    for (const name of ['counting', 'second'] as const) {
      for (const purpose of ['open', 'click'] as const) {
        const token = new Minter(trackingKey(name), purpose, '', drawOf(r)).mint(CLAIMS, NOW);
        expect(verifier.open(purpose, token)).toMatchObject({ tkid: trackingKey(name).tkid, claims: CLAIMS });
      }
    }
  });

  test('gives bytes of its own: the next token does not change them', () => {
    const verifier = new Verifier(trackingKeysOf(['counting']), '');
    const [one, two] = ['aa', 'bb'].map((byte) =>
      verifier.open('click', new Minter(key, 'click', '').mint({ tenant: Buffer.from(byte, 'hex') }, NOW)),
    );
    expect([one, two]).toMatchObject([
      { claims: { tenant: Uint8Array.of(0xaa) } },
      { claims: { tenant: Uint8Array.of(0xbb) } },
    ]);
  });
});
