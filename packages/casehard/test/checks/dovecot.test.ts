import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckPolicy, CheckRequest, CheckResult, TlsMode } from '../../src/checks/check.ts';
import { audited, PASSWORD } from './audited.ts';
import { makeCertificates } from './certificates.ts';
import { DOVECOT_ABSENT, type Dovecot, startDovecot } from './dovecot.ts';

const { ca, good } = makeCertificates();
const QUOTES = 'MARKED "q\\u{o}t(e)*%s %u';

const title = `Dovecot${DOVECOT_ABSENT === undefined ? '' : ` (skipped: ${DOVECOT_ABSENT})`}`;
describe.skipIf(DOVECOT_ABSENT !== undefined)(title, () => {
  let dovecot: Dovecot;
  beforeAll(async () => {
    dovecot = await startDovecot({ 'a@example.com': PASSWORD, 'domain/user': QUOTES }, good);
  });
  afterAll(async () => {
    await dovecot?.close();
  });

  const SERVICES = [
    ['imap', 'imap', 'starttls'],
    ['imap', 'imaps', 'tls'],
    ['pop3', 'pop3', 'starttls'],
    ['pop3', 'pop3s', 'tls'],
    ['smtp', 'submission', 'starttls'],
  ] as const;

  describe.each(SERVICES)('%s on the port of %s with %s', (kind, service, tls) => {
    const check = (secret: string, change: Partial<CheckRequest> = {}, policy: Partial<CheckPolicy> = { ca }) => {
      const base = { kind, host: 'localhost', port: dovecot.ports[service], user: 'a@example.com', tls };
      return audited({ ...base, ...change } as CheckRequest, secret, policy);
    };

    it('takes the right password', async () => {
      expect(await check(PASSWORD)).toEqual({
        ok: true,
        code: 'OK',
        says: expect.stringMatching(/^the server accepted user and password/),
        address: `127.0.0.1:${dovecot.ports[service]}`,
        certificate: 'verified',
        ...(kind === 'smtp' ? { reply: '235 2.7.0' } : {}),
      });
      const login = `${service === 'submission' ? 'submission' : kind}-login: Info: Login: user=<a@example.com>`;
      expect(dovecot.log()).toContain(login);
    });

    it('takes a password and a user full of special characters', async () => {
      expect(await check(QUOTES, { user: 'domain/user' })).toMatchObject({ ok: true });
    });

    it('refuses a wrong password and an unknown user', async () => {
      const reply = { imap: 'AUTHENTICATIONFAILED', pop3: '-ERR [AUTH]', smtp: '535 5.7.8' }[kind];
      const refused = { ok: false, code: 'WRONG_CREDENTIAL', reply, certificate: 'verified' };
      expect(await check('MARKED-wrong-password')).toMatchObject(refused);
      expect(await check(PASSWORD, { user: 'nobody@example.com' })).toMatchObject(refused);
    });

    it('gets no password while its certificate is not trusted', async () => {
      expect(await check(PASSWORD, {}, {})).toMatchObject({ code: 'CERTIFICATE', certificate: 'not verified' });
      const lookup = async () => [{ address: '127.0.0.1' }];
      expect(await check(PASSWORD, { host: 'mail.example' }, { ca, lookup })).toMatchObject({
        code: 'CERTIFICATE',
        says: expect.stringMatching(/^the certificate is for another name/),
      });
      expect(await check(PASSWORD, {}, { certificate: 'any' })).toMatchObject({
        ok: true,
        certificate: 'not verified',
      });
    });

    it('is told apart from a port where TLS begins otherwise', async () => {
      const other: TlsMode = tls === 'tls' ? 'starttls' : 'tls';
      const result: CheckResult = await check(PASSWORD, { tls: other }, { ca, timeoutMs: 800 });
      expect(result).toMatchObject({ ok: false, code: other === 'tls' ? 'NO_TLS' : 'TIMEOUT' });
    });
  });

  it.each([
    ['imap', 'imap'],
    ['pop3', 'pop3'],
    ['smtp', 'submission'],
  ] as const)('%s: an unencrypted login that Dovecot refuses is said to need TLS', async (kind, service) => {
    const base = { kind, port: dovecot.ports[service], user: 'a@example.com', tls: 'none' } as const;
    const refused = await audited({ ...base, host: '127.0.0.2' }, PASSWORD);
    expect(refused).toMatchObject({ ok: false, code: 'NO_TLS', certificate: 'none' });
    // From its own address Dovecot takes it.
    expect(await audited({ ...base, host: '127.0.0.1' }, PASSWORD)).toMatchObject({ ok: true, certificate: 'none' });
  });

  it('no password is in the log of the server', () => {
    expect(dovecot.log()).not.toMatch(/MARKED/);
  });
});
