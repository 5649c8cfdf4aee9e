import { PURPOSES, type Purpose, uuidBytes } from '@casehard/core/links';
import { InvalidArgumentError } from 'commander';

/** One of the six purposes, for commander. */
export function purpose(text: string): Purpose {
  if (Object.hasOwn(PURPOSES, text)) return text as Purpose;
  throw new InvalidArgumentError(`must be one of ${Object.keys(PURPOSES).join(', ')}.`);
}

/** A number as databases have them, kept as text because it may be too large for a number; for commander. */
export function id(text: string): string {
  if (/^(?:0|[1-9][0-9]{0,19})$/.test(text) && BigInt(text) < 1n << 64n) return text;
  throw new InvalidArgumentError('must be a whole number from 0, below 2^64.');
}

/** The bytes of a UUID, for commander. */
export function uuid(text: string): Uint8Array {
  try {
    return uuidBytes(text);
  } catch {
    throw new InvalidArgumentError('must be a UUID of 36 characters.');
  }
}

/** Where a click may lead, for commander. */
export function webAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return text;
  throw new InvalidArgumentError('must be an http or https address without a login in it.');
}
