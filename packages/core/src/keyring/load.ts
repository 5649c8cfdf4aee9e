import { createKeyring, type Keyring } from './keyring.ts';
import { type KeySourceOptions, type KeyTexts, readKeySources } from './sources.ts';
import { createTrackingKeyring, type TrackingKeyring } from './tracking-keyring.ts';

/**
 * The keyring of this process, from the environment, `…_FILE`, `$CREDENTIALS_DIRECTORY`, a `.env` file beside the
 * configuration and, where named, a PHP configuration. Without any key: a keyring that seals nothing. Throws one of the
 * KEY_ codes; a tracking key that is found is checked too, because the two are easily pasted into each other's place.
 *
 * @example
 * const keyring = loadKeyring();
 */
export function loadKeyring(options: Partial<KeySourceOptions> = {}): Keyring {
  return loadKeyrings(options).keyring;
}

/**
 * The tracking keys of this process, from the same places. Without any: a keyring that mints nothing, and links keep their
 * legacy shape. Throws one of the KEY_ codes; a damaged sealing key is no reason, links do not need it.
 */
export function loadTrackingKeyring(options: Partial<KeySourceOptions> = {}): TrackingKeyring {
  return trackingOf(read(options));
}

/** Both keyrings, from one look at the sources. */
export function loadKeyrings(options: Partial<KeySourceOptions> = {}): {
  readonly keyring: Keyring;
  readonly tracking: TrackingKeyring;
} {
  const texts = read(options);
  return { tracking: trackingOf(texts), keyring: sealingOf(texts) };
}

// --- internal ---

function read(options: Partial<KeySourceOptions>): KeyTexts {
  return readKeySources({ env: process.env, folder: process.cwd(), ...options });
}

function sealingOf(texts: KeyTexts): Keyring {
  return createKeyring({
    ...(texts.enc ? { active: texts.enc } : {}),
    previous: texts.previousEnc,
    staged: texts.stagedEnc,
    withdrawn: texts.withdrawnKids,
    setting: texts.encSetting,
  });
}

function trackingOf(texts: KeyTexts): TrackingKeyring {
  return createTrackingKeyring({
    ...(texts.tracking ? { active: texts.tracking } : {}),
    previous: texts.previousTracking,
    staged: texts.stagedTracking,
    withdrawn: texts.withdrawnTkids,
    setting: texts.trackingSetting,
  });
}
