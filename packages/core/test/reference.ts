/**
 * A second implementation of the sealed format for tests only, written from the published text (docs/format.md) with
 * plain node:crypto in the most literal way: no caching, no shared code with src. Slow on purpose. Where it and src
 * disagree, one of them is wrong.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

export interface ReferenceKey {
  readonly kid: string;
  readonly encKey: Buffer;
  readonly macKey: Buffer;
}

export interface ReferenceContext {
  readonly binding: 'none' | 'field' | 'row';
  readonly scope: string;
  /** Row-key pieces, already text. */
  readonly row: readonly string[];
}

export interface OpenInput {
  readonly keys: readonly ReferenceKey[];
  readonly withdrawn: readonly string[];
  /** The current one first. */
  readonly contexts: readonly ReferenceContext[];
  readonly maxSecret: number;
}

export type ReferenceResult =
  | { readonly ok: true; readonly content: string | Uint8Array; readonly kid: string; readonly context: number }
  | { readonly ok: false; readonly code: string };

const BITS = { none: 0, field: 1, row: 2 } as const;

export function deriveKeys(master: Uint8Array): ReferenceKey {
  const root = hkdf(master, 'casehard/v1/seal/root', 32);
  return {
    kid: base32(hkdf(root, 'casehard/v1/seal/kid', 5)),
    encKey: hkdf(root, 'casehard/v1/seal/enc/aes-256-cbc', 32),
    macKey: hkdf(root, 'casehard/v1/seal/mac/hmac-sha256', 32),
  };
}

/** The tracking key's id, for key texts. */
export function trackingId(master: Uint8Array): string {
  return hkdf(hkdf(master, 'casehard/v1/token/root', 32), 'casehard/v1/token/kid', 2).toString('hex');
}

export function seal(
  key: ReferenceKey,
  context: ReferenceContext,
  value: { readonly content: string | Uint8Array; readonly n: number; readonly iv: Uint8Array },
): string {
  const isText = typeof value.content === 'string';
  const content = Buffer.from(value.content as string);
  if (content.length > 16 * value.n - 2) throw new Error('the content does not fit n blocks');
  const zeros = 16 * value.n - 1 - content.length - 1;
  const frame = Buffer.concat([content, Buffer.of(0x80), Buffer.alloc(zeros)]);
  const cipher = createCipheriv('aes-256-cbc', key.encKey, value.iv); // PKCS#7 by Node
  const blocks = Buffer.concat([cipher.update(frame), cipher.final()]);
  return assemble(key, context, { flags: BITS[context.binding] | (isText ? 0 : 4), n: value.n, iv: value.iv, blocks });
}

/** A value with an honest tag over whatever is put in: also for frames and headers that no sealer writes. */
export function assemble(
  key: ReferenceKey,
  context: ReferenceContext,
  parts: { readonly flags: number; readonly n: number; readonly iv: Uint8Array; readonly blocks: Uint8Array },
): string {
  const head = Buffer.of(parts.flags, parts.n >> 8, parts.n & 255);
  const header = `chd1.${key.kid}.${head.toString('base64url')}`;
  const tag = mac(key, header, context, parts.iv, parts.blocks);
  return `chd1.${key.kid}.${Buffer.concat([head, parts.iv, parts.blocks, tag]).toString('base64url')}`;
}

/** Enciphers blocks that are padded already, for frames that no sealer writes. */
export function encipherRaw(key: ReferenceKey, iv: Uint8Array, padded: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-cbc', key.encKey, iv).setAutoPadding(false);
  return Buffer.concat([cipher.update(padded), cipher.final()]);
}

