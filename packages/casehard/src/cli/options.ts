import { CasehardError, type Locator, parseLocator } from '@casehard/core';
import { InvalidArgumentError } from 'commander';

/** A whole number from 1, for commander. */
export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('must be a whole number from 1.');
  return value;
}

/** A TCP port, 0 for one that is free, for commander. */
export function port(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || value > 65_535) {
    throw new InvalidArgumentError('must be a port, 0 to 65535.');
  }
  return value;
}

/** `500` or `500/s`, for commander. */
export function rate(text: string): number {
  return positive(text.replace(/\/s$/, ''));
}

/** Collects an option that may be given several times, for commander. */
export function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

/** A locator from the command line. Throws USAGE. */
export function locator(text: string): Locator {
  const parsed = parseLocator(text);
  if (parsed) return parsed;
  throw new CasehardError('USAGE', 'this is no locator', { hint: 'write field#key, such as user.smtp.password#42' });
}

/** An option that is a list of texts, or undefined. */
export function texts(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : undefined;
}
