import { fromUtf8 } from '../crypto/bytes.ts';
import { CasehardError } from '../errors.ts';
import { readUvarint, writeUvarint } from './uvarint.ts';

/** A number as a database hands it over: drivers give large ones as `bigint` or as text of digits. From 0, below 2^64. */
export type Id = number | bigint | string;

/** What a link says. All are optional; the URL is for clicks whose destination is not looked up. */
export interface Claims {
  readonly campaign?: Id | undefined;
  readonly recipient?: Id | undefined;
  readonly link?: Id | undefined;
  readonly list?: Id | undefined;
  readonly send?: Id | undefined;
  readonly tenant?: Uint8Array | undefined;
  /** A recipient's key that is no number, for example the 16 bytes of a UUID (`uuidBytes`). */
  readonly recipientKey?: Uint8Array | undefined;
  readonly url?: string | undefined;
}

/** Claims as they were read: a number is a `bigint` where it is too large for a number. */
export interface ReadClaims {
  readonly campaign?: number | bigint;
  readonly recipient?: number | bigint;
  readonly link?: number | bigint;
  readonly list?: number | bigint;
  readonly send?: number | bigint;
  readonly tenant?: Uint8Array;
  readonly recipientKey?: Uint8Array;
  readonly url?: string;
}

export interface TokenClaims {
  /** When the token was made, in seconds since 1970. */
  readonly iat: number;
  readonly claims: ReadClaims;
}

const IAT_BYTES = 4;
const BLOCK_BYTES = 16;
/** The longest claims, with iat and padding: a token has at most 1391 characters. */
export const MAX_CLAIMS_BYTES = 1008;

/**
 * Writes iat, fields and padding to `target`, which holds MAX_CLAIMS_BYTES, and returns the length: a multiple of 16.
 * Throws TypeError for a claim that is not of its kind, TOO_LONG where they do not fit.
 */
export function writeClaims(target: Buffer, iat: number, claims: Claims): number {
  writeIat(target, iat);
  const { tenant, campaign, recipientKey, recipient, url, link, list, send } = claims;
  let at = IAT_BYTES;
  // Spelled out, by tag: a loop over names costs twice as much, and a mailer makes millions of these.
  if (tenant !== undefined) at = writeBytes(target, at, 1, bytesOf('tenant', tenant));
  if (campaign !== undefined) at = writeNumber(target, at, 2, campaign, 'campaign');
  if (recipientKey !== undefined) at = writeBytes(target, at, 3, bytesOf('recipientKey', recipientKey));
  if (recipient !== undefined) at = writeNumber(target, at, 4, recipient, 'recipient');
  if (url !== undefined) at = writeBytes(target, at, 5, bytesOf('url', url));
  if (link !== undefined) at = writeNumber(target, at, 6, link, 'link');
  if (list !== undefined) at = writeNumber(target, at, 8, list, 'list');
  if (send !== undefined) at = writeNumber(target, at, 10, send, 'send');
  for (const name in claims) if (!NAMES.has(name)) throw notAClaim(name);
  if (at > MAX_CLAIMS_BYTES) throw tooLong(); // what was written beyond the end went nowhere
  while (at % BLOCK_BYTES !== 0) target[at++] = 0;
  return at;
}

/** Throws TypeError as `writeClaims` does, for links that carry no token. */
export function checkClaims(claims: Claims): void {
  writeClaims(Buffer.alloc(MAX_CLAIMS_BYTES), 0, { ...claims, url: undefined });
}

/** Reads what a token carries; `undefined` where it breaks the grammar (docs/format.md, "Link tokens"). */
export function readClaims(bytes: Buffer): TokenClaims | undefined {
  if (bytes.length === 0 || bytes.length % BLOCK_BYTES !== 0) return undefined;
  const claims: Written = {};
  const at = { end: IAT_BYTES };
  let last = 0;
  for (;;) {
    const tag = bytes[at.end] ?? 0;
    if (tag === 0) break;
    if (tag <= last) return undefined;
    last = tag;
    at.end++;
    const value = tag % 2 === 0 ? readUvarint(bytes, at) : readBytes(bytes, at);
    if (value === undefined || !put(claims, tag, value)) return undefined;
  }
  for (let i = at.end; i < bytes.length; i++) if (bytes[i] !== 0) return undefined;
  return { iat: bytes.readUInt32BE(0), claims: claims as ReadClaims };
}

