import { connect, type Socket } from 'node:net';

/** A request, ready to be written, and where its answer must lead. */
export interface Click {
  readonly request: Buffer;
  readonly location: string;
}

/**
 * Follows links over connections that stay open, one request at a time on each, for so long, and returns how many were
 * answered. Every answer is read and checked: anything but a redirect to the right place throws.
 */
export async function load(port: number, clicks: readonly Click[], connections: number, ms: number): Promise<number> {
  let next = 0;
  const end = performance.now() + ms;
  const more = (): Click | undefined => (performance.now() < end ? clicks[next++ % clicks.length] : undefined);
  const counts = await Promise.all(Array.from({ length: connections }, () => follow(port, more)));
  return counts.reduce((sum, count) => sum + count, 0);
}

// --- internal ---

function follow(port: number, more: () => Click | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    let answered = 0;
    let received = '';
    let click = more();
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setEncoding('latin1');
    socket.on('error', fail);
    socket.on('end', () => fail(new Error('the server hung up')));
    socket.on('connect', () => socket.write((click as Click).request));
    socket.on('data', (chunk: unknown) => {
      received += chunk as string;
      if (!isWhole(received)) return;
      if (!leadsTo(received, (click as Click).location)) return fail(new Error(`not what was expected: ${received}`));
      received = '';
      answered++;
      click = more();
      if (click) return socket.write(click.request);
      socket.destroy();
      resolve(answered);
    });
  });
}

/** Redirects have no body: they end with their header, or with an empty last chunk. */
function isWhole(received: string): boolean {
  if (!received.includes('\r\n\r\n')) return false;
  return received.endsWith(/\r\ntransfer-encoding: chunked\r\n/i.test(received) ? '\r\n\r\n0\r\n\r\n' : '\r\n\r\n');
}

function leadsTo(received: string, location: string): boolean {
  return received.startsWith('HTTP/1.1 302 ') && received.toLowerCase().includes(`\r\nlocation: ${location}\r\n`);
}
