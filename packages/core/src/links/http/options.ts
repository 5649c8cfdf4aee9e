import type { ReadClaims } from '../claims.ts';
import type { Links } from '../links.ts';
import type { LinkEvent } from './event.ts';
import type { LinkTexts } from './texts.ts';

/**
 * Somebody whose link does not work asks to be unsubscribed. Look the address up, and send a fresh link there if you know
 * it. The link that they had is not handed over: the address may be somebody else's.
 */
export interface AddressRequest {
  readonly address: string;
  readonly why: 'expired' | 'withdrawn' | 'damaged';
}

/** What an application tells the handlers. */
export interface LinkHandlersOptions {
  readonly links: Links;
  /** Takes opens and clicks, at least once. Left out: nothing is recorded. */
  readonly onEvent?: (event: LinkEvent) => void | Promise<void>;
  /**
   * Unsubscribes the recipient; doing it twice must be harmless, and a recipient who is not known is no error. The answer
   * waits for it, at most 5 s.
   */
  readonly onUnsubscribe: (event: LinkEvent) => void | Promise<void>;
  /** Where a click goes whose link carries no URL: looked up by id. `undefined`: there is no such link. */
  readonly destination?: (claims: ReadClaims) => string | undefined | Promise<string | undefined>;
  /**
   * Compares the confirm code of a legacy unsubscribe link with the stored one, in constant time. Needed where such links are
   * declared. Asked once more without the punctuation at the end of a code that was not right.
   */
  readonly confirmLegacy?: (claims: ReadClaims, code: string) => boolean | Promise<boolean>;
  /** Takes the address of somebody whose link does not work. Limit how often one address gets a mail. Left out: the pages do not offer it. */
  readonly onAddress?: (request: AddressRequest) => void | Promise<void>;
  /** Hears of callbacks that failed, and of unsubscribe links for nobody. Never given a link or a token; an event has its claims and destination. */
  readonly onError?: (error: unknown, place: ErrorPlace, event?: LinkEvent) => void;
  readonly texts?: Partial<LinkTexts>;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
}

/** Which callback failed; `lost` is an event that will not be handed over again. */
export type ErrorPlace = 'event' | 'lost' | 'unsubscribe' | 'destination' | 'confirmLegacy' | 'address';
