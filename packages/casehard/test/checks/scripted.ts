import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer, TLSSocket } from 'node:tls';
import type { Certificate } from './certificates.ts';

/** What a scripted server does with a line: writes, and then possibly starts TLS or closes the connection. */
export type Answer = string | { readonly upgradeAfter: string } | { readonly endAfter: string } | undefined;

export interface Script {
  readonly greeting?: string;
  /** What to write for each line that comes in; nothing for `undefined`. */
  readonly answer?: (line: string, isSecure: boolean) => Answer;
  /** Takes over the connection. */
  readonly raw?: (socket: Socket) => unknown;
  readonly certificate?: Certificate;
  /** TLS from the first byte. */
  readonly implicitTls?: boolean;
}

/** A server that misbehaves on purpose, where no real one would. */
export interface ScriptedServer {
  readonly port: number;
  readonly connections: () => number;
  /** Every line that came in, in order. */
  readonly heard: readonly string[];
  /** Resolves when no connection is open any more. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export async function serveScript(script: Script): Promise<ScriptedServer> {
  const heard: string[] = [];
  const open = new Set<Socket>();
  let connections = 0;
  const converse = (socket: Socket, isSecure: boolean): void => {
    let rest = '';
    socket.on('error', () => {});
    socket.on('data', function onData(chunk: Buffer) {
      const lines = (rest + chunk.toString('latin1')).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        heard.push(line);
        const answer = script.answer?.(line, isSecure);
        if (answer === undefined) continue;
        if (typeof answer === 'string') {
          socket.write(answer);
          continue;
        }
        if ('endAfter' in answer) {
          socket.end(answer.endAfter);
          continue;
        }
        socket.off('data', onData);
        socket.write(answer.upgradeAfter);
        const { cert, key } = script.certificate as Certificate;
        const secured = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ cert, key }) });
        converse(secured, true);
      }
    });
  };
  const accept = (socket: Socket): void => {
    connections++;
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    if (script.raw !== undefined) {
      // Without somebody who reads, the end of the connection is not seen.
      socket.on('data', () => {});
      script.raw(socket);
      return;
    }
    if (script.greeting !== undefined) socket.write(script.greeting);
    converse(socket, script.implicitTls === true);
  };
  const { cert, key } = script.certificate ?? {};
  const server = script.implicitTls && cert && key ? createTlsServer({ cert, key }, accept) : createServer(accept);
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    heard,
    idle: async () => {
      await Promise.all([...open].map((socket) => new Promise((resolve) => socket.on('close', resolve))));
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A port on which nothing listens. */
export async function deadPort(): Promise<number> {
  const server = await serveScript({});
  await server.close();
  return server.port;
}
