import { isUtf8 } from 'node:buffer';
import { CasehardError } from '../errors.ts';
import type { Content } from '../schemes/scheme.ts';
import { capacity, MAX_BLOCKS } from './length.ts';

const END_MARK = 0x80;
export const IV_BYTES = 16;
/** The bit of the flags byte that says bytes, not text. */
export const BYTES_FLAG = 4;

/** The number of bytes of content, checked. Throws NOT_WELL_FORMED, and TypeError where it does not fit n blocks. */
export function contentBytes(content: Content, n: number): number {
  if (!(n >= 1 && n <= MAX_BLOCKS)) throw new TypeError('"n" must be 1 to 65535');
  if (typeof content === 'string' && !content.isWellFormed()) {
    throw new CasehardError('NOT_WELL_FORMED', 'the text has half of a surrogate pair', {
      hint: 'check how the text was cut or converted; bytes go through sealBytes',
    });
  }
  const bytes = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
  if (bytes > capacity(n)) throw new TypeError('"n" is too small for the content');
  return bytes;
}

/**
 * Writes frame = content || 0x80 || 0x00… of 16n - 1 bytes at `at`, and the one byte that PKCS#7 then adds. `bytes` is
 * what `contentBytes` said.
 */
export function writeFrame(target: Buffer, at: number, content: Content, bytes: number, n: number): void {
  if (typeof content === 'string') target.write(content, at, bytes, 'utf8');
  else target.set(content, at);
  const last = at + 16 * n - 1;
  target[at + bytes] = END_MARK;
  target.fill(0, at + bytes + 1, last);
  target[last] = 1;
}

/** The content of the frame of n blocks at `at`; `undefined` where PKCS#7, the end mark or the text's UTF-8 is wrong. */
export function readFrame(blocks: Buffer, at: number, n: number, flags: number): Content | undefined {
  let end = at + 16 * n - 1;
  if (blocks[end] !== 1) return undefined; // PKCS#7 of a frame of 16n - 1 bytes is exactly one byte
  end--;
  while (end >= at && blocks[end] === 0) end--;
  if (end < at || blocks[end] !== END_MARK) return undefined;
  if ((flags & BYTES_FLAG) !== 0) return Uint8Array.from(blocks.subarray(at, end));
  const text = blocks.toString('utf8', at, end);
  // What is no UTF-8 becomes U+FFFD, so only a text that has one needs the strict check.
  return text.includes('\ufffd') && !isUtf8(blocks.subarray(at, end)) ? undefined : text;
}
