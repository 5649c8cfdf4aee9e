import { fillRandom } from '../crypto/random.ts';
import { cbcOf, macOf, type SealingKey } from '../keyring/key.ts';
import type { Context } from './context.ts';
import { contentBytes, IV_BYTES, writeFrame } from './frame.ts';
import { beginMessage } from './message.ts';
import { finish, flagsOf, type Sealable, sealContent } from './seal.ts';

/**
 * Seals many values at once: what `sealContent` gives for each, but for what it costs. The cipher is called once for
 * some thousand short values, because a call of it costs more than all its work on one of them. Throws as `sealContent`
 * does, and then for the whole page.
 */
export function sealPage(key: SealingKey, context: Context, values: readonly Sealable[]): string[] {
  const sealed: string[] = [];
  try {
    for (let from = 0; from < values.length; ) from = sealChains(key, context, values, from, sealed);
  } finally {
    chains.fill(0, 0, used);
    used = 0;
  }
  return sealed;
}

// --- internal ---

/** 64 KiB stay in the processor's cache, and more would gain nothing. */
const chains = Buffer.allocUnsafeSlow(65_536);
/** Bytes at the front of `chains` that hold plaintext. */
let used = 0;

/** Seals as many values as the chains hold, at least one; returns the index of the next. */
function sealChains(
  key: SealingKey,
  context: Context,
  values: readonly Sealable[],
  from: number,
  sealed: string[],
): number {
  let next = from;
  let at = 0;
  for (; next < values.length; next++) {
    const { content, n } = values[next] as Sealable;
    const bytes = contentBytes(content, n);
    const after = at + IV_BYTES + 16 * n;
    if (after > chains.length) break;
    used = Math.max(used, after);
    fillRandom(chains, at, IV_BYTES);
    writeFrame(chains, at + IV_BYTES, content, bytes, n);
    at = after;
  }
  if (next === from) {
    sealed.push(sealContent(key, context, values[from] as Sealable));
    return from + 1;
  }
  const out = cbcOf(key).encipherChains(chains.subarray(0, at));
  at = 0;
  for (let i = from; i < next; i++) {
    const { content, n, row } = values[i] as Sealable;
    const flags = flagsOf(context, content);
    const ivAt = beginMessage(key, context, row, flags, n);
    const after = at + IV_BYTES + 16 * n;
    out.copy(macOf(key).room(), ivAt, at, after);
    sealed.push(finish(key, flags, n, ivAt));
    at = after;
  }
  return next;
}
