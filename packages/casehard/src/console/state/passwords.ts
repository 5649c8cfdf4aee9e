import { CasehardError } from '@casehard/core';
import { randomToken } from '@casehard/core/state';
import { type Algorithm, hash, verify } from '@node-rs/argon2';

// OWASP's smallest recommendation; argon2id is 2 in the library's const enum, which erasable syntax cannot import.
const ARGON2ID = 2 as Algorithm;
const OPTIONS = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const AT_ONCE = 2;
const SHORTEST = 12;
const LONGEST = 256;

/**
 * An argon2id hash of a new password, keyed with a pepper that is not in the database: a copy of that gives nothing to
 * guess against. Throws REFUSED for one that is too short, too long, or the name.
 */
export function hashPassword(password: string, name: string, pepper: Uint8Array): Promise<string> {
  const length = [...password].length;
  if (length < SHORTEST || length > LONGEST) {
    throw new CasehardError('REFUSED', `the password must have ${SHORTEST} to ${LONGEST} characters`, {
      hint: 'a few words do well',
    });
  }
  if (password.toLowerCase() === name.toLowerCase()) {
    throw new CasehardError('REFUSED', 'the password is the name', { hint: 'choose another one' });
  }
  return queued(() => hash(password.normalize('NFC'), { ...OPTIONS, secret: pepper }));
}

/** Whether a password fits a hash. Without a hash the same work is done, so that an unknown name takes as long. */
export async function fitsPassword(stored: string | undefined, password: string, pepper: Uint8Array): Promise<boolean> {
  // Work on a password of any length would be a way to keep the server busy.
  if (password.length > 4 * LONGEST) return false;
  const against = stored ?? (await dummy());
  const fits = await queued(() => verify(against, password.normalize('NFC'), { ...OPTIONS, secret: pepper })).catch(
    () => false,
  );
  return fits && stored !== undefined;
}

// --- internal ---

let dummyHash: Promise<string> | undefined;

function dummy(): Promise<string> {
  dummyHash ??= hash(randomToken(), OPTIONS);
  return dummyHash;
}

let working = 0;
const waiting: (() => void)[] = [];

/** Two hashes at once: each takes 19 MiB and a core. */
async function queued<T>(work: () => Promise<T>): Promise<T> {
  if (working >= AT_ONCE) await new Promise<void>((go) => waiting.push(go));
  working++;
  try {
    return await work();
  } finally {
    working--;
    waiting.shift()?.();
  }
}
