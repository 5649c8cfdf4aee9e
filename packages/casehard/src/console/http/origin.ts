/** Which names the console answers to, and where its own forms come from. */
export interface Origins {
  /** `host:port` texts, lower case, that a Host header may hold. */
  readonly hosts: ReadonlySet<string>;
  /** `https` where a proxy in front of the console speaks it. */
  readonly scheme: 'http' | 'https';
}

/** The names of a console that listens at an address, or behind a public URL. */
export function originsOf(options: {
  readonly host: string;
  readonly port: number;
  readonly publicUrl?: string;
}): Origins {
  if (options.publicUrl !== undefined) {
    const url = new URL(options.publicUrl);
    return { hosts: new Set([url.host.toLowerCase()]), scheme: url.protocol === 'https:' ? 'https' : 'http' };
  }
  const { port } = options;
  const names = isLoopback(options.host) ? ['127.0.0.1', 'localhost', '[::1]'] : [bracketed(options.host)];
  return {
    hosts: new Set(names.flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]))),
    scheme: 'http',
  };
}

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * Whether a request was sent to one of our names. A foreign Host header is how a page elsewhere reaches a console on
 * this machine: its own name, pointed at 127.0.0.1 (DNS rebinding).
 */
export function isOurHost(request: Request, origins: Origins): boolean {
  return origins.hosts.has((request.headers.get('host') ?? '').toLowerCase());
}

/**
 * Whether a request that changes something comes from one of our own pages. Browsers send Origin with every POST; a
 * program that sends none must say same-origin otherwise, which no page can forge.
 */
export function isOurPage(request: Request, origins: Origins): boolean {
  const origin = request.headers.get('origin');
  const site = request.headers.get('sec-fetch-site');
  if (site !== null && site !== 'same-origin') return false;
  if (origin === null) return site === 'same-origin';
  return origin === `${origins.scheme}://${(request.headers.get('host') ?? '').toLowerCase()}`;
}

// --- internal ---

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host.toLowerCase()}]` : host.toLowerCase();
}
