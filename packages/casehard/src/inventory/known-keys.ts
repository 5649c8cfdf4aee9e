import { type Casehard, CasehardError, createCasehard, type Fields, type Keyring, setting } from '@casehard/core';
import type { TrackingKeyring } from '@casehard/core/links';
import { countByPrefix, countInDocuments } from '../database/count.ts';
import { type Canary, readCanaries, writeCanary } from '../database/evidence.ts';
import type { Session } from '../database/session.ts';
import type { ResolvedField } from './resolve.ts';
import { scan } from './scan.ts';

/** Sealed values of a database by key id, and whether this process knows the keys. */
export interface KnownKeys {
  readonly kids: ReadonlyMap<string, number>;
  readonly sealed: number;
}

/** The same for one field. */
export interface KidsOfField extends KnownKeys {
  readonly name: string;
}

/** Counts sealed values by key id, without opening any. */
export async function countKids(session: Session, fields: readonly ResolvedField[]): Promise<KnownKeys> {
  const kids = new Map<string, number>();
  let sealed = 0;
  for (const field of await countKidsByField(session, fields)) {
    sealed += field.sealed;
    for (const [kid, rows] of field.kids) kids.set(kid, (kids.get(kid) ?? 0) + rows);
  }
  return { kids, sealed };
}

/**
 * Counts sealed values by field and key id. Columns are counted inside the database. A document is counted by its first
 * sealed value, unless `exact` asks for every document to be read: only then the figures are those of the field.
 */
export async function countKidsByField(
  session: Session,
  fields: readonly ResolvedField[],
  options: { readonly exact?: boolean; readonly signal?: AbortSignal } = {},
): Promise<readonly KidsOfField[]> {
  const counted: KidsOfField[] = [];
  for (const field of fields) {
    const kids = new Map<string, number>();
    let sealed = 0;
    for (const { kid, rows } of await (field.document
      ? inDocuments(session, field, options)
      : inColumn(session, field))) {
      sealed += rows;
      if (/^[a-z2-7]{8}$/.test(kid)) kids.set(kid, (kids.get(kid) ?? 0) + rows);
    }
    counted.push({ name: field.name, kids, sealed });
  }
  return counted;
}

/**
 * What the canaries of a database say of these keys, the worst first; empty: the keys belong here. Reads no value. A key
 * that has a canary and is not configured may still have values: `checkKeys` counts them.
 */
