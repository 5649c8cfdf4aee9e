/**
 * A text of our own tables as people may see it. Whoever can write the database can write there, and must not be able to put a
 * line of their own among those that a command tells an operator to paste.
 */
export function plainText(value: unknown): string {
  return String(value ?? '')
    .slice(0, LONGEST)
    .toWellFormed()
    .replace(/\p{C}/gu, '\ufffd');
}

/** Whether a text can be the id of a key: 8 characters of a sealing key, 4 hex digits of a tracking key. */
export function isKeyId(text: string): boolean {
  return /^(?:[a-z2-7]{8}|[0-9a-f]{4})$/.test(text);
}

// --- internal ---

const LONGEST = 200;
