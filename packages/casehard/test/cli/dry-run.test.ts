import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES } from '../engines.ts';
import { type Mailer, makeMailer } from './mailer.ts';
import { expectNothingWritten } from './refusal.ts';

describe.each(ENGINES)('what only looks, writes nothing at all, on $engine', (engine) => {
  let mailer: Mailer;
  beforeAll(async () => {
    if (!engine.absent) mailer = await makeMailer(engine, { rows: 5 });
  });
  afterAll(() => mailer?.drop());

  const look = (args: readonly string[], exit: number): Promise<void> =>
    expectNothingWritten(mailer, async () => {
      const { code, stderr } = await mailer.run(args);
      expect([args, code, stderr.includes('unexpected')]).toEqual([args, exit, false]);
    });

  it.skipIf(engine.absent)('before the upgrade, where our own tables are missing', async () => {
    await look(['init', '--dry-run'], 0);
    await look(['init', '--config', 'made.config.ts'], 0);
    expect(existsSync(join(mailer.folder, 'made.config.ts'))).toBe(true);
    await look(['init', '--config', 'made.config.ts'], 2); // never over an existing one
    await look(['init', '--check'], 0);
    await look(['status', '--deep'], 0);
    await look(['upgrade', '--dry-run'], 3);
    await look(['harden', '--dry-run'], 3);
    await look(['soften', '--dry-run'], 3);
    await look(['harden', '--dry-rum'], 2);
  });

  it.skipIf(engine.absent)('after it, among sealed values', async () => {
    await mailer.run(['upgrade']);
    await mailer.run(['harden', '--field', 'user.smtp.password']);
    await look(['harden', '--dry-run'], 3);
    await look(['soften', '--dry-run'], 3);
    await look(['harden', '--dry-run', '--as-plaintext', 'user.smtp.password#11'], 3);
    await look(['status', '--check'], 3);
    await look(['upgrade'], 0);
    await look(['harden', '--dry-rum'], 2);
  });
});
