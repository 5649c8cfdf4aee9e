import { parseKey } from './key.ts';
import { createKeyring, type Keyring } from './keyring.ts';
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
  for (const tracking of [texts.tracking, ...texts.previousTracking]) {
    if (tracking) parseKey('trk', tracking.text, tracking.source).fill(0);
  }
  return createKeyring({
    ...(texts.enc ? { active: texts.enc } : {}),
    previous: texts.previousEnc,
    staged: texts.stagedEnc,
    withdrawn: texts.withdrawnKids,
    setting: texts.encSetting,
  });
}
