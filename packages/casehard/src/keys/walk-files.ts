import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CasehardError } from '@casehard/core';

/** A file and what is in it. */
export interface FileBytes {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface WalkOptions {
  /** A file or folder that was passed over, and why. */
  readonly onSkipped: (path: string, why: string) => void;
  /** A symbolic link that was not followed. */
  readonly onLink?: (path: string) => void;
  readonly signal?: AbortSignal;
  /** Larger files are passed over; default 256 MB. */
  readonly maxBytes?: number;
}

/**
 * Reads files and everything in folders, in the order of their names. Symbolic links are not followed, but for a path that
 * is one itself, so that nothing is read twice in a circle; devices, pipes and sockets are passed over. Throws USAGE for
 * a path that does not exist, and CANCELLED.
 */
export async function* walkFiles(paths: readonly string[], options: WalkOptions): AsyncGenerator<FileBytes, void> {
  const seen = new Set<string>();
  for (const path of paths) {
    let real: string;
    try {
      real = await realpath(resolve(path));
    } catch (error) {
      throw new CasehardError('USAGE', `${path} cannot be read (${codeOf(error)})`, { hint: 'check the path' });
    }
    yield* walk(real, { ...options, seen });
  }
}

// --- internal ---

const MAX_BYTES = 256 * 1024 * 1024;
/** Of a file that does not say its size: the environment of a process is far below that. */
const MAX_UNSIZED = 4 * 1024 * 1024;

interface Walking extends WalkOptions {
  /** Folders by device and inode: two of the paths may overlap, and a folder may be mounted into itself. */
  readonly seen: Set<string>;
}

async function* walk(top: string, options: Walking): AsyncGenerator<FileBytes, void> {
  const pending = [top];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (options.signal?.aborted) {
      throw new CasehardError('CANCELLED', 'stopped before the end of the hunt', {
        hint: 'run it again with fewer paths',
      });
    }
    try {
      const stat = await lstat(path, { bigint: true });
      if (stat.isSymbolicLink()) {
        options.onLink?.(path);
        continue;
      }
      if (stat.isDirectory()) {
        const name = `${stat.dev}:${stat.ino}`;
        if (options.seen.has(name)) continue;
        options.seen.add(name);
        const names = (await readdir(path)).sort().reverse();
        for (const each of names) pending.push(join(path, each));
      } else if (!stat.isFile()) options.onSkipped(path, 'a device, pipe or socket');
      else if (stat.size > BigInt(options.maxBytes ?? MAX_BYTES)) options.onSkipped(path, 'larger than 256 MB');
      else {
        const bytes = await read(path);
        if (bytes !== undefined && bytes.length > 0) yield { path, bytes };
      }
    } catch (error) {
      if (error instanceof CasehardError) throw error;
      options.onSkipped(path, `cannot be read (${codeOf(error)})`);
    }
  }
}

/** What was looked at may be something else by now: no link is followed, and no pipe is waited for. */
async function read(path: string): Promise<Uint8Array | undefined> {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > MAX_BYTES) return undefined;
    // Files of /proc say that they are empty, and hold the environment of a process that still has the key.
    return await fill(file, Buffer.alloc(stat.size === 0 ? MAX_UNSIZED : stat.size));
  } finally {
    await file.close();
  }
}

/** The file from where it stands, as much as there is and fits. */
async function fill(file: FileHandle, bytes: Buffer): Promise<Uint8Array> {
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, null);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
