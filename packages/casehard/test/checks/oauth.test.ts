import type { ServerResponse } from 'node:http';
import { Secret } from '@casehard/core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CheckRequest, CheckResult } from '../../src/checks/check.ts';
import { audited, HOSTILE } from './audited.ts';
import { makeCertificates } from './certificates.ts';
import { CLIENTS, type OidcServer, serveOidc } from './oidc.ts';
import { deadPort, serveScript } from './scripted.ts';
import { type Seen, serveWeb, type WebServer } from './web.ts';

const { ca, good, expired } = makeCertificates();
const { basic, post, wide } = CLIENTS;

describe('oidc-provider', () => {
  let server: OidcServer;
  let client: { kind: 'oauth-client'; url: string; clientId: string };
  beforeAll(async () => {
    // The provider says at length that it is not set up for production.
    for (const level of ['warn', 'info'] as const) vi.spyOn(console, level).mockImplementation(() => {});
    server = await serveOidc(good);
    client = { kind: 'oauth-client', url: server.tokenUrl, clientId: basic.id };
  });
  afterAll(() => server.close());

  it('takes the client secret in a header, which is the default, and in the body', async () => {
    const ok = { ok: true, code: 'OK', address: expect.any(String), certificate: 'verified' };
    const says = 'the server accepted the client and issued a token, which was thrown away';
    expect(await audited(client, basic.secret, { ca })).toEqual({ ...ok, says });
    expect(await audited({ ...client, authentication: 'basic' }, basic.secret, { ca })).toEqual({ ...ok, says });
    const body = { ...client, clientId: post.id, authentication: 'post' } as const;
    expect(await audited(body, post.secret, { ca })).toEqual({ ...ok, says });
  });

  it('takes ids and secrets with colons, percent signs, spaces and umlauts', async () => {
    expect(await audited({ ...client, clientId: wide.id }, wide.secret, { ca })).toMatchObject({ ok: true });
  });

  it('refuses a wrong secret and an unknown client', async () => {
    const refused = { ok: false, code: 'WRONG_CREDENTIAL', reply: 'invalid_client' };
    expect(await audited(client, 'MARKED-wrong', { ca })).toMatchObject(refused);
    expect(await audited({ ...client, clientId: 'nobody' }, basic.secret, { ca })).toMatchObject(refused);
  });

  it('refuses a scope that the client may not have, and says that it is the scope', async () => {
    const result = await audited({ ...client, scope: 'mail' }, basic.secret, { ca });
    expect(result).toMatchObject({
      code: 'PROTOCOL',
      reply: 'invalid_scope',
      says: 'the server refused the scope: check it',
    });
  });

  it('is not asked when its certificate is not trusted', async () => {
    expect(await audited(client, basic.secret)).toMatchObject({ code: 'CERTIFICATE' });
    expect(await audited(client, basic.secret, { certificate: 'any' })).toMatchObject({
      ok: true,
      certificate: 'not verified',
    });
    const other = await serveOidc(expired);
    expect(await audited({ ...client, url: other.tokenUrl }, basic.secret, { ca })).toMatchObject({
      code: 'CERTIFICATE',
      says: 'the certificate has expired: the server needs a new one',
    });
    await other.close();
  });

  it('says at its other addresses that this is no token endpoint', async () => {
    const url = new URL('/nowhere', server.tokenUrl).href;
    expect(await audited({ ...client, url }, basic.secret, { ca })).toMatchObject({ code: 'PROTOCOL' });
  });

  it('replaces a refresh token, and the new one is the only thing that comes back', async () => {
    const token = await server.issueRefreshToken();
    const refresh = { kind: 'oauth-refresh', url: server.tokenUrl, clientId: basic.id } as const;
    const request = { ...refresh, clientSecret: new Secret(basic.secret) };
    const result = await audited(request, token, { ca });
    expect(result).toMatchObject({
      ok: true,
      says: 'the server accepted the refresh token and replaced it by a new one',
    });
    const next = result.newToken?.reveal() ?? '';
    expect(next).not.toBe('');
    expect(next).not.toBe(token);
    expect(JSON.stringify(result)).not.toContain(next);
    // The old one is used up, which also withdraws the family; a new family has a new one.
    const again = await audited(request, token, { ca });
    expect(again).toMatchObject({ ok: false, code: 'WRONG_CREDENTIAL', reply: 'invalid_grant' });
    expect(again.newToken).toBeUndefined();
    const wrongClient = { ...refresh, clientSecret: new Secret('MARKED-wrong') };
    expect(await audited(wrongClient, await server.issueRefreshToken(), { ca })).toMatchObject({
      code: 'WRONG_CREDENTIAL',
      reply: 'invalid_client',
    });
  });
});

