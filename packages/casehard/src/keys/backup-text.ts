import { basename, dirname, resolve } from 'node:path';
import { CasehardError, type KeySourceOptions, type KeyTexts, loadKeyrings, readKeySources } from '@casehard/core';
import type { OpenedBackup } from './backup.ts';

/** What a backup says of itself, for whoever finds it years later. */
export interface About {
  /** The database that the keys belong to, as people know it. */
  readonly database: string;
  readonly madeAt: Date;
}

/** The settings of some keys, as they are pasted: name and value, in order, those that are there. */
export function settingsOf(texts: KeyTexts): readonly (readonly [string, string])[] {
  const join = (keys: readonly { readonly text: string }[]): string => keys.map(({ text }) => text).join(',');
  const all = [
    ['CASEHARD_ENC_KEY', texts.enc?.text ?? ''],
    ['CASEHARD_PREVIOUS_ENC_KEYS', join(texts.previousEnc)],
    ['CASEHARD_STAGED_ENC_KEYS', join(texts.stagedEnc)],
    ['CASEHARD_TRACKING_KEY', texts.tracking?.text ?? ''],
    ['CASEHARD_PREVIOUS_TRACKING_KEYS', join(texts.previousTracking)],
    ['CASEHARD_STAGED_TRACKING_KEYS', join(texts.stagedTracking)],
    ['CASEHARD_WITHDRAWN_KIDS', [...texts.withdrawnKids, ...texts.withdrawnTkids].join(',')],
  ] as const;
  return all.filter(([, value]) => value !== '');
}

/** The same as lines of a `.env` file. */
export function printSettings(texts: KeyTexts): string {
  return settingsOf(texts)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** The whole text of a backup, not sealed yet. Throws BACKUP where there is no key, and the KEY_ codes for wrong ones. */
export function printBackup(texts: KeyTexts, { database, madeAt }: About): string {
  const settings = printSettings(texts);
  const { keyring, tracking } = readBackup(Buffer.from(settings), 'the backup');
  const list = (keys: readonly { readonly id: string; readonly state: string }[]): string =>
    keys.map(({ id, state }) => `${id} (${state})`).join(', ') || 'none';
  return `# The keys of an application whose credentials casehard has hardened. Whoever reads this opens them all.
# database       ${database.replace(/\p{C}+/gu, ' ')}
# made           ${madeAt.toISOString()}
# sealing keys   ${list(keyring.list().map(({ kid, state }) => ({ id: kid, state })))}
# tracking keys  ${list(tracking.list().map(({ tkid, state }) => ({ id: tkid, state })))}
# To restore: casehard keys restore FILE, or age -d FILE; then paste the lines below where every process of the
# application reads its settings. To prove beforehand that it can be restored: casehard keys drill FILE
${settings}`;
}

/** Reads the text of a backup by the rules of every source of keys. Throws BACKUP where it holds none. */
export function readBackup(content: Uint8Array, name: string): OpenedBackup {
  const path = resolve(name);
  const isPhp = /^\s*<\?php/.test(Buffer.from(content.subarray(0, 200)).toString('latin1'));
  const options: KeySourceOptions = {
    env: {},
    folder: dirname(path),
    settings: isPhp ? { envFile: false, php: basename(path) } : { envFile: basename(path) },
    // What it refers to in other files is not part of the backup.
    readFile: (asked) => {
      if (asked === path) return content;
      throw Object.assign(new Error('not part of the backup'), { code: 'ENOENT' });
    },
  };
  const texts = readKeySources(options);
  const keyrings = loadKeyrings(options);
  if (settingsOf(texts).every(([setting]) => setting === 'CASEHARD_WITHDRAWN_KIDS')) {
    throw new CasehardError('BACKUP', `${name} opens, and holds no key`, {
      hint: 'it must be a file of settings such as CASEHARD_ENC_KEY=…; configure the keys, or look for another copy',
    });
  }
  return { texts, ...keyrings };
}
