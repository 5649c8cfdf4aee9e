import { isUtf8 } from 'node:buffer';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUES = new Int8Array(128).fill(-1);
for (const [value, character] of [...BASE64URL].entries()) VALUES[character.charCodeAt(0)] = value;

/** RFC 4648 base32, lower case, no padding (`b32l`). */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(value >>> bits) & 31];
    }
  }
  return bits > 0 ? text + BASE32[(value << (5 - bits)) & 31] : text;
}

/** Bytes of canonical base64url, else `undefined` (docs/format.md section 1). */
export function fromBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  // Node's decoder skips garbage, takes the other alphabet and drops spare bits. Re-encoding catches all three.
  return bytes.toString('base64url') === text ? bytes : undefined;
}

/**
 * Whether a text is canonical base64url: what `fromBase64url` accepts, by a look at its characters. The spare bits of the last
 * one must be zero.
 */
export function isBase64url(text: string): boolean {
  const spare = SPARE_BITS[text.length % 4];
  if (spare === undefined) return false;
  for (let i = 0; i < text.length; i++) if (valueAt(text, i) < 0) return false;
  return spare === 0 || (valueAt(text, text.length - 1) & spare) === 0;
}

/** The 24 bits that four characters of base64url at `at` stand for; negative where one of them is no such character. */
export function fourCharacters(text: string, at: number): number {
  return (
    (valueAt(text, at) << 18) | (valueAt(text, at + 1) << 12) | (valueAt(text, at + 2) << 6) | valueAt(text, at + 3)
  );
}

/** Text of strict UTF-8, else `undefined`; a byte order mark is content. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

// --- internal ---

/** By the length's remainder: four characters are three bytes, one alone is none. */
const SPARE_BITS: readonly (number | undefined)[] = [0, undefined, 0b1111, 0b11];

function valueAt(text: string, at: number): number {
  return VALUES[text.charCodeAt(at)] ?? -1;
}
