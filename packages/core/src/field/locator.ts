/** A field and a row: where one credential lives. Printed `user.smtp.password#42`. */
export interface Locator {
  readonly field: string;
  /** Row-key pieces; empty for a setting. */
  readonly key: readonly string[];
}

/** Prints a locator. Pieces of a composite key are parted by commas; other characters are percent-encoded. */
export function printLocator(field: string, key: readonly string[] = []): string {
  return key.length === 0 ? field : `${field}#${key.map(printPiece).join(',')}`;
}

/** Reads a printed locator. Does not check that the field exists; `undefined` where the text is none. */
export function parseLocator(text: string): Locator | undefined {
  const hash = text.indexOf('#');
  if (hash === 0 || text === '') return undefined;
  if (hash < 0) return { field: text, key: [] };
  try {
    return {
      field: text.slice(0, hash),
      key: text
        .slice(hash + 1)
        .split(',')
        .map(decodeURIComponent),
    };
  } catch {
    return undefined;
  }
}

// --- internal ---

function printPiece(piece: string): string {
  return piece.replace(/[^A-Za-z0-9._@+:-]/gu, (character) =>
    character === "'" ||
    character === '(' ||
    character === ')' ||
    character === '*' ||
    character === '!' ||
    character === '~'
      ? `%${character.charCodeAt(0).toString(16).toUpperCase()}`
      : encodeURIComponent(character),
  );
}
