/**
 * A second implementation of link tokens for tests only, written from the published text (docs/format.md, "Link tokens")
 * with plain node:crypto in the most literal way: no caching, no shared code with src. Slow on purpose. Where it and src
 * disagree, one of them is wrong.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

export const PURPOSE_NUMBERS = { open: 1, click: 2, unsubscribe: 3, confirm: 4, view: 5, preferences: 6 } as const;
export type PurposeName = keyof typeof PURPOSE_NUMBERS;
export const PURPOSE_NAMES = Object.keys(PURPOSE_NUMBERS) as PurposeName[];

/** Claims as the vectors publish them: numbers in decimal, bytes in hex, the URL as it is. */
export type PublishedClaims = Readonly<Partial<Record<(typeof TAGS)[number]['name'], string>>>;

export interface ReferenceTokenKey {
  readonly tkid: Buffer;
  readonly tokKey: Buffer;
}

export interface VerifyInput {
  readonly keys: readonly ReferenceTokenKey[];
  /** Key ids in hex. */
  readonly withdrawn: readonly string[];
  readonly purpose: PurposeName;
  readonly audience: string;
}

export type ReferenceVerdict =
  | { readonly ok: true; readonly iat: number; readonly claims: PublishedClaims }
  | { readonly ok: false; readonly code: string };

export function deriveTokenKey(master: Uint8Array): ReferenceTokenKey {
  const root = hkdf(master, 'casehard/v1/token/root', 32);
  return {
    tkid: hkdf(root, 'casehard/v1/token/kid', 2),
    tokKey: hkdf(root, 'casehard/v1/token/enc/xaes-256-gcm', 32),
  };
}

/** A token as a maker makes it. */
export function mintToken(
  key: ReferenceTokenKey,
  said: { purpose: PurposeName; audience: string; iat: number; claims: PublishedClaims },
  r: Uint8Array,
): string {
  const number = PURPOSE_NUMBERS[said.purpose];
  const claims = padded(Buffer.concat([be32(said.iat), ...fieldsOf(said.claims)]));
  return assembleToken(key, {
    header: Buffer.concat([Buffer.of(0x10 | number), key.tkid]),
    r,
    claims,
    nonce: nonceOf(number, r),
    aad: aadOf(Buffer.concat([Buffer.of(0x10 | number), key.tkid]), said.purpose, said.audience),
  });
}

/** A token with an honest tag over whatever is put in: also for headers and claims that no maker writes. */
export function assembleToken(
  key: ReferenceTokenKey,
  parts: { header: Uint8Array; r: Uint8Array; nonce: Uint8Array; aad: Uint8Array; claims: Uint8Array },
): string {
  const sealed = xaesSeal(key.tokKey, parts.nonce, parts.claims, parts.aad);
  return Buffer.concat([parts.header, parts.r, sealed]).toString('base64url');
}

/** The order of checks of the format, one after the other. A withdrawn key is withdrawn whether it is at hand or not. */
export function verifyToken(input: VerifyInput, token: string): ReferenceVerdict {
  const no = (code: string): ReferenceVerdict => ({ ok: false, code });
  if (token.length < 68 || token.length > 1391) return no('LENGTH');
  if (!/^[A-Za-z0-9_-]*$/.test(token) || token.length % 4 === 1) return no('NOT_CANONICAL');
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.toString('base64url') !== token) return no('NOT_CANONICAL');
  const first = bytes.readUInt8(0);
  if (first >> 4 !== 1) return no('UNKNOWN_VERSION');
  const number = PURPOSE_NUMBERS[input.purpose];
  if ((first & 0x0f) !== number) return no('WRONG_PURPOSE');
  const tkid = bytes.subarray(1, 3);
  if (input.withdrawn.includes(tkid.toString('hex'))) return no('WITHDRAWN_KEY');
  const key = input.keys.find((candidate) => candidate.tkid.equals(tkid));
  if (!key) return no('UNKNOWN_KEY');
  const aad = aadOf(bytes.subarray(0, 3), input.purpose, input.audience);
  const claims = xaesOpen(key.tokKey, nonceOf(number, bytes.subarray(3, 19)), bytes.subarray(19), aad);
  if (!claims) return no('TAG');
  const read = readFields(claims);
  return read ? { ok: true, iat: claims.readUInt32BE(0), claims: read } : no('CLAIMS');
}

/** N = "chtok1" || purpose || 0x00 || R */
export function nonceOf(number: number, r: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('chtok1', 'ascii'), Buffer.of(number, 0), r]);
}

