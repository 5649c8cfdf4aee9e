import { fromUtf8 } from '../crypto/bytes.ts';
import type { Content, Scheme, SchemeName } from './scheme.ts';

/** Credentials stored as they are. */
export function plaintext(): Scheme {
  return {
    name: 'plaintext',
    encode: (content) => content,
    // Half of a surrogate pair has no UTF-8: such text could be neither sealed nor written back as it was.
    decode: (stored) => (typeof stored === 'string' && !stored.isWellFormed() ? undefined : stored),
  };
}

/** Credentials stored as standard base64 with padding (RFC 4648 section 4). */
export function base64(): Scheme {
  return binaryToText('base64');
}

/** Credentials stored as lower-case hex. */
export function hex(): Scheme {
  return binaryToText('hex');
}

const BY_NAME: Record<SchemeName, () => Scheme> = { plaintext, base64, hex };

/**
 * The scheme that configuration names. A Scheme object counts by its name, so that one made by another copy of this
 * package (a command installed elsewhere) and one handed to a worker thread mean the same. Throws a TypeError for one
 * that it does not know.
 */
export function schemeOf(was: Scheme | SchemeName): Scheme {
  const name = typeof was === 'string' ? was : was?.name;
  if (!Object.hasOwn(BY_NAME, name)) throw new TypeError('"was" must be plaintext, base64 or hex');
  const scheme = BY_NAME[name]();
  if (typeof was !== 'string' && was.encode?.(PROBE) !== scheme.encode(PROBE)) {
    throw new TypeError('"was" must come from plaintext(), base64() or hex()');
  }
  return scheme;
}

// --- internal ---

const PROBE = 'prob\u00e9';

function binaryToText(encoding: 'base64' | 'hex'): Scheme {
  return {
    name: encoding,
    encode: (content) => toBuffer(content).toString(encoding),
    decode(stored) {
      const text = typeof stored === 'string' ? stored : Buffer.from(stored).toString('latin1');
      const bytes = Buffer.from(text, encoding);
      // Nothing is detected by shape: a value counts only if encoding again gives the very same text.
      if (bytes.toString(encoding) !== text) return undefined;
      return fromUtf8(bytes) ?? Uint8Array.from(bytes);
    },
  };
}

function toBuffer(content: Content): Buffer {
  return typeof content === 'string' ? Buffer.from(content, 'utf8') : Buffer.from(content);
}
