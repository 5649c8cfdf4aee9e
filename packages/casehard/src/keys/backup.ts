import { CasehardError, type Keyring, type KeyTexts } from '@casehard/core';
import type { TrackingKeyring } from '@casehard/core/links';
import { armor, Decrypter, Encrypter } from 'age-encryption';
import { type About, printBackup, readBackup } from './backup-text.ts';

/** Who can open a backup: whoever has one of the identities, or knows the passphrase. */
export type BackupTo = { readonly recipients: readonly string[] } | { readonly passphrase: string };

/** What opens a backup; an identity is the text of a file as `age-keygen` writes it. */
export type BackupWith = { readonly identity: string } | { readonly passphrase: string };

/** The keys of a backup, in memory. */
export interface OpenedBackup {
  readonly texts: KeyTexts;
  readonly keyring: Keyring;
  readonly tracking: TrackingKeyring;
}

/** A backup is some hundred bytes; whatever is larger is something else. */
export const MAX_BACKUP_BYTES = 1024 * 1024;

/** A passphrase is all that stands between the file and every key. */
export const MIN_PASSPHRASE = 10;

/**
 * The keys of a process as a backup: a `.env` file, sealed in age's own format, armored. `age -d` opens it, and so does
 * `openBackup`. It exists in memory only until it is sealed. Throws BACKUP.
 */
export async function makeBackup(texts: KeyTexts, to: BackupTo, about: About): Promise<string> {
  const sealer = new Encrypter();
  if ('passphrase' in to) {
    if ([...to.passphrase].length < MIN_PASSPHRASE) {
      throw new CasehardError('BACKUP', `the passphrase is shorter than ${MIN_PASSPHRASE} characters`, {
        hint: 'take five random words: whoever guesses it has every key',
      });
    }
    sealer.setPassphrase(to.passphrase);
  } else {
    if (to.recipients.length === 0) throw new TypeError('"recipients" must not be empty');
    to.recipients.forEach((recipient, i) => {
      addRecipient(sealer, recipient.trim(), i + 1);
    });
  }
  return armor.encode(await sealer.encrypt(printBackup(texts, about)));
}

/** Whether a backup asks for a passphrase; `false`: for an identity. Throws BACKUP for what is no whole age file. */
export function isPassphraseSealed(bytes: Uint8Array, name: string): boolean {
  return aboutFile(() => {
    const head = Buffer.from(unarmored(bytes, name).subarray(0, MAX_HEADER)).toString('latin1');
    const end = head.indexOf('\n--- ');
    const stanzas = [...head.slice(0, Math.max(0, end)).matchAll(/^-> (\S+)/gm)].map(([, type = '']) => type);
    const [first] = stanzas;
    if (end < 0 || first === undefined) throw damaged(name);
    // One that casehard could not open is told apart from one for which the right identity is missing.
    if (!stanzas.some((type) => KNOWN_STANZAS.has(type))) throw otherwiseSealed(name, first);
    return stanzas.includes('scrypt');
  });
}

/** Whether an error says that the file itself does not open, or holds no keys: not how it was to be opened. */
export function isUnopened(error: unknown): boolean {
  return error instanceof CasehardError && ABOUT_FILE.has(error);
}

/**
 * The keys of a backup, made by us or by `age` from a file of settings (`.env` or a PHP configuration), armored or not.
 * `name` is the file, for messages. Throws BACKUP where it does not open or holds no key, and the KEY_ codes for key
 * texts that are wrong: their rules are those of every other source.
 */
export async function openBackup(bytes: Uint8Array, how: BackupWith, name: string): Promise<OpenedBackup> {
  const file = aboutFile(() => unarmored(bytes, name));
  const byPassphrase = isPassphraseSealed(file, name);
  const opener = new Decrypter();
  if ('passphrase' in how) {
    if (!byPassphrase) {
      throw new CasehardError('BACKUP', `${name} is sealed to recipients and has no passphrase`, {
        hint: 'name the file of the identity: --identity FILE',
      });
    }
    opener.addPassphrase(how.passphrase);
  } else {
    if (byPassphrase) {
      throw new CasehardError('BACKUP', `${name} is sealed with a passphrase, not to an identity`, {
        hint: 'leave --identity out and give the passphrase',
      });
    }
    for (const identity of identitiesOf(how.identity)) addIdentity(opener, identity);
  }
  let content: Uint8Array;
  try {
    content = await opener.decrypt(file);
  } catch (error) {
    throw marked(refusal(error, { byPassphrase, name }));
  }
  try {
    return aboutFile(() => readBackup(content, name));
  } finally {
    content.fill(0);
  }
}

