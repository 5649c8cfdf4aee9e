import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { CasehardError } from '@casehard/core';
import { type BackupWith, isPassphraseSealed, isUnopened, type OpenedBackup, openBackup } from '../keys/backup.ts';
import { readBackupFile } from '../keys/backup-file.ts';
import type { Invocation } from './main.ts';
import { isInteractive, readSecret } from './prompt.ts';

/**
 * Opens the backup that a command names: with the file of an identity, or with a passphrase that is asked for. `onUnopened`
 * hears of a file that was tried and did not open, or holds no keys.
 */
export async function openBackupFile(
  { folder }: Invocation,
  file: string,
  options: Readonly<Record<string, unknown>>,
  onUnopened: (name: string, error: CasehardError) => Promise<void> = async () => {},
): Promise<OpenedBackup & { readonly path: string; readonly name: string }> {
  const path = resolve(folder, file);
  const name = basename(path);
  const bytes = readBackupFile(path);
  try {
    const byPassphrase = isPassphraseSealed(bytes, name); // a file that is damaged needs no identity to be called so
    const how = await readHow(byPassphrase, { folder, name, identity: options.identity });
    return { ...(await openBackup(bytes, how, path)), path, name };
  } catch (error) {
    if (error instanceof CasehardError && isUnopened(error)) await onUnopened(name, error);
    throw error;
  }
}

/** A new passphrase: asked for twice on a terminal, else read from stdin. */
export async function readNewPassphrase(): Promise<string> {
  const passphrase = await readSecret('Passphrase of the backup: five random words');
  if (isInteractive() && (await readSecret('The same again')) !== passphrase) {
    throw new CasehardError('BACKUP', 'the two passphrases are not the same', {
      hint: 'run it again; nothing was written',
    });
  }
  return passphrase;
}

// --- internal ---

async function readHow(
  byPassphrase: boolean,
  { folder, name, identity }: { readonly folder: string; readonly name: string; readonly identity: unknown },
): Promise<BackupWith> {
  if (typeof identity === 'string') {
    return { identity: identity === '-' ? await readSecret('Identity') : readIdentity(resolve(folder, identity)) };
  }
  if (byPassphrase) return { passphrase: await readSecret(`Passphrase of ${name}`) };
  throw new CasehardError('BACKUP', `${name} is sealed to recipients`, {
    hint: 'name the file of the identity that age-keygen made: --identity FILE',
  });
}

function readIdentity(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new CasehardError('BACKUP', `${path} cannot be read (${code})`, {
      hint: 'check the name of the identity file',
    });
  }
}
