import { once } from 'node:events';
import { connect as connectTcp, isIP, isIPv6, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, getCACertificates, type TLSSocket } from 'node:tls';
import type { CheckPolicy } from './policy.ts';
import type { Endpoint } from './resolve.ts';
import { CheckStop } from './result.ts';
import type { Session } from './session.ts';

/** Connects to the first of the vetted addresses that answers; the time left is shared among them. */
export async function dial(endpoint: Endpoint, session: Session): Promise<Socket> {
  let failure: unknown;
  for (const [index, address] of endpoint.addresses.entries()) {
    session.throwIfOver();
    session.address = `${isIPv6(address) ? `[${address}]` : address}:${endpoint.port}`;
    const left = endpoint.addresses.length - index;
    // The last attempt ends with the session, whose clock says TIMEOUT.
    const patience = left === 1 ? undefined : session.remaining() / left;
    try {
      const socket = session.keep(connectTcp({ host: address, port: endpoint.port, noDelay: true }));
      await opened(socket, 'connect', patience);
      session.certificate = 'none';
      return socket;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Wraps a connected socket into TLS and waits for the handshake. */
export async function secure(socket: Socket, endpoint: Endpoint, session: Session): Promise<TLSSocket> {
  session.throwIfOver();
  const secured = session.keep(connectTls({ socket, ...tlsOptions(endpoint, session.policy) }));
  await opened(secured, 'secureConnect');
  noteCertificate(session);
  return secured;
}

/** How TLS is spoken, the same for us and for the libraries. */
export function tlsOptions({ host }: Endpoint, { certificate, ca }: CheckPolicy): ConnectionOptions {
  return {
    // The name is what the certificate is checked against; an IP address has no place in SNI (RFC 6066).
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: certificate !== 'any',
    // `ca` replaces Node's list, where ours is to be added to it.
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
  };
}

/** To be called once a connection is encrypted. */
export function noteCertificate(session: Session): void {
  session.certificate = session.policy.certificate === 'any' ? 'not verified' : 'verified';
}

// --- internal ---

async function opened(socket: Socket, event: 'connect' | 'secureConnect', patience?: number): Promise<void> {
  const limit = new AbortController();
  const timer = patience === undefined ? undefined : setTimeout(() => limit.abort(), patience);
  try {
    // Rejects with the socket's error, should that come first.
    await Promise.race([once(socket, event, { signal: limit.signal }), closed(socket, limit.signal)]);
  } catch (error) {
    socket.destroy();
    throw limit.signal.aborted ? new CheckStop('TIMEOUT', 'the server did not answer in time') : error;
  } finally {
    clearTimeout(timer);
    limit.abort();
  }
}

/** Rejects when the socket closes without an error. */
async function closed(socket: Socket, signal: AbortSignal): Promise<never> {
  await once(socket, 'close', { signal });
  throw new CheckStop('PROTOCOL', 'the server closed the connection before it began');
}
