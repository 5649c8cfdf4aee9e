import { TAG_BYTES } from '../crypto/hmac.ts';
import { fillRandom } from '../crypto/random.ts';
import { cbcOf, macOf, type SealingKey } from '../keyring/key.ts';
import type { Content } from '../schemes/scheme.ts';
import type { Context } from './context.ts';
import { BYTES_FLAG, contentBytes, IV_BYTES, writeFrame } from './frame.ts';
import { beginMessage } from './message.ts';

/** What is sealed: `row` has the context's number of row-key pieces; `n` is the number of blocks, chosen with `fit`. */
export interface Sealable {
  readonly row: readonly string[];
  readonly content: Content;
  readonly n: number;
}

/**
 * Seals content under a key and a context (docs/format.md section 2). `iv` is for test vectors only: 16 fresh random
 * bytes by default.
 */
export function sealContent(key: SealingKey, context: Context, value: Sealable & { readonly iv?: Uint8Array }): string {
  const { row, content, n } = value;
  const bytes = contentBytes(content, n);
  if (value.iv === undefined) fillRandom(iv, 0, IV_BYTES);
  else if (value.iv.length === IV_BYTES) iv.set(value.iv);
  else throw new TypeError('"iv" must be 16 bytes');

  const flags = flagsOf(context, content);
  const ivAt = beginMessage(key, context, row, flags, n);
  const room = macOf(key).room();
  const c = ivAt + IV_BYTES;
  room.set(iv, ivAt);
  // The frame is written where C belongs, and C over it: no plaintext stays behind.
  writeFrame(room, c, content, bytes, n);
  room.set(cbcOf(key).encipher(iv, room.subarray(c, c + 16 * n)), c);
  return finish(key, flags, n, ivAt);
}

export function flagsOf(context: Context, content: Content): number {
  return context.binding | (typeof content === 'string' ? 0 : BYTES_FLAG);
}

/** Completes the message A || IV || C in the key's room by its tag and prints the sealed value. */
export function finish(key: SealingKey, flags: number, n: number, ivAt: number): string {
  const room = macOf(key).room();
  const end = ivAt + IV_BYTES + 16 * n;
  macOf(key).writeTag(end, room, end);
  // The body, flags n IV C T, lies there but for its first three bytes; their place was A's until the tag was made.
  room[ivAt - 3] = flags;
  room[ivAt - 2] = n >>> 8;
  room[ivAt - 1] = n & 0xff;
  return `chd1.${key.kid}.${room.toString('base64url', ivAt - 3, end + TAG_BYTES)}`;
}

// --- internal ---

const iv = Buffer.alloc(IV_BYTES);