// --- internal ---

function otherwiseSealed(name: string, type: string): CasehardError {
  const printable = type.replace(/[^\w.-]/g, '?').slice(0, 40);
  return new CasehardError(
    'BACKUP',
    `${name} is sealed in a way that casehard does not open (${printable}), or damaged`,
    {
      hint: 'open it with `age -d`; keys of ssh and plugins are not supported here: make a backup for an age1… recipient',
    },
  );
}

const MAX_HEADER = 64 * 1024;
/** How age seals the key of a file. */
const KNOWN_STANZAS: ReadonlySet<string> = new Set([
  'scrypt',
  'X25519',
  'mlkem768x25519',
  'p256tag',
  'mlkem768p256tag',
]);
const ABOUT_FILE = new WeakSet<CasehardError>();

function marked<E>(error: E): E {
  if (error instanceof CasehardError) ABOUT_FILE.add(error);
  return error;
}

function aboutFile<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw marked(error);
  }
}

function unarmored(bytes: Uint8Array, name: string): Uint8Array {
  if (bytes.length > MAX_BACKUP_BYTES) throw noBackup(name);
  const text = Buffer.from(bytes)
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trim();
  if (text.startsWith('age-encryption.org/v1')) return bytes;
  if (!text.startsWith('-----BEGIN AGE ENCRYPTED FILE-----')) throw noBackup(name);
  try {
    return armor.decode(text);
  } catch {
    throw damaged(name);
  }
}

/** The message of the library may quote what it was given: only ours come out. */
function addRecipient(sealer: Encrypter, recipient: string, position: number): void {
  try {
    sealer.addRecipient(recipient);
  } catch {
    const secret = /^AGE-SECRET-KEY-/i.test(recipient);
    throw new CasehardError('BACKUP', `recipient ${position} is ${secret ? 'a secret identity' : 'no age recipient'}`, {
      hint: secret
        ? 'give what stands behind "public key:" beside it, age1…; a command line can be read by others: make a new identity'
        : 'write age1…, as `age-keygen -y` prints it; keys of ssh and plugins are not supported',
    });
  }
}

function identitiesOf(text: string): readonly string[] {
  if (/^(age-encryption\.org\/v1|-----BEGIN AGE)/.test(text.trimStart())) {
    throw new CasehardError('BACKUP', 'the file of the identity is itself sealed', {
      hint: 'age -d IDENTITY | casehard keys … --identity -',
    });
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const identities = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (identities.length === 0) throw noIdentity('holds no identity');
  return identities;
}

function addIdentity(opener: Decrypter, identity: string): void {
  try {
    opener.addIdentity(identity);
  } catch {
    throw noIdentity(
      /^age1/.test(identity) ? 'holds a recipient, not an identity' : 'holds something else than identities',
    );
  }
}

function noIdentity(problem: string): CasehardError {
  return new CasehardError('BACKUP', `the file of the identity ${problem}`, {
    hint: 'give the file that `age-keygen -o` wrote: its line begins with AGE-SECRET-KEY-1',
  });
}

function refusal(error: unknown, { byPassphrase, name }: { byPassphrase: boolean; name: string }): CasehardError {
  const message = error instanceof Error ? error.message : '';
  if (/^no identity matched/.test(message)) {
    return byPassphrase
      ? new CasehardError('BACKUP', `the passphrase does not open ${name}`, {
          hint: 'type it again, or look for another backup',
        })
      : new CasehardError('BACKUP', `the identity does not open ${name}`, {
          hint: 'it was sealed to another recipient: name the file of that identity',
        });
  }
  if (/work factor is too high/.test(message)) {
    return new CasehardError('BACKUP', `${name} asks for too much work to try a passphrase`, {
      hint: 'open it with `age -d`',
    });
  }
  return damaged(name);
}

function noBackup(name: string): CasehardError {
  return new CasehardError('BACKUP', `${name} is no age file`, {
    hint: 'give a file that `casehard keys backup` or `age` has made',
  });
}

function damaged(name: string): CasehardError {
  return new CasehardError('BACKUP', `${name} is damaged: it was cut or changed`, {
    hint: 'look for another copy of it',
  });
}
