import { fromBase64url } from '../crypto/bytes.ts';
import type { KeyObject } from '../crypto/derive.ts';
import { openGcm } from '../crypto/xaes.ts';
import { type TrackingKey, xaesOf } from '../keyring/tracking-key.ts';
import { readClaims, type TokenClaims } from './claims.ts';
import { PURPOSES, type Purpose } from './purpose.ts';
import {
  aadOf,
  BATCH_BYTES,
  CLAIMS_AT,
  HEADER_BYTES,
  MAX_TOKEN_CHARACTERS,
  MIN_TOKEN_CHARACTERS,
  nonceStart,
  VERSION,
} from './token.ts';

/** Why a token is not believed; for operators' eyes. */
export type TokenDefect =
  | 'LENGTH'
  | 'NOT_CANONICAL'
  | 'UNKNOWN_VERSION'
  | 'WRONG_PURPOSE'
  | 'UNKNOWN_KEY'
  | 'WITHDRAWN_KEY'
  | 'TAG'
  | 'CLAIMS';

/** What verifying asks of keys; a TrackingKeyring is one. */
export interface TrackingKeys {
  find(tkid: string): TrackingKey | undefined;
  isWithdrawn(tkid: string): boolean;
}

/** A token that was made under one of our keys, whatever its age. */
export interface OpenedToken extends TokenClaims {
  readonly tkid: string;
  /** Made of the token's random part: the same for the same link, and no way to the token. */
  readonly id: string;
}

/** Opens tokens of one audience. Keeps derived keys: the tokens of a batch share theirs. */
export class Verifier {
  readonly #keys: TrackingKeys;
  readonly #audience: string;
  readonly #aads = new Map<string, Buffer>();
  readonly #derived = new Map<string, KeyObject>();

  constructor(keys: TrackingKeys, audience: string) {
    this.#keys = keys;
    this.#audience = audience;
  }

  /** The order of checks is fixed (docs/format.md, "Link tokens"); time is left to the caller. Never throws. */
  open(purpose: Purpose, text: string): OpenedToken | TokenDefect {
    if (text.length < MIN_TOKEN_CHARACTERS || text.length > MAX_TOKEN_CHARACTERS) return 'LENGTH';
    const bytes = fromBase64url(text);
    if (!bytes) return 'NOT_CANONICAL';
    const first = bytes[0] as number;
    if ((first & 0xf0) !== VERSION) return 'UNKNOWN_VERSION';
    if ((first & 0x0f) !== PURPOSES[purpose]) return 'WRONG_PURPOSE';
    const tkid = bytes.toString('hex', 1, HEADER_BYTES);
    if (this.#keys.isWithdrawn(tkid)) return 'WITHDRAWN_KEY';
    const key = this.#keys.find(tkid);
    if (!key) return 'UNKNOWN_KEY';
    const nonce = bytes.subarray(HEADER_BYTES + BATCH_BYTES, CLAIMS_AT);
    const opened = openGcm(
      this.#derivedKey(key, purpose, bytes),
      nonce,
      this.#aad(purpose, bytes),
      bytes.subarray(CLAIMS_AT),
    );
    if (!opened) return 'TAG';
    const read = readClaims(opened);
    opened.fill(0);
    if (!read) return 'CLAIMS';
    return { ...read, tkid, id: bytes.toString('base64url', HEADER_BYTES, CLAIMS_AT) };
  }

  #derivedKey(key: TrackingKey, purpose: Purpose, token: Buffer): KeyObject {
    const name = token.toString('latin1', 0, HEADER_BYTES + BATCH_BYTES);
    const known = this.#derived.get(name);
    if (known) return known;
    const derived = xaesOf(key).deriveKey(
      nonceStart(purpose, token.subarray(HEADER_BYTES, HEADER_BYTES + BATCH_BYTES)),
    );
    // The oldest goes: whoever sends invented tokens can make us derive again, which costs as much as one more token.
    if (this.#derived.size >= KEPT_KEYS) this.#derived.delete(this.#derived.keys().next().value as string);
    this.#derived.set(name, derived);
    return derived;
  }

  #aad(purpose: Purpose, token: Buffer): Buffer {
    const name = token.toString('latin1', 0, HEADER_BYTES);
    let aad = this.#aads.get(name);
    if (!aad) {
      aad = aadOf(token.subarray(0, HEADER_BYTES), purpose, this.#audience);
      this.#aads.set(name, aad); // one for each purpose and configured key: no stranger makes it grow
    }
    return aad;
  }
}

// --- internal ---

const KEPT_KEYS = 1024;
