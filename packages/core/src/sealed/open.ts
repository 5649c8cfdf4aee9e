import { fourCharacters } from '../crypto/bytes.ts';
import { equalTags, TAG_BYTES } from '../crypto/hmac.ts';
import type { OpenFailure } from '../errors.ts';
import { cbcOf, macOf, type SealingKey } from '../keyring/key.ts';
import type { Content } from '../schemes/scheme.ts';
import type { Context } from './context.ts';
import { IV_BYTES, readFrame } from './frame.ts';
import { bucketBlocks, DEFAULT_MAX_SECRET, sealedLength } from './length.ts';
import { beginMessage } from './message.ts';

const MARKER = /^chd[0-9]{1,3}\./i;
const KID = /^[a-z2-7]{8}$/;

/** The part of a keyring that opening needs. */
export interface Keys {
  find(kid: string): SealingKey | undefined;
  isWithdrawn(kid: string): boolean;
}

export type Opened =
  | {
      readonly ok: true;
      readonly content: Content;
      readonly key: SealingKey;
      /** Which of the candidate contexts opened it; 0 is the current one. */
      readonly context: number;
      readonly n: number;
    }
  | Failed;

interface Failed {
  readonly ok: false;
  readonly failure: OpenFailure;
  readonly kid?: string;
}

/** A value as its public prefix declares itself: readable without a key. */
export interface Header {
  readonly kid: string;
  readonly flags: number;
  readonly n: number;
}

/** Says whether stored text carries the marker of a sealed value, damaged ones included. Never "it opens". */
export function looksSealed(stored: string): boolean {
  return MARKER.test(stored);
}

/** Whether a text is a sealed value from its first to its last character, as far as can be said without a key. */
export function isWhole(stored: string): boolean {
  const opened = openContent(NO_KEYS, [], stored, { row: NO_ROW });
  return !opened.ok && (opened.failure === 'UNKNOWN_KEY' || opened.failure === 'TOO_LARGE');
}

/** Removes the padding that CHAR and BINARY columns add: spaces and NULs at the end, nothing else. */
export function stripPadding(stored: string): string {
  let end = stored.length;
  while (end > 0 && (stored[end - 1] === ' ' || stored[end - 1] === '\0')) end--;
  return end === stored.length ? stored : stored.slice(0, end);
}

/** Checks 0 to 7 of docs/format.md, "Open": what can be said without a key. */
export function parseHeader(stored: string, maxSecret: number = DEFAULT_MAX_SECRET): Header | OpenFailure {
  return checkHeader(stripPadding(stored), maxSecret);
}

/** What opening needs to know beside keys and contexts. */
export interface OpenOptions {
  /** The row-key pieces; contexts of other bindings ignore them. */
  readonly row: readonly string[];
  /** The longest secret in bytes; default 65 534. */
  readonly maxSecret?: number;
}

/**
 * Opens a sealed value, in the fixed order of docs/format.md, "Open": everything before the MAC uses public data only,
 * and after any failure nothing is deciphered.
 */
export function openContent(keys: Keys, contexts: readonly Context[], stored: string, options: OpenOptions): Opened {
  const proven = prove(keys, contexts, stored, options);
  if (!proven.ok) return proven;
  return finishOpening(proven, cbcOf(proven.key).decipher(chainOf(proven)), 0);
}

/** A value whose MAC holds: nobody without the key made or changed it, and it may be deciphered. */
export interface Proven {
  readonly ok: true;
  readonly key: SealingKey;
  readonly context: number;
  readonly flags: number;
  readonly n: number;
  /** flags n IV C T; valid until the next value is looked at. */
  readonly body: Buffer;
}

