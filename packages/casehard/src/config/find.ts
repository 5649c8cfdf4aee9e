import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CasehardError } from '@casehard/core';

const NAMES = ['ts', 'mts', 'js', 'mjs', 'json'].map((ending) => `casehard.config.${ending}`);

/** The configuration file: the named one, or the nearest one from `folder` upwards. Throws CONFIG where there is none. */
export function findConfig(folder: string, named?: string): string {
  if (named !== undefined) {
    const path = resolve(folder, named);
    if (existsSync(path)) return path;
    throw new CasehardError('CONFIG', `there is no file ${path}`, { hint: 'check the path given with --config' });
  }
  for (let at = resolve(folder); ; at = dirname(at)) {
    const found = NAMES.map((name) => join(at, name)).find((path) => existsSync(path));
    if (found !== undefined) return found;
    if (dirname(at) === at) break;
  }
  throw new CasehardError('CONFIG', `no casehard.config.ts in ${resolve(folder)} or above it`, {
    hint: 'write one with `casehard init --database URL`, or name one with --config FILE',
  });
}
