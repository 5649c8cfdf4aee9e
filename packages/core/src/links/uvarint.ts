import type { Id } from './claims.ts';

const MAX_BYTES = 10;
const LIMIT = 1n << 64n;

/** Writes a number as minimal LEB128 and returns where it ends. Throws TypeError, naming it, outside of 0 to 2^64-1. */
export function writeUvarint(target: Uint8Array, at: number, id: Id, name: string): number {
  let rest: number | bigint = typeof id === 'string' ? parseId(id, name) : id;
  if (typeof rest === 'number') {
    if (!Number.isSafeInteger(rest) || rest < 0) throw notAnId(name);
    let next = at;
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) target[next++] = (rest % 128) | 0x80;
    for (; rest > 0x7f; rest >>>= 7) target[next++] = (rest & 0x7f) | 0x80;
    target[next++] = rest;
    return next;
  }
  if (typeof rest !== 'bigint' || rest < 0n || rest >= LIMIT) throw notAnId(name);
  let next = at;
  for (; rest > 0x7fn; rest >>= 7n) target[next++] = Number(rest & 0x7fn) | 0x80;
  target[next++] = Number(rest);
  return next;
}

/** Reads a number and where it ends; `undefined` where it is cut off, not minimal, or 2^64 and more. */
export function readUvarint(
  bytes: Uint8Array,
  at: number,
): { readonly value: number | bigint; readonly end: number } | undefined {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < MAX_BYTES; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    // Up to 49 bits a number holds them exactly; beyond, all is read again as bigint.
    if (i === 7) return readLarge(bytes, at);
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte < 0x80) return byte === 0 && i > 0 ? undefined : { value, end: at + i + 1 };
  }
  return undefined;
}

// --- internal ---

function readLarge(bytes: Uint8Array, at: number): { value: number | bigint; end: number } | undefined {
  let value = 0n;
  for (let i = 0; i < MAX_BYTES; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte >= 0x80) continue;
    if (byte === 0 || value >= LIMIT) return undefined;
    return { value: value <= Number.MAX_SAFE_INTEGER ? Number(value) : value, end: at + i + 1 };
  }
  return undefined;
}

function parseId(text: string, name: string): bigint {
  if (!/^(?:0|[1-9][0-9]{0,19})$/.test(text)) throw notAnId(name);
  return BigInt(text);
}

function notAnId(name: string): TypeError {
  return new TypeError(`"${name}" must be a whole number from 0, below 2^64`);
}
