/**
 * One plain address, not a list: whoever is handed it may put it into a header or on a command line. Quoted local parts and
 * address literals are refused; nobody's newsletter goes there.
 */
export function isAddress(text: string): boolean {
  return /^(?!-|=\?)[^\s\p{Cc}\p{Cf}<>()[\]"@,;:\\]{1,64}@[^\s\p{Cc}\p{Cf}<>()[\]"@,;:\\]{1,189}$/u.test(text);
}

/** An address that can stand in a `mailto:` URI of a header as it is: ASCII, and nothing that would need escaping. */
export function isHeaderAddress(text: string): boolean {
  return isAddress(text) && /^[\x21-\x7e]+$/.test(text) && !/[%?&]/.test(text);
}