export function keyProblems(
  canaries: readonly Canary[],
  keyring: Keyring,
  tracking?: TrackingKeyring,
): readonly CasehardError[] {
  if (canaries.length === 0) return [];
  const kids = canaries.map(({ kid }) => kid);
  if (keyring.list().length === 0)
    return [swapped(kids, keyring, tracking) ?? keyMissing(keyring, { kids, sealed: 0 })];
  const field = canaryField(keyring);
  const opens = canaries.filter(({ canary }) => field.verdict(canary).kind !== 'unreadable');
  const withdrawn = kids.filter((kid) => keyring.isWithdrawn(kid));
  const problems: CasehardError[] = [];
  if (opens.length === 0 && withdrawn.length < kids.length) {
    problems.push(swapped(kids, keyring, tracking) ?? notKnownHere(kids, keyring));
  } else {
    const lost = kids.filter((kid) => keyring.stateOf(kid) === undefined);
    // A first activation is made with every older key at hand. Without one of them, an active key that has never been
    // here is a stranger's, and what it seals nobody else could open.
    const isNew = keyring.active !== undefined && !opens.some(({ kid }) => kid === keyring.active?.kid);
    if (lost.length > 0) {
      problems.push(
        isNew ? (swapped(kids, keyring, tracking) ?? notKnownHere(kids, keyring)) : previousMissing(lost, keyring),
      );
    }
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
 * key are no reason: they are quarantined.
 */
export async function checkKeys(
  session: Session,
  fields: readonly ResolvedField[],
  options: { readonly keyring: Keyring; readonly tracking?: TrackingKeyring; readonly hasOwnTables: boolean },
): Promise<void> {
  const { keyring, tracking } = options;
  const canaries = options.hasOwnTables ? await readCanaries(session) : [];
  const { kids, sealed } = await countKids(session, fields);
  const there = canaries.length > 0 ? canaries.map(({ kid }) => kid) : [...kids.keys()];
  if (keyring.list().length === 0) {
    if (sealed === 0 && canaries.length === 0) return;
    throw swapped(there, keyring, tracking) ?? keyMissing(keyring, { kids: there, sealed });
  }
  if (canaries.length === 0) {
    const problem = valueProblem(there, keyring, tracking);
    if (problem) throw problem;
    return;
  }
  // The canary of a key that is gone and has no values left says nothing, as long as another one shows whose database it is.
  const standing = canaries.filter(({ kid }) => keyring.stateOf(kid) !== undefined || (kids.get(kid) ?? 0) > 0);
  const judged = canaries.some((canary) => opensCanary(keyring, canary)) ? standing : canaries;
  const [problem] = keyProblems(judged, keyring, tracking);
  if (problem === undefined || problem.code === 'KEY_WITHDRAWN') return;
  if (problem.code !== 'PREVIOUS_KEY_MISSING') throw problem;
  const lost = canaries.filter(({ kid }) => keyring.stateOf(kid) === undefined && (kids.get(kid) ?? 0) > 0);
  if (lost.length > 0) {
    throw previousMissing(
      lost.map(({ kid }) => `${kid} (${kids.get(kid)} values)`),
      keyring,
    );
  }
}

/** What the keys of the values say where there is no canary; undefined: one of them is at hand, or all are given up. */
export function valueProblem(
  kids: readonly string[],
  keyring: Keyring,
  tracking?: TrackingKeyring,
): CasehardError | undefined {
  if (kids.length === 0 || kids.some((kid) => keyring.find(kid) !== undefined)) return undefined;
  if (kids.every((kid) => keyring.isWithdrawn(kid))) return undefined; // the operator says that they are lost, and goes on
  return swapped(kids, keyring, tracking) ?? notKnownHere(kids, keyring);
}

/** The quick part of `checkKeys`: refuses where this database has canaries and none of them opens here. */
export async function refuseStrangeCanaries(session: Session, keyring: Keyring): Promise<void> {
  const [problem] = keyProblems(await readCanaries(session), keyring);
  if (problem && problem.code !== 'KEY_WITHDRAWN' && problem.code !== 'PREVIOUS_KEY_MISSING') throw problem;
}

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

type KidRows = readonly { readonly kid: string; readonly rows: number }[];

async function inColumn(session: Session, { place, definition }: ResolvedField): Promise<KidRows> {
  const counts = await countByPrefix(session, place, definition.scheme?.name);
  return counts.flatMap(({ shape, kid, rows }) => (shape === 'sealed' ? [{ kid: kid ?? '', rows }] : []));
}

async function inDocuments(
  session: Session,
  field: ResolvedField,
  { exact = false, signal }: { readonly exact?: boolean; readonly signal?: AbortSignal },
): Promise<KidRows> {
  if (!exact) return countInDocuments(session, field.place);
  const found: { kid: string; rows: number }[] = [];
  await scan(session, field, {
    ...(signal ? { signal } : {}),
    onRow: (_value, verdict) => {
      if ('kid' in verdict && verdict.kid !== undefined) found.push({ kid: verdict.kid, rows: 1 });
    },
  });
  return found;
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

function previousMissing(lost: readonly string[], keyring: Keyring): CasehardError {
  const here = keyring.list().map(({ kid }) => kid);
  return new CasehardError(
    'PREVIOUS_KEY_MISSING',
    `this database has values under key ${lost.join(', ')}, which hardened it and is not configured; configured is ${here.join(', ') || 'none'}`,
    {
      hint: 'an older file of settings may have been put back: list that key in CASEHARD_PREVIOUS_ENC_KEYS or make it active; if it is lost for good, list its id in CASEHARD_WITHDRAWN_KIDS; nothing was written',
    },
  );
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

const CANARY = 'casehard.canary';

function canaryField(keyring: Keyring): ReturnType<Casehard<{ [CANARY]: ReturnType<typeof setting> }>['field']> {
  const fields = { [CANARY]: setting('casehard_keys', { where: { kid: 'any' }, value: 'canary' }) } satisfies Fields;
  return createCasehard({ fields, keyring, warn: () => {} }).field(CANARY);
}
