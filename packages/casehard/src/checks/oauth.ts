import { Secret } from '@casehard/core';
import { type Answer, exchange } from './exchange.ts';
import { type OAuthClientRequest, type OAuthRefreshRequest, refuseControls, sendable, vetUrl } from './request.ts';
import { CheckStop, type Passed } from './result.ts';
import type { Session } from './session.ts';

/** Asks for an access token with the client's secret (RFC 6749 section 4.4) and throws it away. */
export async function checkOAuthClient(request: OAuthClientRequest, secret: Secret, session: Session): Promise<Passed> {
  const answer = await grant(request, { grant_type: 'client_credentials' }, sendable(secret, 'client secret'), session);
  await readToken(answer);
  return { says: 'the server accepted the client and issued a token, which was thrown away' };
}

/**
 * Asks for an access token with a refresh token (RFC 6749 section 6) and throws it away. A server that rotates refresh
 * tokens has withdrawn the old one by then: the new one is in the result, and is lost if the caller does not save it.
 */
export async function checkOAuthRefresh(
  request: OAuthRefreshRequest,
  secret: Secret,
  session: Session,
): Promise<Passed> {
  const token = sendable(secret, 'refresh token');
  const client = request.clientSecret && sendable(request.clientSecret, 'client secret');
  const form = { grant_type: 'refresh_token', refresh_token: token };
  const { refresh_token: next } = await readToken(await grant(request, form, client, session));
  const isNew = typeof next === 'string' && next !== '' && next !== token;
  return isNew
    ? { says: 'the server accepted the refresh token and replaced it by a new one', newToken: new Secret(next) }
    : { says: 'the server accepted the refresh token, which stays as it is' };
}

// --- internal ---

/** The error codes of RFC 6749 section 5.2, with what to do. Whatever else a server calls its error is its text. */
const ERRORS: ReadonlyMap<unknown, { readonly code: 'WRONG_CREDENTIAL' | 'PROTOCOL'; readonly says: string }> = new Map(
  [
    ['invalid_client', { code: 'WRONG_CREDENTIAL', says: 'the server refused the client: check its id and secret' }],
    ['invalid_grant', { code: 'WRONG_CREDENTIAL', says: 'the server refused the token: it was used up or withdrawn' }],
    ['unauthorized_client', { code: 'PROTOCOL', says: 'the client may not use this grant: change it at the server' }],
    ['unsupported_grant_type', { code: 'PROTOCOL', says: 'the server does not know this grant: check the URL' }],
    ['invalid_scope', { code: 'PROTOCOL', says: 'the server refused the scope: check it' }],
    [
      'invalid_request',
      { code: 'PROTOCOL', says: 'the server misses something in the request: try the other authentication' },
    ],
  ],
);

async function grant(
  { url, clientId, scope, authentication }: OAuthClientRequest | OAuthRefreshRequest,
  fields: Readonly<Record<string, string>>,
  clientSecret: string | undefined,
  session: Session,
): Promise<Answer> {
  const target = vetUrl(url);
  if (clientId === '') throw new CheckStop('BAD_REQUEST', 'there is no client id: enter one');
  refuseControls(clientId, 'client id');
  const form = new URLSearchParams(fields);
  if (scope !== undefined && scope !== '') {
    refuseControls(scope, 'scope');
    form.set('scope', scope);
  }
  const headers: Record<string, string> = {};
  if (clientSecret !== undefined && authentication !== 'post') {
    headers.authorization = `Basic ${basic(clientId, clientSecret)}`;
  } else {
    form.set('client_id', clientId);
    if (clientSecret !== undefined) form.set('client_secret', clientSecret);
  }
  return exchange({ url: target, headers, form }, session);
}

/** Both halves are form-encoded first (RFC 6749 section 2.3.1), so that a colon in the id stays in the id. */
function basic(id: string, secret: string): string {
  const encode = (text: string): string => new URLSearchParams({ v: text }).toString().slice('v='.length);
  return Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64');
}

/** The members of a token response; throws what stands in its way. */
async function readToken(answer: Answer): Promise<Readonly<Record<string, unknown>>> {
  const { status } = answer;
  const body = parse(await answer.body());
  if (status === 200 && typeof body.access_token === 'string' && body.access_token !== '') return body;
  const known = ERRORS.get(body.error);
  if (status >= 400 && known !== undefined) throw new CheckStop(known.code, known.says, String(body.error));
  const reply = `HTTP ${status}`;
  if (status === 401)
    throw new CheckStop('WRONG_CREDENTIAL', 'the server refused the client: check its id and secret', reply);
  if (status === 429 || status >= 500) {
    throw new CheckStop('PROTOCOL', 'the server cannot answer at the moment: try again later', reply);
  }
  throw new CheckStop('PROTOCOL', 'what answers is no token endpoint: check the URL', reply);
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
