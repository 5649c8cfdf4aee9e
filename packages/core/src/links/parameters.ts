/** Longer than any link of ours: what comes with more is not read. */
const MAX_TEXT = 8192;

/**
 * What a link says, whatever mail programs did to it: extra parameters, `&amp;` or `&#38;` for `&`, quotes around it, punctuation or
 * markup behind it. Takes a whole URL, a query, or a token alone.
 */
export function readParameters(text: string): { readonly token?: string; readonly others: URLSearchParams } {
  const others = new URLSearchParams();
  if (text.length > MAX_TEXT) return { others };
  const plain = PLAIN.exec(text)?.[1];
  if (plain !== undefined) return { token: plain, others };
  const bare = withoutWrapping(text);
  if (isToken(bare)) return { token: bare, others };
  const query = text.slice(text.indexOf('?') + 1).replace(NUMBERED_AMPERSAND, '&');
  const end = query.indexOf('#');
  for (const [name, value] of new URLSearchParams(end < 0 ? query : query.slice(0, end))) {
    others.append(name.replace(AMPERSAND_REST, ''), value);
  }
  const given = others.getAll('t').find((value) => value !== '');
  return given === undefined ? { others } : { token: tokenIn(given), others };
}

/** A URL for a log: everything in it that could be a token or a confirm code is left out. */
export function redactLink(url: string): string {
  const end = url.search(/[?#&;=]|%3f|%26/i);
  const kept = end < 0 ? url : `${url.slice(0, end)}?…`;
  return kept.replace(/[A-Za-z0-9_-]{60,}/g, '…');
}

// --- internal ---

/** A link as we write it, whose token begins with version and purpose: nothing to repair. */
const PLAIN = /^https?:\/\/[^?#\s]*\?t=(E[A-Za-z0-9_-]{67,})$/;

/** `&#38;` and `&#x26;`, whose `#` begins no fragment. */
const NUMBERED_AMPERSAND = /&(?:amp;)*#(?:0*38|x0*26);/gi;
/** What is left of an escaped `&` before the name of a parameter. */
const AMPERSAND_REST = /^(?:amp;|#(?:0*38|x0*26);)+/i;

/** The first run of characters of a token; `=` that was spelled `=3D` by a mail program leaves a `3D` before it. */
function tokenIn(value: string): string {
  let start = 0;
  while (start < value.length && !isTokenCharacter(value, start)) start++;
  let end = start;
  while (end < value.length && isTokenCharacter(value, end)) end++;
  return value.slice(value.startsWith('3DE', start) ? start + 2 : start, end);
}

/** Without what stands around it and is in no token. Loops: a regular expression for the end would take quadratic time. */
function withoutWrapping(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && !isTokenCharacter(text, start)) start++;
  while (end > start && !isTokenCharacter(text, end - 1)) end--;
  return text.slice(start, end);
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isTokenCharacter(text, i)) return false;
  return true;
}

/** A letter or digit, `-` or `_`. */
function isTokenCharacter(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2d ||
    code === 0x5f
  );
}
