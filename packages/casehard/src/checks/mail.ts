import type { Socket } from 'node:net';
import { dial, secure } from './dial.ts';
import { type MailTarget, vetMailTarget } from './request.ts';
import { type Endpoint, resolveHost } from './resolve.ts';
import { CheckStop } from './result.ts';
import type { Session } from './session.ts';

/** A connection to a mail server: encrypted already where `tls` says so, still plain where STARTTLS is to follow. */
export interface MailConnection {
  readonly endpoint: Endpoint;
  readonly socket: Socket;
}

/** Vets, resolves and dials a mail server. */
export async function connectMail(target: MailTarget, session: Session): Promise<MailConnection> {
  vetMailTarget(target);
  const endpoint = await resolveHost(target.host, target.port, session);
  const plain = await dial(endpoint, session);
  return { endpoint, socket: target.tls === 'tls' ? await secure(plain, endpoint, session) : plain };
}

/** The server does not offer, or refuses, the upgrade that was asked for. Nothing secret has been sent. */
export function noStarttls(reply?: string): CheckStop {
  return new CheckStop(
    'NO_TLS',
    'the server does not encrypt with STARTTLS: choose TLS and its port, and suspect the network if it used to work',
    reply,
  );
}

/** The server wants an encrypted connection for logins, and `none` was chosen. */
export function wantsTls(reply?: string): CheckStop {
  return new CheckStop(
    'NO_TLS',
    'the server takes no login on an unencrypted connection: choose STARTTLS or TLS',
    reply,
  );
}

/** The server refused user and password. */
export function wrongPassword(reply?: string): CheckStop {
  return new CheckStop(
    'WRONG_CREDENTIAL',
    'the server refused this user and password: enter the password again, or an app password where the account has a second factor',
    reply,
  );
}

/** The server cannot say at the moment whether the password is right. */
export function tryLater(reply?: string): CheckStop {
  return new CheckStop('PROTOCOL', 'the server cannot check the password at the moment: try again later', reply);
}
