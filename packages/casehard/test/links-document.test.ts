import { expect, it } from 'vitest';
import { prepareWalk } from './walk.ts';

const { walk, compile } = prepareWalk('links-document');

it('the walk of docs/links.md works as it is written', { timeout: 300_000 }, () => {
  expect(walk('docs/links.md')).toBeGreaterThan(6);
});

it('the walk of docs/links.md compiles under strict', () => {
  expect(compile(['try.ts', 'casehard.config.ts'])).toEqual({ status: 0, stdout: '' });
});
