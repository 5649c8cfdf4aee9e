import { type ReadClaims, uuidText } from '@casehard/core/links';

/** Claims by name, as JSON has them: numbers too large for it and bytes are texts. */
export function showClaims(claims: ReadClaims): Readonly<Record<string, number | string>> {
  return Object.fromEntries(
    Object.entries(claims).map(([name, value]: [string, number | bigint | string | Uint8Array]) => [
      name,
      typeof value === 'bigint' ? String(value) : value instanceof Uint8Array ? bytes(name, value) : value,
    ]),
  );
}

/** A text on one line of a terminal, whatever it holds. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

// --- internal ---

function bytes(name: string, value: Uint8Array): string {
  return name === 'recipientKey' && value.length === 16 ? uuidText(value) : Buffer.from(value).toString('hex');
}
