import type { ReadClaims } from '../claims.ts';
import type { LinkResult } from '../links.ts';
import type { PrefetchSign } from './prefetch.ts';

/** Something that a reader of a mail did, or a program in their place. */
export interface LinkEvent {
  readonly kind: 'open' | 'click' | 'unsubscribe';
  /** The same for the same link of the same mail: a key for counting each reader once. */
  readonly id: string;
  /** One for each request; the same where an event is handed over again: a key for counting each request once. */
  readonly requestId: string;
  readonly at: Date;
  readonly claims: ReadClaims;
  /** When the link was made, so that an old link does not undo a later subscription. Unknown for legacy links. */
  readonly issuedAt: Date | undefined;
  /** Whether the link had a legacy shape. */
  readonly legacy: boolean;
  /** What speaks for a program that looked ahead, if anything does. */
  readonly prefetch: PrefetchSign | undefined;
  /** Where a click went. */
  readonly destination?: string;
  /** Whether an unsubscribe came from the mail program's own button (RFC 8058). */
  readonly oneClick?: boolean;
}

/** A link that may be recorded: believed, not expired, and not from a host with a wrong clock. */
export type Believed = Extract<LinkResult, { kind: 'valid' | 'legacy' }>;

export function isBelieved(result: LinkResult): result is Believed {
  return result.kind === 'valid' || result.kind === 'legacy';
}

/** Whether opens and clicks of a link are to be recorded (docs/format.md, "Link tokens"). */
export function isRecorded(result: LinkResult): result is Believed {
  return result.kind === 'legacy' || (result.kind === 'valid' && !result.clockWrong);
}
