import { CasehardError } from '../../errors.ts';
import type { Claims } from '../claims.ts';
import type { Links } from '../links.ts';
import { isHeaderAddress } from './mail-address.ts';

/** What the headers may say besides the link. */
export interface ListUnsubscribeOptions {
  /** The confirm code of a legacy unsubscribe link; needed as long as there is no tracking key. */
  readonly confirm?: string;
  /** An address that takes unsubscribe mails, for programs that cannot post. */
  readonly mailto?: string;
}

/**
 * The two headers that give a mail program its own unsubscribe button (RFC 2369, RFC 8058), for nodemailer's `headers`. Both must
 * be covered by the DKIM signature. The second is left out where the link is not https: one-click needs it. Throws what
 * `url` throws, and TypeError for an address that cannot stand in a header.
 */
export function listUnsubscribeHeaders(
  links: Links,
  claims: Claims,
  { confirm, mailto }: ListUnsubscribeOptions = {},
): Readonly<Record<string, string>> {
  const url = links.url('unsubscribe', claims, confirm === undefined ? {} : { confirm });
  if (mailto !== undefined && !isHeaderAddress(mailto)) {
    throw new TypeError('"mailto" must be an address alone, such as leave@example.com');
  }
  const list = mailto === undefined ? `<${url}>` : `<${url}>, <mailto:${mailto}>`;
  if (list.length > MAX_HEADER_CHARACTERS) {
    throw new CasehardError('TOO_LONG', `List-Unsubscribe would have ${list.length} characters`, {
      hint: 'a header line ends at 998 characters: shorten the address in mailto',
    });
  }
  return {
    'List-Unsubscribe': list,
    ...(url.startsWith('https:') ? { 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' } : {}),
  };
}

// --- internal ---

/** With the name of the header below the 998 characters of RFC 5322. */
const MAX_HEADER_CHARACTERS = 970;
