import type { KeyObject } from '../crypto/derive.ts';
import { fillRandom } from '../crypto/random.ts';
import { GCM_TAG_BYTES, sealGcm } from '../crypto/xaes.ts';
import { type TrackingKey, xaesOf } from '../keyring/tracking-key.ts';
import { type Claims, MAX_CLAIMS_BYTES, writeClaims } from './claims.ts';
import type { Purpose } from './purpose.ts';
import {
  aadOf,
  BATCH_BYTES,
  CLAIMS_AT,
  HEADER_BYTES,
  headerOf,
  MAX_TOKEN_BYTES,
  nonceStart,
  RANDOM_BYTES,
} from './token.ts';

/** So many tokens at most are made with one derived key (docs/format.md, "Link tokens"). */
const BATCH_TOKENS = 1 << 20;
const BLOCK_BYTES = 16;
const LAST_DASH = '-'.charCodeAt(0);
const LAST_UNDERSCORE = '_'.charCodeAt(0);

/** Writes random bytes to `target`; a test hands in its own. */
export type Draw = (target: Uint8Array, offset: number, length: number) => void;

/** Makes the tokens of one purpose under one key. Not for two threads or processes: each makes its own. */
export class Minter {
  readonly #key: TrackingKey;
  readonly #purpose: Purpose;
  readonly #aad: Buffer;
  readonly #draw: Draw;
  readonly #token = Buffer.alloc(MAX_TOKEN_BYTES);
  readonly #nonce = this.#token.subarray(HEADER_BYTES + BATCH_BYTES, CLAIMS_AT);
  readonly #claims = Buffer.alloc(MAX_CLAIMS_BYTES);
  /** Claims of one block, the usual case: a view that need not be made for each token. */
  readonly #block = this.#claims.subarray(0, BLOCK_BYTES);
  #derived: KeyObject | undefined;
  #left = 0;

  constructor(key: TrackingKey, purpose: Purpose, audience: string, draw: Draw = fillRandom) {
    this.#key = key;
    this.#purpose = purpose;
    this.#draw = draw;
    const header = headerOf(purpose, key.tkid);
    this.#token.set(header);
    this.#aad = aadOf(header, purpose, audience);
  }

  /** A token, 68 characters for three numbers; `iat` in seconds since 1970. Throws TypeError or TOO_LONG. */
  mint(claims: Claims, iat: number): string {
    const length = writeClaims(this.#claims, iat, claims);
    const plaintext = length === BLOCK_BYTES ? this.#block : this.#claims.subarray(0, length);
    const bytes = this.#token;
    const draw = this.#draw;
    for (;;) {
      const key = this.#left > 0 && this.#derived ? this.#derived : this.#newBatch();
      this.#left--;
      draw(bytes, HEADER_BYTES + BATCH_BYTES, RANDOM_BYTES - BATCH_BYTES);
      sealGcm(key, this.#nonce, this.#aad, plaintext, bytes, CLAIMS_AT);
      const token = bytes.toString('base64url', 0, CLAIMS_AT + length + GCM_TAG_BYTES);
      // Mail clients take a dash or underscore at the end for punctuation and drop it.
      const last = token.charCodeAt(token.length - 1);
      if (last !== LAST_DASH && last !== LAST_UNDERSCORE) return token;
    }
  }

  #newBatch(): KeyObject {
    this.#draw(this.#token, HEADER_BYTES, BATCH_BYTES);
    const batch = this.#token.subarray(HEADER_BYTES, HEADER_BYTES + BATCH_BYTES);
    this.#derived = xaesOf(this.#key).deriveKey(nonceStart(this.#purpose, batch));
    this.#left = BATCH_TOKENS;
    return this.#derived;
  }
}
