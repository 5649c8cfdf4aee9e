import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import type { SmtpRequest } from '../../src/checks/check.ts';
import { audited, HOSTILE, PASSWORD } from './audited.ts';
import { makeCertificates } from './certificates.ts';

const { ca, good } = makeCertificates();

const servers: SMTPServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise<void>((resolve) => server.close(resolve))));
});

describe('an SMTP server with SASL', () => {
  it.each(['PLAIN', 'LOGIN', 'CRAM-MD5'])('takes the password by %s and gets no mail', async (method) => {
    const { request, saw } = await serve({ authMethods: [method] });
    expect(await audited(request, PASSWORD, { ca })).toMatchObject({ ok: true, reply: expect.stringMatching(/^235/) });
    expect(saw).toEqual([`${method} user`]);
    expect(await audited(request, 'MARKED-wrong', { ca })).toMatchObject({ code: 'WRONG_CREDENTIAL', reply: '535' });
  });

  it('is logged in to by STARTTLS, by TLS, and unencrypted where it allows that', async () => {
    const encrypted = await serve({ secure: true });
    const tls = { ...encrypted.request, tls: 'tls' } as const;
    expect(await audited(tls, PASSWORD, { ca })).toMatchObject({ ok: true, certificate: 'verified' });
    const open = await serve({ allowInsecureAuth: true });
    const none = { ...open.request, tls: 'none' } as const;
    expect(await audited(none, PASSWORD)).toMatchObject({ ok: true, certificate: 'none' });
    const strict = await serve({});
    expect(await audited({ ...strict.request, tls: 'none' }, PASSWORD)).toMatchObject({ code: 'NO_TLS' });
    expect(strict.saw).toEqual([]);
  });

  it('without STARTTLS gets no password, although it would take one', async () => {
    const { request, saw } = await serve({
      hideSTARTTLS: true,
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
    });
    expect(await audited(request, PASSWORD, { ca })).toMatchObject({ code: 'NO_TLS' });
    expect(saw).toEqual([]);
  });

  it('that hides STARTTLS and still has it is encrypted', async () => {
    const { request } = await serve({ hideSTARTTLS: true, allowInsecureAuth: true });
    expect(await audited(request, PASSWORD, { ca })).toMatchObject({ ok: true, certificate: 'verified' });
  });

  it('that quotes the password back does not get it into the result', async () => {
    const { request } = await serve({
      onAuth: (auth, _session, done) => {
        done(Object.assign(new Error(`5.7.8 ${auth.password} ${HOSTILE}`), { responseCode: 535 }));
      },
    });
    expect(await audited(request, PASSWORD, { ca })).toMatchObject({ code: 'WRONG_CREDENTIAL', reply: '535 5.7.8' });
  });
});

// --- internal ---

async function serve(
  options: SMTPServerOptions,
): Promise<{ readonly request: SmtpRequest; readonly saw: readonly string[] }> {
  const saw: string[] = [];
  const server = new SMTPServer({
    ...{ cert: good.cert, key: good.key, logger: false, closeTimeout: 1 },
    onAuth: (auth, _session, done) => {
      const isRight = auth.method === 'CRAM-MD5' ? auth.validatePassword(PASSWORD) : auth.password === PASSWORD;
      if (isRight) saw.push(`${auth.method} ${auth.username}`);
      done(isRight ? null : new Error('no'), isRight ? { user: 'user' } : undefined);
    },
    onMailFrom: (_address, _session, done) => {
      saw.push('MAIL');
      done();
    },
    ...options,
  });
  server.on('error', () => {});
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  servers.push(server);
  const { port } = listener.address() as AddressInfo;
  return { request: { kind: 'smtp', host: 'localhost', port, user: 'user', tls: 'starttls' }, saw };
}
