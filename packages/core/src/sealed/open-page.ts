import { cbcOf, type SealingKey } from '../keyring/key.ts';
import type { Context } from './context.ts';
import {
  chainOf,
  finishOpening,
  type Keys,
  type Opened,
  type OpenOptions,
  openContent,
  type Proven,
  prove,
} from './open.ts';

/** A stored value and the row-key pieces of its row. */
export interface Openable {
  readonly stored: string;
  readonly row: readonly string[];
}

/**
 * Opens many values at once: what `openContent` gives for each, but for what it costs. The cipher is called once for
 * many values, all of which have passed their MAC by then; one that has not never comes near it.
 */
export function openPage(
  keys: Keys,
  contexts: readonly Context[],
  values: readonly Openable[],
  maxSecret?: number,
): Opened[] {
  const opened: Opened[] = new Array(values.length);
  let waiting: Waiting[] = [];
  let key: SealingKey | undefined;
  let used = 0;
  const flush = (): void => {
    if (key === undefined || used === 0) return;
    const blocks = cbcOf(key).decipher(chains.subarray(0, used));
    for (const { proven, at, index } of waiting) opened[index] = finishOpening(proven, blocks, at);
    waiting = [];
    used = 0;
  };
  for (const [index, { stored, row }] of values.entries()) {
    const options: OpenOptions = maxSecret === undefined ? { row } : { row, maxSecret };
    const proven = prove(keys, contexts, stored, options);
    if (!proven.ok) {
      opened[index] = proven;
      continue;
    }
    const chain = chainOf(proven);
    if (chain.length > chains.length) {
      opened[index] = openContent(keys, contexts, stored, options);
      continue;
    }
    if (proven.key !== key || used + chain.length > chains.length) flush();
    key = proven.key;
    chains.set(chain, used);
    waiting.push({ proven, at: used, index });
    used += chain.length;
  }
  flush();
  return opened;
}

// --- internal ---

interface Waiting {
  readonly proven: Proven;
  readonly at: number;
  readonly index: number;
}

const chains = Buffer.allocUnsafeSlow(65_536);
