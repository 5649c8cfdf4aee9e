import { CasehardError, type KeyState } from '@casehard/core';
import type { LoadedProject } from '../config/load.ts';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { type Canary, readCanaries, readTrackingCanaries } from '../database/evidence.ts';
import { sampleCells } from '../database/sample-cells.ts';
import { type Session, withSession } from '../database/session.ts';
import { opensCanary, sealsFor } from '../inventory/canary.ts';
import { opensTrackingCanary } from '../inventory/driver.ts';
import { countKids } from '../inventory/known-keys.ts';
import { type ResolvedField, resolveFields } from '../inventory/resolve.ts';
import { readValue, verdictOf } from '../inventory/value.ts';
import type { OpenedBackup } from './backup.ts';

/** What a drill found of one key. */
export interface DrilledKey {
  readonly kid: string;
  readonly kind: 'sealing' | 'tracking';
  /** What this configuration says of it. */
  readonly configured: KeyState | undefined;
  readonly inBackup: boolean;
  readonly canary: 'opens' | 'does not open' | 'none';
  /** Sealed values under it, counted by their key id. */
  readonly values: number;
  /** Of the values that were tried at random. */
  readonly tried: number;
  readonly opened: number;
  /** Tried values that the keys configured here do not open either: damaged or moved, which is no fault of the backup. */
  readonly damaged: number;
  readonly proven: boolean;
  /** Why it is not proven. */
  readonly problem: string | undefined;
}

export interface DrillResult {
  readonly keys: readonly DrilledKey[];
  /** Nothing that this database needs is missing, and everything that was tried opened. */
  readonly proven: boolean;
  /** Keys of the backup that nothing here is under, and that are not configured here. */
  readonly strangers: readonly string[];
  /** Keys that values name and that nobody here has, nor ever hardened with: no backup can be blamed for them. */
  readonly unknown: readonly string[];
}

export interface DrillOptions {
  /** Values to try per field and key; default 20. */
  readonly values?: number;
  readonly signal?: AbortSignal;
  readonly onField?: (field: string) => void;
}

/**
 * Proves a backup: its keys, in memory only, open the canary and random values of each key of this database. A key that
 * nothing is sealed under yet is proven by a value that this process seals now and the backup opens. Reads only.
 */
