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

/**
 * Reads the number that begins at `at.end` and moves that behind it; `undefined` where it is cut off, not minimal, or 2^64
 * and more.
 */
export function readUvarint(bytes: Uint8Array, at: { end: number }): number | bigint | undefined {
  let value = 0;
  let scale = 1;
  // Up to 49 bits a number holds them exactly; beyond, all is read again as bigint.
  for (let i = 0; i < 7; i++) {
    const byte = bytes[at.end + i];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte >= 0x80) continue;
    if (byte === 0 && i > 0) return undefined;
    at.end += i + 1;
    return value;
  }
  return readLarge(bytes, at);
}

// --- internal ---

function readLarge(bytes: Uint8Array, at: { end: number }): number | bigint | undefined {
  let value = 0n;
  for (let i = 0; i < MAX_BYTES; i++) {
    const byte = bytes[at.end + i];
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte >= 0x80) continue;
    if (byte === 0 || value >= LIMIT) return undefined;
    at.end += i + 1;
    return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
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
