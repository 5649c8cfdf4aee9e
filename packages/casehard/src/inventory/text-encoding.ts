import { type Content, looksSealed } from '@casehard/core';
import type { ResolvedField } from './resolve.ts';

/*
 * Non-ASCII legacy text in a column that is not UTF-8 is read differently by different connections (`pässword` or
 * `pÃ¤ssword`). Nobody can tell which one the application sees, so it waits until the field declares `encoding`.
 *
 * Servers hand text over converted by the column's character set. SQLite converts nothing and checks nothing: there, a
 * text that is not UTF-8 arrives as bytes.
 */

/** The legacy text as the application reads it; `undefined` where that is not declared. */
export function decodeText(resolved: ResolvedField, stored: Content): Content | undefined {
  const { place, column, engine, definition } = resolved;
  const { encoding } = definition.spec;
  if (place.storage === 'bytes') return stored;
  if (typeof stored === 'string' && (isAscii(stored) || looksSealed(stored))) return stored;
  if (engine === 'sqlite') {
    if (encoding === 'latin1') return Buffer.from(stored as string).toString('latin1');
    return typeof stored === 'string' ? stored : undefined;
  }
  if (typeof stored !== 'string' || column.utf8 || encoding === 'latin1') return stored;
  if (encoding !== 'utf-8') return undefined;
  const bytes = toWindows1252(stored);
  const text = bytes?.toString('utf8') ?? '';
  return bytes && Buffer.from(text, 'utf8').equals(bytes) ? text : undefined;
}

/** The other way: what to hand to the database; `undefined` where the column cannot hold the text. */
export function encodeText(resolved: ResolvedField, write: Content): Content | undefined {
  const { place, column, engine, definition } = resolved;
  const { encoding } = definition.spec;
  if (place.storage === 'bytes') return typeof write === 'string' ? Buffer.from(write, 'utf8') : write;
  if (typeof write !== 'string' || isAscii(write)) return write;
  if (engine === 'sqlite') return encoding === 'latin1' ? toLatin1(write) : write;
  if (column.utf8) return write;
  if (encoding === 'utf-8') return WINDOWS_1252.decode(Buffer.from(write, 'utf8'));
  return encoding === 'latin1' && toWindows1252(write) ? write : undefined;
}

/** Whether the text is ASCII only, and so the same in every encoding that databases use. */
export function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant
  return /^[\x00-\x7f]*$/.test(text);
}

// --- internal ---

// What MariaDB and MySQL call latin1 is windows-1252.
const WINDOWS_1252 = new TextDecoder('windows-1252');
const TO_BYTE = new Map(Array.from({ length: 256 }, (_, byte) => [WINDOWS_1252.decode(Uint8Array.of(byte)), byte]));

function toWindows1252(text: string): Buffer | undefined {
  const bytes = Buffer.alloc(text.length);
  for (let i = 0; i < text.length; i++) {
    const byte = TO_BYTE.get(text.charAt(i));
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

function toLatin1(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'latin1');
  return bytes.toString('latin1') === text ? bytes : undefined;
}
