import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { temporaryFolder } from '../engines.ts';

it.each([-1, '7', null])('keys.quietDays: %j is refused at the start', async (quietDays) => {
  const folder = temporaryFolder('quiet');
  const path = join(folder, 'casehard.config.json');
  writeFileSync(path, JSON.stringify({ fields: {}, keys: { quietDays } }));
  await expect(loadConfig(path)).rejects.toMatchObject({
    code: 'CONFIG',
    message: `${path}: \`keys.quietDays\` is no number of days`,
  });
  writeFileSync(path, JSON.stringify({ fields: {}, keys: { quietDays: 0.5 } }));
  expect((await loadConfig(path)).keys?.quietDays).toBe(0.5);
  rmSync(folder, { recursive: true });
});