/** Checks 0 to 11. */
export function prove(keys: Keys, contexts: readonly Context[], stored: string, options: OpenOptions): Proven | Failed {
  const text = stripPadding(stored);
  const header = checkHeader(text, options.maxSecret ?? DEFAULT_MAX_SECRET);
  if (typeof header === 'string') return { ok: false, failure: header };
  const { kid, flags, n } = header;
  const body = decodeBody(text, n);
  if (!body) return { ok: false, failure: 'MALFORMED', kid };
  if (keys.isWithdrawn(kid)) return { ok: false, failure: 'WITHDRAWN_KEY', kid };
  const key = keys.find(kid);
  if (!key) return { ok: false, failure: 'UNKNOWN_KEY', kid };

  const end = IV_AT + IV_BYTES + 16 * n;
  let candidates = 0;
  for (let i = 0; i < contexts.length; i++) {
    const context = contexts[i];
    if (context === undefined || context.binding !== (flags & 3)) continue;
    candidates++;
    const ivAt = beginMessage(key, context, context.rowKeys > 0 ? options.row : NO_ROW, flags, n);
    body.copy(macOf(key).room(), ivAt, IV_AT, end);
    macOf(key).writeTag(ivAt + end - IV_AT, expected, 0);
    if (equalTags(body.subarray(end, end + TAG_BYTES), expected)) return { ok: true, key, context: i, flags, n, body };
  }
  return { ok: false, failure: candidates === 0 ? 'CONTEXT_POLICY' : 'MAC', kid };
}

/** IV || C of a value, as the cipher takes it. */
export function chainOf({ body, n }: Proven): Buffer {
  return body.subarray(IV_AT, IV_AT + IV_BYTES + 16 * n);
}

/** Checks 12 and 13, on the deciphered chain at `at`, which is cleared. */
export function finishOpening({ key, context, flags, n }: Proven, chain: Buffer, at: number): Opened {
  const content = readFrame(chain, at + IV_BYTES, n, flags);
  chain.fill(0, at, at + IV_BYTES + 16 * n);
  if (content === undefined) return { ok: false, failure: 'CORRUPT_FRAME', kid: key.kid };
  return { ok: true, content, key, context, n };
}

// --- internal ---

const IV_AT = 3;
const NO_ROW: readonly string[] = [];
const NO_KEYS: Keys = { find: () => undefined, isWithdrawn: () => false };
const expected = Buffer.alloc(TAG_BYTES);
let scratch = Buffer.allocUnsafeSlow(2048);

/** The body, flags n IV C T, of canonical base64url, else `undefined`. Valid until the next call. */
function decodeBody(text: string, n: number): Buffer | undefined {
  const bytes = IV_AT + IV_BYTES + 16 * n + TAG_BYTES;
  if (bytes > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * bytes);
  const body = text.slice(14);
  // Node's decoder skips garbage, takes the other alphabet and drops spare bits. Re-encoding catches all three.
  if (scratch.write(body, 0, bytes, 'base64url') !== bytes) return undefined;
  return scratch.toString('base64url', 0, bytes) === body ? scratch : undefined;
}

/** Checks 1 to 7, on text without column padding. */
function checkHeader(stored: string, maxSecret: number): Header | OpenFailure {
  if (!MARKER.test(stored)) return 'NOT_SEALED';
  if (!stored.startsWith('chd')) return 'CASE_DAMAGED';
  if (!stored.startsWith('chd1.')) return 'UNKNOWN_VERSION';
  if (stored.length < 18) return 'TRUNCATED';
  const kid = stored.slice(5, 13);
  if (!KID.test(kid) || stored[13] !== '.') return 'MALFORMED';
  if ((stored[14] === 'a' || stored[14] === 'b') && !/[A-Z]/.test(stored.slice(15))) return 'CASE_DAMAGED';
  const head = fourCharacters(stored, 14);
  if (head < 0) return 'MALFORMED';
  const flags = head >>> 16;
  const n = head & 0xffff;
  if (flags > 7 || (flags & 3) === 3 || n === 0) return 'MALFORMED';
  const length = sealedLength(n);
  if (stored.length < length) return 'TRUNCATED';
  if (stored.length > length) return 'MALFORMED';
  // By the bucket of the longest secret: whatever may be sealed may be opened.
  if (n > bucketBlocks(maxSecret)) return 'TOO_LARGE';
  return { kid, flags, n };
}
