import type { Secret } from '@casehard/core';
import { exchange } from './exchange.ts';
import { type HttpRequest, sendable, vetUrl } from './request.ts';
import { CheckStop, type Passed } from './result.ts';
import type { Session } from './session.ts';

/** One GET with the API key in a header. The body of the answer is not read. */
export async function checkHttp(request: HttpRequest, secret: Secret, session: Session): Promise<Passed> {
  const url = vetUrl(request.url);
  const { name, value } = headerFor(request, sendable(secret, 'key'));
  const { status } = await exchange({ url, headers: { [name]: value } }, session);
  const reply = `HTTP ${status}`;
  if (status >= 200 && status < 300) return { reply, says: 'the server accepted the request with this key' };
  if (status === 401 || status === 403) {
    throw new CheckStop('WRONG_CREDENTIAL', 'the server refused the key: enter it again, and check its rights', reply);
  }
  throw new CheckStop('PROTOCOL', WORDS.get(status) ?? otherwise(status), reply);
}

// --- internal ---

const WORDS: ReadonlyMap<number, string> = new Map([
  [404, 'there is nothing at this URL, so the key was not tested: check the path'],
  [405, 'this URL takes no GET, so the key was not tested: choose one that reads'],
  [429, 'the server has had too many requests: try again later'],
]);

/** Headers that say where a message goes or ends. A key in one of them would be something else. */
const FRAMING =
  /^(host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*|accept-encoding)$/i;

function headerFor({ header, scheme }: HttpRequest, key: string): { readonly name: string; readonly value: string } {
  const name = header ?? 'Authorization';
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name) || FRAMING.test(name)) {
    throw new CheckStop('BAD_REQUEST', 'the header has a name that cannot carry a key');
  }
  const word = scheme ?? (/^authorization$/i.test(name) ? 'Bearer' : '');
  if (!/^[!-~]*$/.test(word)) throw new CheckStop('BAD_REQUEST', 'the word before the key is not one word');
  if (!/^[ -~]+$/.test(key)) {
    throw new CheckStop('BAD_REQUEST', 'the key holds characters that a header cannot carry: enter it again');
  }
  return { name, value: word === '' ? key : `${word} ${key}` };
}

function otherwise(status: number): string {
  return status >= 500
    ? 'the server has a problem of its own: try again later'
    : 'the server did not take the request, so the key was not tested: check the URL';
}
