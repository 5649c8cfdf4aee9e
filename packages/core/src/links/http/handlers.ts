import { randomId } from '../../crypto/token.ts';
import type { Purpose } from '../purpose.ts';
import { pixel, plain } from './answer.ts';
import type { Answering } from './answering.ts';
import { followClick } from './click.ts';
import { Delivery } from './deliver.ts';
import { type Believed, isRecorded, type LinkEvent } from './event.ts';
import type { LinkHandlersOptions } from './options.ts';
import { prefetchSign } from './prefetch.ts';
import { ENGLISH, type LinkTexts } from './texts.ts';
import { answerUnsubscribe } from './unsubscribe.ts';

/** Answers to the links of mails, for any framework. Nothing that is called here logs, and none ever rejects. */
export interface LinkHandlers {
  /** The image that says a mail was opened. */
  open(request: Request): Promise<Response>;
  /** Redirects to where the link leads. */
  click(request: Request): Promise<Response>;
  /** GET shows a page and changes nothing; POST unsubscribes, from that page or by RFC 8058. */
  unsubscribe(request: Request): Promise<Response>;
  /** Whichever of the three the path belongs to; `undefined` for a path of somebody else. */
  handle(request: Request): Promise<Response> | undefined;
  /**
   * Hands over what waits to be tried again, and resolves when nothing is left, or after so many milliseconds (default
   * 10 000): then `onError` gets the rest with `lost`. Await it before the process ends.
   */
  drain(milliseconds?: number): Promise<void>;
}

/**
 * Makes the handlers of a deployment. Throws TypeError where legacy unsubscribe links are declared and `confirmLegacy` is missing.
 *
 * @example
 * const handlers = createLinkHandlers({ links, onEvent: store, onUnsubscribe: leave, destination: ({ link }) => urlOf(link) });
 * app.all('/unsubscribe', (c) => handlers.unsubscribe(c.req.raw));
 */
export function createLinkHandlers(options: LinkHandlersOptions): LinkHandlers {
  const { links, now = Date.now } = options;
  if (links.legacyAddresses('unsubscribe').length > 0 && !options.confirmLegacy) {
    throw new TypeError(
      '"confirmLegacy" must be given: legacy unsubscribe links are declared, and none would work without it',
    );
  }
  const fail: Answering['fail'] = (error, place, event) => {
    // An error of the error callback has nowhere to go.
    try {
      const pending: unknown = options.onError?.(error, place, event);
      if (pending instanceof Promise) pending.catch(() => {});
    } catch {}
  };
  const delivery = new Delivery({
    onEvent: (event) => options.onEvent?.(event),
    onFailure: (error, event, lost) => fail(error, lost ? 'lost' : 'event', event),
  });
  const eventOf = (kind: LinkEvent['kind'], request: Request, result: Believed, more = {}): LinkEvent => ({
    kind,
    id: `${kind}:${result.id}`,
    requestId: randomId(),
    at: new Date(now()),
    claims: result.claims,
    issuedAt: result.kind === 'valid' ? result.issuedAt : undefined,
    legacy: result.kind === 'legacy',
    prefetch: prefetchSign(request),
    ...more,
  });
  const answering: Answering = {
    options,
    texts: { ...ENGLISH, ...withoutGaps(options.texts) },
    fail,
    eventOf,
    deliver: (event) => delivery.deliver(event),
  };

  const open = reading(async (request) => {
    const result = links.verify('open', request.url);
    if (isRecorded(result)) await delivery.deliver(eventOf('open', request, result));
    return pixel();
  });
  const click = reading((request) => followClick(answering, request));
  const unsubscribe = (request: Request): Promise<Response> => answerUnsubscribe(answering, request);

  const routes = new Map<string, (request: Request) => Promise<Response>>();
  for (const [purpose, handler] of Object.entries({ open, click, unsubscribe })) {
    const addresses = [links.addresses.get(purpose as Purpose), ...links.legacyAddresses(purpose as Purpose)];
    for (const address of addresses) if (address !== undefined) routes.set(new URL(address).pathname, handler);
  }
  return {
    open,
    click,
    unsubscribe,
    handle: (request) => routes.get(new URL(request.url).pathname)?.(request),
    drain: (milliseconds) => delivery.drain(milliseconds),
  };
}

// --- internal ---

function withoutGaps(texts: LinkHandlersOptions['texts'] = {}): Partial<LinkTexts> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => typeof text === 'string'));
}

/** GET and HEAD only. */
function reading(answer: (request: Request) => Promise<Response>): (request: Request) => Promise<Response> {
  return async (request) => {
    if (request.method === 'GET') return answer(request);
    if (request.method !== 'HEAD') return plain(405, 'method not allowed', { allow: 'GET, HEAD' });
    const { status, headers } = await answer(request);
    return new Response(null, { status, headers });
  };
}
