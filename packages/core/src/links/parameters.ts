/**
 * What a link says, whatever mail programs did to it: extra parameters, `&amp;` for `&`, quotes around it, punctuation
 * behind it. Takes a whole URL, a query, or a token alone.
 */
export function readParameters(text: string): { readonly token?: string; readonly others: URLSearchParams } {
  const trimmed = withoutWrapping(text);
  if (BARE.test(trimmed)) return { token: trimmed, others: new URLSearchParams() };
  const start = trimmed.indexOf('?') + 1;
  const end = trimmed.indexOf('#', start);
  const others = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(trimmed.slice(start, end < 0 ? undefined : end))) {
    others.append(name.replace(/^(?:amp;)+/i, ''), value);
  }
  const given = others.get('t');
  if (given === null) return { others };
  return { token: withoutWrapping(given), others };
}

/** A URL for a log: everything in it that could be a token or a confirm code is left out. */
export function redactLink(url: string): string {
  return url.replace(/[?#].*$/s, '?…');
}

// --- internal ---

const BARE = /^[A-Za-z0-9_-]*$/;

/** Without what stands around it and is in no token. A token never ends in a dash or underscore, so nothing is lost. */
function withoutWrapping(text: string): string {
  return text.replace(/^[^A-Za-z0-9_?/-]+|[^A-Za-z0-9_-]+$/g, '');
}
