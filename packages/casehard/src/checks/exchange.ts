import { type IncomingMessage, request as sendRequest } from 'node:http';
import { dial, secure } from './dial.ts';
import { resolveHost } from './resolve.ts';
import { CheckStop } from './result.ts';
import { REPLY_LIMIT, type Session } from './session.ts';

/** One HTTP request. */
export interface Exchange {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as a form by POST; without it the request is a GET. */
  readonly form?: URLSearchParams;
}

/** The answer's status, and a way to its body for who needs it. */
export interface Answer {
  readonly status: number;
  body(): Promise<string>;
}

/**
 * Sends one request over a connection to a vetted address. A redirect ends the check: it would carry the credential to
 * a host that nobody has vetted. Plain HTTP is for hosts that the internet does not reach.
 */
export async function exchange({ url, headers, form }: Exchange, session: Session): Promise<Answer> {
  const isPlain = url.protocol === 'http:';
  const port = Number(url.port) || (isPlain ? 80 : 443);
  const endpoint = await resolveHost(url.hostname, port, session);
  if (isPlain && endpoint.reach !== 'private') {
    throw new CheckStop('NO_TLS', 'the credential would cross the internet unencrypted: enter the https:// address');
  }
  const plain = await dial(endpoint, session);
  const socket = isPlain ? plain : await secure(plain, endpoint, session);
  const body = form?.toString();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = sendRequest({
      createConnection: () => socket,
      method: body === undefined ? 'GET' : 'POST',
      path: `${url.pathname}${url.search}`,
      headers: {
        host: url.host,
        accept: 'application/json, */*;q=0.1',
        'accept-encoding': 'identity',
        'user-agent': 'casehard',
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      maxHeaderSize: HEADER_LIMIT,
    });
    sent.on('response', resolve).on('error', reject).end(body);
  });
  const status = response.statusCode ?? 0;
  if (status >= 300 && status < 400) {
    throw new CheckStop(
      'REDIRECT',
      'the server redirects, and redirects are not followed: enter the address that it leads to',
      `HTTP ${status}`,
    );
  }
  return { status, body: () => readBody(response) };
}

// --- internal ---

const HEADER_LIMIT = 16 * 1024;

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > REPLY_LIMIT) throw new CheckStop('PROTOCOL', 'the server sends far too much');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
