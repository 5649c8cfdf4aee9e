import { CasehardError, type Keyring } from '@casehard/core';
import type { TrackingKeyring } from '@casehard/core/links';
import { type Canary, type KeptCanary, readCanaries } from '../database/evidence.ts';
import type { Session } from '../database/session.ts';
import { opensCanary } from './canary.ts';
import { countKids } from './known-keys.ts';
import type { ResolvedField } from './resolve.ts';

/** The keys of a process. */
export interface Keys {
  readonly keyring: Keyring;
  readonly tracking?: TrackingKeyring | undefined;
}

/** Sealed values by key id. */
type Kids = ReadonlyMap<string, number>;

/** With these, a process is not one of this database's: it saves nothing, and leaves no mark. */
export const STRANGE: ReadonlySet<string> = new Set(['KEY_MISSING', 'KEY_NOT_KNOWN_HERE', 'KEY_IN_WRONG_SETTING']);

/**
 * What a database says of these keys, the worst first; empty: the keys belong here. Canaries answer, in O(keys). `count` is
 * asked where they cannot: there is none, or the only thing against these keys is a canary whose key may have no values left.
 */
export async function judgeKeys(
  canaries: readonly KeptCanary[],
  keys: Keys,
  count: () => Promise<Kids>,
): Promise<readonly CasehardError[]> {
  const sound = soundCanaries(canaries, keys.keyring);
  const problems = keyProblems(sound, keys);
  if (sound.length > 0 && !dependsOnValues(sound, keys, problems)) return problems;
  return judgeCounted(canaries, keys, await count());
}

/** The same where the values are counted already. */
export function judgeCounted(canaries: readonly KeptCanary[], keys: Keys, values: Kids): readonly CasehardError[] {
  const sound = soundCanaries(canaries, keys.keyring);
  if (sound.length === 0) {
    const problem = valueProblem([...values], keys);
    return problem ? [problem] : [];
  }
  const problems = keyProblems(sound, keys);
  return dependsOnValues(sound, keys, problems) ? keyProblems(standing(sound, keys.keyring, values), keys) : problems;
}

/** Canaries that say something: one that names a key of ours and does not open under it was altered, and the doctor says so. */
export function soundCanaries<C extends Canary>(canaries: readonly C[], keyring: Keyring): readonly C[] {
  return canaries.filter(
    (canary) =>
      keyring.find(canary.kid) === undefined || keyring.isWithdrawn(canary.kid) || opensCanary(keyring, canary),
  );
}

/**
 * What sound canaries say of these keys, the worst first. Reads no value: a key that has a canary and is not configured may
 * still have values.
 */
export function keyProblems(canaries: readonly Canary[], { keyring, tracking }: Keys): readonly CasehardError[] {
  if (canaries.length === 0) return [];
  const kids = canaries.map(({ kid }) => kid);
  const strange = (): CasehardError => swapped(kids, keyring, tracking) ?? notKnownHere(kids, keyring);
  if (keyring.list().length === 0)
    return [swapped(kids, keyring, tracking) ?? keyMissing(keyring, { kids, sealed: 0 })];
  const opens = canaries.filter((canary) => opensCanary(keyring, canary));
  const withdrawn = kids.filter((kid) => keyring.isWithdrawn(kid));
  const problems: CasehardError[] = [];
  if (opens.length === 0 && withdrawn.length < kids.length) problems.push(strange());
  else {
    const lost = kids.filter((kid) => keyring.stateOf(kid) === undefined);
    // A first activation is made with every older key at hand. Without one of them, an active key that has never been
    // here is a stranger's, and what it seals nobody else could open.
    const isNew = keyring.active !== undefined && !opens.some(({ kid }) => kid === keyring.active?.kid);
    const ahead = opens.filter(({ kid }) => keyring.stateOf(kid) === 'staged').map(({ kid }) => kid);
    if (isNew && ahead.length > 0) problems.push(leftBehind(ahead, keyring));
    else if (lost.length > 0) problems.push(isNew ? strange() : previousMissing(lost, keyring));
  }
  if (withdrawn.length > 0) {
    problems.push(
      new CasehardError('KEY_WITHDRAWN', `values may still be under the withdrawn key ${withdrawn.join(', ')}`, {
        hint: '`casehard doctor` counts them; take the key out of CASEHARD_WITHDRAWN_KIDS and reseal, or replace them with `casehard set`',
      }),
    );
  }
  return problems;
}

