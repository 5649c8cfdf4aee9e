/** A page as it arrived. */
export interface Page {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  /** Where the last redirect led. */
  readonly path: string;
}

type Fetch = (request: Request, from: { readonly address: string }) => Promise<Response>;

const ORIGIN = 'http://127.0.0.1:8437';

/** A browser without script: keeps cookies, follows redirects, fills in the synchronizer token of the last page. */
export class Visitor {
  readonly #fetch: Fetch;
  readonly #address: string;
  cookie: string | undefined;
  token = '';

  constructor(fetch: Fetch, address: string) {
    this.#fetch = fetch;
    this.#address = address;
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Page> {
    return this.#go(path, { method: 'GET', headers });
  }

  /** Posts a form as one of our own pages does. */
  async post(
    path: string,
    fields: Readonly<Record<string, string>> = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Page> {
    const body = new URLSearchParams({ csrf: this.token, ...fields });
    return this.#go(path, { method: 'POST', body, headers: { origin: ORIGIN, ...headers } });
  }

  /** Sends exactly this, and follows nothing. */
  async raw(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers({
      host: '127.0.0.1:8437',
      ...(this.cookie ? { cookie: this.cookie } : {}),
      ...(init.headers as Record<string, string>),
    });
    return this.#fetch(
      new Request(`${ORIGIN}${path}`, {
        ...init,
        headers,
        ...(init.body instanceof ReadableStream ? { duplex: 'half' } : {}),
      } as RequestInit),
      {
        address: this.#address,
      },
    );
  }

  async #go(path: string, init: RequestInit): Promise<Page> {
    let response = await this.raw(path, init);
    let at = path;
    for (let hops = 0; ; hops++) {
      const set = response.headers.get('set-cookie');
      if (set !== null) this.cookie = /Max-Age=0/.test(set) ? undefined : set.split(';')[0];
      const next = response.headers.get('location');
      if (response.status < 300 || response.status >= 400 || next === null || hops > 5) break;
      at = next;
      response = await this.raw(next, { method: 'GET' });
    }
    const text = await response.text();
    this.token = /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? this.token;
    return { status: response.status, text, headers: response.headers, path: at };
  }
}
