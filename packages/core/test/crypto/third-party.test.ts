/** Data published by others, read where it lies: `../shared/vectors` beside the project, or CASEHARD_VECTORS. */
import { createHash, createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Cbc } from '../../src/crypto/cbc.ts';
import { derive } from '../../src/crypto/derive.ts';
import { equalTags, hmac, MacKey } from '../../src/crypto/hmac.ts';
import { openGcm, sealGcm, Xaes } from '../../src/crypto/xaes.ts';

const folder = process.env.CASEHARD_VECTORS ?? fileURLToPath(new URL('../../../../../shared/vectors', import.meta.url));
const present = existsSync(join(folder, 'wycheproof_hmac_sha256.json'));
const SALT = Buffer.from('casehard/v1');

if (!present) test.skip('third-party vectors are absent: set CASEHARD_VECTORS to the folder that holds them');

describe.skipIf(!present)('Wycheproof AES-CBC-PKCS5, 256-bit keys', () => {
  // Cbc takes whole padded blocks, so PKCS#7 is added and checked here.
  const tests = wycheproof<CbcTest>('wycheproof_aes_cbc_pkcs5.json', ({ keySize }) => keySize === 256);
  const valid = tests.filter(({ result }) => result === 'valid');
  const invalid = tests.filter(({ result }) => result === 'invalid');

  test('has both kinds', () => {
    expect(valid.length).toBeGreaterThan(20);
    expect(invalid.length).toBeGreaterThan(20);
  });

  test.each(valid)('$tcId $comment: enciphers and deciphers', ({ key, iv, msg, ct }) => {
    const cbc = new Cbc(secret(key));
    // Twice on one object: the second time the chain must be corrected.
    for (let i = 0; i < 2; i++) {
      expect(cbc.encipher(hex(iv), pad(hex(msg))).toString('hex')).toBe(ct);
      expect(unpad(decipher(cbc, hex(iv), hex(ct)))?.toString('hex')).toBe(msg);
    }
  });

  test.each(invalid)('$tcId $comment: is refused by a PKCS#7 check, or has no block', ({ key, iv, ct }) => {
    const cbc = new Cbc(secret(key));
    expect(unpad(decipher(cbc, hex(iv), hex(ct)))).toBeUndefined();
  });
});

describe.skipIf(!present)('Wycheproof HMAC-SHA256', () => {
  const whole = wycheproof<MacTest>('wycheproof_hmac_sha256.json', ({ tagSize }) => tagSize === 256);
  const truncated = wycheproof<MacTest>('wycheproof_hmac_sha256.json', ({ tagSize }) => tagSize === 128);

  test.each(whole)('$tcId $comment: $result', ({ key, msg, tag, result }) => {
    for (const oneShot of [true, false]) {
      expect(equalTags(hmac(new MacKey(secret(key), oneShot), hex(msg)), hex(tag))).toBe(result === 'valid');
    }
  });

  test.each(truncated)('$tcId $comment: a tag of 128 bits is never equal', ({ key, msg, tag }) => {
    expect(hex(tag)).toHaveLength(16);
    expect(equalTags(hmac(new MacKey(secret(key)), hex(msg)), hex(tag))).toBe(false);
  });
});

describe.skipIf(!present)('Wycheproof HKDF-SHA256', () => {
  const tests = wycheproof<HkdfTest>('wycheproof_hkdf_sha256.json', () => true);

  // `derive` has a fixed salt and no published vector uses it: this shows that the primitive under it is the RFC's.
  test.each(tests)(
    '$tcId $comment: the primitive that derive calls, $result',
    ({ ikm, salt, info, size, okm, result }) => {
      const run = () => Buffer.from(hkdfSync('sha256', hex(ikm), hex(salt), hex(info), size));
      if (result === 'invalid') expect(run).toThrow();
      else expect(run().toString('hex')).toBe(okm);
    },
  );

  // And this shows that derive is that construction with our salt, on the vectors' keys.
  test.each(tests.filter(({ size }) => size <= 255 * 32))(
    '$tcId: derive is RFC 5869 with our salt',
    ({ ikm, size }) => {
      expect(derive(hex(ikm), 'an info', size).equals(rfc5869(hex(ikm), SALT, Buffer.from('an info'), size))).toBe(
        true,
      );
    },
  );
});

