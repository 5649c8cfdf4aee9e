/** A string that may be a key, where it stands. Holds the key itself: for memory only. */
export interface Candidate {
  readonly master: Uint8Array;
  /** The key id that a `chkey1` text claims. */
  readonly claims: string | undefined;
  /** Counted from 1, when asked: few candidates are worth it. */
  readonly line: () => number;
}

/**
 * Every key-like string of a file: `chkey1` texts (also those whose key id does not match), base64 and base64url of 32
 * bytes, 64 hex digits; with exact boundaries, so that no part of something longer counts. Text in UTF-16 is read too,
 * in either byte order, and JSON whose slashes are escaped.
 */
export function* findCandidates(bytes: Uint8Array): Generator<Candidate, void> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lineAt = lineCounter(buffer);
  for (let start = 0; start < buffer.length; start += WINDOW) {
    // A margin on both sides shows the boundaries of what begins in this window.
    const from = Math.max(0, start - MARGIN);
    const text = buffer.toString('latin1', from, Math.min(buffer.length, start + WINDOW + MARGIN));
    const mine = (at: number): boolean => from + at >= start && from + at < start + WINDOW;
    for (const { at, ...found } of inText(text)) if (mine(at)) yield { ...found, line: () => lineAt(from + at) };
    for (const { at, ...found } of inUtf16(text)) if (mine(at)) yield { ...found, line: () => lineAt(from + at) };
  }
}

// --- internal ---

const WINDOW = 4 * 1024 * 1024;
const BLOCK = 16 * 1024;
/** More than the longest key text, in UTF-16. */
const MARGIN = 512;

type Found = Omit<Candidate, 'line'> & { readonly at: number };

/**
 * What stands on both sides of a key is of no alphabet that a key could go on in; the letter of an escaped line end or tab
 * is none of the key's.
 */
const TAGGED =
  /(?:(?<![A-Za-z0-9])|(?<=\\[nrt]|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|%[0-9a-fA-F]{2}))chkey1\.(?:enc|trk)\.([^.\s]{0,16})\.([A-Za-z0-9_-]{43})(?![A-Za-z0-9_-])/gi;
const BASE64 =
  /(?:(?<![A-Za-z0-9+/_-])|(?<=\\[nrt]|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|%[0-9a-fA-F]{2}))(?:[A-Za-z0-9+/]{43}|[A-Za-z0-9_-]{43})={0,2}(?![A-Za-z0-9+/=_-])/g;
const HEX =
  /(?:(?<![A-Za-z0-9])|(?<=0x|\\[nrt]|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|%[0-9a-fA-F]{2}))[0-9a-fA-F]{64}(?![A-Za-z0-9])/g;
/** PHP spells a slash in JSON with a backslash before it. */
const ESCAPED = /(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+]|\\\/){43}={0,2}(?![A-Za-z0-9+/=_-])/g;
/** A run of ASCII with a NUL between the characters: UTF-16 in either byte order. */
const UTF16 = /(?:[\x20-\x7e]\0){42,}[\x20-\x7e]/g;

function* inText(text: string): Generator<Found, void> {
  for (const match of text.matchAll(TAGGED)) {
    const [, claims = '', body = ''] = match;
    yield* made(Buffer.from(body, 'base64url'), match.index, claims);
  }
  for (const match of text.matchAll(HEX)) yield* made(Buffer.from(match[0], 'hex'), match.index);
  for (const match of text.matchAll(BASE64)) yield* fromBase64(match[0], match.index);
  if (!text.includes('\\/')) return;
  for (const match of text.matchAll(ESCAPED)) {
    if (match[0].includes('\\')) yield* fromBase64(match[0].replaceAll('\\', ''), match.index);
  }
}

function* inUtf16(text: string): Generator<Found, void> {
  if (!text.includes('\0')) return;
  for (const run of text.matchAll(UTF16)) {
    for (const { at, ...found } of inText(run[0].replaceAll('\0', ''))) yield { ...found, at: run.index + 2 * at };
  }
}

/** Only the canonical spelling of 32 bytes: three in four strings of that length are none. */
function* fromBase64(text: string, at: number): Generator<Found, void> {
  const body = text.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_');
  const bytes = Buffer.from(body, 'base64url');
  if (bytes.toString('base64url') === body) yield* made(bytes, at);
}

function* made(master: Buffer, at: number, claims?: string): Generator<Found, void> {
  const constant = master.every((byte) => byte === master[0]); // a placeholder, which `parseKey` refuses too
  if (master.length === 32 && !constant) yield { master, claims, at };
}

/** Line ends are counted once, by blocks: a log may hold the same key in each of its lines. */
function lineCounter(buffer: Buffer): (offset: number) => number {
  const before = [0];
  const ends = (from: number, to: number): number => {
    let count = 0;
    for (let at = buffer.indexOf(10, from); at !== -1 && at < to; at = buffer.indexOf(10, at + 1)) count++;
    return count;
  };
  return (offset) => {
    const block = Math.floor(offset / BLOCK);
    for (let i = before.length; i <= block; i++) before.push((before[i - 1] ?? 0) + ends((i - 1) * BLOCK, i * BLOCK));
    return 1 + (before[block] ?? 0) + ends(block * BLOCK, offset);
  };
}
