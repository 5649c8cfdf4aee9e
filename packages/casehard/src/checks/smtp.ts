import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { Secret } from '@casehard/core';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { noteCertificate, tlsOptions } from './dial.ts';
import { isConnectionError } from './failure.ts';
import { connectMail, noStarttls, tryLater, wantsTls, wrongPassword } from './mail.ts';
import { type SmtpRequest, sendable } from './request.ts';
import { CheckStop, type Passed } from './result.ts';
import { REPLY_LIMIT, type Session } from './session.ts';

/** EHLO, STARTTLS where asked for, AUTH, QUIT. No mail is sent. */
export async function checkSmtp(request: SmtpRequest, secret: Secret, session: Session): Promise<Passed> {
  const pass = sendable(secret);
  const { endpoint, socket } = await connectMail(request, session);
  const isSecure = request.tls === 'tls';
  const smtp = new SMTPConnection({
    // A connection that is there already: nodemailer resolves and dials nothing.
    ...{ connection: socket, host: endpoint.host, port: endpoint.port, secure: isSecure, secured: isSecure },
    // It takes STARTTLS wherever it is offered; only `ignoreTLS` makes "none" mean none.
    ...{ requireTLS: request.tls === 'starttls', ignoreTLS: request.tls === 'none' },
    ...{ tls: tlsOptions(endpoint, session.policy), logger: false, maxResponseSize: REPLY_LIMIT },
    // Its clocks are set behind ours, so that silence has one name.
    ...timeouts(session.remaining() + 1000),
  });
  const failure = new Promise<never>((_, reject) => smtp.on('error', reject));
  failure.catch(() => {});
  try {
    await Promise.race([new Promise<void>((resolve, reject) => smtp.connect(settle(resolve, reject))), failure]);
    if (request.tls === 'starttls') noteCertificate(session);
    if (!smtp.allowsAuth) {
      throw request.tls === 'none'
        ? wantsTls()
        : new CheckStop('PROTOCOL', 'the server offers no login on this port: use the submission port (587 or 465)');
    }
    const login = { user: request.user, pass };
    await Promise.race([new Promise<void>((resolve, reject) => smtp.login(login, settle(resolve, reject))), failure]);
  } catch (error) {
    throw stopForReply(error, request);
  }
  const reply = codeOf(smtp.lastServerResponse);
  smtp.quit();
  // The login has succeeded; a server that does not say goodbye changes nothing about it.
  await Promise.race([once(smtp, 'end'), failure, wait(GOODBYE)]).catch(() => {});
  return { reply, says: 'the server accepted user and password; no mail was sent' };
}

// --- internal ---

const GOODBYE = 500;

/** Encryption is needed first (RFC 3207, RFC 4954, RFC 5248); Dovecot says 523, others 530 or 538. */
const NEEDS_TLS = /^(523|538)|5\.7\.1[01]$/;

function timeouts(ms: number): { [K in 'connectionTimeout' | 'greetingTimeout' | 'socketTimeout']: number } & {
  socketCloseTimeout: number;
} {
  return { connectionTimeout: ms, greetingTimeout: ms, socketTimeout: ms, socketCloseTimeout: 0 };
}

function settle(resolve: () => void, reject: (error: unknown) => void): (error?: Error | null) => void {
  return (error) => (error ? reject(error) : resolve());
}

function stopForReply(error: unknown, { tls }: SmtpRequest): unknown {
  if (error instanceof CheckStop || isConnectionError(error)) return error;
  const { code, command, response } = error as { code?: unknown; command?: unknown; response?: unknown };
  const reply = codeOf(response);
  if (reply === undefined) return error;
  const status = Number(reply.slice(0, 3));
  if (tls === 'starttls' && (command === 'STARTTLS' || command === 'EHLO')) return noStarttls(reply);
  if (code !== 'EAUTH') return new CheckStop('PROTOCOL', 'the server turned us away before the login', reply);
  if (status < 500) return tryLater(reply);
  if (status === 530 || NEEDS_TLS.test(reply)) return tls === 'none' ? wantsTls(reply) : noStarttls(reply);
  if (status <= 504 && status !== 501) {
    return new CheckStop('PROTOCOL', 'the server knows none of our ways to log in (PLAIN, LOGIN, CRAM-MD5)', reply);
  }
  return wrongPassword(reply);
}

/** `535 5.7.8` of `535-5.7.8 text`: the numbers, never the text. */
function codeOf(response: unknown): string | undefined {
  if (typeof response !== 'string') return undefined;
  const [, status, enhanced] = /^([2-5]\d\d)(?:[ -]([245]\.\d{1,3}\.\d{1,3})(?=\s|$))?/.exec(response) ?? [];
  return enhanced === undefined ? status : `${status} ${enhanced}`;
}
