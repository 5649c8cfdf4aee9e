import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { generateKey } from '@casehard/core';
import { createLinks, createTrackingKeyring, type Links, mailerShapes } from '@casehard/core/links';
import { createLinkHandlers, type LinkEvent, listUnsubscribeHeaders } from '@casehard/core/links/http';
import { getRequestListener } from '@hono/node-server';
import type { Transporter } from 'nodemailer';
import type { Certificate } from '../checks/certificates.ts';

/** Numbers that stand nowhere by chance. */
export const CAMPAIGN = 81_234_567;
export const LIST = 70_010_007;
/** Where the two links of the campaign lead: one by look-up, one inside its token. */
export const STORED = { id: 17, url: 'https://shop.example/autumn?from=mail&size=2' };
export const CARRIED = 'https://blog.example/new#top';

export interface Recipient {
  readonly id: number;
  readonly address: string;
  readonly encoding: 'quoted-printable' | 'base64';
}

/** The links of one recipient's mail; `button` is the one in its header. */
export type Minted = Readonly<Record<'open' | 'stored' | 'carried' | 'unsubscribe' | 'button', string>>;

/** A small mailer: sends a campaign, and answers its links by https on 127.0.0.1. */
export interface Mailer {
  readonly url: string;
  readonly links: Links;
  /** Everything reported, in its order. */
  readonly events: LinkEvent[];
  /** Recipients on the list. */
  readonly subscribed: Set<number>;
  send(transport: Transporter, recipient: Recipient): Promise<Minted>;
  close(): Promise<void>;
}

export async function startMailer({ cert, key }: Certificate, recipients: readonly Recipient[]): Promise<Mailer> {
  const server = createServer({ cert, key });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const links = createLinks({
    baseUrl: url,
    purposes: { open: 'open.php', click: 'link.php', unsubscribe: 'unsubscribe.php' },
    keyring: createTrackingKeyring({ active: generateKey('trk') }),
    legacy: { until: '2099-12-31', shapes: mailerShapes() },
  });
  const events: LinkEvent[] = [];
  const subscribed = new Set(recipients.map(({ id }) => id));
  const handlers = createLinkHandlers({
    links,
    onEvent: (event) => void events.push(event),
    onUnsubscribe: (event) => {
      events.push(event);
      subscribed.delete(Number(event.claims.recipient));
    },
    destination: ({ link }) => (link === STORED.id ? STORED.url : undefined),
    confirmLegacy: () => false,
  });
  const answer = async (request: Request): Promise<Response> =>
    (await handlers.handle(request)) ?? new Response('the rest of the site', { status: 404 });
  server.on('request', getRequestListener(answer));
  return {
    ...{ url, links, events, subscribed },
    send: async (transport, { id, address, encoding }) => {
      const claims = { campaign: CAMPAIGN, recipient: id };
      const headers = listUnsubscribeHeaders(links, { ...claims, list: LIST }, { mailto: 'leave@example.com' });
      const minted = {
        open: links.url('open', claims),
        stored: links.url('click', { ...claims, link: STORED.id }),
        carried: links.url('click', { ...claims, url: CARRIED }),
        unsubscribe: links.url('unsubscribe', { ...claims, list: LIST }),
        button: headers['List-Unsubscribe']?.slice(1, -'>, <mailto:leave@example.com>'.length) ?? '',
      };
      await transport.sendMail({
        ...{ from: 'shop@example.com', to: address, subject: 'Grüße im Herbst', textEncoding: encoding },
        headers,
        text: `Grüße!\n\nNeu: ${minted.stored}\nBlog (${minted.carried})\n\nAbmelden: ${minted.unsubscribe}\n`,
        html: `<p>Grüße!</p><a href="${minted.stored}">Neu</a> <a href="${minted.carried}">Blog</a>
<p><a href="${minted.unsubscribe}">Abmelden</a></p><img src="${minted.open}" alt="" width="1" height="1">`,
      });
      return minted;
    },
    close: async () => {
      await handlers.drain();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
