import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificates.ts';

/** What a web server was sent. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** The name that the client asked for in the handshake. */
  readonly sni: unknown;
}

export interface WebServer {
  readonly port: number;
  readonly origin: string;
  readonly seen: readonly Seen[];
  close(): Promise<void>;
}

/** A web server on loopback; over HTTPS where a certificate is given. */
export async function serveWeb(
  answer: (seen: Seen, response: ServerResponse) => void,
  certificate?: Certificate,
): Promise<WebServer> {
  const seen: Seen[] = [];
  const listener: RequestListener = async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url = '', headers } = request;
    const one = { method, url, headers, body, sni: Reflect.get(request.socket, 'servername') };
    seen.push(one);
    answer(one, response);
  };
  const server =
    certificate === undefined
      ? createServer(listener)
      : createSecureServer({ cert: certificate.cert, key: certificate.key }, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `${certificate === undefined ? 'http://127.0.0.1' : 'https://localhost'}:${port}`,
    seen,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
