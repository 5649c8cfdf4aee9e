import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type Casehard,
  type CasehardConfig,
  CasehardError,
  createCasehard,
  type Fields,
  type Keyring,
  loadKeyring,
} from '@casehard/core';
import { settingsPages } from './groups.ts';

/** A configuration, read and checked, with the keys of this process. */
export interface Project {
  readonly path: string;
  /** Relative paths count from here. */
  readonly folder: string;
  readonly config: CasehardConfig;
  readonly keyring: Keyring;
  readonly hard: Casehard<Fields>;
}

export interface LoadOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes warnings for people. */
  readonly warn: (message: string) => void;
}

/** Reads a configuration file and the keys it names. Throws CONFIG, or one of the KEY_ codes. */
export async function loadProject(path: string, options: LoadOptions): Promise<Project> {
  const config = await loadConfig(path);
  const folder = dirname(path);
  const keyring = loadKeyring({ env: options.env, folder, ...(config.keys ? { settings: config.keys } : {}) });
  const hard = createCasehard({ fields: config.fields, keyring, warn: options.warn });
  settingsPages(config); // its mistakes belong to the start, not to the first click
  return { path, folder, config, keyring, hard };
}

/** Reads a configuration file and looks no keys up. Throws CONFIG. */
export async function loadConfig(path: string): Promise<CasehardConfig> {
  return checkConfig(path, path.endsWith('.json') ? readJson(path) : await importConfig(path));
}

// --- internal ---

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

const KNOWN = new Set(['database', 'fields', 'keys', 'adopted', 'groups', 'console']);

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
  if (typeof config.fields !== 'object' || config.fields === null) {
    throw new CasehardError('CONFIG', `${path}: \`fields\` is missing`, {
      hint: "write fields: { 'user.smtp.password': column(…) }",
    });
  }
  if (config.groups !== undefined && !Array.isArray(config.groups)) {
    throw new CasehardError('CONFIG', `${path}: \`groups\` is no list`, { hint: 'write groups: [group({ … })]' });
  }
  return config;
}
