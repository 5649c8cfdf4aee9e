import { CasehardError } from '../errors.ts';

/** CONFIG for the `links` section of a configuration. */
export function wrongLinks(problem: string, hint: string): CasehardError {
  return new CasehardError('CONFIG', `links: ${problem}`, { hint });
}
