import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { CasehardError } from '../src/errors.ts';

describe('an error', () => {
  const error = new CasehardError('CANNOT_OPEN', 'f: the stored credential cannot be opened', {
    hint: 'run `casehard status --deep`',
    field: 'f',
    kid: 'h2zivffe',
    reason: 'MAC',
  });

  test('has its code, hint, field, kid and reason', () => {
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'CasehardError', code: 'CANNOT_OPEN', hint: 'run `casehard status --deep`' });
    expect([error.field, error.kid, error.reason]).toEqual(['f', 'h2zivffe', 'MAC']);
  });

  test('tells a client nothing but its code and message', () => {
    const said = { name: 'CasehardError', code: 'CANNOT_OPEN', message: 'f: the stored credential cannot be opened' };
    expect(JSON.parse(JSON.stringify(error))).toEqual(said);
    expect({ ...error }).not.toHaveProperty('reason');
    expect(inspect(error)).not.toContain('MAC');
  });

  test('keeps its cause, and has none where none was given', () => {
    const cause = new Error('x');
    expect(new CasehardError('DATABASE', 'm', { cause }).cause).toBe(cause);
    expect('cause' in new CasehardError('DATABASE', 'm')).toBe(false);
  });
});
