import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { CasehardError } from '@casehard/core';
import { randomToken } from '@casehard/core/state';
import { MAX_BACKUP_BYTES } from './backup.ts';

/**
 * Writes a sealed backup that is not there yet: under a temporary name, for its owner alone, down to the disk, and only
 * then under its own. Reads it back. Throws BACKUP, and never writes over a file.
 */
export function writeBackupFile(path: string, sealed: string): void {
  if (existsSync(path)) throw exists(path);
  const temporary = `${path}.${randomToken(6)}.tmp`;
  try {
    write(temporary, sealed);
    claim(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    if (error instanceof CasehardError) throw error;
    throw new CasehardError('BACKUP', `${path} cannot be written (${codeOf(error)})`, {
      hint: 'check the folder, its permissions and the space on the disk',
    });
  } finally {
    try {
      rmSync(temporary, { force: true });
    } catch {} // a name that the system takes for none
  }
  if (!Buffer.from(readBackupFile(path)).equals(Buffer.from(sealed))) {
    rmSync(path, { force: true }); // made a moment ago, by us: nothing else is lost
    throw new CasehardError('BACKUP', `${path} does not read back as it was written`, {
      hint: 'the disk may be failing: make the backup somewhere else',
    });
  }
}

/** The bytes of a backup. Throws BACKUP. */
export function readBackupFile(path: string): Uint8Array {
  try {
    if (statSync(path).size > MAX_BACKUP_BYTES) {
      throw new CasehardError('BACKUP', `${path} is no backup: it is too large`, {
        hint: 'a backup is a few kilobytes',
      });
    }
    return readFileSync(path);
  } catch (error) {
    if (error instanceof CasehardError) throw error;
    throw new CasehardError('BACKUP', `${path} cannot be read (${codeOf(error)})`, {
      hint: 'check the name of the file',
    });
  }
}

// --- internal ---

function write(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    fchmodSync(file, 0o600);
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A link fails where the name is taken, a rename would write over it. File systems without links get the rename. */
function claim(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' || existsSync(path)) throw exists(path);
    renameSync(temporary, path);
  }
}

/** Not every system can; the file itself is on the disk already. */
function syncFolder(path: string): void {
  try {
    const folder = openSync(path, 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {}
}

function exists(path: string): CasehardError {
  return new CasehardError('BACKUP', `${path} exists already`, {
    hint: 'a backup is never written over: name another file',
  });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