export async function drill(
  project: LoadedProject,
  db: Database,
  { backup, ...options }: DrillOptions & { readonly backup: OpenedBackup },
): Promise<DrillResult> {
  const there = await resolveFields(db, project.hard, { keyring: backup.keyring });
  const [problem] = there.problems;
  if (problem) throw problem;
  const here = await resolveFields(db, project.hard, { keyring: project.keyring });
  const hasCanaries = (await describeTable(db, 'casehard_keys')) !== undefined;
  return withSession(db, async (session) => {
    const { kids } = await countKids(session, there.fields, {
      exact: true,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    const canaries = hasCanaries ? await readCanaries(session) : [];
    const names = new Set([
      ...open(project.keyring.list()).map(({ kid }) => kid),
      ...open(backup.keyring.list()).map(({ kid }) => kid),
      ...kids.keys(),
    ]);
    const keys: DrilledKey[] = [];
    const strangers: string[] = [];
    const unknown: string[] = [];
    for (const kid of names) {
      if (project.keyring.isWithdrawn(kid)) continue; // given up for good, or on its way out: nobody counts on it
      const canary = canaries.find((one) => one.kid === kid);
      const values = kids.get(kid) ?? 0;
      const configured = project.keyring.stateOf(kid);
      if (configured === undefined && canary === undefined && !backup.keyring.find(kid)) unknown.push(kid);
      else if (configured === undefined && values === 0 && canary === undefined) strangers.push(kid);
      else {
        const tried = backup.keyring.find(kid)
          ? await tryValues(session, { kid, values, there: there.fields, here: here.fields }, options)
          : NOTHING;
        keys.push(judge({ kid, configured, values, canary, tried, project, backup }));
      }
    }
    const links = hasCanaries ? await readTrackingCanaries(session) : [];
    const tracking = judgeTracking(project, backup, links);
    strangers.push(...tracking.strangers);
    const all = [...keys, ...tracking.keys];
    return { keys: all, strangers, unknown, proven: all.length > 0 && all.every(({ proven }) => proven) };
  });
}

// --- internal ---

interface Tried {
  readonly tried: number;
  readonly opened: number;
  readonly damaged: number;
}

const NOTHING: Tried = { tried: 0, opened: 0, damaged: 0 };

function open<T extends { readonly state: KeyState }>(list: readonly T[]): readonly T[] {
  return list.filter(({ state }) => state !== 'withdrawn');
}

interface Wanted {
  readonly kid: string;
  readonly values: number;
  /** The fields with the keys of the backup, and with those configured here, in the same order. */
  readonly there: readonly ResolvedField[];
  readonly here: readonly ResolvedField[];
}

async function tryValues(
  session: Session,
  { kid, values, there, here }: Wanted,
  { values: limit = 20, signal, onField }: DrillOptions,
): Promise<Tried> {
  const sum = { ...NOTHING };
  if (values === 0) return sum;
  for (const field of there) {
    if (signal?.aborted)
      throw new CasehardError('CANCELLED', 'stopped before the end of the drill', { hint: 'run it again' });
    onField?.(field.name);
    const inDocument = field.document !== undefined;
    for (const cell of await sampleCells(session, field.place, { kid, limit, inDocument })) {
      const value = readValue(field, cell);
      const verdict = verdictOf(field, value);
      if (!('kid' in verdict) || verdict.kid !== kid) continue; // another value of the same document was found
      sum.tried++;
      if (verdict.kind !== 'unreadable') sum.opened++;
      else {
        const twin = here.find(({ name }) => name === field.name);
        if (!twin || verdictOf(twin, value).kind === 'unreadable') sum.damaged++;
      }
    }
  }
  return sum;
}

function judge(found: {
  readonly kid: string;
  readonly configured: KeyState | undefined;
  readonly values: number;
  readonly canary: Canary | undefined;
  readonly tried: Tried;
  readonly project: LoadedProject;
  readonly backup: OpenedBackup;
}): DrilledKey {
  const { kid, configured, values, canary, tried, project, backup } = found;
  const inBackup = backup.keyring.find(kid) !== undefined && !backup.keyring.isWithdrawn(kid);
  const canaryState =
    canary === undefined || !inBackup ? 'none' : opensCanary(backup.keyring, canary) ? 'opens' : 'does not open';
  const base = { kid, kind: 'sealing', configured, inBackup, canary: canaryState, values, ...tried } as const;
  const problem = ((): string | undefined => {
    if (!inBackup) return missing(configured, values);
    if (canaryState === 'does not open')
      return 'the canary of this database does not open: it is another key, or the canary was changed';
    const wrong = tried.tried - tried.opened - tried.damaged;
    if (wrong > 0)
      return `${wrong} of ${tried.tried} values do not open with the backup, and do with the key configured here`;
    if (canaryState === 'opens' || tried.opened > 0) return undefined;
    if (tried.damaged > 0) return `none of ${tried.tried} values opens`;
    if (configured !== undefined && sealsFor(project.keyring, kid, backup.keyring)) return undefined;
    return 'nothing here shows that it is the right key';
  })();
  return { ...base, proven: problem === undefined, problem };
}

function missing(configured: KeyState | undefined, values: number, links = ''): string {
  const under = values > 0 ? `${values} ${values === 1 ? 'value is' : 'values are'} under it` : links;
  if (configured === undefined) return `${under}; neither the backup nor this configuration has it`;
  return `it is not in the backup, and is configured here (${configured})${under === '' ? '' : `; ${under}`}`;
}

/** Links have no stored values: their canaries are all there is to try. */
function judgeTracking(
  { tracking }: LoadedProject,
  backup: OpenedBackup,
  canaries: readonly Canary[],
): { readonly keys: readonly DrilledKey[]; readonly strangers: readonly string[] } {
  const states = new Map(tracking.list().map(({ tkid, state }) => [tkid, state]));
  const names = new Set([
    ...open(tracking.list()).map(({ tkid }) => tkid),
    ...open(backup.tracking.list()).map(({ tkid }) => tkid),
    ...canaries.map(({ kid }) => kid),
  ]);
  const keys: DrilledKey[] = [];
  const strangers: string[] = [];
  for (const kid of names) {
    const configured = states.get(kid);
    if (configured === 'withdrawn') continue;
    const canary = canaries.find((one) => one.kid === kid);
    if (configured === undefined && canary === undefined) {
      strangers.push(kid);
      continue;
    }
    const inBackup = backup.tracking.find(kid) !== undefined && !backup.tracking.isWithdrawn(kid);
    const twin = inBackup && tracking.find(kid)?.kidAsSealing === backup.tracking.find(kid)?.kidAsSealing;
    const opens = inBackup && canary !== undefined && opensTrackingCanary(backup.tracking, canary);
    const problem = !inBackup
      ? missing(configured, 0, canary && 'links were sent under it')
      : canary && !opens
        ? 'the canary of this database does not open: it is another key, or the canary was changed'
        : opens || twin
          ? undefined
          : 'nothing here shows that it is the right key';
    keys.push({
      ...NOTHING,
      kid,
      kind: 'tracking',
      configured,
      inBackup,
      canary: !canary || !inBackup ? 'none' : opens ? 'opens' : 'does not open',
      values: 0,
      proven: problem === undefined,
      problem,
    });
  }
  return { keys, strangers };
}
