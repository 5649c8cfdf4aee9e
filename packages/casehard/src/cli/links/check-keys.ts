import { type KeyState, type LinkSettings, readKeySources } from '@casehard/core';
import { createTrackingKeyring, type Links } from '@casehard/core/links';
import type { LoadedProject } from '../../config/load.ts';
import { linksUnder } from './project.ts';

/** A configured key by itself: links that it alone makes. */
export interface KeyAlone {
  readonly tkid: string;
  readonly state: KeyState;
  readonly alone: Links;
}

/** Every key at hand that is not withdrawn, in the keyring's order. Reads the key sources once more: a keyring gives no key away. */
export function keysAlone(
  { config, folder, tracking }: LoadedProject,
  settings: LinkSettings,
  env: Readonly<Record<string, string | undefined>>,
): readonly KeyAlone[] {
  const texts = readKeySources({ env, folder, ...(config.keys ? { settings: config.keys } : {}) });
  const inputs = [...(texts.tracking ? [texts.tracking] : []), ...texts.stagedTracking, ...texts.previousTracking];
  const keyrings = inputs.map((active) => createTrackingKeyring({ active }));
  return tracking.list().flatMap(({ tkid, state }) => {
    const keyring = keyrings.find(({ active }) => active?.tkid === tkid);
    return keyring && state !== 'withdrawn' ? [{ tkid, state, alone: linksUnder(keyring, settings) }] : [];
  });
}
