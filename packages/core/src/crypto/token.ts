import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { randomBytes } from './random.ts';

/** A text that nobody guesses: random bytes as base64url. */
export function randomToken(bytes = 32): string {
  return randomBytes(bytes).toString('base64url');
}

/** SHA-256 of a text, as base64url: what is kept of a token, so that whoever reads it cannot use it. */
export function hashToken(text: string): string {
  return sha256(Buffer.from(text)).toString('base64url');
}

/** A random UUID, for rows of our own tables. */
export function randomId(): string {
  return randomUUID();
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Compares texts in a time that says nothing of where they differ. */
export function equalTexts(a: string, b: string): boolean {
  return timingSafeEqual(sha256(Buffer.from(a)), sha256(Buffer.from(b)));
}