/** The 16 bytes of a UUID. Throws TypeError for a text that is none. */
export function uuidBytes(text: string): Uint8Array {
  if (!UUID.test(text)) throw new TypeError('"text" must be a UUID of 36 characters');
  return Uint8Array.from(Buffer.from(text.replaceAll('-', ''), 'hex'));
}

/** A UUID of 16 bytes as text, in lower case. */
export function uuidText(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw new TypeError('"bytes" must be 16 bytes');
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

// --- internal ---

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const NAMES: ReadonlySet<string> = new Set<keyof Claims>([
  'tenant',
  'campaign',
  'recipientKey',
  'recipient',
  'url',
  'link',
  'list',
  'send',
]);

function bytesOf(name: keyof Claims, value: unknown): Uint8Array {
  if (name !== 'url') {
    if (value instanceof Uint8Array) return value;
    throw new TypeError(`"${name}" must be bytes`);
  }
  if (typeof value !== 'string' || !value.isWellFormed()) throw new TypeError('"url" must be well-formed text');
  return Buffer.from(value, 'utf8');
}

/** Claims while they are read. */
type Written = { -readonly [K in keyof ReadClaims]: ReadClaims[K] };

/** Spelled out for the same reason as in `writeClaims`. False for a tag that nobody knows, and for a URL that is no UTF-8. */
function put(claims: Written, tag: number, value: number | bigint | Uint8Array): boolean {
  if (typeof value === 'object') {
    if (tag === 1) claims.tenant = Uint8Array.from(value);
    else if (tag === 3) claims.recipientKey = Uint8Array.from(value);
    else if (tag === 5) {
      const url = fromUtf8(value);
      if (url === undefined) return false;
      claims.url = url;
    } else return false;
    return true;
  }
  if (tag === 2) claims.campaign = value;
  else if (tag === 4) claims.recipient = value;
  else if (tag === 6) claims.link = value;
  else if (tag === 8) claims.list = value;
  else if (tag === 10) claims.send = value;
  else return false;
  return true;
}

function readBytes(bytes: Buffer, at: { end: number }): Uint8Array | undefined {
  const length = readUvarint(bytes, at);
  if (length === undefined || length > bytes.length - at.end) return undefined;
  const start = at.end;
  at.end += Number(length);
  return bytes.subarray(start, at.end);
}

function writeIat(target: Buffer, iat: number): void {
  if (!(iat >= 0 && iat <= 0xffffffff)) throw new TypeError('"now" must be a time between 1970 and 2106');
  target[0] = iat >>> 24;
  target[1] = iat >>> 16;
  target[2] = iat >>> 8;
  target[3] = iat;
}

function writeNumber(target: Buffer, at: number, tag: number, id: Id, name: string): number {
  target[at] = tag;
  return writeUvarint(target, at + 1, id, name);
}

function writeBytes(target: Buffer, at: number, tag: number, bytes: Uint8Array): number {
  target[at] = tag;
  const start = writeUvarint(target, at + 1, bytes.length, 'length');
  if (start + bytes.length > MAX_CLAIMS_BYTES) throw tooLong();
  target.set(bytes, start);
  return start + bytes.length;
}

/** A claim whose name is misspelled would be left out of the link without a word. */
function notAClaim(name: string): TypeError {
  return new TypeError(`"${name}" is no claim: ${[...NAMES].join(', ')} are`);
}

function tooLong(): CasehardError {
  return new CasehardError('TOO_LONG', 'these claims do not fit into a link token', {
    hint: 'store the URL and put the number of its row into the link instead',
  });
}
