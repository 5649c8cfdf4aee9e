/**
 * @casehard/core/links/http: answers the links of a mail, in any framework that knows Request and Response. For most
 * mailers `createLinkHandlers`, and `listUnsubscribeHeaders` where a mail is written.
 */
export { redactLink } from '../parameters.ts';
export type { LinkEvent } from './event.ts';
export { createLinkHandlers, type LinkHandlers } from './handlers.ts';
export { type ListUnsubscribeOptions, listUnsubscribeHeaders } from './list-unsubscribe.ts';
export type { AddressRequest, ErrorPlace, LinkHandlersOptions } from './options.ts';
export type { PrefetchSign } from './prefetch.ts';
export { ENGLISH, type LinkTexts } from './texts.ts';
