import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { CasehardError } from '../errors.ts';
import type { KeySettings } from '../field/define-config.ts';
import { type Definition, scanDotenv } from './dotenv.ts';
import { checkKid, isTkid, type KeyText, keyText, trimPasted } from './key-text.ts';
import { scanPhpDefines } from './php-config.ts';

/** The key texts of this process, each with the place where it was found. */
export interface KeyTexts {
  readonly enc?: KeyText;
  readonly previousEnc: readonly KeyText[];
  readonly stagedEnc: readonly KeyText[];
  readonly withdrawnKids: readonly string[];
  /** Of tracking keys; the same setting lists both. */
  readonly withdrawnTkids: readonly string[];
  readonly tracking?: KeyText;
  readonly previousTracking: readonly KeyText[];
  readonly stagedTracking: readonly KeyText[];
  /** The settings that the operator uses for the two active keys, for messages. */
  readonly encSetting: EncSetting;
  readonly trackingSetting: TrackingSetting;
}

export type EncSetting = 'CASEHARD_ENC_KEY' | 'SENDSTUDIO_ENC_KEY';
export type TrackingSetting = 'CASEHARD_TRACKING_KEY' | 'SENDSTUDIO_TRACKING_KEY';

export interface KeySourceOptions {
  /** Usually `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder of the configuration; relative paths count from it. */
  readonly folder: string;
  readonly settings?: KeySettings | undefined;
  /** Throws as `readFileSync` does, which is the default. */
  readonly readFile?: (path: string) => Uint8Array;
}

/**
 * Finds the key texts in the environment, `…_FILE`, `$CREDENTIALS_DIRECTORY`, `.env` and a PHP configuration. Throws
 * KEY_CONFLICT, naming both places, where two of them disagree, and KEY_SOURCE for one that cannot be read.
 */
export function readKeySources(options: KeySourceOptions): KeyTexts {
  const found = findAll(options);
  const enc = single('CASEHARD_ENC_KEY', found);
  const tracking = single('CASEHARD_TRACKING_KEY', found);
  const usesPhp = options.settings?.php !== undefined;
  const withdrawn = list('CASEHARD_WITHDRAWN_KIDS', found).map(({ text }) => text);
  return {
    ...(enc && { enc: enc.key }),
    ...(tracking && { tracking: tracking.key }),
    previousEnc: list('CASEHARD_PREVIOUS_ENC_KEYS', found),
    stagedEnc: list('CASEHARD_STAGED_ENC_KEYS', found),
    withdrawnKids: withdrawn.filter((kid) => !isTkid(kid)).map(checkKid),
    withdrawnTkids: withdrawn.filter(isTkid),
    previousTracking: list('CASEHARD_PREVIOUS_TRACKING_KEYS', found),
    stagedTracking: list('CASEHARD_STAGED_TRACKING_KEYS', found),
    encSetting: (enc?.name ?? (usesPhp ? 'SENDSTUDIO_ENC_KEY' : 'CASEHARD_ENC_KEY')) as EncSetting,
    trackingSetting: (tracking?.name ??
      (usesPhp ? 'SENDSTUDIO_TRACKING_KEY' : 'CASEHARD_TRACKING_KEY')) as TrackingSetting,
  };
}

// --- internal ---

/** Each setting with the names it goes by, the one we recommend first. */
const NAMES = {
  CASEHARD_ENC_KEY: ['CASEHARD_ENC_KEY', 'SENDSTUDIO_ENC_KEY'],
  CASEHARD_PREVIOUS_ENC_KEYS: ['CASEHARD_PREVIOUS_ENC_KEYS'],
  CASEHARD_STAGED_ENC_KEYS: ['CASEHARD_STAGED_ENC_KEYS'],
  CASEHARD_WITHDRAWN_KIDS: ['CASEHARD_WITHDRAWN_KIDS'],
  CASEHARD_TRACKING_KEY: ['CASEHARD_TRACKING_KEY', 'SENDSTUDIO_TRACKING_KEY'],
  CASEHARD_PREVIOUS_TRACKING_KEYS: ['CASEHARD_PREVIOUS_TRACKING_KEYS'],
  CASEHARD_STAGED_TRACKING_KEYS: ['CASEHARD_STAGED_TRACKING_KEYS'],
} as const;

type Setting = keyof typeof NAMES;

/** A value under one of our names. */
interface Found {
  readonly name: string;
  readonly text: string;
  readonly source: string;
}

const ALL_NAMES: ReadonlySet<string> = new Set(Object.values(NAMES).flat());
const ABSENT: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

