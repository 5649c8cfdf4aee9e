import { type Casehard, CasehardError, createCasehard, type Fields, type Keyring, setting } from '@casehard/core';
import { countByPrefix, countInDocuments } from '../database/count.ts';
import { readCanaries, writeCanary } from '../database/evidence.ts';
import type { Session } from '../database/session.ts';
import type { ResolvedField } from './resolve.ts';

/** Sealed values of a database by key id, and whether this process knows the keys. */
export interface KnownKeys {
  readonly kids: ReadonlyMap<string, number>;
  readonly sealed: number;
}

/** Counts sealed values by key id, without opening any. */
export async function countKids(session: Session, fields: readonly ResolvedField[]): Promise<KnownKeys> {
  const kids = new Map<string, number>();
  let sealed = 0;
  const add = (kid: string, rows: number): void => {
    if (/^[a-z2-7]{8}$/.test(kid)) kids.set(kid, (kids.get(kid) ?? 0) + rows);
  };
  for (const { place, definition, document } of fields) {
    if (document) {
      for (const { kid, rows } of await countInDocuments(session, place)) {
        sealed += rows;
        add(kid, rows);
      }
      continue;
    }
    for (const { shape, kid, rows } of await countByPrefix(session, place, definition.scheme?.name)) {
      if (shape !== 'sealed') continue;
      sealed += rows;
      if (kid !== null) add(kid, rows);
    }
  }
  return { kids, sealed };
}

/**
 * Refuses to go on under keys that do not fit this database: a wrong paste, another environment, a restored dump.
 * Throws KEY_MISSING or KEY_NOT_KNOWN_HERE. Single values under an unknown key are no reason: they are quarantined.
 */
export async function checkKeys(
  session: Session,
  fields: readonly ResolvedField[],
  options: { readonly keyring: Keyring; readonly hasOwnTables: boolean },
): Promise<void> {
  const { keyring } = options;
  const canaries = options.hasOwnTables ? await readCanaries(session) : [];
  const { kids, sealed } = await countKids(session, fields);
  // Canaries name the keys that hardened this database; a single value under a stranger's key does not.
  const there = canaries.length > 0 ? canaries.map(({ kid }) => kid) : [...kids.keys()];
  if (keyring.list().length === 0) {
    if (sealed === 0 && canaries.length === 0) return;
    throw new CasehardError(
      'KEY_MISSING',
      `${keyring.setting} not configured, but this database ${sealed > 0 ? `holds ${sealed} sealed values` : `was hardened under key ${there.join(', ')}`}`,
      {
        hint: `put the key with id ${there.join(' or ') || 'of the backup'} back into ${keyring.setting}; nothing was written`,
      },
    );
  }
  const canary = canaryField(keyring);
  const known = canaries.filter((row) => canary.verdict(row.canary).kind !== 'unreadable');
  const knownKids = [...kids.keys()].filter((kid) => keyring.find(kid) !== undefined);
  // A key that hardened this database, still has values and is neither here nor withdrawn: an old file was put back.
  const lost = canaries.filter(({ kid }) => keyring.stateOf(kid) === undefined && (kids.get(kid) ?? 0) > 0);
  if (known.length > 0 && lost.length > 0)
    throw missingKeys(
      lost.map(({ kid }) => `${kid} (${kids.get(kid)} values)`),
      keyring,
    );
  if (canaries.length > 0 ? known.length > 0 : kids.size === 0 || knownKids.length > 0) return;
  if (there.every((kid) => keyring.isWithdrawn(kid))) return; // the operator says that they are lost, and goes on
  const here = keyring.list().map(({ kid }) => kid);
  throw new CasehardError(
    'KEY_NOT_KNOWN_HERE',
    `this database was hardened under key ${there.join(', ')}; configured is ${here.join(', ')}`,
    {
      hint: 'a wrong paste, the key of another environment, or a database restored from another one: configure the key that belongs here; if it is lost for good, list its id in CASEHARD_WITHDRAWN_KIDS and set the values anew; nothing was written',
    },
  );
}

/** The quick part of `checkKeys`: refuses where this database has canaries and none of them opens here. */
export async function refuseStrangeCanaries(session: Session, keyring: Keyring): Promise<void> {
  const canaries = await readCanaries(session);
  const field = canaryField(keyring);
  if (canaries.length === 0 || canaries.some(({ canary }) => field.verdict(canary).kind !== 'unreadable')) return;
  if (canaries.every(({ kid }) => keyring.isWithdrawn(kid))) return;
  throw missingKeys(
    canaries.map(({ kid }) => kid),
    keyring,
  );
}

/** Keeps a canary of the active key, at the first hardening under it. */
export async function keepCanary(session: Session, keyring: Keyring): Promise<void> {
  if (!keyring.active) return;
  await writeCanary(session, { kid: keyring.active.kid, canary: canaryField(keyring).seal('casehard canary') });
}

// --- internal ---

function missingKeys(lost: readonly string[], keyring: Keyring): CasehardError {
  const here = keyring.list().map(({ kid }) => kid);
  return new CasehardError(
    'KEY_NOT_KNOWN_HERE',
    `this database has values under key ${lost.join(', ')}, which hardened it and is not configured; configured is ${here.join(', ') || 'none'}`,
    {
      hint: 'an older file of settings may have been put back: list that key in CASEHARD_PREVIOUS_ENC_KEYS or make it active; if it is lost for good, list its id in CASEHARD_WITHDRAWN_KIDS; nothing was written',
    },
  );
}

const CANARY = 'casehard.canary';

function canaryField(keyring: Keyring): ReturnType<Casehard<{ [CANARY]: ReturnType<typeof setting> }>['field']> {
  const fields = { [CANARY]: setting('casehard_keys', { where: { kid: 'any' }, value: 'canary' }) } satisfies Fields;
  return createCasehard({ fields, keyring, warn: () => {} }).field(CANARY);
}