/**
 * Refuses to go on under keys that do not fit this database: a wrong paste, another environment, a restored dump.
 * Throws KEY_MISSING, KEY_NOT_KNOWN_HERE, KEY_IN_WRONG_SETTING or PREVIOUS_KEY_MISSING. Single values under an unknown
 * key are no reason: they are quarantined. Gives the sealed values by key id, which it has counted.
 */
export async function checkKeys(
  session: Session,
  fields: readonly ResolvedField[],
  { hasOwnTables, ...keys }: Keys & { readonly hasOwnTables: boolean },
): Promise<Kids> {
  const { keyring } = keys;
  const canaries = hasOwnTables ? await readCanaries(session) : [];
  const { kids, sealed } = await countKids(session, fields);
  if (keyring.list().length === 0) {
    if (sealed === 0 && canaries.length === 0) return kids;
    const there = canaries.length > 0 ? canaries.map(({ kid }) => kid) : [...kids.keys()];
    throw swapped(there, keyring, keys.tracking) ?? keyMissing(keyring, { kids: there, sealed });
  }
  const [problem] = judgeCounted(canaries, keys, kids);
  if (problem === undefined || problem.code === 'KEY_WITHDRAWN') return kids;
  if (problem.code !== 'PREVIOUS_KEY_MISSING') throw problem;
  const lost = canaries.filter(({ kid }) => keyring.stateOf(kid) === undefined && (kids.get(kid) ?? 0) > 0);
  if (lost.length > 0) {
    throw previousMissing(
      lost.map(({ kid }) => `${kid} (${kids.get(kid)} values)`),
      keyring,
      'has',
    );
  }
  return kids;
}

/**
 * The quick part of `checkKeys`, for keys that it has found to belong a moment ago: canaries alone, those that came since.
 * `judged` are the key ids of the others, of which those that are not here have no values.
 */
export async function refuseStrangeCanaries(
  session: Session,
  keyring: Keyring,
  judged: ReadonlySet<string>,
): Promise<void> {
  const all = await readCanaries(session);
  const active = keyring.active?.kid;
  if (active !== undefined && judged.has(active) && !all.some(({ kid }) => kid === active)) throw gone(active);
  const canaries = soundCanaries(all, keyring);
  const asked = canaries.filter(({ kid }) => keyring.stateOf(kid) !== undefined || !judged.has(kid));
  const [problem] = keyProblems(asked, { keyring });
  if (problem && problem.code !== 'KEY_WITHDRAWN' && problem.code !== 'PREVIOUS_KEY_MISSING') throw problem;
}

// --- internal ---

/**
 * Without the canaries of keys that are not here, have no values left and are older than one that opens: these were left
 * behind, and nothing of them has to open any more. A younger one shows that the others have gone on without us.
 */
function standing(canaries: readonly KeptCanary[], keyring: Keyring, values: Kids): readonly KeptCanary[] {
  const youngest = canaries.findLast((canary) => opensCanary(keyring, canary));
  return canaries.filter(
    ({ kid, createdAt }) =>
      keyring.stateOf(kid) !== undefined ||
      (values.get(kid) ?? 0) > 0 ||
      youngest === undefined ||
      createdAt >= youngest.createdAt,
  );
}

/** One of the keys opens a canary, so that only a key without values may speak against them. */
function dependsOnValues(sound: readonly Canary[], { keyring }: Keys, problems: readonly CasehardError[]): boolean {
  return (
    sound.some((canary) => opensCanary(keyring, canary)) && problems.some(({ code }) => code === 'KEY_NOT_KNOWN_HERE')
  );
}