/** aad = PAE( "casehard/v1/token", h, name of the purpose, audience ) */
export function aadOf(header: Uint8Array, purpose: string, audience: string): Buffer {
  const pieces = [Buffer.from('casehard/v1/token'), header, Buffer.from(purpose), Buffer.from(audience, 'utf8')];
  const parts: Uint8Array[] = [le64(pieces.length)];
  for (const piece of pieces) parts.push(le64(piece.length), piece);
  return Buffer.concat(parts);
}

/** LEB128, minimal. */
export function uvarint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

/** Zero bytes up to a multiple of 16. */
export function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((16 - (bytes.length % 16)) % 16)]);
}

export function be32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function xaesSeal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Buffer {
  return gcmSeal(xaesKey(key, nonce), nonce.subarray(12), plaintext, aad);
}

export function gcmSeal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** The derived key of XAES-256-GCM. `subkey` is K1; handed in where a vector wants a wrong one. */
export function xaesKey(key: Uint8Array, nonce: Uint8Array, subkey: bigint = firstSubkey(key)): Buffer {
  const half = (counter: number): Buffer => {
    const block = Buffer.concat([Buffer.of(0, counter, 0x58, 0), nonce.subarray(0, 12)]);
    return aesBlock(key, fromNumber(toNumber(block) ^ subkey));
  };
  return Buffer.concat([half(1), half(2)]);
}

/** AES of a zero block, before it is shifted. */
export function zeroBlock(key: Uint8Array): bigint {
  return toNumber(aesBlock(key, Buffer.alloc(16)));
}

// --- internal ---

const TAGS = [
  { tag: 1, name: 'tenant', kind: 'bytes' },
  { tag: 2, name: 'campaign', kind: 'number' },
  { tag: 3, name: 'recipientKey', kind: 'bytes' },
  { tag: 4, name: 'recipient', kind: 'number' },
  { tag: 5, name: 'url', kind: 'text' },
  { tag: 6, name: 'link', kind: 'number' },
  { tag: 8, name: 'list', kind: 'number' },
  { tag: 10, name: 'send', kind: 'number' },
] as const;

function fieldsOf(claims: PublishedClaims): Buffer[] {
  return TAGS.flatMap(({ tag, name, kind }) => {
    const value = claims[name];
    if (value === undefined) return [];
    if (kind === 'number') return [Buffer.of(tag), uvarint(BigInt(value))];
    const bytes = Buffer.from(value, kind === 'bytes' ? 'hex' : 'utf8');
    return [Buffer.of(tag), uvarint(BigInt(bytes.length)), bytes];
  });
}

function readFields(claims: Buffer): PublishedClaims | undefined {
  if (claims.length === 0 || claims.length % 16 !== 0) return undefined;
  const found: Record<string, string> = {};
  let rest = claims.subarray(4);
  let last = 0;
  while (rest.length > 0 && rest[0] !== 0) {
    const field = TAGS.find(({ tag }) => tag === rest[0]);
    if (!field || field.tag <= last) return undefined;
    last = field.tag;
    const number = readUvarint(rest.subarray(1));
    if (!number) return undefined;
    rest = rest.subarray(1 + number.length);
    if (field.kind === 'number') {
      found[field.name] = String(number.value);
      continue;
    }
    if (number.value > BigInt(rest.length)) return undefined;
    const content = rest.subarray(0, Number(number.value));
    rest = rest.subarray(content.length);
    try {
      found[field.name] = field.kind === 'bytes' ? content.toString('hex') : strictUtf8(content);
    } catch {
      return undefined;
    }
  }
  return rest.every((byte) => byte === 0) ? found : undefined;
}

function readUvarint(bytes: Uint8Array): { value: bigint; length: number } | undefined {
  const end = bytes.findIndex((byte) => byte < 128);
  if (end < 0 || end >= 10) return undefined;
  let value = 0n;
  for (let i = end; i >= 0; i--) value = (value << 7n) | BigInt((bytes[i] as number) & 127);
  if (value >= 1n << 64n || (end > 0 && bytes[end] === 0)) return undefined;
  return { value, length: end + 1 };
}

function strictUtf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

function xaesOpen(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Buffer | undefined {
  const options = { authTagLength: 16 };
  const decipher = createDecipheriv('aes-256-gcm', xaesKey(key, nonce), nonce.subarray(12), options);
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(-16));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** K1: AES of a zero block, shifted left by one bit, and its last byte xored with 0x87 where the bit shifted out was 1. */
function firstSubkey(key: Uint8Array): bigint {
  const shifted = zeroBlock(key) << 1n;
  return shifted >> 128n === 1n ? (shifted & ((1n << 128n) - 1n)) ^ 0x87n : shifted;
}

function aesBlock(key: Uint8Array, block: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function fromNumber(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
}

function hkdf(ikm: Uint8Array, info: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', ikm, 'casehard/v1', info, length));
}

function le64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
