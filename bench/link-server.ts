/** One server of `link-clicks.ts`, in a process of its own; told by its parent what to serve. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLinks, createTrackingKeyring } from '@casehard/core/links';
import { createLinkHandlers } from '@casehard/core/links/http';
import { getRequestListener } from '@hono/node-server';

/** What is served, and by which adapter between node:http and Request and Response. */
export interface ServerKind {
  readonly name: string;
  readonly answers: 'clicks' | 'constant';
  readonly adapter: 'hono' | 'small' | 'none';
}

/** The first message; the key travels by no other way. */
export interface Setup {
  readonly kind: ServerKind;
  readonly key: string;
  /** Where the links 0, 1, 2, … lead. */
  readonly destinations: readonly string[];
}

/** The answer to every message. */
export interface Report {
  readonly port: number;
  /** What this process has computed, in seconds of one core. */
  readonly cpu: number;
  readonly events: number;
}

process.once('message', ({ kind, key, destinations }: Setup) => {
  let events = 0;
  const links = createLinks({
    keyring: createTrackingKeyring({ active: key }),
    baseUrl: 'https://mail.example.com',
    purposes: { click: 'c', unsubscribe: 'u' },
  });
  const { click } = createLinkHandlers({
    links,
    destination: ({ link }) => destinations[Number(link)],
    onEvent() {
      events++;
    },
    onUnsubscribe() {},
  });
  const location = destinations[0] as string;
  const constant = () => new Response(null, { status: 302, headers: { location } });
  const answer = kind.answers === 'clicks' ? click : async () => constant();
  const listeners: Record<ServerKind['adapter'], RequestListener> = {
    hono: getRequestListener(answer, { overrideGlobalObjects: true }) as RequestListener,
    small: (incoming, outgoing) => void small(answer, incoming, outgoing),
    none: (_, outgoing) => outgoing.writeHead(302, { location, 'content-length': '0' }).end(),
  };
  const server = createServer(listeners[kind.adapter]);
  const report = (): void => {
    const { user, system } = process.cpuUsage();
    const { port } = server.address() as AddressInfo;
    process.send?.({ port, cpu: (user + system) / 1e6, events } satisfies Report);
  };
  server.listen(0, '127.0.0.1', report);
  process.on('message', report);
});
process.on('disconnect', () => process.exit());

// --- internal ---

/** As little as an adapter can do for GET. */
async function small(
  answer: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const headers = new Headers();
  const raw = incoming.rawHeaders;
  for (let i = 0; i < raw.length; i += 2) headers.append(raw[i] as string, raw[i + 1] as string);
  const url = `http://${incoming.headers.host}${incoming.url}`;
  const response = await answer(new Request(url, { method: incoming.method ?? 'GET', headers }));
  outgoing.writeHead(response.status, [...response.headers].flat());
  outgoing.end(response.body === null ? undefined : Buffer.from(await response.arrayBuffer()));
}