function findAll({ env, folder, settings = {}, readFile = (path) => readFileSync(path) }: KeySourceOptions): Found[] {
  const read = (path: string): string => decode(readFile(path));
  const found: Found[] = [];
  const add = (name: string, text: string | undefined, source: string): void => {
    if (text !== undefined && trimPasted(text) !== '') found.push({ name, text, source });
  };
  const addNamedFile = (name: string, value: string | undefined, from: string, base: string): void => {
    const path = trimPasted(value ?? '');
    if (path === '') return;
    const full = resolve(base, path);
    // What cannot be read may be a key in the place of a path, so only a file that is there is called by its name.
    const hint = `${from} must hold the path of a file with the key in it`;
    add(name, readNamed(read, full, `the file that ${from} names`, hint), `file ${full}`);
  };

  for (const name of ALL_NAMES) {
    add(name, env[name], `environment ${name}`);
    addNamedFile(name, env[`${name}_FILE`], `environment ${name}_FILE`, folder);
    if (env.CREDENTIALS_DIRECTORY) {
      for (const file of new Set([name, name.toLowerCase()])) {
        const path = join(env.CREDENTIALS_DIRECTORY, file);
        add(name, readIfThere(read, path), `file ${path}`);
      }
    }
  }

  const { envFile = '.env', php } = settings;
  if (envFile !== false) {
    const path = resolve(folder, envFile);
    const hint = '`keys.envFile` in the configuration must name a .env file, or be false';
    const text = settings.envFile === undefined ? readIfThere(read, path) : readNamed(read, path, `file ${path}`, hint);
    for (const { name, value, line } of scanDotenv(text ?? '')) {
      const source = `file ${path} line ${line}`;
      if (ALL_NAMES.has(name)) add(name, value, source);
      const ofFile = name.endsWith('_FILE') ? name.slice(0, -5) : '';
      if (ALL_NAMES.has(ofFile)) addNamedFile(ofFile, value, source, join(path, '..'));
    }
  }
  if (php !== undefined) {
    const path = resolve(folder, php);
    const hint = '`keys.php` in the configuration must name a PHP file that this user can read';
    for (const definition of scanPhpDefines(readNamed(read, path, `file ${path}`, hint))) {
      if (ALL_NAMES.has(definition.name))
        add(definition.name, literal(definition, path), `file ${path} line ${definition.line}`);
    }
  }
  return found;
}

function single(setting: Setting, found: readonly Found[]): { name: string; key: KeyText } | undefined {
  const first = agreed(setting, found, trimPasted);
  return first && { name: first.name, key: keyText(trimPasted(first.text), first.source) };
}

function list(setting: Setting, found: readonly Found[]): KeyText[] {
  const first = agreed(setting, found, (text) => [...items(text)].sort().join());
  if (!first) return [];
  const texts = items(first.text);
  return texts.map((text, i) => keyText(text, texts.length > 1 ? `${first.source} item ${i + 1}` : first.source));
}

/** The value that every source of a setting has; `canonical` decides what counts as the same. */
function agreed(setting: Setting, found: readonly Found[], canonical: (text: string) => string): Found | undefined {
  const [first, ...others] = found.filter(({ name }) => (NAMES[setting] as readonly string[]).includes(name));
  const other = others.find(({ text }) => first && canonical(text) !== canonical(first.text));
  if (first && other) {
    throw new CasehardError(
      'KEY_CONFLICT',
      `${setting} has different values in ${first.source} and in ${other.source}`,
      {
        hint: 'keep the right one in one place and remove the other; to keep an old key for opening, list it in the setting for previous keys',
      },
    );
  }
  return first;
}

function items(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).map(trimPasted))].filter((item) => item !== '');
}

function literal({ name, value, line }: Definition, path: string): string {
  if (value !== undefined) return value;
  throw new CasehardError('KEY_SOURCE', `${name} in file ${path} line ${line} is not a literal: PHP would compute it`, {
    hint: 'write the key itself between quotes there, or give it in the environment and take `keys.php` out of the configuration',
  });
}

/** A file that somebody named: it must be there. The system's own message is dropped, it quotes the path. */
function readNamed(read: (path: string) => string, path: string, label: string, hint: string): string {
  try {
    return read(path);
  } catch (error) {
    throw new CasehardError('KEY_SOURCE', `${label} cannot be read (${codeOf(error)})`, { hint });
  }
}

/** A file at a place where one may be. One that is there but closed to us is an error: it may hold the key. */
function readIfThere(read: (path: string) => string, path: string): string | undefined {
  try {
    return read(path);
  } catch (error) {
    if (ABSENT.has(codeOf(error))) return undefined;
    throw new CasehardError('KEY_SOURCE', `file ${path} cannot be read (${codeOf(error)})`, {
      hint: `let this user read ${basename(path)}, or remove it`,
    });
  }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown error';
}

/** Text as editors save it; PowerShell's `>` writes UTF-16. */
function decode(bytes: Uint8Array): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}
