import { CasehardError } from './errors.ts';
import type { Content } from './schemes/scheme.ts';

const REDACTED = '[secret]';

/**
 * A credential that refuses to print itself: logs, JSON, templates and `util.inspect` show `[secret]`. Redacting by
 * name in a logger misses what it does not know; a value that redacts itself does not.
 */
export class Secret {
  readonly #content: Content;

  constructor(content: Content) {
    // A copy: the bytes are the driver's, which may use them again.
    this.#content = typeof content === 'string' ? content : Uint8Array.from(content);
  }

  /** The credential as text. Throws NOT_TEXT where it is bytes that are not UTF-8. */
  reveal(): string {
    if (typeof this.#content === 'string') return this.#content;
    const text = utf8(this.#content);
    if (text === undefined) {
      throw new CasehardError('NOT_TEXT', 'the credential is bytes, not text', { hint: 'use revealBytes()' });
    }
    return text;
  }

  /** The credential as bytes; text as UTF-8. A copy. */
  revealBytes(): Uint8Array {
    return typeof this.#content === 'string' ? new TextEncoder().encode(this.#content) : this.#content.slice();
  }

  /** Whether the other one holds the same credential, byte for byte. */
  equals(other: Secret): boolean {
    const [a, b] = [this.#content, other.#content];
    if (typeof a === 'string' && typeof b === 'string') return a === b;
    return Buffer.compare(this.revealBytes(), other.revealBytes()) === 0;
  }

  toString(): string {
    return REDACTED;
  }
  toJSON(): string {
    return REDACTED;
  }
  [Symbol.toPrimitive](): string {
    return REDACTED;
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}

// --- internal ---

function utf8(bytes: Uint8Array): string | undefined {
  try {
    // ignoreBOM keeps a leading U+FEFF: the content is returned as it was saved.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
