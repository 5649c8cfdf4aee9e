import { connect as connectTls } from 'node:tls';
import type { Secret } from '@casehard/core';
import { ImapFlow, type ImapTransport } from 'imapflow';
import { noteCertificate, tlsOptions } from './dial.ts';
import { isConnectionError } from './failure.ts';
import { connectMail, type MailConnection, noStarttls, tryLater, wantsTls, wrongPassword } from './mail.ts';
import { type ImapRequest, sendable } from './request.ts';
import { CheckStop, type Passed } from './result.ts';
import { REPLY_LIMIT, type Session } from './session.ts';

/** STARTTLS where asked for, AUTHENTICATE or LOGIN, LOGOUT. No mailbox is opened. */
export async function checkImap(request: ImapRequest, secret: Secret, session: Session): Promise<Passed> {
  const pass = sendable(secret);
  const connection = await connectMail(request, session);
  let greeting = '';
  const client = new ImapFlow({
    ...{ host: connection.endpoint.host, port: connection.endpoint.port, secure: request.tls === 'tls' },
    ...{ doSTARTTLS: request.tls === 'tls' ? undefined : request.tls === 'starttls' },
    ...{ auth: { user: request.user, pass }, verifyOnly: true, logger: false },
    ...{ maxLineLength: REPLY_LIMIT, maxLiteralSize: REPLY_LIMIT, maxResponseSize: REPLY_LIMIT },
    transport: transportOver(connection, session, (text) => {
      if (greeting.length < PREAUTH_ROOM) greeting += text;
    }),
    ...timeouts(session.remaining() + 1000),
  });
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    // Once logged in, a failing NAMESPACE or LOGOUT says nothing about the password.
    if (!client.authenticated) throw stopForReply(error, client, request);
  }
  if (/^[\0\s]*\*\s+PREAUTH\b/i.test(greeting)) {
    throw new CheckStop('PROTOCOL', 'the server lets everybody in without a login, so the password was not tested');
  }
  return { says: 'the server accepted user and password' };
}

// --- internal ---

const PREAUTH_ROOM = 64;

/** What RFC 5530 lets a server say about a refused login. */
const CODES: ReadonlySet<unknown> = new Set([
  ...['AUTHENTICATIONFAILED', 'AUTHORIZATIONFAILED', 'EXPIRED', 'PRIVACYREQUIRED', 'CONTACTADMIN', 'UNAVAILABLE'],
  ...['INUSE', 'LIMIT', 'SERVERBUG', 'CLIENTBUG', 'NOPERM', 'ALERT'],
]);
const TEMPORARY: ReadonlySet<unknown> = new Set(['UNAVAILABLE', 'INUSE', 'LIMIT', 'SERVERBUG']);

/** Hands our connection to the library, which then resolves and dials nothing, and encrypts it our way. */
function transportOver(
  { endpoint, socket }: MailConnection,
  session: Session,
  hear: (text: string) => void,
): ImapTransport {
  return {
    connect: (_options, onConnect) => {
      setImmediate(() => {
        onConnect();
        // After the library's own listener, so that nothing flows before that one is there.
        socket.on('data', (chunk: Buffer) => hear(chunk.toString('latin1', 0, PREAUTH_ROOM)));
      });
      return socket;
    },
    upgrade: (plain, _options, onSecure) =>
      session.keep(
        connectTls({ socket: plain, ...tlsOptions(endpoint, session.policy) }, () => {
          noteCertificate(session);
          onSecure();
        }),
      ),
  };
}

/** Its clocks are set behind ours, so that silence has one name. */
function timeouts(ms: number): { [K in 'connectionTimeout' | 'greetingTimeout' | 'socketTimeout']: number } {
  return { connectionTimeout: ms, greetingTimeout: ms, socketTimeout: ms };
}

function stopForReply(error: unknown, client: ImapFlow, { tls }: ImapRequest): unknown {
  if (error instanceof CheckStop || isConnectionError(error)) return error;
  const { tlsFailed, authenticationFailed, serverResponseCode, responseStatus, code } = error as {
    readonly [K in 'tlsFailed' | 'authenticationFailed' | 'serverResponseCode' | 'responseStatus' | 'code']?: unknown;
  };
  if (tlsFailed === true) return noStarttls();
  if (code === 'LineTooLarge' || code === 'LiteralTooLarge' || code === 'ResponseTooLarge') {
    return new CheckStop('PROTOCOL', 'the server sends far too much');
  }
  if (code === 'ETHROTTLE') return tryLater();
  if (authenticationFailed !== true) return error;
  const reply = CODES.has(serverResponseCode) ? String(serverResponseCode) : undefined;
  const isDisabled = responseStatus === undefined && client.capabilities.has('LOGINDISABLED');
  if (reply === 'PRIVACYREQUIRED' || isDisabled) {
    return tls === 'none' ? wantsTls(reply) : new CheckStop('PROTOCOL', 'the server offers no login here', reply);
  }
  if (TEMPORARY.has(reply)) return tryLater(reply);
  if (responseStatus !== 'NO') {
    return new CheckStop('PROTOCOL', 'the server knows none of our ways to log in (PLAIN, LOGIN)', reply ?? 'BAD');
  }
  return wrongPassword(reply ?? 'NO');
}
