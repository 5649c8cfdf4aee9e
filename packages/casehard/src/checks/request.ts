import type { Secret } from '@casehard/core';
import { CheckStop } from './result.ts';

/** `starttls`: plain at first, and the upgrade is required; `tls`: encrypted from the first byte; `none`: never. */
export type TlsMode = 'starttls' | 'tls' | 'none';

/** A mail server and who logs in there. */
export interface MailTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly tls: TlsMode;
}

/** A login for sending mail; nothing is sent. */
export interface SmtpRequest extends MailTarget {
  readonly kind: 'smtp';
}

/** A mailbox login. */
export interface ImapRequest extends MailTarget {
  readonly kind: 'imap';
}

/** A mailbox login with USER and PASS. */
export interface Pop3Request extends MailTarget {
  readonly kind: 'pop3';
}

interface TokenTarget {
  /** The token endpoint. */
  readonly url: string;
  readonly clientId: string;
  readonly scope?: string;
  /** How the client secret travels (RFC 6749 section 2.3.1): a header (the default), or the body. */
  readonly authentication?: 'basic' | 'post';
}

/** The client-credentials grant; the secret is the client's. The access token is thrown away. */
export interface OAuthClientRequest extends TokenTarget {
  readonly kind: 'oauth-client';
}

/** The refresh-token grant; the secret is the refresh token. It may be replaced: see `newToken` in the result. */
export interface OAuthRefreshRequest extends TokenTarget {
  readonly kind: 'oauth-refresh';
  /** Left out for a public client. */
  readonly clientSecret?: Secret;
}

/** A GET with an API key. */
export interface HttpRequest {
  readonly kind: 'http';
  readonly url: string;
  /** The header that carries the key; default: `Authorization`. */
  readonly header?: string;
  /** The word before the key; default: `Bearer` in `Authorization`, none in other headers. `''`: none. */
  readonly scheme?: string;
}

/** What to test the credential against. */
export type CheckRequest =
  | SmtpRequest
  | ImapRequest
  | Pop3Request
  | OAuthClientRequest
  | OAuthRefreshRequest
  | HttpRequest;

export type CheckKind = CheckRequest['kind'];

/** The credential as text that can be sent. Refuses what would end a line or a field in one of the protocols. */
export function sendable(secret: Secret, what = 'credential'): string {
  const text = revealed(secret);
  if (text === undefined) throw new CheckStop('BAD_REQUEST', `the ${what} is not text: enter it again`);
  if (text === '') throw new CheckStop('BAD_REQUEST', `there is no ${what} to test: enter one`);
  refuseControls(text, what);
  return text;
}

/** Refuses settings that cannot be sent, or that would send something else. Nothing has been dialled yet. */
export function vetMailTarget({ host, port, user, tls }: MailTarget): void {
  if (host === '') throw new CheckStop('BAD_REQUEST', 'there is no host: enter one');
  refuseControls(host, 'host');
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new CheckStop('BAD_REQUEST', 'the port is not a number from 1 to 65535');
  }
  if (user === '') throw new CheckStop('BAD_REQUEST', 'there is no user: enter one');
  refuseControls(user, 'user');
  // The mode comes from a database. One that we do not know must not mean "plain".
  if (tls !== 'starttls' && tls !== 'tls' && tls !== 'none') {
    throw new CheckStop('BAD_REQUEST', 'the TLS mode is none of starttls, tls, none');
  }
}

/** The URL to call; refuses other schemes, and credentials inside of it. */
export function vetUrl(text: string): URL {
  // Before parsing: the URL parser drops line breaks without a word.
  refuseControls(text, 'URL');
  if (!URL.canParse(text)) throw new CheckStop('BAD_REQUEST', 'the URL is not one: it begins with https://');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new CheckStop('BAD_REQUEST', 'the URL is not a web address: it begins with https://');
  }
  if (url.username !== '' || url.password !== '') {
    throw new CheckStop('BAD_REQUEST', 'the URL holds a user or a password: take them out');
  }
  return url;
}

/** Refuses what ends a line or a field: CR, LF and NUL. */
export function refuseControls(text: string, what: string): void {
  if (/[\0\r\n]/.test(text)) {
    throw new CheckStop('BAD_REQUEST', `the ${what} holds a line break or a NUL: enter it again without`);
  }
}

// --- internal ---

function revealed(secret: Secret): string | undefined {
  try {
    return secret.reveal();
  } catch {
    return undefined;
  }
}
