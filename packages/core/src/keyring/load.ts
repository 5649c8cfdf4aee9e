import { keyId, parseKey } from './key.ts';
import type { KeyText } from './key-text.ts';
import { createKeyring, type Keyring, refuseTwin } from './keyring.ts';
import { type KeySourceOptions, readKeySources } from './sources.ts';

/**
 * The keyring of this process, from the environment, `…_FILE`, `$CREDENTIALS_DIRECTORY`, a `.env` file beside the
 * configuration and, where named, a PHP configuration. Without any key: a keyring that seals nothing. Throws one of the
 * KEY_ codes; a tracking key that is found is checked too, because the two are easily pasted into each other's place.
 *
 * @example
 * const keyring = loadKeyring();
 */
export function loadKeyring(options: Partial<KeySourceOptions> = {}): Keyring {
  const texts = readKeySources({ env: process.env, folder: process.cwd(), ...options });
  checkTracking([texts.tracking, ...texts.previousTracking].filter((each) => each !== undefined));
  return createKeyring({
    ...(texts.enc ? { active: texts.enc } : {}),
    previous: texts.previousEnc,
    staged: texts.stagedEnc,
    withdrawn: texts.withdrawnKids,
    setting: texts.encSetting,
  });
}

// --- internal ---

function checkTracking(texts: readonly KeyText[]): void {
  const masters = new Map<string, Uint8Array>();
  try {
    for (const { text, source } of texts) {
      const master = parseKey('trk', text, source);
      const id = keyId('trk', master);
      refuseTwin(id, masters.get(id), master);
      masters.set(id, master);
    }
  } finally {
    for (const master of masters.values()) master.fill(0);
  }
}