/** The table "Open" of the format, line by line. */
export function open(input: OpenInput, stored: string): ReferenceResult {
  const no = (code: string): ReferenceResult => ({ ok: false, code });
  const text = stored.replace(/[ \0]+$/, ''); // 0
  if (!/^chd[0-9]{1,3}\./i.test(text)) return no('NOT_SEALED'); // 1
  if (text.slice(0, 3) !== 'chd') return no('CASE_DAMAGED'); // 2
  if (text.slice(3, text.indexOf('.')) !== '1') return no('UNKNOWN_VERSION'); // 3
  if (text.length < 18) return no('TRUNCATED'); // 4
  const kid = text.substring(5, 13);
  if (!/^[a-z2-7]{8}$/.test(kid) || text[13] !== '.') return no('MALFORMED'); // 5
  if (/^[ab][^A-Z]*$/s.test(text.slice(14))) return no('CASE_DAMAGED'); // 5a
  const head = decodeCanonical(text.slice(14, 18)); // 6
  if (head?.length !== 3) return no('MALFORMED');
  const flags = head[0] as number;
  const n = head.readUInt16BE(1);
  if ((flags & 0b1111_1000) !== 0 || (flags & 3) === 3 || n === 0) return no('MALFORMED');
  const expected = lengthOf(n); // 7
  if (text.length < expected) return no('TRUNCATED');
  if (text.length > expected) return no('MALFORMED');
  if (text.length > lengthOf(bucketOf(input.maxSecret))) return no('TOO_LARGE');
  const body = decodeCanonical(text.slice(14)); // 8
  if (!body) return no('MALFORMED');
  const key = input.keys.find((candidate) => candidate.kid === kid); // 9
  if (!key) return no('UNKNOWN_KEY');
  if (input.withdrawn.includes(kid)) return no('WITHDRAWN_KEY');
  const candidates = input.contexts.filter((context) => BITS[context.binding] === (flags & 3)); // 10
  if (candidates.length === 0) return no('CONTEXT_POLICY');
  const iv = body.subarray(3, 19);
  const blocks = body.subarray(19, 19 + 16 * n);
  const tag = body.subarray(19 + 16 * n);
  const opener = candidates.find((context) => timingSafeEqual(tag, mac(key, text.slice(0, 18), context, iv, blocks))); // 11
  if (!opener) return no('MAC');
  const frame = decipher(key, iv, blocks); // 12
  if (frame?.length !== 16 * n - 1) return no('CORRUPT_FRAME');
  let end = frame.length;
  while (end > 0 && frame[end - 1] === 0) end--;
  if (end === 0 || frame[end - 1] !== 0x80) return no('CORRUPT_FRAME');
  const content = frame.subarray(0, end - 1);
  const context = input.contexts.indexOf(opener);
  if ((flags & 4) !== 0) return { ok: true, content: new Uint8Array(content), kid, context };
  try {
    return {
      ok: true,
      content: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content),
      kid,
      context,
    };
  } catch {
    return no('CORRUPT_FRAME'); // 13
  }
}

/** L(n) = 14 + ceil(4 * (51 + 16n) / 3) */
export function lengthOf(n: number): number {
  return 14 + Math.ceil((4 * (51 + 16 * n)) / 3);
}

/** The smallest n in {2, 4, 8, 16, 32, 64} that holds the secret, above that multiples of 64. */
export function bucketOf(bytes: number): number {
  for (const n of [2, 4, 8, 16, 32, 64]) if (bytes <= 16 * n - 2) return n;
  let n = 64;
  while (bytes > 16 * n - 2) n += 64;
  return n;
}

/** A row-key value as its piece: text by declared type. */
export function pieceOf(type: string, value: string | number): string {
  if (type === 'int') return BigInt(value).toString();
  return type === 'text' ? String(value) : String(value).toLowerCase();
}

// --- internal ---

function mac(key: ReferenceKey, header: string, context: ReferenceContext, iv: Uint8Array, blocks: Uint8Array): Buffer {
  const pieces = ['casehard/v1/seal', header];
  if (context.binding !== 'none') pieces.push(context.scope);
  if (context.binding === 'row') pieces.push(...context.row);
  const parts: Uint8Array[] = [le64(pieces.length)];
  for (const piece of pieces) parts.push(le64(Buffer.from(piece).length), Buffer.from(piece));
  return createHmac('sha256', key.macKey)
    .update(Buffer.concat([...parts, iv, blocks]))
    .digest();
}

function decipher(key: ReferenceKey, iv: Uint8Array, blocks: Uint8Array): Buffer | undefined {
  const decipher = createDecipheriv('aes-256-cbc', key.encKey, iv);
  try {
    return Buffer.concat([decipher.update(blocks), decipher.final()]);
  } catch {
    return undefined; // PKCS#7
  }
}

function decodeCanonical(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

function hkdf(ikm: Uint8Array, info: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', ikm, 'casehard/v1', info, length));
}

function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}

function le64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
