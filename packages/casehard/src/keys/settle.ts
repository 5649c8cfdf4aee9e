import type { HeardProcess } from './live.ts';

/** What is known of when old keys were last active, by the database's clock. */
export interface SettleFacts {
  /** All processes that are still listed, those that are gone too. */
  readonly heard: readonly HeardProcess[];
  /** Milliseconds since a key was last reported to have sealed, by key id. */
  readonly sealed: ReadonlyMap<string, number>;
  /** A process that has been silent for longer is gone. */
  readonly within: number;
  /** Milliseconds that have to pass. */
  readonly settle: number;
  /** Milliseconds since the oldest open transaction of others began. */
  readonly oldestTransaction: number | undefined;
}

/** Why old keys cannot be taken for at rest yet. */
export type Unsettled =
  /** Live processes that have one active. */
  | { readonly because: 'processes'; readonly processes: readonly HeardProcess[] }
  /** The last one is known to have been active too short a while ago. */
  | { readonly because: 'time'; readonly wait: number }
  /** A transaction is open that began before that: what it wrote is not to be seen yet. */
  | { readonly because: 'transaction'; readonly open: number };

/**
 * Whether keys are at rest: no live process has one active, for two heartbeats and longer than the longest open
 * transaction. Undefined: they are.
 */
export function unsettled(isOld: (kid: string) => boolean, facts: SettleFacts): Unsettled | undefined {
  const holders = facts.heard.filter(({ activeKid }) => activeKid !== undefined && isOld(activeKid));
  const processes = holders.filter(({ silent }) => silent <= facts.within);
  if (processes.length > 0) return { because: 'processes', processes };
  const sealed = [...facts.sealed].filter(([kid]) => isOld(kid)).map(([, ago]) => ago);
  const heard = Math.min(...holders.map(({ silent }) => silent), ...sealed);
  if (heard < facts.settle) return { because: 'time', wait: facts.settle - heard };
  // A process that fell silent may have begun a transaction, and sealed in it, until it counted as gone.
  const since = Math.min(...holders.map(({ silent }) => Math.max(0, silent - facts.within)), ...sealed);
  const open = facts.oldestTransaction;
  // With no old key ever seen at work (Infinity), no transaction can hold what one has sealed.
  return open !== undefined && open >= since ? { because: 'transaction', open } : undefined;
}
