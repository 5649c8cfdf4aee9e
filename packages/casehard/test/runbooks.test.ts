import { describe, expect, it } from 'vitest';
import { prepareWalk } from './walk.ts';

const { walk } = prepareWalk('runbooks');

/* Each goes on where the one before ended, in the project that the README's walk leaves behind. */
describe('the runbooks of docs/operations.md work as they are written', { timeout: 300_000 }, () => {
  it('begin in the project of the README', () => expect(walk('README.md')).toBeGreaterThan(10));

  it.each([
    'Rotate a key',
    'A backup that is proven',
    'A key has leaked',
    'A key is lost',
    'Move to a new server',
    'Restore an old dump',
  ])('%s', (chapter) => expect(walk('docs/operations.md', `### ${chapter}`)).toBeGreaterThan(2));
});
