import type { Keyring } from '@casehard/core';
import type { TrackingKeyring } from '@casehard/core/links';
import type { StateKey } from '@casehard/core/state';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { type Drill, readDrills, writeDrill } from '../database/drills.ts';
import type { DrillResult } from './drill.ts';

/** Which keys are in a backup that was proven. */
export interface ProvenBackups {
  /** By key id: the last drill of a backup of it, where that proved it. */
  readonly proven: ReadonlyMap<string, Drill>;
  /** Of the keys that were asked about: those whose last drill failed, and those without any. */
  readonly unproven: readonly string[];
}

/**
 * The last drill of every key, where it proved a backup: one that failed since takes the proof away. Only rows whose tag holds
 * count; without the state key that is none, for what nobody can authenticate is not believed.
 */
export async function provenBackups(
  db: Database,
  stateKey: StateKey | undefined,
  asked: readonly string[] = [],
): Promise<ProvenBackups> {
  const last = stateKey && (await describeTable(db, TABLE)) ? await lastDrills(db, stateKey) : new Map<string, Drill>();
  const proven = new Map([...last].filter(([, drill]) => drill.proven));
  return { proven, unproven: asked.filter((kid) => !proven.has(kid)) };
}

/** The keys that a backup must have: what is active, and what values are still under. `values` are counted by key id. */
export function keysToProve(
  keyring: Keyring,
  tracking: TrackingKeyring | undefined,
  values: ReadonlyMap<string, number>,
): readonly string[] {
  const needed = keyring
    .list()
    .filter(({ kid, state }) => state === 'active' || (state !== 'withdrawn' && (values.get(kid) ?? 0) > 0));
  return [...needed.map(({ kid }) => kid), ...(tracking?.active ? [tracking.active.tkid] : [])];
}

/** Writes down what a drill found of every key; `false` where the upgrade has not made the table yet. */
export async function recordDrill(
  db: Database,
  stateKey: StateKey,
  { file, result }: { readonly file: string; readonly result: DrillResult },
): Promise<boolean> {
  if (!(await describeTable(db, TABLE))) return false;
  for (const { kid, proven, opened } of result.keys) {
    await writeDrill(db, { kid, proven, opened, file }, (pieces) => stateKey.tag(TABLE, pieces));
  }
  return true;
}

/** Writes down that a backup could not be opened: whatever it had proven is proven no more. */
export async function recordUnopened(db: Database, stateKey: StateKey, file: string): Promise<void> {
  if (!(await describeTable(db, TABLE))) return;
  for (const [kid, drill] of await lastDrills(db, stateKey)) {
    if (!drill.proven || drill.file !== file) continue;
    await writeDrill(db, { kid, proven: false, opened: 0, file }, (pieces) => stateKey.tag(TABLE, pieces));
  }
}

// --- internal ---

async function lastDrills(db: Database, stateKey: StateKey): Promise<ReadonlyMap<string, Drill>> {
  const last = new Map<string, Drill>();
  for (const drill of await readDrills(db, (tag, pieces) => stateKey.holds(tag, TABLE, pieces))) {
    if (!last.has(drill.kid)) last.set(drill.kid, drill);
  }
  return last;
}

const TABLE = 'casehard_drills';
