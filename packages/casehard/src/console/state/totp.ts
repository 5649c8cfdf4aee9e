import { randomToken, type StateKey } from '@casehard/core/state';
import { Secret, TOTP } from 'otpauth';

const PERIOD = 30;

/** What an authenticator app needs to be set up. */
export interface Enrolment {
  /** otpauth:// */
  readonly uri: string;
  /** The same secret in base32, to type in. */
  readonly secret: string;
  /** What is kept of it in the row. */
  readonly nonce: string;
}

/**
 * The second factor (RFC 6238). Its secret is not stored: it follows from the state key, the account and a nonce, so
 * that whoever reads the database cannot make codes.
 */
export function enrol(key: StateKey, account: { readonly id: string; readonly name: string }): Enrolment {
  const nonce = randomToken(12);
  const totp = totpOf(key, account, nonce);
  return { uri: totp.toString(), secret: totp.secret.base32, nonce };
}

/** The time step whose code this is, one step early or late included; undefined: none. */
export function stepOf(
  key: StateKey,
  account: { readonly id: string; readonly name: string; readonly nonce: string },
  code: string,
  now: number,
): number | undefined {
  const digits = code.replaceAll(' ', '');
  if (!/^\d{6}$/.test(digits)) return undefined;
  const delta = totpOf(key, account, account.nonce).validate({ token: digits, timestamp: now, window: 1 });
  return delta === null ? undefined : Math.floor(now / 1000 / PERIOD) + delta;
}

// --- internal ---

function totpOf(key: StateKey, { id, name }: { readonly id: string; readonly name: string }, nonce: string): TOTP {
  const bytes = key.bytes('totp', [id, nonce]).slice(0, 20);
  return new TOTP({
    issuer: 'casehard',
    label: name,
    algorithm: 'SHA1', // the one that every authenticator knows
    digits: 6,
    period: PERIOD,
    secret: new Secret({ buffer: bytes.buffer }),
  });
}
