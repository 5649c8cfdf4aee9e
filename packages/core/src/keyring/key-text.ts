import { CasehardError } from '../errors.ts';

/**
 * The text of a key and where it was found. Shows only its source in `util.inspect`, JSON and template strings;
 * reading `text` is the one way to the key.
 */
export interface KeyText {
  readonly text: string;
  /** For people: `environment CASEHARD_ENC_KEY`, `file /srv/mailer/.env line 3`. */
  readonly source: string;
}

/** A key text that redacts itself. */
export function keyText(text: string, source: string): KeyText {
  return new RedactedKeyText(text, source);
}

/** A pasted text without the quotes, spaces, line ends, BOM and zero-width characters around it. */
export function trimPasted(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && AROUND.test(text[start] as string)) start++;
  while (end > start && AROUND.test(text[end - 1] as string)) end--;
  return text.slice(start, end);
}

/** The id of a sealing key as configuration lists it. Throws KEY_FORMAT, and does not quote it: it may be a key. */
export function checkKid(text: string): string {
  if (/^[a-z2-7]{8}$/.test(text)) return text;
  throw noKeyId();
}

/** The same for the id of a tracking key. */
export function checkTkid(text: string): string {
  if (isTkid(text)) return text;
  throw noKeyId();
}

/** Whether a key id is that of a tracking key: 4 hex digits, where a sealing key has 8 letters and digits. */
export function isTkid(text: string): boolean {
  return /^[0-9a-f]{4}$/.test(text);
}

// --- internal ---

function noKeyId(): CasehardError {
  return new CasehardError('KEY_FORMAT', 'CASEHARD_WITHDRAWN_KIDS holds something that is not a key id', {
    hint: 'a sealing key has 8 characters, a to z and 2 to 7, a tracking key 4 hex digits; never put a key here',
  });
}

// Nothing here is in the alphabet of a key text. Word processors turn quotes into typographic ones; chat programs add
// soft hyphens and direction marks.
const AROUND = /[\s\0"'`\u00AB\u00BB\u2018-\u201E\u00AD\u200B-\u200F\u202A-\u202E\u2060\u2066-\u2069\uFEFF]/;

class RedactedKeyText implements KeyText {
  readonly #text: string;
  readonly source: string;

  constructor(text: string, source: string) {
    this.#text = text;
    this.source = source;
    Object.freeze(this);
  }

  get text(): string {
    return this.#text;
  }

  toString(): string {
    return `[key from ${this.source}]`;
  }

  toJSON(): { source: string } {
    return { source: this.source };
  }

  /** Node, Bun and Deno look for this name. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
