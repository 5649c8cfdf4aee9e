import { CasehardError } from '@casehard/core';
import { serve as serveNode } from '@hono/node-server';
import type { Console } from './console.ts';
import { isLoopback } from './http/origin.ts';

export interface ServeOptions {
  readonly host: string;
  readonly port: number;
  /** The https URL under which a proxy in front offers it. */
  readonly publicUrl?: string;
  /** The proxy's X-Forwarded-For says where requests come from: its last entry counts. */
  readonly trustProxy?: boolean;
  /** Plain HTTP on an address that other machines reach: passwords and credentials in the clear. */
  readonly insecureHttp?: boolean;
}

export interface Served {
  readonly port: number;
  /** Where to open it, without a slash at its end. */
  readonly url: string;
  close(): Promise<void>;
}

/** Refuses to listen where passwords would travel in the clear. Throws USAGE. */
export function checkListening({ host, publicUrl, insecureHttp }: Omit<ServeOptions, 'port'>): void {
  if (publicUrl !== undefined) {
    const url = URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
    const plain = url?.protocol === 'http:' && !isLoopback(url.hostname) && !insecureHttp;
    if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search || plain) {
      throw new CasehardError('USAGE', 'the public URL must be https://host[:port]', {
        hint: 'give the address under which the proxy offers the console, without a path',
      });
    }
  }
  if (isLoopback(host) || insecureHttp || publicUrl?.startsWith('https:')) return;
  throw new CasehardError('USAGE', `plain HTTP on ${host} would send passwords in the clear`, {
    hint: 'leave --host away and put a proxy with TLS in front (--public-url https://…), or say --insecure-http',
  });
}

/** Listens on an address. Throws USAGE where the port is taken. */
export function serve(app: Console, options: ServeOptions): Promise<Served> {
  const { host, port } = options;
  return new Promise((resolve, reject) => {
    const server = serveNode(
      {
        fetch: (request, env) => {
          const direct = 'incoming' in env ? env.incoming.socket.remoteAddress : undefined;
          const address = addressOf(request, direct, options);
          return app.fetch(request, address === undefined ? {} : { address });
        },
        hostname: host,
        port,
        overrideGlobalObjects: false,
      },
      (info) => {
        const url = options.publicUrl ?? `http://${host.includes(':') ? `[${host}]` : host}:${info.port}`;
        resolve({
          port: info.port,
          url: url.replace(/\/$/, ''),
          close: () =>
            new Promise((done) => {
              server.close(() => done());
              if ('closeAllConnections' in server) server.closeAllConnections();
            }),
        });
      },
    );
    if ('requestTimeout' in server) {
      server.requestTimeout = 30_000;
      server.headersTimeout = 10_000;
    }
    server.on('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        new CasehardError(
          'USAGE',
          taken ? `port ${port} is taken` : `cannot listen on ${host}:${port} (${error.code})`,
          {
            hint: taken ? 'stop the other program, or name another port with --port' : 'name another --host or --port',
          },
        ),
      );
    });
  });
}

// --- internal ---

/** Behind a proxy every request has the proxy's address, which says nothing; what it forwards is believed only if asked for. */
function addressOf(request: Request, direct: string | undefined, options: ServeOptions): string | undefined {
  if (options.trustProxy) return request.headers.get('x-forwarded-for')?.split(',').at(-1)?.trim() || undefined;
  return options.publicUrl === undefined ? direct : undefined;
}
