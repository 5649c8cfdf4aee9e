import type { LinkSettings } from '../field/link-settings.ts';
import { type Purpose, purposesIn } from './purpose.ts';
import { wrongLinks } from './refusal.ts';

/** A header line ends at 998 characters (RFC 5322), and mail servers break longer ones: no link comes near it. */
export const MAX_URL_CHARACTERS = 900;
/** Five numbers below 2^32 make a token of at most 111 characters; with `?t=` such a link stays under 200. */
const MAX_ADDRESS_CHARACTERS = 85;

/** The address of each purpose in use, without its query. Throws CONFIG. */
export function addressesOf({ baseUrl, purposes }: LinkSettings): ReadonlyMap<Purpose, string> {
  const base = parseBase(baseUrl);
  const addresses = new Map<Purpose, string>();
  for (const [purpose, path] of purposesIn(purposes, 'purposes')) {
    const address = addressOf(base, path, `purposes.${purpose}`);
    checkLength(address, `purposes.${purpose}`);
    const twin = [...addresses].find(([, other]) => other === address)?.[0];
    if (twin)
      throw wrongLinks(
        `${twin} and ${purpose} have one path`,
        'give each purpose its own: the path says what is meant',
      );
    addresses.set(purpose, address);
  }
  return addresses;
}

/** Where a path leads, be it of tokens or of a script of the mailer, without its query. Throws CONFIG. */
export function addressOf(base: URL, path: unknown, name: string): string {
  if (typeof path !== 'string' || path === '' || /[?#\s\\]|^\/|^[a-z][a-z0-9+.-]*:|(?:^|\/)\.\.(?:\/|$)/i.test(path)) {
    throw wrongLinks(`${name} is no relative path`, "write a path below baseUrl, such as 'unsubscribe.php'");
  }
  const address = new URL(path, base).href;
  if (!address.startsWith(base.href)) throw wrongLinks(`${name} leads out of baseUrl`, 'write a path below it');
  return address;
}

/** The base with a slash at its end, so that paths go below it. Throws CONFIG. */
export function parseBase(baseUrl: unknown): URL {
  const url = typeof baseUrl === 'string' && URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  // An empty query or fragment is there and is none: URL.search and URL.hash are empty.
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || /[?#]/.test(url.href)) {
    throw wrongLinks(
      'baseUrl is missing or no address',
      'write https://example.com or https://example.com/mailer/, without a query',
    );
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

// --- internal ---

function checkLength({ length }: string, name: string): void {
  if (length <= MAX_ADDRESS_CHARACTERS) return;
  throw wrongLinks(
    `baseUrl and ${name} have ${length} characters together, at most ${MAX_ADDRESS_CHARACTERS} keep links under 200`,
    'choose a shorter address: mail servers break long lines, and DKIM with them',
  );
}
