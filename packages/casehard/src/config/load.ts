import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type Casehard,
  type CasehardConfig,
  CasehardError,
  createCasehard,
  createKeyring,
  type Fields,
  type Keyring,
  loadKeyrings,
  type TrackingKeyring,
} from '@casehard/core';
import { createLinks, createTrackingKeyring, type Links } from '@casehard/core/links';
import { settingsPages } from './groups.ts';

/** A configuration, read and checked, with the keys of this process. */
export interface Project {
  readonly path: string;
  /** Relative paths count from here. */
  readonly folder: string;
  readonly config: CasehardConfig;
  readonly keyring: Keyring;
  readonly hard: Casehard<Fields>;
  /** The tracking keys; work on values asks only whether the two kinds were exchanged. */
  readonly tracking?: TrackingKeyring;
}

/** A project as a configuration file gives it: its links too, which no work on a database needs. */
export interface LoadedProject extends Project {
  readonly tracking: TrackingKeyring;
  /** Without a `links` section: undefined. */
  readonly links: Links | undefined;
}

export interface LoadOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes warnings for people. */
  readonly warn: (message: string) => void;
}

/** Reads a configuration file and the keys it names. Throws CONFIG, or one of the KEY_ codes. */
export async function loadProject(path: string, options: LoadOptions): Promise<LoadedProject> {
  const config = await loadConfig(path);
  const folder = dirname(path);
  const keys = { env: options.env, folder, ...(config.keys ? { settings: config.keys } : {}) };
  const { keyring, tracking } = loadKeyrings(keys);
  const hard = createCasehard({ fields: config.fields, keyring, warn: options.warn });
  settingsPages(config); // its mistakes belong to the start, not to the first click
  const links = linksOf(path, config, tracking);
  return { path, folder, config, keyring, hard, tracking, links };
}

/**
 * The same where keys that cannot be read must not stand in the way: without them, and with what is wrong. Throws CONFIG.
 */
export async function loadProjectAnyway(
  path: string,
  options: LoadOptions,
): Promise<{ readonly project: LoadedProject; readonly keysProblem: CasehardError | undefined }> {
  try {
    return { project: await loadProject(path, options), keysProblem: undefined };
  } catch (error) {
    if (!(error instanceof CasehardError) || !error.code.startsWith('KEY_')) throw error;
    const config = await loadConfig(path);
    const keyring = createKeyring();
    const hard = createCasehard({ fields: config.fields, keyring, warn: () => {} });
    const tracking = createTrackingKeyring();
    return {
      project: { path, folder: dirname(path), config, keyring, hard, tracking, links: undefined },
      keysProblem: error,
    };
  }
}

/** Reads a configuration file and looks no keys up. Throws CONFIG. */
export async function loadConfig(path: string): Promise<CasehardConfig> {
  return checkConfig(path, path.endsWith('.json') ? readJson(path) : await importConfig(path));
}

// --- internal ---

/** Its mistakes belong to the start too. That no key is there is said by the commands that make links. */
function linksOf(path: string, { links }: CasehardConfig, keyring: TrackingKeyring): Links | undefined {
  if (links === undefined) return undefined;
  const unknown = Object.keys(links).find((key) => !KNOWN_OF_LINKS.has(key));
  if (unknown !== undefined) {
    throw new CasehardError('CONFIG', `${path}: links: unknown setting ${JSON.stringify(unknown)}`, {
      hint: `known are ${[...KNOWN_OF_LINKS].join(', ')}`,
    });
  }
  try {
    return createLinks({ ...links, keyring, warn: () => {} });
  } catch (error) {
    if (error instanceof CasehardError) {
      throw new CasehardError(error.code, `${path}: ${error.message}`, error.hint ? { hint: error.hint } : {});
    }
    if (!(error instanceof TypeError)) throw error;
    // What core says of a wrong option begins with its name; other messages are the engine's own.
    const problem = error.message.startsWith('"') ? error.message : 'it cannot be read';
    throw new CasehardError('CONFIG', `${path}: links: ${problem}`, {
      hint: "write links: { baseUrl: 'https://example.com', purposes: { click: 'link.php' } }",
    });
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new CasehardError('CONFIG', `${path} is not JSON`, {
      hint: 'check commas and quotes; comments are not allowed',
    });
  }
}

async function importConfig(path: string): Promise<unknown> {
  try {
    const module: { default?: unknown } = await import(pathToFileURL(path).href);
    return module.default;
  } catch (error) {
    const { code, name = 'an error' } = error as { code?: string; name?: string };
    const missing = code === 'ERR_MODULE_NOT_FOUND' ? /'([^']+)'/.exec(String(error))?.[1] : undefined;
    if (missing !== undefined) {
      throw new CasehardError('CONFIG', `${path} imports ${missing}, which is not there`, {
        hint:
          missing === '@casehard/core'
            ? 'install it there: npm install @casehard/core'
            : 'install it, or correct the import',
      });
    }
    // The message of an error inside the file may quote anything, a key too; the place cannot.
    const place = /casehard\.config\.\w+:(\d+)/.exec(error instanceof Error ? (error.stack ?? '') : '')?.[1];
    throw new CasehardError('CONFIG', `${path} cannot be loaded: ${name}${place ? ` in line ${place}` : ''}`, {
      hint: 'run the file with node to see the whole message',
    });
  }
}

const KNOWN = new Set(['database', 'fields', 'keys', 'adopted', 'groups', 'console', 'links']);
const KNOWN_OF_LINKS = new Set(['baseUrl', 'purposes', 'lifetimes', 'audience', 'legacy']);

function checkConfig(path: string, value: unknown): CasehardConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CasehardError('CONFIG', `${path} exports no configuration`, {
      hint: 'write `export default defineConfig({ … })`',
    });
  }
  const unknown = Object.keys(value).find((key) => !KNOWN.has(key));
  if (unknown !== undefined) {
    throw new CasehardError('CONFIG', `${path}: unknown setting ${JSON.stringify(unknown)}`, {
      hint: `known are ${[...KNOWN].join(', ')}`,
    });
  }
  const config = value as CasehardConfig;
  const quietDays: unknown = config.keys?.quietDays;
  if (quietDays !== undefined && (typeof quietDays !== 'number' || !(quietDays >= 0))) {
    throw new CasehardError('CONFIG', `${path}: \`keys.quietDays\` is no number of days`, {
      hint: 'write keys: { quietDays: 7 }',
    });
  }
  if (typeof config.fields !== 'object' || config.fields === null) {
    throw new CasehardError('CONFIG', `${path}: \`fields\` is missing`, {
      hint: "write fields: { 'user.smtp.password': column(…) }",
    });
  }
  if (config.groups !== undefined && !Array.isArray(config.groups)) {
    throw new CasehardError('CONFIG', `${path}: \`groups\` is no list`, { hint: 'write groups: [group({ … })]' });
  }
  if (config.links !== undefined && (typeof config.links !== 'object' || config.links === null)) {
    throw new CasehardError('CONFIG', `${path}: \`links\` is no object`, {
      hint: "write links: { baseUrl: 'https://example.com', purposes: { click: 'link.php' } }",
    });
  }
  return config;
}