describe.skipIf(!present)('MongoDB FLE2v2 AEAD: T = HMAC(macKey, aad || IV || C) over AES-256-CBC', () => {
  const tests = ['fixed', 'generated'].flatMap((name) => read<FleTest[]>(`mongodb_fle2v2_aead_${name}.json`));
  const good = tests.filter(({ ciphertext }) => ciphertext !== undefined);

  test.each(good)('$name: our parts give its bytes and open them', ({ key, iv, aad, plaintext, ciphertext }) => {
    const cbc = new Cbc(createSecretKey(hex(key).subarray(0, 32)));
    const macKey = new MacKey(createSecretKey(hex(key).subarray(32, 64)));
    const blocks = cbc.encipher(hex(iv), pad(hex(plaintext)));
    const tag = hmac(macKey, Buffer.concat([hex(aad), hex(iv), blocks]));
    expect(Buffer.concat([hex(iv), blocks, tag]).toString('hex')).toBe(ciphertext);

    const all = hex(ciphertext ?? '');
    const body = all.subarray(0, -32);
    expect(equalTags(hmac(macKey, Buffer.concat([hex(aad), body])), all.subarray(-32))).toBe(true);
    expect(unpad(decipher(cbc, body.subarray(0, 16), body.subarray(16)))?.toString('hex')).toBe(plaintext);
  });

  test('one vector says that its library seals no empty text, which ours does; all others are replayed', () => {
    expect(good.length).toBe(14);
    expect(tests.filter(({ ciphertext }) => ciphertext === undefined).map(({ plaintext }) => plaintext)).toEqual(['']);
  });
});

