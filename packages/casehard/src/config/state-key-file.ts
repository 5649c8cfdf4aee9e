import { closeSync, existsSync, fchmodSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CasehardError } from '@casehard/core';
import { generateStateKey, parseStateKey, type StateKey } from '@casehard/core/state';

export interface FoundStateKey {
  readonly key: StateKey;
  /** The file that was just made for it. */
  readonly made: string | undefined;
}

/** The file beside the configuration. */
export const STATE_KEY_FILE = 'casehard.state-key';
const WRITTEN_MS = 1000;
const PAUSE_MS = 20;

/**
 * The key of the console's own rows: `CASEHARD_STATE_KEY`, a file named by `CASEHARD_STATE_KEY_FILE`, or
 * `casehard.state-key` beside the configuration, which is made at the first start, readable for its owner alone. Throws
 * KEY_FORMAT or KEY_SOURCE.
 */
export function loadStateKey(options: {
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Only a key that exists is of use: a new one would fit no row. */
  readonly existing?: boolean;
}): FoundStateKey {
  const { folder, env } = options;
  if (env.CASEHARD_STATE_KEY) return found(parseStateKey(env.CASEHARD_STATE_KEY, 'CASEHARD_STATE_KEY'));
  if (env.CASEHARD_STATE_KEY_FILE) return found(readKey(resolve(folder, env.CASEHARD_STATE_KEY_FILE)));
  const path = join(folder, STATE_KEY_FILE);
  const made = options.existing !== true && make(path);
  return { key: readKey(path), made: made ? path : undefined };
}

/**
 * The state key where there is one; never makes it. For commands that only look: what was authenticated by a key that is
 * not there is not believed. Throws KEY_FORMAT or KEY_SOURCE for one that is there and cannot be used.
 */
export function findStateKey(options: {
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): StateKey | undefined {
  const { folder, env } = options;
  if (!env.CASEHARD_STATE_KEY && !env.CASEHARD_STATE_KEY_FILE && !existsSync(join(folder, STATE_KEY_FILE)))
    return undefined;
  return loadStateKey({ ...options, existing: true }).key;
}

// --- internal ---

function found(key: StateKey): FoundStateKey {
  return { key, made: undefined };
}

/** Makes the file unless it is there: two consoles that start at once agree on the one that was first. */
function make(path: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw unusable(
      path,
      `cannot be made (${codeOf(error)})`,
      'let this user write the folder, or set CASEHARD_STATE_KEY',
    );
  }
  try {
    fchmodSync(file, 0o600);
    writeSync(file, `${generateStateKey()}\n`);
  } finally {
    closeSync(file);
  }
  return true;
}

function readKey(path: string): StateKey {
  let text: string;
  try {
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
      throw unusable(path, 'can be read by others', `chmod 600 ${path}`);
    }
    text = readFileSync(path, 'utf8');
    // Another process has just made the file, and is about to write it.
    for (let waited = 0; text === '' && waited < WRITTEN_MS; waited += PAUSE_MS) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
      text = readFileSync(path, 'utf8');
    }
  } catch (error) {
    if (error instanceof CasehardError) throw error;
    if (codeOf(error) === 'ENOENT') {
      throw unusable(path, 'with the state key does not exist', 'set CASEHARD_STATE_KEY_FILE to where it is');
    }
    throw unusable(path, `cannot be read (${codeOf(error)})`, 'let this user read it, or set CASEHARD_STATE_KEY');
  }
  return parseStateKey(text, `file ${path}`);
}

function unusable(path: string, problem: string, hint: string): CasehardError {
  return new CasehardError('KEY_SOURCE', `file ${path} ${problem}`, { hint });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
