/** What the compiler checks. Every `@ts-expect-error` fails the type check when the line below it begins to compile. */
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  type Content,
  column,
  createCasehard,
  defineConfig,
  type Field,
  path,
  plaintext,
  type Secret,
  setting,
} from '../../src/index.ts';
import { keyringOf } from '../make.ts';

const config = defineConfig({
  fields: {
    'user.password': column('users', 'password', { row: { user_id: 'int' }, was: plaintext() }),
    'list.password': column('lists', 'password', { row: { tenant: 'uuid', slug: 'text', hash: 'binary' } }),
    'addon.key': path('addons', 'settings', '/key', { row: { id: 'text' }, in: 'json' }),
    'system.password': setting('settings', { where: { name: 'p' }, value: 'value' }),
  },
});
const hard = createCasehard({ ...config, keyring: keyringOf({ active: 'counting' }) });

describe('the compiler', () => {
  test('knows the names of the fields', () => {
    expectTypeOf(hard.field)
      .parameter(0)
      .toEqualTypeOf<'user.password' | 'list.password' | 'addon.key' | 'system.password'>();
    // @ts-expect-error no such field
    expect(() => hard.field('user.pasword')).toThrow('there is no field');
  });

  test('knows the row of each field', () => {
    type Int = number | bigint | string;
    expectTypeOf(hard.field('user.password')).toEqualTypeOf<Field<{ readonly user_id: Int }>>();
    expectTypeOf(hard.field('list.password')).toEqualTypeOf<
      Field<{ readonly tenant: string; readonly slug: string; readonly hash: Uint8Array | string }>
    >();
    expectTypeOf(hard.field('addon.key')).toEqualTypeOf<Field<{ readonly id: string }>>();
    expectTypeOf(hard.field('system.password')).toEqualTypeOf<Field<undefined>>();
  });

  test('asks for the row, and for its columns', () => {
    const field = hard.field('user.password');
    // @ts-expect-error the row is missing
    expect(() => field.seal('x')).toThrow('the row with user_id is missing');
    // @ts-expect-error the column has another name
    expect(() => field.seal('x', { id: 42 })).toThrow('row key "user_id" is not of type int');
    // @ts-expect-error a boolean is no int
    expect(() => field.seal('x', { user_id: true })).toThrow('row key "user_id" is not of type int');
    // @ts-expect-error the row is missing
    expect(() => field.open(field.seal('x', { user_id: 1 }))).toThrow('the row with user_id is missing');
    // @ts-expect-error a uuid is no number
    expect(() => hard.field('addon.key').seal('x', { id: 42 })).toThrow('row key "id" is not of type text');
    expect(hard.field('system.password').seal('x')).toMatch(/^chd1\./);
  });

  test('gives text for text, and null only where null went in', () => {
    const field = hard.field('user.password');
    const row = { user_id: 1 };
    expectTypeOf(field.seal('x', row)).toEqualTypeOf<string>();
    expectTypeOf(field.seal('x' as string | null, row)).toEqualTypeOf<string | null>();
    expectTypeOf(field.sealBytes(Buffer.of(1), row)).toEqualTypeOf<Content>();
    expectTypeOf(field.open('', row)).toEqualTypeOf<Secret | null>();
    expectTypeOf(field.openText('', row)).toEqualTypeOf<string | null>();
    expectTypeOf(field.reseal('', row)).toEqualTypeOf<string>();
    // @ts-expect-error bytes go through sealBytes
    expect(() => field.seal(Buffer.of(1), row)).toThrow('"value" must be a string');
    // @ts-expect-error a Secret is not text: it must be revealed
    expectTypeOf(field.open('', row)).toEqualTypeOf<string | null>();
  });

  test('refuses wrong declarations', () => {
    const wrong = [
      // @ts-expect-error no such row-key type
      () => column('t', 'c', { row: { id: 'integer' } }),
      // @ts-expect-error no row key
      () => column('t', 'c', {}),
      // @ts-expect-error no such scheme
      () => column('t', 'c', { row: { id: 'int' }, was: 'rot13' }),
      // @ts-expect-error no such binding
      () => column('t', 'c', { row: { id: 'int' }, bind: 'rows' }),
      // @ts-expect-error an option with a typing error
      () => column('t', 'c', { row: { id: 'int' }, legacyUntill: '2027-01-01' }),
      // @ts-expect-error a path needs its format
      () => path('t', 'c', '/a', { row: { id: 'int' } }),
      // @ts-expect-error a setting needs its condition
      () => setting('t', { value: 'v' }),
    ];
    expect(wrong).toHaveLength(7);
  });
});
