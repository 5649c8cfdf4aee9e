import { type Casehard, createCasehard, type Fields, type Keyring, setting } from '@casehard/core';
import { type Canary, writeCanary } from '../database/evidence.ts';
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

/** Whether the second keyring opens what the first one seals now. */
export function sealsFor(from: Keyring, to: Keyring): boolean {
  return opensCanary(to, { kid: from.active?.kid ?? '', canary: canaryField(from).seal('casehard canary') });
}

// --- internal ---

const CANARY = 'casehard.canary';

function canaryField(keyring: Keyring): ReturnType<Casehard<{ [CANARY]: ReturnType<typeof setting> }>['field']> {
  const fields = { [CANARY]: setting('casehard_keys', { where: { kid: 'any' }, value: 'canary' }) } satisfies Fields;
  return createCasehard({ fields, keyring, warn: () => {} }).field(CANARY);
}
