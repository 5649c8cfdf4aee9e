import { isBase64url } from '../crypto/bytes.ts';
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
  /** Hears of every token that was opened. */
  opened?(tkid: string): void;
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
  readonly #makers = new Map<string, Maker>();

  constructor(keys: TrackingKeys, audience: string) {
    this.#keys = keys;
    this.#audience = audience;
  }

  /** The order of checks is fixed (docs/format.md, "Link tokens"); time is left to the caller. Never throws. */
  open(purpose: Purpose, text: string): OpenedToken | TokenDefect {
    if (text.length < MIN_TOKEN_CHARACTERS || text.length > MAX_TOKEN_CHARACTERS) return 'LENGTH';
    if (!isBase64url(text)) return 'NOT_CANONICAL';
    const bytes = Buffer.from(text, 'base64url');
    const first = bytes[0] as number;
    if ((first & 0xf0) !== VERSION) return 'UNKNOWN_VERSION';
    if ((first & 0x0f) !== PURPOSES[purpose]) return 'WRONG_PURPOSE';
    const header = text.slice(0, HEADER_CHARACTERS);
    const maker = this.#makers.get(header) ?? this.#makerOf(purpose, header, bytes);
    if (typeof maker === 'string') return maker;
    const nonce = bytes.subarray(HEADER_BYTES + BATCH_BYTES, CLAIMS_AT);
    const opened = openGcm(derivedKey(maker, purpose, bytes), nonce, maker.aad, bytes.subarray(CLAIMS_AT));
    if (!opened) return 'TAG';
    const read = readClaims(opened);
    opened.fill(0);
    if (!read) return 'CLAIMS';
    this.#keys.opened?.(maker.tkid);
    const { iat, claims } = read;
    return { iat, claims, tkid: maker.tkid, id: bytes.toString('base64url', HEADER_BYTES, CLAIMS_AT) };
  }

  #makerOf(purpose: Purpose, header: string, token: Buffer): Maker | TokenDefect {
    const tkid = token.toString('hex', 1, HEADER_BYTES);
    if (this.#keys.isWithdrawn(tkid)) return 'WITHDRAWN_KEY';
    const key = this.#keys.find(tkid);
    if (!key) return 'UNKNOWN_KEY';
    const aad = aadOf(token.subarray(0, HEADER_BYTES), purpose, this.#audience);
    const maker: Maker = { tkid, key, aad, derived: new Map() };
    this.#makers.set(header, maker); // one for each purpose and configured key: no stranger makes it grow
    return maker;
  }
}

// --- internal ---

const HEADER_CHARACTERS = 4;
const KEPT_KEYS = 1024;

/** A key in its use for one purpose, and what is derived from it, by the first four bytes of R. */
interface Maker {
  readonly tkid: string;
  readonly key: TrackingKey;
  readonly aad: Buffer;
  readonly derived: Map<number, KeyObject>;
}

function derivedKey({ key, derived }: Maker, purpose: Purpose, token: Buffer): KeyObject {
  const batch = token.readUInt32BE(HEADER_BYTES);
  const known = derived.get(batch);
  if (known) return known;
  const made = xaesOf(key).deriveKey(nonceStart(purpose, token.subarray(HEADER_BYTES, HEADER_BYTES + BATCH_BYTES)));
  // The oldest goes: whoever sends invented tokens can make us derive again, which costs as much as one more token.
  if (derived.size >= KEPT_KEYS) derived.delete(derived.keys().next().value as number);
  derived.set(batch, made);
  return made;
}
