import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { BIN, casehard } from './command.ts';

describe('on a Node that is too old', () => {
  const old = ['/usr/bin/node', 'node20', 'node18'].find((name) => {
    const [, major, minor] = /^v(\d+)\.(\d+)/.exec(spawnSync(name, ['--version']).stdout?.toString() ?? '') ?? [];
    return Number(major) < 22 || (Number(major) === 22 && Number(minor) < 18);
  });

  it.skipIf(old === undefined)('the command says which one it needs, and exits 1', async () => {
    for (const args of [['status'], ['--version'], []]) {
      const { code, stdout, stderr } = await casehard(args, { cwd: '.', node: old ?? '' });
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^casehard needs Node 22\.18 or newer; this is v\d+\.\d+\.\d+\n$/);
    }
  });

  it('and on this one it starts', () => {
    const { status, stdout } = spawnSync(process.execPath, [BIN, '--version']);
    expect([status, stdout.toString()]).toEqual([0, '0.1.0\n']);
  });
});
