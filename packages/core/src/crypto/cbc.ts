import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv, type KeyObject } from 'node:crypto';

export const BLOCK_BYTES = 16;
const RENEW_AFTER = 1 << 20;

/**
 * AES-256-CBC on whole blocks, padded by the caller. Making a cipher object costs several times the work it does for a
 * short value, so one object serves many: it goes on chaining from the last ciphertext block of the value before, and
 * the first block is corrected by that block, which gives byte for byte what a new object with this IV would give.
 */
export class Cbc {
  readonly #key: KeyObject;
  #cipher: Cipheriv | undefined;
  #decipher: Decipheriv | undefined;
  readonly #lastWritten = Buffer.alloc(BLOCK_BYTES);
  #writes = 0;
  #reads = 0;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** Enciphers `blocks`, a multiple of 16 bytes; its first block is overwritten. */
  encipher(iv: Uint8Array, blocks: Buffer): Buffer {
    const cipher = this.#cipher ?? this.#newCipher();
    // Taken out while in use: after an exception in between, the chain would no longer be the one that we think.
    this.#cipher = undefined;
    xorBlocks(blocks, iv, this.#lastWritten);
    const out = wholeBlocks(cipher.update(blocks), blocks);
    out.copy(this.#lastWritten, 0, out.length - BLOCK_BYTES);
    if (++this.#writes < RENEW_AFTER) this.#cipher = cipher;
    return out;
  }

  /**
   * Enciphers many values at once, each laid out as 16 fresh random bytes and its blocks. A random block enciphered is
   * a random block: it comes out as the IV of the value behind it, and the value is standard CBC under that IV. What
   * the chain held before does not matter, so no block needs correcting.
   */
  encipherChains(chains: Uint8Array): Buffer {
    const cipher = this.#cipher ?? this.#newCipher();
    this.#cipher = undefined;
    const out = wholeBlocks(cipher.update(chains), chains);
    out.copy(this.#lastWritten, 0, out.length - BLOCK_BYTES);
    if (++this.#writes < RENEW_AFTER) this.#cipher = cipher;
    return out;
  }

  /**
   * Deciphers one value or many, each laid out as its IV and its blocks; only after the MACs were checked. What comes
   * out in place of an IV is without meaning: the IV is there to be the block before the first.
   */
  decipher(chains: Uint8Array): Buffer {
    const decipher = this.#decipher ?? this.#newDecipher();
    this.#decipher = undefined;
    const out = wholeBlocks(decipher.update(chains), chains);
    if (++this.#reads < RENEW_AFTER) this.#decipher = decipher;
    return out;
  }

  #newCipher(): Cipheriv {
    this.#writes = 0;
    this.#lastWritten.fill(0);
    return createCipheriv('aes-256-cbc', this.#key, this.#lastWritten).setAutoPadding(false);
  }

  #newDecipher(): Decipheriv {
    this.#reads = 0;
    return createDecipheriv('aes-256-cbc', this.#key, Buffer.alloc(BLOCK_BYTES)).setAutoPadding(false);
  }
}

// --- internal ---

function wholeBlocks(out: Buffer, input: Uint8Array): Buffer {
  if (out.length === 0 || out.length !== input.length) throw new TypeError('"blocks" must be whole blocks');
  return out;
}

/** target[0..16] ^= a ^ b */
function xorBlocks(target: Uint8Array, a: Uint8Array, b: Uint8Array): void {
  for (let i = 0; i < BLOCK_BYTES; i++) target[i] = (target[i] ?? 0) ^ (a[i] ?? 0) ^ (b[i] ?? 0);
}
