import { type Casehard, createCasehard, type Fields, type Keyring, receiveKeyring, setting } from '@casehard/core';
import { type Canary, type KeptCanary, utc, writeCanary } from '../database/evidence.ts';
import type { Session } from '../database/session.ts';

/** Keeps a canary of the active key, before anything is sealed with it. */
export async function keepCanary(session: Pick<Session, 'engine' | 'kysely'>, keyring: Keyring): Promise<void> {
  if (!keyring.active) return;
  await writeCanary(session, { kid: keyring.active.kid, canary: canaryField(keyring).seal('casehard canary') });
}

/** Whether a canary opens under the key that it names. */
export function opensCanary(keyring: Keyring, { canary }: Canary): boolean {
  return canaryField(keyring).verdict(canary).kind !== 'unreadable';
}

/** A canary of one key of a keyring, whatever its state; undefined: the keyring does not have it. */
export function canaryOf(keyring: Keyring, kid: string): KeptCanary | undefined {
  if (!keyring.find(kid) || keyring.isWithdrawn(kid)) return undefined;
  return { kid, canary: canaryField(activated(keyring, kid)).seal('casehard canary'), createdAt: utc() };
}

/** Whether the second keyring opens what one of the keys of the first one seals now. */
export function sealsFor(from: Keyring, kid: string, to: Keyring): boolean {
  const canary = canaryOf(from, kid);
  return canary !== undefined && opensCanary(to, canary);
}

// --- internal ---

/** The same keyring with another of its keys active. */
function activated(keyring: Keyring, kid: string): Keyring {
  const { setting, entries } = keyring.share();
  return receiveKeyring({
    setting,
    entries: entries.map((entry) => ({ ...entry, state: entry.kid === kid ? 'active' : 'previous' })),
  });
}

const CANARY = 'casehard.canary';

function canaryField(keyring: Keyring): ReturnType<Casehard<{ [CANARY]: ReturnType<typeof setting> }>['field']> {
  const fields = { [CANARY]: setting('casehard_keys', { where: { kid: 'any' }, value: 'canary' }) } satisfies Fields;
  return createCasehard({ fields, keyring, warn: () => {} }).field(CANARY);
}
