import type { Secret } from '@casehard/core';

/** What became of a check. Codes are stable; the words beside them may be reworded. */
export type CheckCode =
  | 'OK' // the server took the credential
  | 'WRONG_CREDENTIAL' // the server refused the credential
  | 'CERTIFICATE' // the server's certificate is not to be trusted
  | 'NO_TLS' // the connection does not get encrypted as asked
  | 'DEAD_HOST' // nothing listens there, or no route leads there
  | 'TIMEOUT' // silence
  | 'REFUSED_ADDRESS' // the host has an address that must not be dialled
  | 'NAME_NOT_FOUND' // the host's name does not resolve
  | 'PROTOCOL' // the server answered something else
  | 'REDIRECT' // the server points elsewhere; never followed
  | 'BAD_REQUEST' // nothing was dialled: the settings or the credential cannot be sent
  | 'CANCELLED'; // stopped by the caller's signal

/** What a check found out. Never holds the credential, a token or any text that a server wrote. */
export interface CheckResult {
  readonly ok: boolean;
  readonly code: CheckCode;
  /** The server's code alone, such as `535 5.7.8`, `AUTHENTICATIONFAILED`, `HTTP 401` or `invalid_client`. */
  readonly reply?: string;
  /** What happened and what to do, in our own words. */
  readonly says: string;
  /** The `ip:port` that was dialled. */
  readonly address?: string;
  /** How far the server's certificate was looked at; `none` on a plain connection. */
  readonly certificate?: 'verified' | 'not verified' | 'none';
  /** `oauth-refresh` only: the refresh token that replaces the one that was sent. Save it, or access is lost. */
  readonly newToken?: Secret;
}

/** What a kind of check returns when the server took the credential. */
export interface Passed {
  readonly reply?: string | undefined;
  readonly says: string;
  readonly newToken?: Secret | undefined;
}

/** Why a check ends without a pass. Thrown inside of checks/ only; `runCheck` turns it into a result. */
export class CheckStop extends Error {
  override readonly name = 'CheckStop';
  readonly code: CheckCode;
  readonly reply: string | undefined;

  constructor(code: Exclude<CheckCode, 'OK'>, says: string, reply?: string) {
    super(says);
    this.code = code;
    this.reply = reply;
  }
}
