import { expect, it } from 'vitest';
import { prepareWalk } from './walk.ts';

const { walk, run, compile } = prepareWalk('readme');

it('the walk for developers and operators works as it is written', { timeout: 300_000 }, () => {
  expect(walk('README.md')).toBeGreaterThan(10);
  expect(run('node example.ts')).toMatchObject({ status: 0, stdout: '' });
});

it('the walk compiles under strict', () => {
  expect(compile(['example.ts', 'app.ts', 'casehard.config.ts'])).toEqual({ status: 0, stdout: '' });
});
