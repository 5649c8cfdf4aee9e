/** commander repeats wrong arguments, and one of them may be a key that was pasted in the wrong place. */
export function withoutKeys(text: string): string {
  return text.replace(/chkey1[\w.-]*|[A-Za-z0-9+/_-]{40,}=*/g, '…');
}

/**
 * A message without what may be a key, such as one that was given for the name of a file. Only what is as long as a key:
 * names of files are long, too, and of one that holds a key without its prefix nobody can tell here.
 */
export function withoutKeyTexts(text: string): string {
  return text
    .replace(/(?:chkey1|chstate1)[\w.-]*|AGE-SECRET-KEY-[\w-]*/gi, '…')
    .replace(
      /(?<![A-Za-z0-9+/_=-])(?:[A-Za-z0-9+/_-]{42}[AEIMQUYcgkosw048]=?|[0-9a-f]{64})(?![A-Za-z0-9+/_=-])/gi,
      '…',
    );
}
