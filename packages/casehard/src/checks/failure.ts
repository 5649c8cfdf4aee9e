import { CheckStop } from './result.ts';

/** Says in our words why talking to a server failed. The error itself, which may quote the server, goes no further. */
export function stopFor(error: unknown): CheckStop {
  if (error instanceof CheckStop) return error;
  const code = codeOf(error);
  if (isCertificateCode(code)) return new CheckStop('CERTIFICATE', certificateWords(code));
  if (DEAD.has(code)) {
    return new CheckStop(
      'DEAD_HOST',
      'nothing answers at this address and port: check the host, the port and the firewall',
    );
  }
  if (code === 'ETIMEDOUT') {
    return new CheckStop('TIMEOUT', 'the server did not answer in time: check the host, the port and the firewall');
  }
  if (PLAINTEXT.has(code)) {
    return new CheckStop('NO_TLS', 'the server does not speak TLS on this port: choose STARTTLS, or another port');
  }
  if (/SSL|TLS|EPROTO/.test(code)) {
    return new CheckStop('PROTOCOL', 'the TLS handshake failed: the server may be too old, or want a certificate');
  }
  if (code === 'HPE_HEADER_OVERFLOW') return new CheckStop('PROTOCOL', 'the server sends far too much');
  if (/^HPE_/.test(code)) return new CheckStop('PROTOCOL', 'the server does not speak HTTP on this port');
  return new CheckStop('PROTOCOL', 'the server closed the connection, or answered what the protocol does not know');
}

/** Whether an error is about a connection, and not about what the server answered. */
export function isConnectionError(error: unknown): boolean {
  const code = codeOf(error);
  return (
    isCertificateCode(code) ||
    DEAD.has(code) ||
    PLAINTEXT.has(code) ||
    /^(ECONNRESET|EPIPE|EPROTO|ERR_SSL_.*|ERR_TLS_.*)$/.test(code)
  );
}

// --- internal ---

/** No listener, or no way to it. */
const DEAD: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'EADDRNOTAVAIL', 'EACCES', 'EPERM'],
]);

/** What OpenSSL calls an answer that is no TLS record. */
const PLAINTEXT: ReadonlySet<string> = new Set([
  ...['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST'],
]);

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  // nodemailer puts its own code over the system's and keeps that one beside it.
  for (const key of ['originalCode', 'code'] as const) {
    const code: unknown = Reflect.get(error, key);
    if (typeof code === 'string') return code;
  }
  return '';
}

/** The codes of X509_verify_cert, as Node spells them, and of Node's own check of the name. */
function isCertificateCode(code: string): boolean {
  return (
    /^(CERT_|CRL_|ERR_TLS_CERT_|UNABLE_TO_(GET|DECRYPT|DECODE|VERIFY)_|ERROR_IN_CE?RL?T?_)/.test(code) ||
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'INVALID_CA', 'INVALID_PURPOSE'].includes(code) ||
    ['PATH_LENGTH_EXCEEDED', 'HOSTNAME_MISMATCH'].includes(code)
  );
}

function certificateWords(code: string): string {
  if (code === 'CERT_HAS_EXPIRED') return 'the certificate has expired: the server needs a new one';
  if (code === 'CERT_NOT_YET_VALID') return 'the certificate is not valid yet: check the clocks';
  if (/ALTNAME|HOSTNAME/.test(code))
    return 'the certificate is for another name: enter the host as it is written there';
  if (/SELF_SIGNED|LOCALLY|ISSUER|VERIFY_LEAF|UNTRUSTED|INVALID_CA/.test(code)) {
    return 'the certificate is not signed by an authority that is trusted here: add the authority, or accept any certificate';
  }
  return 'the certificate is not valid: the server needs another one';
}
