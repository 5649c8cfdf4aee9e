import { CasehardError, keyId } from '@casehard/core';
import { sha256 } from '@casehard/core/state';
import { type Candidate, findCandidates } from './candidates.ts';
import { unpack } from './unpack.ts';
import { walkFiles } from './walk-files.ts';
import type { Proof, WantedKeys } from './wanted.ts';

/** A place where a key of this database stands. Never the key. */
export interface Find extends Proof {
  readonly file: string;
  /** Inside an archive: the names on the way, joined by `!`. */
  readonly member: string | undefined;
  /** Counted from 1; in a binary file by line ends too. */
  readonly line: number;
  readonly kid: string;
  readonly kind: 'sealing' | 'tracking';
  /** It is configured here: then nobody has to look for it. */
  readonly configured: boolean;
  /** Values under it. */
  readonly values: number;
  /** The text names another key id: the key is right, its text has to be spelled anew. */
  readonly misspelled: boolean;
}

export interface HuntResult {
  readonly files: number;
  /** Distinct strings that could be keys. */
  readonly candidates: number;
  /** The first places of each key in a file. */
  readonly finds: readonly Find[];
  /** Further lines with the same keys in the same files. */
  readonly unlisted: number;
  /** Symbolic links in folders, which are not followed. */
  readonly links: number;
  /** Files, folders and archives that were not looked into. */
  readonly skipped: readonly { readonly path: string; readonly why: string }[];
  /** Key ids that were looked for, and proven. */
  readonly found: readonly string[];
}

export interface HuntOptions {
  readonly signal?: AbortSignal;
  readonly onFile?: (path: string, files: number) => void;
  readonly onFind?: (find: Find) => void;
}

/**
 * Looks for keys of this database in files, folders and archives: every key-like string has its key id derived, and only
 * one that the database knows is tried, on its canary and on values. Candidates are kept in memory as hashes only.
 */
export async function hunt(
  wanted: WantedKeys,
  paths: readonly string[],
  options: HuntOptions = {},
): Promise<HuntResult> {
  const finds: Find[] = [];
  const skipped: { path: string; why: string }[] = [];
  const known = new Map<string, readonly Match[]>();
  const { signal } = options;
  let files = 0;
  let unlisted = 0;
  let links = 0;
  let rested = performance.now();
  /** A file with a million candidates must not keep Ctrl-C from being heard. */
  const rest = async (): Promise<void> => {
    if (performance.now() - rested < REST_MS) return;
    await new Promise((done) => setImmediate(done));
    rested = performance.now();
    if (signal?.aborted)
      throw new CasehardError('CANCELLED', 'stopped before the end of the hunt', {
        hint: 'run it again with fewer paths',
      });
  };
  const name = (path: string): string => withoutKeysOf(wanted, path);
  const onSkipped = (path: string, why: string): void => {
    skipped.push({ path: name(path), why });
  };
  for await (const { path, bytes } of walkFiles(paths, {
    onSkipped,
    onLink: () => links++,
    ...(signal ? { signal } : {}),
  })) {
    files++;
    options.onFile?.(name(path), files);
    const onUnread = (unread: { readonly path: string; readonly why: string }): void =>
      onSkipped(unread.path === '' ? path : `${path}!${unread.path}`, unread.why);
    for (const member of unpack(bytes, { onUnread, ...(signal ? { signal } : {}) })) {
      const places = new Map<string, Set<number>>();
      for (const candidate of findCandidates(member.bytes)) {
        await rest();
        for (const { kid, kind, ...proof } of await match(wanted, candidate, known)) {
          const lines = places.get(kid) ?? new Set();
          places.set(kid, lines);
          const line = candidate.line();
          if (lines.has(line)) continue; // the same key may be spelled in several ways by one text
          lines.add(line);
          if (lines.size > MAX_PLACES) {
            unlisted++;
            continue;
          }
          const find: Find = {
            file: name(path),
            member: member.path === '' ? undefined : name(member.path),
            line,
            kid,
            kind,
            ...proof,
            configured: wanted.isConfigured(kid),
            values: wanted.values.get(kid) ?? 0,
            misspelled: candidate.claims !== undefined && candidate.claims !== kid,
          };
          finds.push(find);
          options.onFind?.(find);
        }
      }
    }
  }
  const proven = new Set(finds.flatMap((find) => (find.opens === 'nothing' ? [] : [find.kid])));
  return {
    files,
    candidates: known.size,
    finds,
    unlisted,
    links,
    skipped,
    found: wanted.lookedFor.filter((kid) => proven.has(kid)),
  };
}

// --- internal ---

/** A name without the keys of this database that are part of it, in whatever spelling, and without any key text. */
function withoutKeysOf(wanted: WantedKeys, text: string): string {
  const isKey = (bytes: Buffer): boolean =>
    bytes.length === 32 && (wanted.kids.has(keyId('enc', bytes)) || wanted.kids.has(keyId('trk', bytes)));
  const without = (run: string, size: number, encoding: 'hex' | 'base64url'): string => {
    for (let at = 0; at + size <= run.length; at++) {
      const bytes = Buffer.from(run.slice(at, at + size).replaceAll('+', '-'), encoding);
      if (isKey(bytes)) return `${run.slice(0, at)}…${without(run.slice(at + size), size, encoding)}`;
    }
    return run;
  };
  return text
    .replace(/(chkey1\.(?:enc|trk)\.[^./]{0,16}\.)[A-Za-z0-9_-]{43}/gi, '$1…')
    .replace(/[0-9a-f]{64,}/gi, (run) => without(run, 64, 'hex'))
    .replace(/[A-Za-z0-9+_-]{43,}/g, (run) => without(run, 43, 'base64url'));
}

const MAX_PLACES = 20;
const REST_MS = 100;

interface Match extends Proof {
  readonly kid: string;
  readonly kind: Find['kind'];
}

async function match(
  wanted: WantedKeys,
  { master }: Candidate,
  known: Map<string, readonly Match[]>,
): Promise<readonly Match[]> {
  const hash = sha256(master).toString('base64');
  const before = known.get(hash);
  if (before) return before;
  const matches: Match[] = [];
  for (const kind of ['sealing', 'tracking'] as const) {
    const kid = keyId(kind === 'sealing' ? 'enc' : 'trk', master);
    if (!wanted.kids.has(kid)) continue;
    const proof = await wanted.prove(kid, master);
    // An id of a tracking key has 16 bits: by chance, others have it too.
    if (kind === 'sealing' || proof.opens !== 'nothing') matches.push({ kid, kind, ...proof });
  }
  master.fill(0);
  known.set(hash, matches);
  return matches;
}
