import { fromBase64url } from '../crypto/bytes.ts';
import { deriveKey } from '../crypto/derive.ts';
import { equalTags, hmac, MacKey, TAG_BYTES } from '../crypto/hmac.ts';
import { pae } from '../crypto/pae.ts';
import { randomBytes } from '../crypto/random.ts';
import { CasehardError } from '../errors.ts';
import { trimPasted } from './key-text.ts';

const REDACTED = '[state key]';
const PREFIX = 'chstate1.';
const MASTER_BYTES = 32;

/** One piece of what is authenticated; NULL and the empty text are two different pieces. */
export type Piece = string | null;

/**
 * The key under which the console authenticates the rows of its own tables (accounts, sessions, jobs), so that writing
 * them into the database gives nobody anything. It seals nothing and opens nothing. Shows nothing of itself.
 */
export class StateKey {
  readonly #tags: MacKey;
  readonly #bytes: MacKey;
  readonly #audit: MacKey;

  constructor(master: Uint8Array) {
    if (master.length !== MASTER_BYTES) throw new TypeError('"master" must be 32 bytes');
    this.#tags = new MacKey(deriveKey(master, 'casehard/v1/state'));
    this.#bytes = new MacKey(deriveKey(master, 'casehard/v1/state/bytes'));
    this.#audit = new MacKey(deriveKey(master, 'casehard/v1/audit'));
  }

  /** The tag of pieces under a purpose: HMAC-SHA256, whole, as base64url. */
  tag(purpose: string, pieces: readonly Piece[]): string {
    return hmac(this.#tags, message(purpose, pieces)).toString('base64url');
  }

  /** Whether a tag is that of the pieces; in constant time. */
  holds(tag: string, purpose: string, pieces: readonly Piece[]): boolean {
    const given = fromBase64url(tag);
    return given?.length === TAG_BYTES && equalTags(given, hmac(this.#tags, message(purpose, pieces)));
  }

  /** 32 bytes that only this key gives for a purpose and pieces. Never a tag: they come from another derived key. */
  bytes(purpose: string, pieces: readonly Piece[]): Uint8Array {
    return Uint8Array.from(hmac(this.#bytes, message(purpose, pieces)));
  }

  /** The tag of a row of the audit chain; the tag of the row before is one of its pieces. */
  auditTag(pieces: readonly Piece[]): string {
    return hmac(this.#audit, message('casehard_audit', pieces)).toString('base64url');
  }

  /** Whether a tag of the audit chain is that of the pieces; in constant time. */
  holdsAudit(tag: string, pieces: readonly Piece[]): boolean {
    const given = fromBase64url(tag);
    return given?.length === TAG_BYTES && equalTags(given, hmac(this.#audit, message('casehard_audit', pieces)));
  }

  toJSON(): string {
    return REDACTED;
  }
  toString(): string {
    return REDACTED;
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}

/** A new state key as text. */
export function generateStateKey(): string {
  return `${PREFIX}${randomBytes(MASTER_BYTES).toString('base64url')}`;
}

/** Reads the text of a state key. Throws KEY_FORMAT or KEY_IN_WRONG_SETTING; the message never quotes it. */
export function parseStateKey(text: string, setting: string): StateKey {
  const trimmed = trimPasted(text);
  if (/^chkey\d/i.test(trimmed)) {
    throw new CasehardError('KEY_IN_WRONG_SETTING', `${setting} holds a sealing or tracking key`, {
      hint: 'a state key is one of its own: take the setting away, and the console makes one',
    });
  }
  const master = trimmed.startsWith(PREFIX) ? fromBase64url(trimmed.slice(PREFIX.length)) : undefined;
  if (master?.length !== MASTER_BYTES) {
    throw new CasehardError('KEY_FORMAT', `${setting} is not a state key`, {
      hint: 'put the text back that the console made, or take it away: then a new one is made, and accounts have to be made anew',
    });
  }
  const key = new StateKey(master);
  master.fill(0);
  return key;
}

// --- internal ---

function message(purpose: string, pieces: readonly Piece[]): Buffer {
  return pae([
    Buffer.from('casehard/v1/state'),
    Buffer.from(purpose),
    ...pieces.map((piece) => Buffer.from(piece === null ? 'n' : `s${piece}`)),
  ]);
}