describe.skipIf(!present)('Wycheproof AES-GCM', () => {
  const name = 'wycheproof_aes_gcm.json';
  const groups = present ? read<{ testGroups: Group<GcmTest>[] }>(name).testGroups : [];
  const ours = ({ keySize, ivSize, tagSize }: Group<GcmTest>) => keySize === 256 && ivSize === 96 && tagSize === 128;
  const tests = wycheproof<GcmTest>(name, ours);

  test('has one group of our sizes with both kinds; all others have keys or nonces that no token has', () => {
    expect(tests.filter(({ result }) => result === 'valid').length).toBe(39);
    expect(tests.filter(({ result }) => result === 'invalid').length).toBe(27);
    const others = groups.filter((group) => !ours(group)).map(({ keySize, ivSize }) => `${keySize}/${ivSize}`);
    const nonces = (...sizes: number[]) => sizes.map((size) => `256/${size}`);
    expect(others.filter((sizes) => sizes.startsWith('256/'))).toEqual(
      nonces(128, 120, 160, 256, 512, 1024, 2056, 8, 16, 32, 48, 64, 80, 0),
    );
    expect(others.filter((sizes) => !/^(?:128|192|256)\//.test(sizes))).toEqual([]);
  });

  test.each(tests)('$tcId $comment: $result', ({ key, iv, aad, msg, ct, tag, result }) => {
    const sealed = gcm(secret(key), hex(iv), hex(aad), hex(msg));
    expect(sealed.equals(hex(ct + tag))).toBe(result === 'valid');
    const opened = openGcm(secret(key), hex(iv), hex(aad), hex(ct + tag));
    expect(opened?.toString('hex')).toBe(result === 'valid' ? msg : undefined);
  });
});

describe.skipIf(!present)('XAES-256-GCM, as C2SP publishes it', () => {
  const file = present ? read<XaesFile>('xaes_256_gcm.json') : undefined;

  test.each(file?.printed ?? [])('the printed vector with additional data "$aad"', (vector) => {
    const nonce = hex(vector.nonce);
    const derived = new Xaes(secret(vector.key)).deriveKey(nonce.subarray(0, 12));
    expect(derived.export().toString('hex')).toBe(vector.derivedKey);
    const sealed = gcm(derived, nonce.subarray(12), hex(vector.aad), hex(vector.plaintext));
    expect(sealed.toString('hex')).toBe(vector.ciphertext);
    const opened = openGcm(derived, nonce.subarray(12), hex(vector.aad), sealed);
    expect(opened?.toString('hex')).toBe(vector.plaintext);
  });

  test('the accumulated vector: 10 000 keys, nonces, texts and additional data', () => {
    const accumulated = file?.accumulated;
    const take = reader(createHash('shake128', { outputLength: 4_000_000 }).digest());
    const all = createHash('shake128', { outputLength: 32 });
    let refused = 0;
    for (let i = 0; i < (accumulated?.iterations ?? 0); i++) {
      const [key, nonce] = [take(32), take(24)];
      const plaintext = take(take(1).readUInt8());
      const aad = take(take(1).readUInt8());
      const derived = new Xaes(createSecretKey(key)).deriveKey(nonce.subarray(0, 12));
      const sealed = gcm(derived, nonce.subarray(12), aad, plaintext);
      if (!openGcm(derived, nonce.subarray(12), aad, sealed)?.equals(plaintext)) refused++;
      all.update(sealed);
    }
    expect(accumulated?.iterations).toBe(10_000);
    expect(all.digest('hex')).toBe(accumulated?.expected);
    expect(refused).toBe(0);
  });

  test.each([0, 11, 13, 24])('a derivation from %i bytes is refused', (length) => {
    const xaes = new Xaes(secret('01'.repeat(32)));
    expect(() => xaes.deriveKey(Buffer.alloc(length))).toThrow(new TypeError('"nonceStart" must be 12 bytes'));
  });

  test('one object derives the key of every nonce, in any order', () => {
    const xaes = new Xaes(secret('01'.repeat(32)));
    const keys = ['41', '42', '41'].map((byte) =>
      xaes
        .deriveKey(hex(byte.repeat(12)))
        .export()
        .toString('hex'),
    );
    expect(keys[0]).toBe(keys[2]);
    expect(keys[0]).not.toBe(keys[1]);
  });
});

test('AES-GCM opens nothing that is shorter than its tag', () => {
  const key = createSecretKey(Buffer.alloc(32, 1));
  for (let length = 0; length < 16; length++) {
    expect(openGcm(key, Buffer.alloc(12), Buffer.alloc(0), Buffer.alloc(length))).toBeUndefined();
  }
});

// --- internal ---

interface Wycheproof {
  readonly tcId: number;
  readonly comment: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}
type CbcTest = Wycheproof & { readonly key: string; readonly iv: string; readonly msg: string; readonly ct: string };
type MacTest = Wycheproof & { readonly key: string; readonly msg: string; readonly tag: string };
type HkdfTest = Wycheproof & {
  readonly ikm: string;
  readonly salt: string;
  readonly info: string;
  readonly size: number;
  readonly okm: string;
};
type GcmTest = Wycheproof & Readonly<Record<'key' | 'iv' | 'aad' | 'msg' | 'ct' | 'tag', string>>;
type XaesFile = {
  readonly printed: readonly Readonly<
    Record<'key' | 'nonce' | 'plaintext' | 'aad' | 'derivedKey' | 'ciphertext', string>
  >[];
  readonly accumulated: { readonly iterations: number; readonly expected: string };
};
type FleTest = Readonly<Record<'name' | 'key' | 'iv' | 'aad' | 'plaintext', string>> & { readonly ciphertext?: string };
type Group<T> = { readonly keySize: number; readonly ivSize?: number; readonly tagSize?: number; readonly tests: T[] };

function wycheproof<T>(name: string, wanted: (group: Group<T>) => boolean): T[] {
  return present
    ? read<{ testGroups: Group<T>[] }>(name)
        .testGroups.filter(wanted)
        .flatMap(({ tests }) => tests)
    : [];
}

function read<T>(name: string): T {
  return (present ? JSON.parse(readFileSync(join(folder, name), 'utf8')) : []) as T;
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

function secret(text: string) {
  return createSecretKey(hex(text));
}

/** Ciphertext and tag, written into the middle of a larger buffer as tokens are. */
function gcm(key: KeyObject, nonce: Buffer, aad: Buffer, plaintext: Buffer): Buffer {
  const target = Buffer.alloc(plaintext.length + 24, 0xee);
  sealGcm(key, nonce, aad, plaintext, target, 4);
  expect(target.toString('hex', 0, 4) + target.toString('hex', plaintext.length + 20)).toBe('eeeeeeeeeeeeeeee');
  return target.subarray(4, plaintext.length + 20);
}

/** Hands out the next bytes of a stream. */
function reader(stream: Buffer): (length: number) => Buffer {
  let used = 0;
  return (length) => {
    used += length;
    if (used > stream.length) throw new Error('the stream is too short');
    return stream.subarray(used - length, used);
  };
}

function decipher(cbc: Cbc, iv: Buffer, blocks: Buffer): Buffer {
  return cbc.decipher(Buffer.concat([iv, blocks])).subarray(16);
}

function pad(bytes: Buffer): Buffer {
  const missing = 16 - (bytes.length % 16);
  return Buffer.concat([bytes, Buffer.alloc(missing, missing)]);
}

function unpad(bytes: Buffer): Buffer | undefined {
  const count = bytes.at(-1) ?? 0;
  if (count < 1 || count > 16 || !bytes.subarray(-count).every((byte) => byte === count)) return undefined;
  return bytes.subarray(0, -count);
}

/** RFC 5869 written out. */
function rfc5869(ikm: Buffer, salt: Buffer, info: Buffer, length: number): Buffer {
  const prk = createHmac('sha256', salt).update(ikm).digest();
  const blocks: Buffer[] = [];
  for (let i = 1; i <= Math.ceil(length / 32); i++) {
    blocks.push(
      createHmac('sha256', prk)
        .update(Buffer.concat([blocks.at(-1) ?? Buffer.alloc(0), info, Buffer.of(i)]))
        .digest(),
    );
  }
  return Buffer.concat(blocks).subarray(0, length);
}