/** What the keys of the values say where there is no canary; undefined: one of them is at hand, or all are given up. */
function valueProblem(
  values: readonly (readonly [string, number])[],
  { keyring, tracking }: Keys,
): CasehardError | undefined {
  const kids = values.map(([kid]) => kid);
  if (kids.length === 0 || kids.some((kid) => keyring.find(kid) !== undefined)) return undefined;
  if (kids.every((kid) => keyring.isWithdrawn(kid))) return undefined; // the operator says that they are lost, and goes on
  const sealed = values.reduce((sum, [, count]) => sum + count, 0);
  return (
    swapped(kids, keyring, tracking) ??
    (keyring.list().length === 0 ? keyMissing(keyring, { kids, sealed }) : notKnownHere(kids, keyring))
  );
}

function keyMissing(
  keyring: Keyring,
  { kids, sealed }: { readonly kids: readonly string[]; readonly sealed: number },
): CasehardError {
  const there = sealed > 0 ? `holds ${sealed} sealed values` : `was hardened under key ${kids.join(', ')}`;
  return new CasehardError('KEY_MISSING', `${keyring.setting} not configured, but this database ${there}`, {
    hint: `put the key with id ${kids.join(' or ') || 'of the backup'} back into ${keyring.setting}; nothing was written`,
  });
}

function notKnownHere(kids: readonly string[], keyring: Keyring): CasehardError {
  const here = keyring.list().map(({ kid }) => kid);
  return new CasehardError(
    'KEY_NOT_KNOWN_HERE',
    `this database was hardened under key ${kids.join(', ')}; configured is ${here.join(', ')}`,
    {
      hint: 'a wrong paste, the key of another environment, or a database restored from another one or from before the key: configure the key that belongs here; if it is lost for good, list its id in CASEHARD_WITHDRAWN_KIDS and set the values anew; nothing was written',
    },
  );
}

/** Values that were counted are there; those that were not may be. */
function previousMissing(
  lost: readonly string[],
  keyring: Keyring,
  counted: 'has' | 'may have' = 'may have',
): CasehardError {
  const here = keyring.list().map(({ kid }) => kid);
  return new CasehardError(
    'PREVIOUS_KEY_MISSING',
    `this database ${counted} values under key ${lost.join(', ')}, which hardened it and is not configured; configured is ${here.join(', ') || 'none'}`,
    {
      hint: 'an older file of settings may have been put back: list that key in CASEHARD_PREVIOUS_ENC_KEYS or make it active; if it is lost for good, list its id in CASEHARD_WITHDRAWN_KIDS; nothing was written',
    },
  );
}

/** It was there when the keys were judged: somebody is withdrawing the key, or has. */
function gone(kid: string): CasehardError {
  return new CasehardError('KEY_NOT_KNOWN_HERE', `the canary of the active key ${kid} was taken away a moment ago`, {
    hint: 'the key is being withdrawn, or was: make the new one active here too, as in the other processes; nothing was written',
  });
}

/** Keys in plain base64 do not say what they are for: the tracking key may be the one that sealed here. */
function swapped(
  kids: readonly string[],
  keyring: Keyring,
  tracking: TrackingKeyring | undefined,
): CasehardError | undefined {
  const kid = kids.find((each) => tracking?.sealsAs(each) === true);
  if (kid === undefined) return undefined;
  return new CasehardError(
    'KEY_IN_WRONG_SETTING',
    `the key ${kid}, which hardened this database, is configured as a tracking key`,
    {
      kid,
      hint: `the two keys were exchanged: put it into ${keyring.setting}, and the other one into ${tracking?.setting}`,
    },
  );
}

/** A host that was forgotten: the others have gone on to the key that is only staged here. */
function leftBehind(ahead: readonly string[], keyring: Keyring): CasehardError {
  const active = keyring.active?.kid;
  return new CasehardError(
    'KEY_NOT_KNOWN_HERE',
    `this database is already hardened under key ${ahead.join(', ')}, which is only staged here; the active key ${active} has no canary`,
    {
      hint: `an older file of settings: make ${ahead[0]} active here too, as in the other processes; nothing was written`,
    },
  );
}
