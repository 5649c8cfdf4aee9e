import { writeFileSync } from 'node:fs';
import { CasehardError } from '@casehard/core';

/** Writes a file that does not exist yet. Throws USAGE where it does: a configuration is never overwritten. */
export function writeNewFile(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx' });
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new CasehardError('USAGE', exists ? `${path} exists already` : `${path} cannot be written`, {
      hint: exists ? 'move it away, or name another file' : 'check the folder and its permissions',
    });
  }
}
