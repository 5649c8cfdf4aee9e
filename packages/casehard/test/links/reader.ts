import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';

export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Asked {
  readonly method?: 'GET' | 'HEAD' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams | FormData;
}

/** Asks a server by https as the browser of a person does: one request, no cookie, no redirect followed. */
export type Reader = (url: string, asked?: Asked) => Promise<Answer>;

/** A browser of today, as it names itself. */
export const BROWSER =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

export function readerTrusting(ca: string): Reader {
  return async (url, { method = 'GET', headers = {}, body } = {}) => {
    // Spells the body and its type as browsers do.
    const form = body && new Response(body);
    const type = form && { 'content-type': form.headers.get('content-type') ?? '' };
    const sending = request(url, { method, ca, agent: false, headers: { 'user-agent': BROWSER, ...type, ...headers } });
    const answer = new Promise<Answer>((resolve, reject) => {
      sending.on('error', reject);
      sending.on('response', (response) => {
        const { statusCode: status, headers } = response;
        buffer(response).then((body) => resolve({ status, headers, body }), reject);
      });
    });
    sending.end(form && Buffer.from(await form.arrayBuffer()));
    return answer;
  };
}