describe('a token endpoint', () => {
  const servers: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  const SECRET = 'MARKED-client-secret';
  const ask = async (
    answer: (seen: Seen, response: ServerResponse) => void,
    request: Partial<CheckRequest> = {},
    secret = SECRET,
  ): Promise<{ readonly result: CheckResult; readonly server: WebServer }> => {
    const server = await serveWeb(answer);
    servers.push(server);
    const full = {
      kind: 'oauth-client',
      url: `${server.origin}/token`,
      clientId: 'client',
      ...request,
    } as CheckRequest;
    return { result: await audited(full, secret), server };
  };
  const json = (status: number, body: unknown) => (_seen: Seen, response: ServerResponse) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

  it('is sent exactly one form', async () => {
    const issued = json(200, { access_token: 'MARKED-token' });
    const { server } = await ask(issued, { scope: 'a b' });
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({
      method: 'POST',
      url: '/token',
      body: 'grant_type=client_credentials&scope=a+b',
    });
    expect(server.seen[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded');
    const body = await ask(issued, { authentication: 'post' });
    expect(body.server.seen[0]?.headers.authorization).toBeUndefined();
    expect(new URLSearchParams(body.server.seen[0]?.body).get('client_secret')).toBe(SECRET);
    const bare = await ask(issued, { kind: 'oauth-refresh' }, 'MARKED-refresh');
    expect(Object.fromEntries(new URLSearchParams(bare.server.seen[0]?.body))).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'MARKED-refresh',
      client_id: 'client',
    });
    expect(bare.result).toMatchObject({ says: 'the server accepted the refresh token, which stays as it is' });
    expect(bare.result.newToken).toBeUndefined();
  });

  it.each([301, 302, 307, 308])('that redirects is not followed: %d', async (status) => {
    const target = await serveWeb(json(200, { access_token: 'x' }));
    servers.push(target);
    const { result } = await ask((_seen, response) =>
      response.writeHead(status, { location: target.origin }).end(HOSTILE),
    );
    expect(result).toMatchObject({ ok: false, code: 'REDIRECT', reply: `HTTP ${status}` });
    expect(target.seen).toEqual([]);
  });

  it.each([
    [400, { error: 'invalid_client', error_description: HOSTILE }, 'WRONG_CREDENTIAL', 'invalid_client'],
    [400, { error: 'invalid_grant' }, 'WRONG_CREDENTIAL', 'invalid_grant'],
    [400, { error: 'unauthorized_client' }, 'PROTOCOL', 'unauthorized_client'],
    [400, { error: 'unsupported_grant_type' }, 'PROTOCOL', 'unsupported_grant_type'],
    [400, { error: 'invalid_request' }, 'PROTOCOL', 'invalid_request'],
    [400, { error: HOSTILE }, 'PROTOCOL', 'HTTP 400'],
    [400, { error: { toString: 1 } }, 'PROTOCOL', 'HTTP 400'],
    [401, { error: HOSTILE }, 'WRONG_CREDENTIAL', 'HTTP 401'],
    [401, HOSTILE, 'WRONG_CREDENTIAL', 'HTTP 401'],
    [403, null, 'PROTOCOL', 'HTTP 403'],
    [200, HOSTILE, 'PROTOCOL', 'HTTP 200'],
    [200, {}, 'PROTOCOL', 'HTTP 200'],
    [200, { access_token: '' }, 'PROTOCOL', 'HTTP 200'],
    [200, { access_token: 7 }, 'PROTOCOL', 'HTTP 200'],
    [200, { error: 'invalid_client' }, 'PROTOCOL', 'HTTP 200'],
    [200, ['access_token'], 'PROTOCOL', 'HTTP 200'],
    [429, {}, 'PROTOCOL', 'HTTP 429'],
    [500, HOSTILE, 'PROTOCOL', 'HTTP 500'],
  ])('that answers %d %j', async (status, body, code, reply) => {
    const { result } = await ask(json(status, body));
    expect(result).toMatchObject({ ok: false, code, reply });
  });

  it('that answers with 100 KiB is not believed', async () => {
    const { result } = await ask(json(200, { access_token: 'x', more: 'y'.repeat(100 * 1024) }));
    expect(result).toMatchObject({ ok: false, code: 'PROTOCOL', says: 'the server sends far too much' });
  });

  it('that never ends its answer is cut off', async () => {
    const { result } = await ask((_seen, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', write).on('error', () => {});
      write();
    });
    expect(result).toMatchObject({ ok: false, code: 'PROTOCOL', says: 'the server sends far too much' });
  });

  it('is dead, silent, or plain on the internet', async () => {
    const at = (url: string) => ({ kind: 'oauth-client', url, clientId: 'client' }) as const;
    expect(await audited(at(`http://127.0.0.1:${await deadPort()}/`), SECRET)).toMatchObject({ code: 'DEAD_HOST' });
    const silent = await serveScript({ raw: () => {} });
    servers.push(silent);
    const late = await audited(at(`http://127.0.0.1:${silent.port}/`), SECRET, { timeoutMs: 300 });
    expect(late).toMatchObject({ code: 'TIMEOUT' });
    await silent.idle();
    const lookup = async () => [{ address: '1.1.1.1' }];
    expect(await audited(at('http://login.example/token'), SECRET, { lookup })).toMatchObject({ code: 'NO_TLS' });
    expect(await audited(at('http://169.254.169.254/latest'), SECRET)).toMatchObject({ code: 'REFUSED_ADDRESS' });
  });
});
