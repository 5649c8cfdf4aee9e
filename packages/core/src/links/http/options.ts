import type { ReadClaims } from '../claims.ts';
import type { Links } from '../links.ts';
import type { LinkEvent } from './event.ts';
import type { LinkTexts } from './texts.ts';

/** Somebody whose link does not work asks to be unsubscribed. Send a fresh link there if you know the address. */
export interface AddressRequest {
  readonly address: string;
  readonly why: 'expired' | 'withdrawn' | 'damaged';
  /** What an expired link says; nothing that a withdrawn or damaged one says is believed. */
  readonly claims: ReadClaims | undefined;
}

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
  /** Compares the confirm code of a legacy unsubscribe link with the stored one. Left out: such links ask for the address. */
  readonly confirmLegacy?: (claims: ReadClaims, code: string) => boolean | Promise<boolean>;
  /** Takes the address of somebody whose link does not work. Limit how often one address gets a mail. Left out: the pages do not offer it. */
  readonly onAddress?: (request: AddressRequest) => void | Promise<void>;
  /** Hears of callbacks that failed. Never given a URL or a token. */
  readonly onError?: (error: unknown, place: ErrorPlace, event?: LinkEvent) => void;
  readonly texts?: Partial<LinkTexts>;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
}

/** Which callback failed; `lost` is an event that will not be handed over again. */
export type ErrorPlace = 'event' | 'lost' | 'unsubscribe' | 'destination' | 'confirmLegacy' | 'address';
