import type { Update } from './rows.ts';

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The text after the splice, in our process. */
export function spliced(text: string, { start, end }: Range, value: string): string {
  return text.slice(0, start) + value + text.slice(end);
}

/** Refuses a range that is outside the text, or cuts a character in two. */
export function checkRange(text: string, { start, end }: Range): void {
  const inside = Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= text.length;
  if (!inside || cuts(text, start) || cuts(text, end)) {
    throw new TypeError('"start" and "end" must be a range of whole characters of "expected"');
  }
}

/** The range of an update in characters, as PostgreSQL and MySQL count them, instead of UTF-16 units. */
export function characterRange({ expected, range }: Update): Range {
  if (typeof expected !== 'string' || !range) throw new TypeError('"write" of kind splice needs a text');
  const start = characters(expected, 0, range.start);
  return { start, end: start + characters(expected, range.start, range.end) };
}

/** The range of an update in bytes of the given encoding. */
export function byteRange({ expected, range }: Update, encoding: 'utf-8' | 'utf-16le' | 'utf-16be'): Range {
  if (typeof expected !== 'string' || !range) throw new TypeError('"write" of kind splice needs a text');
  if (encoding !== 'utf-8') return { start: 2 * range.start, end: 2 * range.end };
  const start = Buffer.byteLength(expected.slice(0, range.start));
  return { start, end: start + Buffer.byteLength(expected.slice(range.start, range.end)) };
}

// --- internal ---

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

function cuts(text: string, index: number): boolean {
  return index > 0 && index < text.length && isHigh(text.charCodeAt(index - 1));
}

function characters(text: string, from: number, to: number): number {
  let count = to - from;
  for (let i = from; i < to; i++) if (isHigh(text.charCodeAt(i))) count--;
  return count;
}
