import { generateKey } from '@casehard/core';
import { createLinks, createTrackingKeyring, type Links, type LinksOptions, mailerShapes } from '@casehard/core/links';
import {
  type AddressRequest,
  createLinkHandlers,
  type LinkEvent,
  type LinkHandlers,
  type LinkHandlersOptions,
} from '@casehard/core/links/http';
import { BROWSER } from './reader.ts';

export const DAY = 86_400_000;
/** The stored destination of link 42, and the stored confirm code of recipient 7. */
export const SHOP = 'https://shop.example/autumn?from=mail';
export const CODE = 'a1b2c3';

/** What a handler answered. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly bytes: Uint8Array;
}

/** What `onError` was given. */
export type Failure = Parameters<NonNullable<LinkHandlersOptions['onError']>>;

/** A deployment without a port: its handlers are called as functions. */
export interface Desk {
  readonly links: Links;
  readonly handlers: LinkHandlers;
  readonly events: readonly LinkEvent[];
  /** Each unsubscribe that was handed over. */
  readonly left: readonly LinkEvent[];
  readonly addresses: readonly AddressRequest[];
  readonly errors: readonly Failure[];
  ask(url: string, init?: RequestInit): Promise<Answered>;
  post(url: string, fields: Readonly<Record<string, string>>): Promise<Answered>;
}

export interface DeskOptions extends Partial<Omit<LinkHandlersOptions, 'links'>> {
  readonly active?: string;
  readonly previous?: readonly string[];
  readonly withdrawn?: readonly string[];
  readonly lifetimes?: NonNullable<LinksOptions['lifetimes']>;
}

export const ONE_CLICK = { 'List-Unsubscribe': 'One-Click' };

export function openDesk({ active, previous, withdrawn, lifetimes, ...callbacks }: DeskOptions = {}): Desk {
  const links = createLinks({
    baseUrl: 'https://example.com',
    purposes: { open: 'open.php', click: 'link.php', unsubscribe: 'unsubscribe.php' },
    keyring: createTrackingKeyring({
      active: active ?? generateKey('trk'),
      previous: previous ?? [],
      withdrawn: withdrawn ?? [],
    }),
    legacy: { until: '2099-12-31', shapes: mailerShapes() },
    ...(lifetimes ? { lifetimes } : {}),
    ...(callbacks.now ? { now: callbacks.now } : {}),
  });
  const events: LinkEvent[] = [];
  const left: LinkEvent[] = [];
  const addresses: AddressRequest[] = [];
  const errors: Failure[] = [];
  const handlers = createLinkHandlers({
    links,
    onEvent: (event) => void events.push(event),
    onUnsubscribe: (event) => void left.push(event),
    destination: ({ link }) => (link === 42 ? SHOP : undefined),
    confirmLegacy: ({ recipient }, code) => recipient === 7 && code === CODE,
    onAddress: (request) => void addresses.push(request),
    onError: (...error) => void errors.push(error),
    ...callbacks,
  });
  const ask: Desk['ask'] = async (url, init = {}) => {
    const answer = await handlers.handle(new Request(url, { headers: { 'user-agent': BROWSER }, ...init }));
    if (!answer) throw new Error('no handler is there');
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const { status, headers } = answer;
    return { status, headers, bytes, body: Buffer.from(bytes).toString('latin1') };
  };
  const post: Desk['post'] = (url, fields) => ask(url, { method: 'POST', body: new URLSearchParams(fields) });
  return { links, handlers, events, left, addresses, errors, ask, post };
}

/** The public id of a key. */
export function keyIdOf(key: string): string {
  return key.split('.')[2] ?? '';
}

/** Its token, the text that nobody else may see. */
export function tokenOf(link: string): string {
  return new URL(link).searchParams.get('t') ?? '';
}
