/**
 * One plain address, not a list: whoever is handed it may put it into a header. Quoted local parts and address literals are
 * refused; nobody's newsletter goes there.
 */
export function isAddress(text: string): boolean {
  return /^[^\s\p{Cc}<>()[\]"@,;:\\]{1,64}@[^\s\p{Cc}<>()[\]"@,;:\\]{1,189}$/u.test(text);
}
