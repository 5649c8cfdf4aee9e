import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { CasehardError } from '@casehard/core';
import { type BackupWith, isPassphraseSealed, type OpenedBackup, openBackup } from '../keys/backup.ts';
import { readBackupFile } from '../keys/backup-file.ts';
import type { Invocation } from './main.ts';
import { isInteractive, readSecret } from './prompt.ts';

/** Opens the backup that a command names: with the file of an identity, or with a passphrase that is asked for. */
export async function openBackupFile(
  { folder }: Invocation,
  file: string,
  options: Readonly<Record<string, unknown>>,
): Promise<OpenedBackup & { readonly path: string; readonly name: string }> {
  const path = resolve(folder, file);
  const name = basename(path);
  const bytes = readBackupFile(path);
  const how = await readHow(bytes, { folder, name, identity: options.identity });
  return { ...(await openBackup(bytes, how, path)), path, name };
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
  bytes: Uint8Array,
  { folder, name, identity }: { readonly folder: string; readonly name: string; readonly identity: unknown },
): Promise<BackupWith> {
  if (typeof identity === 'string') {
    return { identity: identity === '-' ? await readSecret('Identity') : readIdentity(resolve(folder, identity)) };
  }
  if (isPassphraseSealed(bytes, name)) return { passphrase: await readSecret(`Passphrase of ${name}`) };
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
