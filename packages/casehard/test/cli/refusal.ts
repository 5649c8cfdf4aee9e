import { expect } from 'vitest';
import type { CommandOptions } from './command.ts';
import { dump, files } from './dump.ts';
import type { Mailer } from './mailer.ts';

/** What a command says when it refuses. */
export interface Refusal {
  readonly exit: 1 | 2 | 3;
  readonly code: string;
  readonly message: RegExp;
  readonly hint: RegExp;
}

/** Runs a command that must refuse, with exactly this error, and looks that nothing at all was written. */
export async function expectRefusal(
  mailer: Mailer,
  args: readonly string[],
  expected: Refusal,
  how: Partial<CommandOptions> = {},
): Promise<void> {
  await expectNothingWritten(mailer, async () => {
    const { code, json } = await mailer.run([...args, '--json'], how);
    const { message, hint } = expected;
    expect({ code, json }, args.join(' ')).toMatchObject({
      code: expected.exit,
      json: { ok: false, exit: expected.exit, error: { code: expected.code } },
    });
    const error = json.error as { readonly message: string; readonly hint?: string };
    expect(error.message).toMatch(message);
    expect(error.hint ?? '').toMatch(hint);
  });
}

/** Looks at every table, our own included, before and after; at the very bytes of the files on SQLite. */
export async function expectNothingWritten({ test }: Mailer, work: () => Promise<void>): Promise<void> {
  const read = async () => ({
    rows: await dump(test.db),
    files: test.engine === 'sqlite' ? files(test.url) : {},
  });
  const before = await read();
  await work();
  expect(await read()).toEqual(before);
}
