/** Whether a server's certificate must hold in a connection test. `any` is an exception that the console shows. */
export type CertificatePolicy = 'verify' | 'any';

/** How a credential is tested against the server that it is for. Plain data; the package `casehard` does it. */
export type Check = { readonly certificate: CertificatePolicy } & (
  | { readonly kind: 'smtp' | 'imap' | 'pop3' }
  /** IMAP or POP3, as the neighbour `protocol` says. */
  | { readonly kind: 'mailbox' }
  | { readonly kind: 'oauth-client'; readonly auth: 'basic' | 'post'; readonly scope?: string }
  /** The refresh token that the server gives in exchange is written back to this very field. */
  | { readonly kind: 'oauth-refresh'; readonly auth: 'basic' | 'post' }
  | { readonly kind: 'http'; readonly header: string; readonly bearer: boolean }
);

export interface CheckOptions {
  /** Default: `verify`. */
  readonly certificate?: CertificatePolicy;
}

/** Logs in to an SMTP server; no mail is sent. Neighbours: `host`, and if there `port`, `user`, `tls`. */
export function smtp(options: CheckOptions = {}): Check {
  return { kind: 'smtp', certificate: options.certificate ?? 'verify' };
}

/** Logs in to an IMAP server. Neighbours: `host`, `user`, and if there `port`, `tls`. */
export function imap(options: CheckOptions = {}): Check {
  return { kind: 'imap', certificate: options.certificate ?? 'verify' };
}

/** Logs in to a POP3 server. Neighbours: `host`, `user`, and if there `port`, `tls`. */
export function pop3(options: CheckOptions = {}): Check {
  return { kind: 'pop3', certificate: options.certificate ?? 'verify' };
}

/** IMAP or POP3, as the neighbour `protocol` says (`imap` where it says nothing). */
export function mailbox(options: CheckOptions = {}): Check {
  return { kind: 'mailbox', certificate: options.certificate ?? 'verify' };
}

/** Exchanges a client secret for a token (RFC 6749 section 4.4), which is thrown away. Neighbours: `tokenUrl`, `clientId`. */
export function oauthClient(
  options: CheckOptions & { readonly auth?: 'basic' | 'post'; readonly scope?: string } = {},
): Check {
  const { certificate = 'verify', auth = 'basic', scope } = options;
  return { kind: 'oauth-client', certificate, auth, ...(scope === undefined ? {} : { scope }) };
}

/**
 * Exchanges a refresh token (RFC 6749 section 6). Servers may answer with a new one and end the old one, so the field
 * itself takes the new one. Neighbours: `tokenUrl`, `clientId`.
 */
export function oauthRefresh(options: CheckOptions & { readonly auth?: 'basic' | 'post' } = {}): Check {
  return { kind: 'oauth-refresh', certificate: options.certificate ?? 'verify', auth: options.auth ?? 'basic' };
}

/** Sends a GET request with the credential in a header (default: `Authorization: Bearer …`). Neighbour: `url`. */
export function httpRequest(
  options: CheckOptions & { readonly header?: string; readonly bearer?: boolean } = {},
): Check {
  const { certificate = 'verify', header = 'Authorization' } = options;
  return { kind: 'http', certificate, header, bearer: options.bearer ?? header.toLowerCase() === 'authorization' };
}

/**
 * Where a neighbour is kept. A text: a column of the same row; beside a `setting`, the name of another row of its table;
 * beside a `path`, with a leading slash, a pointer in the same document. `where`: another row of the settings table. `is`: a
 * constant, for what the application has no place for.
 */
export type NeighbourPlace =
  | string
  | { readonly where: Readonly<Record<string, string | number>> }
  | { readonly is: string | number };

/** A neighbour, where its name for people is not to be its role. */
export type Neighbour = NeighbourPlace | { readonly at: NeighbourPlace; readonly label?: string };

/**
 * Neighbours that say where a credential goes, and as whom. If one of them changes, the credential must be typed again:
 * otherwise changing the server would be a way to read it.
 */
export const DESTINATION_ROLES = [
  'host',
  'port',
  'user',
  'tls',
  'protocol',
  'url',
  'tokenUrl',
  'clientId',
  'scope',
] as const;

/** A credential on a settings page of the console, with what stands beside it. */
export interface Group<N extends string = string> {
  /** The title of the page. Groups of one title share a page. */
  readonly label: string;
  /** The logical name of the field. */
  readonly secret: N;
  /** By role: `host`, `port`, `user`, `tls` (`starttls`, `tls` or `none`), `protocol` (`imap` or `pop3`), `url`, `tokenUrl`, `clientId`, or any name. */
  readonly neighbours?: Readonly<Record<string, Neighbour>>;
  /** How *Test connection* works; left out: there is no such button. */
  readonly check?: Check;
}

/** Puts a credential and its neighbours on a page of the console. */
export function group<const N extends string>(options: Group<N>): Group<N> {
  return options;
}

/** What the console may do. */
export interface ConsoleSettings {
  /** Connection tests may go to loopback and private addresses. Default: false. Link-local and metadata addresses never. */
  readonly privateAddresses?: boolean;
  /** The https URL under which a proxy offers the console. */
  readonly publicUrl?: string;
}
