import { gunzipSync } from 'node:zlib';
import { type UnzipFileInfo, unzipSync } from 'fflate';
import { type ParsedTarFileItem, parseTar } from 'nanotar';

/** A file, or what an archive has at one place. */
export interface Member {
  /** The names on the way to it, joined by `!`; empty for the file itself. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What was not looked into, and why. */
export interface Unread {
  readonly path: string;
  readonly why: string;
}

export interface UnpackOptions {
  readonly onUnread: (unread: Unread) => void;
  /** Bytes that a whole file may unpack to. Default: 1 GB. */
  readonly budget?: number;
  readonly signal?: AbortSignal;
}

/**
 * The members of a file: itself, or what is in it where it is a zip, gzip or tar archive, up to two archives deep in
 * another. What an archive claims of itself is not believed: everything it unpacks to counts against a budget.
 */
export function* unpack(bytes: Uint8Array, options: UnpackOptions): Generator<Member, void> {
  yield* unpackAt({ path: '', bytes }, 0, { left: options.budget ?? BUDGET, ...options });
}

// --- internal ---

const MB = 1024 * 1024;
const BUDGET = 1024 * MB;
const MAX_MEMBER = 256 * MB;
const MAX_GZIP = 512 * MB;
/** Of one damaged zip. */
const MAX_TRIES = 500;
const MAX_MEMBERS = 100_000;
/** Members of a zip are unpacked together up to this size, because each look at its directory costs. */
const BATCH = 32 * MB;
const MAX_DEPTH = 3;

interface State extends UnpackOptions {
  left: number;
}

function* unpackAt(member: Member, depth: number, state: State): Generator<Member, void> {
  const kind = kindOf(member.bytes);
  const foreign = kind === undefined ? foreignArchive(member.bytes) : undefined;
  if (foreign !== undefined) {
    state.onUnread({ path: member.path, why: `a ${foreign} archive, read as it is: unpack it first` });
  }
  if (kind === undefined || state.signal?.aborted) {
    yield member;
    return;
  }
  if (depth >= MAX_DEPTH) {
    state.onUnread({ path: member.path, why: 'an archive in an archive in an archive: unpack it first' });
    return;
  }
  try {
    if (kind === 'gzip') yield* gzip(member, depth, state);
    else if (kind === 'tar') yield* each(member, tarMembers(member, state), depth + 1, state);
    else yield* each(member, zipMembers(member, state), depth + 1, state);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const large = code === 'ERR_BUFFER_TOO_LARGE' || error instanceof TooLarge;
    state.onUnread({
      path: member.path,
      why: large ? 'unpacks to too much: unpack it first' : 'a damaged archive, read as it is',
    });
    if (!large) yield member;
  }
}

function kindOf(bytes: Uint8Array): 'zip' | 'gzip' | 'tar' | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 262));
  if (head.length > 18 && head[0] === 0x1f && head[1] === 0x8b && head[2] === 8) return 'gzip';
  if (head.length > 30 && head.readUInt32LE(0) === 0x04034b50) return 'zip';
  return head.length === 262 && head.toString('latin1', 257, 262) === 'ustar' ? 'tar' : undefined;
}

/** Archives that we do not unpack, by their first bytes. */
const FOREIGN: readonly (readonly [name: string, magic: string])[] = [
  ['xz', 'fd377a585a00'],
  ['bzip2', '425a683'],
  ['zstd', '28b52ffd'],
  ['7z', '377abcaf271c'],
  ['rar', '526172211a07'],
];

function foreignArchive(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 8)).toString('hex');
  return FOREIGN.find(([, magic]) => head.startsWith(magic))?.[0];
}

class TooLarge extends Error {}

function spend(state: State, bytes: number): void {
  state.left -= bytes;
  if (state.left < 0) throw new TooLarge();
}

function* gzip(member: Member, depth: number, state: State): Generator<Member, void> {
  const limit = Math.min(MAX_GZIP, state.left);
  const bytes = gunzipSync(member.bytes, { maxOutputLength: Math.max(1, limit) });
  spend(state, bytes.length);
  // A tar in a gzip is one archive; a gzip in a gzip is not.
  yield* unpackAt({ path: member.path, bytes }, kindOf(bytes) === 'tar' ? depth : depth + 1, state);
}

