import type { StateKey } from '@casehard/core/state';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { type Drill, readDrills, writeDrill } from '../database/drills.ts';
import type { DrillResult } from './drill.ts';

/** Which keys are in a backup that was proven. */
export interface ProvenBackups {
  /** By key id: the last drill that proved a backup of it. */
  readonly proven: ReadonlyMap<string, Drill>;
  /** Of the active keys that were asked about: those that no backup was proven for. */
  readonly unproven: readonly string[];
}

/**
 * The last proven drill of every key. Only rows whose tag holds count; without the state key that is none, for what
 * nobody can authenticate is not believed. `active` are key ids of active keys, sealing or tracking.
 */
export async function provenBackups(
  db: Database,
  stateKey: StateKey | undefined,
  active: readonly string[] = [],
): Promise<ProvenBackups> {
  const proven = new Map<string, Drill>();
  if (stateKey && (await describeTable(db, TABLE))) {
    for (const drill of await readDrills(db, (tag, pieces) => stateKey.holds(tag, TABLE, pieces))) {
      if (drill.proven && !proven.has(drill.kid)) proven.set(drill.kid, drill);
    }
  }
  return { proven, unproven: active.filter((kid) => !proven.has(kid)) };
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

// --- internal ---

const TABLE = 'casehard_drills';
