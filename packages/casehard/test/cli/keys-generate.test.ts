import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { keyId, parseKey } from '@casehard/core';
import { afterAll, describe, expect, it } from 'vitest';
import { PHP_ABSENT } from '../document/real-php.ts';
import { temporaryFolder } from '../engines.ts';
import { casehard } from './command.ts';

const cwd = temporaryFolder('keys-generate');
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
const generate = (...args: readonly string[]) => casehard(['keys', 'generate', ...args], { cwd });

/** Both keys are whole, of their kind, and not the same ones. */
function expectKeys(sealing: string | undefined, tracking: string | undefined): void {
  expect(keyId('enc', parseKey('enc', sealing ?? '', 'stdout'))).toBe(sealing?.split('.')[2]);
  expect(keyId('trk', parseKey('trk', tracking ?? '', 'stdout'))).toBe(tracking?.split('.')[2]);
}

describe('keys generate', () => {
  it('prints two lines for the environment to stdout, and what to do next to stderr', async () => {
    const { code, stdout, stderr } = await generate();
    expect(code).toBe(0);
    const [, sealing, tracking] = /^CASEHARD_ENC_KEY=(\S+)\nCASEHARD_TRACKING_KEY=(\S+)\n$/.exec(stdout) ?? [];
    expectKeys(sealing, tracking);
    expect(stderr).toMatch(/^Next:\n {2}1\. keep a copy/);
    expect(stderr).not.toContain(sealing);
  });

  it('prints lines of php, which a real php reads', async ({ skip }) => {
    const { stdout } = await generate('--as', 'php');
    const [, sealing, tracking] =
      /^define\('SENDSTUDIO_ENC_KEY', '(\S+)'\);\ndefine\('SENDSTUDIO_TRACKING_KEY', '(\S+)'\);\n$/.exec(stdout) ?? [];
    expectKeys(sealing, tracking);
    if (PHP_ABSENT) skip(PHP_ABSENT);
    const php = spawnSync('php', { input: `<?php ${stdout} echo SENDSTUDIO_ENC_KEY, ' ', SENDSTUDIO_TRACKING_KEY;` });
    expect(php.stdout.toString()).toBe(`${sealing} ${tracking}`);
  });

  it('prints one json object, with --as json and with --json', async () => {
    for (const option of [['--as', 'json'], ['--json']]) {
      const { stdout, json } = await generate(...option);
      expect(Object.keys(json).sort()).toEqual(['CASEHARD_ENC_KEY', 'CASEHARD_TRACKING_KEY']);
      expectKeys(json.CASEHARD_ENC_KEY as string, json.CASEHARD_TRACKING_KEY as string);
      expect(stdout.endsWith('}\n')).toBe(true);
    }
  });

  it('says nothing but the keys with --quiet, and never the same keys twice', async () => {
    const [one, two] = [await generate('--quiet'), await generate('--quiet')];
    expect([one.stderr, two.stderr]).toEqual(['', '']);
    expect(one.stdout).not.toBe(two.stdout);
  });
});
