import { Secret } from '@casehard/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CheckPolicy, type CheckRequest, runCheck } from '../../src/checks/check.ts';
import { audited } from './audited.ts';
import { type ScriptedServer, serveScript } from './scripted.ts';

let server: ScriptedServer;
beforeAll(async () => {
  server = await serveScript({});
});
afterAll(() => server.close());

describe('what cannot be sent is refused before anything is dialled', () => {
  const mail = () => ({ host: '127.0.0.1', port: server.port, user: 'user', tls: 'none' }) as const;
  const url = () => `http://127.0.0.1:${server.port}/token`;
  const ENDINGS = ['\r\nEVIL', '\nEVIL', '\rEVIL', '\0EVIL', '\n', '\0'];

  for (const kind of ['smtp', 'imap', 'pop3'] as const) {
    it.each(ENDINGS)(`${kind}: user, password or host with %j`, async (ending) => {
      const base = { kind, ...mail() };
      const cases: readonly (readonly [CheckRequest, string, RegExp])[] = [
        [{ ...base, user: `user${ending}` }, 'password', /^the user holds a line break/],
        [base, `password${ending}`, /^the credential holds a line break/],
        [{ ...base, host: `127.0.0.1${ending}` }, 'password', /^the host holds a line break/],
      ];
      for (const [request, secret, says] of cases) {
        expect(await audited(request, secret)).toEqual({
          ok: false,
          code: 'BAD_REQUEST',
          says: expect.stringMatching(says),
        });
      }
    });
  }

  it.each(ENDINGS)('http and OAuth: URL, key, token, client or scope with %j', async (ending) => {
    const oauth = { kind: 'oauth-client', url: url(), clientId: 'client' } as const;
    const refresh = { kind: 'oauth-refresh', url: url(), clientId: 'client' } as const;
    const cases: readonly (readonly [CheckRequest, string, RegExp])[] = [
      [{ kind: 'http', url: url() }, `key${ending}`, /^the key holds/],
      [{ kind: 'http', url: url() + ending }, 'key', /^the URL holds/],
      [{ kind: 'http', url: url(), header: `x-key${ending}` }, 'key', /^the header has a name/],
      [{ kind: 'http', url: url(), scheme: `Token${ending}` }, 'key', /^the word before the key/],
      [oauth, `secret${ending}`, /^the client secret holds/],
      [{ ...oauth, clientId: `client${ending}` }, 'secret', /^the client id holds/],
      [{ ...oauth, scope: `a${ending}` }, 'secret', /^the scope holds/],
      [{ ...oauth, url: url() + ending }, 'secret', /^the URL holds/],
      [refresh, `token${ending}`, /^the refresh token holds/],
      [{ ...refresh, clientSecret: new Secret(`secret${ending}`) }, 'token', /^the client secret holds/],
    ];
    for (const [request, secret, says] of cases) {
      expect(await audited(request, secret)).toEqual({
        ok: false,
        code: 'BAD_REQUEST',
        says: expect.stringMatching(says),
      });
    }
  });

  const OTHERS: readonly (readonly [string, () => CheckRequest, string])[] = [
    ['an empty credential', () => ({ kind: 'smtp', ...mail() }), ''],
    ['an empty user', () => ({ kind: 'imap', ...mail(), user: '' }), 'password'],
    ['an empty host', () => ({ kind: 'imap', ...mail(), host: '' }), 'password'],
    ['port 0', () => ({ kind: 'smtp', ...mail(), port: 0 }), 'password'],
    ['port 65536', () => ({ kind: 'smtp', ...mail(), port: 65_536 }), 'password'],
    ['half a port', () => ({ kind: 'smtp', ...mail(), port: 25.5 }), 'password'],
    ['a TLS mode that nobody knows', () => ({ kind: 'smtp', ...mail(), tls: 'off' as 'none' }), 'password'],
    ['a host with a port', () => ({ kind: 'smtp', ...mail(), host: '127.0.0.1:25' }), 'password'],
    ['a host with a path', () => ({ kind: 'smtp', ...mail(), host: '127.0.0.1/x' }), 'password'],
    ['a host with a user', () => ({ kind: 'smtp', ...mail(), host: 'a@127.0.0.1' }), 'password'],
    ['a host with an escape', () => ({ kind: 'smtp', ...mail(), host: '127.0.0.%31' }), 'password'],
    ['a host with a space', () => ({ kind: 'smtp', ...mail(), host: '127.0.0.1 x' }), 'password'],
    ['a host with markup', () => ({ kind: 'smtp', ...mail(), host: '<b>x</b>' }), 'password'],
    ['a file URL', () => ({ kind: 'http', url: 'file:///etc/passwd' }), 'key'],
    ['a gopher URL', () => ({ kind: 'http', url: 'gopher://127.0.0.1/' }), 'key'],
    ['no URL', () => ({ kind: 'http', url: 'example' }), 'key'],
    ['a URL with a password', () => ({ kind: 'http', url: `http://a:b@127.0.0.1:${server.port}/` }), 'key'],
    ['the Host header', () => ({ kind: 'http', url: url(), header: 'Host' }), 'key'],
    ['a framing header', () => ({ kind: 'http', url: url(), header: 'Transfer-Encoding' }), 'chunked'],
    ['a key beyond ASCII', () => ({ kind: 'http', url: url() }), 'kéy'],
    ['an empty client id', () => ({ kind: 'oauth-client', url: url(), clientId: '' }), 'secret'],
  ];
  it.each(OTHERS)('%s', async (_name, request, secret) => {
    expect(await audited(request(), secret)).toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('a credential that is not text', async () => {
    const request = { kind: 'smtp', ...mail() } as const;
    const result = await runCheck(request, new Secret(Uint8Array.of(0xff, 0xfe)), { privateAddresses: true });
    expect(result).toEqual({ ok: false, code: 'BAD_REQUEST', says: 'the credential is not text: enter it again' });
  });

  // The last one of this file: everything above has been through.
  it('and nothing was dialled', () => {
    expect(server.connections()).toBe(0);
  });
});

describe('a caller who is wrong is told so', () => {
  const request: CheckRequest = { kind: 'smtp', host: '127.0.0.1', port: 1, user: 'u', tls: 'none' };
  const POLICIES: readonly (readonly [string, object])[] = [
    ['"privateAddresses"', {}],
    ['"timeoutMs"', { privateAddresses: true, timeoutMs: 0 }],
    ['"timeoutMs"', { privateAddresses: true, timeoutMs: Number.NaN }],
    ['"timeoutMs"', { privateAddresses: true, timeoutMs: 2 ** 31 }],
    ['"certificate"', { privateAddresses: true, certificate: 'none' }],
    ['"ca"', { privateAddresses: true, ca: '/etc/ssl/ca.pem' }],
  ];
  it.each(POLICIES)('%s of %j', async (message, policy) => {
    const run = runCheck(request, new Secret('x'), policy as CheckPolicy);
    await expect(run).rejects.toThrow(TypeError);
    await expect(run).rejects.toThrow(message);
  });

  it('"kind"', async () => {
    const wrong = { ...request, kind: 'toString' } as unknown as CheckRequest;
    await expect(runCheck(wrong, new Secret('x'), { privateAddresses: true })).rejects.toThrow(
      new TypeError('"kind" must be one of smtp, imap, pop3, oauth-client, oauth-refresh, http'),
    );
  });
});
