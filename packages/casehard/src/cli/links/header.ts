import { type Purpose, purposeOf, readParameters } from '@casehard/core/links';

/** The public beginning of a token. It says what the token claims to be; nothing of it is believed. */
export interface Header {
  /** Undefined: a number that stands for none. */
  readonly purpose: Purpose | undefined;
  readonly tkid: string;
  /** Characters of the whole token. */
  readonly length: number;
}

/**
 * The header of the token in a URL, in a query, or alone. Undefined where there is no token of version 1, or what is there is too
 * short for one: it may be a key that was pasted.
 */
export function readHeader(link: string): Header | undefined {
  const { token } = readParameters(link);
  if (token === undefined || token.length < MIN_TOKEN_CHARACTERS) return undefined;
  const bytes = Buffer.from(token.slice(0, HEADER_CHARACTERS), 'base64url');
  const first = bytes[0] ?? 0;
  if ((first & 0xf0) !== VERSION) return undefined;
  return { purpose: purposeOf(first & 0x0f), tkid: bytes.toString('hex', 1, 3), length: token.length };
}

// --- internal ---

/** docs/format.md, "Link tokens": the first three bytes are version and purpose, and the key id. */
const HEADER_CHARACTERS = 4;
const MIN_TOKEN_CHARACTERS = 68;
const VERSION = 0x10;
