/**
 * One plain address, not a list: whoever is handed it may put it into a header, or give it to a program as one argument.
 * Not into a line for a shell: an apostrophe is allowed, as in o'brien@example.com. Quoted local parts and address literals
 * are refused; nobody's newsletter goes there.
 */
export function isAddress(text: string): boolean {
  return ADDRESS.test(text);
}

/** An address that can stand in a `mailto:` URI of a header as it is: ASCII, and nothing that would need escaping. */
export function isHeaderAddress(text: string): boolean {
  return isAddress(text) && /^[\x21-\x7e]+$/.test(text) && !text.includes('%');
}

// --- internal ---

/** Without what a mail program may act on: a list, an option, a pipe, a file, a route, an encoded word. */
const LOCAL_PART = /(?!-)[^\s\p{Cc}\p{Cf}<>()[\]{}"@,;:\\`$|&/!*?]{1,64}/u;
const LABEL = /(?!-)[\p{L}\p{M}\p{N}-]+(?<!-)/u;
const ADDRESS = new RegExp(`^${LOCAL_PART.source}@(?=.{1,189}$)${LABEL.source}(?:\\.${LABEL.source})*$`, 'u');
