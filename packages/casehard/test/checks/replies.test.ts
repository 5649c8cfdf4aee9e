import { afterEach, describe, expect, it } from 'vitest';
import { against, closeServers, run } from './against.ts';
import { makeCertificates } from './certificates.ts';
import { GREETINGS, speak } from './dialects.ts';

const { ca, good } = makeCertificates();

afterEach(closeServers);

describe('what only one of the protocols knows', () => {
  it('IMAP: a server that greets with PREAUTH has not tested the password', async () => {
    for (const tls of ['none', 'starttls'] as const) {
      const { result } = await run({ ...speak('imap'), greeting: '* PREAUTH welcome\r\n' }, 'imap', tls);
      expect(result).toMatchObject({ ok: false, code: 'PROTOCOL' });
      expect(result.says).toMatch(/^the server lets everybody in/);
    }
  });

  it('IMAP: a login counts although the goodbye fails', async () => {
    const { answer } = speak('imap');
    const { result } = await run(
      {
        greeting: GREETINGS.imap,
        answer: (line, s) => (/NAMESPACE/.test(line) ? { endAfter: '' } : answer?.(line, s)),
      },
      'imap',
      'none',
      { timeoutMs: 1500 },
    );
    expect(result.code).toBe('OK');
  });

  it('SMTP: a login counts although the server does not say goodbye', async () => {
    const { answer } = speak('smtp');
    const quiet = {
      greeting: GREETINGS.smtp,
      answer: (l: string, s: boolean) => (l === 'QUIT' ? undefined : answer?.(l, s)),
    };
    expect((await run(quiet, 'smtp', 'none')).result).toMatchObject({ ok: true, reply: '235 2.7.0' });
  });

  it('SMTP: a port without logins is told apart', async () => {
    const answer = (line: string) => (line.startsWith('EHLO') ? '250 test\r\n' : '500 5.5.1 what?\r\n');
    const behaviour = { greeting: GREETINGS.smtp, answer };
    const { result } = await run({ ...behaviour, certificate: good, implicitTls: true }, 'smtp', 'tls', { ca });
    expect(result).toMatchObject({ code: 'PROTOCOL', says: expect.stringMatching(/^the server offers no login/) });
  });

  it.each([
    ['534-5.7.9 Application-specific password required\r\n534 5.7.9 more', 'WRONG_CREDENTIAL', '534 5.7.9'],
    ['530 5.7.0 Must issue a STARTTLS command first', 'NO_TLS', '530 5.7.0'],
    ['538 5.7.11 Encryption required', 'NO_TLS', '538 5.7.11'],
    ['504 5.5.4 Unrecognized authentication type', 'PROTOCOL', '504 5.5.4'],
    ['421 4.3.0 closing', 'PROTOCOL', '421 4.3.0'],
    ['550 blocked', 'WRONG_CREDENTIAL', '550'],
    ['535 5.7.8MARKED', 'WRONG_CREDENTIAL', '535'],
    ['535 5.7.80000 x', 'WRONG_CREDENTIAL', '535'],
  ])('SMTP: %s', async (login, code, reply) => {
    const { result } = await against('smtp', { login }, 'none');
    expect(result).toMatchObject({ ok: false, code, reply });
  });

  it.each([
    ['NO [EXPIRED] x', 'WRONG_CREDENTIAL', 'EXPIRED'],
    ['NO [PRIVACYREQUIRED] x', 'NO_TLS', 'PRIVACYREQUIRED'],
    ['NO [MARKED-text] x', 'WRONG_CREDENTIAL', 'NO'],
    ['BAD what', 'PROTOCOL', 'BAD'],
  ])('IMAP: %s', async (login, code, reply) => {
    const { result } = await against('imap', { login }, 'none');
    expect(result).toMatchObject({ ok: false, code, reply });
  });

  it.each([
    ['-ERR [IN-USE] locked', 'OK', undefined],
    ['-ERR [LOGIN-DELAY] later', 'PROTOCOL', '-ERR [LOGIN-DELAY]'],
    ['-ERR [SYS/PERM] broken', 'PROTOCOL', '-ERR [SYS/PERM]'],
    ['-ERR [MARKED] x', 'WRONG_CREDENTIAL', '-ERR'],
    ['-ERR', 'WRONG_CREDENTIAL', '-ERR'],
    ['HTTP/1.1 400 Bad Request', 'PROTOCOL', undefined],
  ])('POP3: %s', async (login, code, reply) => {
    const { result } = await against('pop3', { login }, 'none');
    expect(result).toMatchObject({ code, ...(reply === undefined ? {} : { reply }) });
  });
});