function* each({ path }: Member, members: Iterable<Member>, depth: number, state: State): Generator<Member, void> {
  for (const member of members) {
    yield* unpackAt({ path: path === '' ? member.path : `${path}!${member.path}`, bytes: member.bytes }, depth, state);
  }
}

function tarMembers({ path, bytes }: Member, state: State): readonly Member[] {
  // nanotar reads the buffer below a view, and trusts the sizes that the headers say.
  const copy = Uint8Array.from(bytes);
  let seen = 0;
  const parse = (upTo: number): readonly ParsedTarFileItem[] => {
    seen = 0;
    return parseTar(copy, {
      filter: ({ size, type }) => {
        if (!Number.isSafeInteger(size) || size < 0 || ++seen > MAX_MEMBERS) throw new Error('no tar');
        return seen <= upTo && (type === 'file' || type === 'contiguousFile');
      },
    }) as ParsedTarFileItem[];
  };
  let items: readonly ParsedTarFileItem[];
  try {
    items = parse(Infinity);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The last member is cut off; those before it are whole.
    state.onUnread({ path, why: 'a tar that was cut off: what is whole was read' });
    items = parse(seen - 1);
  }
  return items.flatMap(({ name, data }) => (data ? [{ path: name, bytes: data }] : []));
}

function* zipMembers(member: Member, state: State): Generator<Member, void> {
  const infos: UnzipFileInfo[] = [];
  const { bytes, path } = member;
  let packed = 0;
  unzipSync(bytes, {
    filter: (info) => {
      packed += info.size;
      // More than the whole file: members that share their bytes, as only a bomb has them.
      if (infos.push(info) > MAX_MEMBERS || packed > bytes.length) throw new TooLarge();
      return false;
    },
  });
  const skip = (name: string, why: string): void =>
    state.onUnread({ path: path === '' ? name : `${path}!${name}`, why });
  let batch = new Map<string, number>();
  let size = 0;
  let tries = 0;
  /** Halves what fails, down to the members that are damaged. Each try reads the directory again, so there is an end to it. */
  const read = function* (wanted: readonly number[]): Generator<Member, void> {
    try {
      if (++tries > MAX_TRIES) throw new Error('too many');
      yield* members(bytes, new Set(wanted));
    } catch {
      const half = wanted.length >> 1;
      if (half === 0 || tries > MAX_TRIES) {
        const why =
          half === 0 ? 'damaged, or sealed with a password' : 'not tried: too many members before it are damaged';
        for (const index of wanted) skip(infos[index]?.name ?? '', why);
        return;
      }
      yield* read(wanted.slice(0, half));
      yield* read(wanted.slice(half));
    }
  };
  const flush = function* (): Generator<Member, void> {
    if (batch.size === 0) return;
    spend(state, size);
    const wanted = [...batch.values()];
    batch = new Map();
    size = 0;
    yield* read(wanted);
  };
  for (const [index, { name, originalSize, compression }] of infos.entries()) {
    if (originalSize === 0) continue;
    if (compression !== 0 && compression !== 8) skip(name, 'compressed in a way that is not known here');
    else if (originalSize > MAX_MEMBER) skip(name, 'larger than 256 MB');
    else if (name === '__proto__') skip(name, 'its name cannot be unpacked here: rename it');
    else {
      // Of two members of one name, the library would give the last one alone.
      if (batch.has(name)) yield* flush();
      batch.set(name, index);
      size += originalSize;
      if (size >= BATCH) yield* flush();
    }
  }
  yield* flush();
}

/** The members at these positions; no two of them have one name. */
function members(bytes: Uint8Array, wanted: ReadonlySet<number>): readonly Member[] {
  let index = -1;
  const found = unzipSync(bytes, {
    filter: () => {
      index++;
      return wanted.has(index);
    },
  });
  return Object.entries(found).map(([name, data]) => ({ path: name, bytes: data }));
}
