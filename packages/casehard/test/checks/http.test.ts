import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { CheckPolicy, CheckResult, HttpRequest } from '../../src/checks/check.ts';
import { audited, HOSTILE } from './audited.ts';
import { type Certificate, makeCertificates } from './certificates.ts';
import { deadPort, type ScriptedServer, serveScript } from './scripted.ts';
import { type Seen, serveWeb, type WebServer } from './web.ts';

const { ca, good, expired, otherName } = makeCertificates();
const KEY = 'MARKED-key_7f3a.b/c+d=';

const servers: (WebServer | ScriptedServer)[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

describe('an HTTP request with an API key', () => {
  it('is a GET with the key in a header, to the host by its name', async () => {
    const { result, server } = await ask((_seen, response) => response.end('{}'), {}, '/v1/me?full=1#part');
    expect(result).toMatchObject({ ok: true, code: 'OK', reply: 'HTTP 200', certificate: 'verified' });
    expect(result.address).toBe(`127.0.0.1:${server.port}`);
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({ method: 'GET', url: '/v1/me?full=1', body: '', sni: 'localhost' });
    expect(server.seen[0]?.headers).toMatchObject({ authorization: `Bearer ${KEY}`, host: `localhost:${server.port}` });
  });

  const HEADERS: readonly (readonly [Partial<HttpRequest>, string, string])[] = [
    [{ header: 'X-Api-Key' }, 'x-api-key', KEY],
    [{ header: 'authorization' }, 'authorization', `Bearer ${KEY}`],
    [{ scheme: 'Token' }, 'authorization', `Token ${KEY}`],
    [{ scheme: '' }, 'authorization', KEY],
    [{ header: 'X-Auth', scheme: 'Key' }, 'x-auth', `Key ${KEY}`],
  ];
  it.each(HEADERS)('carries the key as asked for: %j', async (options, name, value) => {
    const { result, server } = await ask((_seen, response) => response.end(), options);
    expect(result.ok).toBe(true);
    expect(server.seen[0]?.headers[name]).toBe(value);
  });

  it.each([
    [401, 'WRONG_CREDENTIAL', /^the server refused the key/],
    [403, 'WRONG_CREDENTIAL', /^the server refused the key/],
    [404, 'PROTOCOL', /^there is nothing at this URL/],
    [405, 'PROTOCOL', /^this URL takes no GET/],
    [418, 'PROTOCOL', /^the server did not take the request/],
    [429, 'PROTOCOL', /^the server has had too many requests/],
    [503, 'PROTOCOL', /^the server has a problem of its own/],
  ] as const)('says what %d means', async (status, code, says) => {
    const { result } = await ask((_seen, response) => response.writeHead(status, HOSTILE_REASON).end(HOSTILE));
    expect(result).toMatchObject({ ok: false, code, reply: `HTTP ${status}`, says: expect.stringMatching(says) });
  });

  it.each([301, 302, 303, 307, 308])('follows no redirect: %d', async (status) => {
    const target = await keep(serveWeb((_seen, response) => response.end()));
    const { result } = await ask((_seen, response) => response.writeHead(status, { location: target.origin }).end());
    expect(result).toMatchObject({ ok: false, code: 'REDIRECT', reply: `HTTP ${status}` });
    expect(target.seen).toEqual([]);
  });

  it.each([
    ['an unknown authority', good, {}],
    ['an expired certificate', expired, { ca }],
    ['another name', otherName, { ca }],
  ] as const)('sends no key to %s', async (_name, certificate, policy) => {
    const { result, server } = await ask((_seen, response) => response.end(), {}, '/', policy, certificate);
    expect(result).toMatchObject({ code: 'CERTIFICATE', certificate: 'not verified' });
    expect(server.seen).toEqual([]);
    const any = await ask((_seen, response) => response.end(), {}, '/', { certificate: 'any' }, certificate);
    expect(any.result).toMatchObject({ ok: true, certificate: 'not verified' });
  });

  it('goes over plain HTTP only to a host that the internet does not reach', async () => {
    const server = await keep(serveWeb((_seen, response) => response.end()));
    const request: HttpRequest = { kind: 'http', url: server.origin };
    expect(await audited(request, KEY)).toMatchObject({ ok: true, certificate: 'none' });
    expect(await audited(request, KEY, { privateAddresses: false })).toMatchObject({ code: 'REFUSED_ADDRESS' });
    const lookup = async () => [{ address: '8.8.8.8' }];
    expect(await audited({ kind: 'http', url: 'http://public.example/' }, KEY, { lookup })).toEqual({
      ok: false,
      code: 'NO_TLS',
      says: 'the credential would cross the internet unencrypted: enter the https:// address',
    });
    expect(server.seen).toHaveLength(1);
  });

  it('tells dead, silent and strange hosts apart', async () => {
    const at = (port: number, scheme = 'http') => ({ kind: 'http', url: `${scheme}://127.0.0.1:${port}/` }) as const;
    expect(await audited(at(await deadPort()), KEY)).toMatchObject({ code: 'DEAD_HOST' });
    const silent = await keep(serveScript({ raw: () => {} }));
    expect(await audited(at(silent.port), KEY, { timeoutMs: 300 })).toMatchObject({ code: 'TIMEOUT' });
    expect(await audited(at(silent.port, 'https'), KEY, { timeoutMs: 300 })).toMatchObject({ code: 'TIMEOUT' });
    await silent.idle();
    const mail = await keep(serveScript({ greeting: `220 ${HOSTILE}\r\n` }));
    expect(await audited(at(mail.port), KEY)).toEqual({
      ok: false,
      code: 'PROTOCOL',
      says: 'the server does not speak HTTP on this port',
      address: `127.0.0.1:${mail.port}`,
      certificate: 'none',
    });
    expect(await audited(at(mail.port, 'https'), KEY)).toMatchObject({ code: 'NO_TLS' });
  });

  it('reads no more than it needs', async () => {
    const headers = await keep(
      serveScript({
        raw: (socket) => socket.write(`HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(1000)}\r\n`.repeat(40)}\r\n`),
      }),
    );
    const request = { kind: 'http', url: `http://127.0.0.1:${headers.port}/` } as const;
    expect(await audited(request, KEY)).toMatchObject({ code: 'PROTOCOL', says: 'the server sends far too much' });
    const { result } = await ask((_seen, response) => pour(response));
    expect(result).toMatchObject({ ok: true, reply: 'HTTP 200' });
  });
});

// --- internal ---

/** A reason phrase and a header that try to come through. */
const HOSTILE_REASON = { 'x-note': '<script>MARKED-server-text</script>' };

async function keep<S extends WebServer | ScriptedServer>(starting: Promise<S>): Promise<S> {
  const server = await starting;
  servers.push(server);
  return server;
}

async function ask(
  answer: (seen: Seen, response: ServerResponse) => void,
  options: Partial<HttpRequest> = {},
  path = '/',
  policy: Partial<CheckPolicy> = { ca },
  certificate: Certificate = good,
): Promise<{ readonly result: CheckResult; readonly server: WebServer }> {
  const server = await keep(serveWeb(answer, certificate));
  const request: HttpRequest = { kind: 'http', url: server.origin + path, ...options };
  return { result: await audited(request, KEY, policy), server };
}

function pour(response: ServerResponse): void {
  const more = 'x'.repeat(65_536);
  const write = (): void => {
    while (!response.destroyed && response.write(more));
  };
  response.on('drain', write).on('error', () => {});
  write();
}
