import type { CasehardError } from '@casehard/core';
import type { TrackingKeyring } from '@casehard/core/links';
import type { Project } from '../config/load.ts';
import type { Drill } from '../database/drills.ts';
import type { KeptCanary } from '../database/evidence.ts';
import type { KeyUse } from '../database/key-uses.ts';
import type { ListedProcess } from '../database/processes.ts';
import type { ServerSettings } from '../database/server-settings.ts';
import type { MadeUpgrade } from '../database/upgrades.ts';
import type { KidsOfField } from '../inventory/known-keys.ts';
import type { Resolved } from '../inventory/resolve.ts';
import type { UpgradePlan } from '../upgrade/plan.ts';
import type { FieldLook } from './look.ts';

/** A file with keys or passwords in it, and who may read it. */
export interface SecretFile {
  readonly path: string;
  /** Mode bits; undefined where the system has none. */
  readonly mode: number | undefined;
}

/**
 * Everything that the checks look at, gathered once. What could not be had is undefined, and `notLookedAt` says why.
 */
export interface Facts {
  readonly project: Project;
  readonly tracking: TrackingKeyring | undefined;
  /** Milliseconds since 1970, by this computer. */
  readonly now: number;
  /** Why the keys could not be read: then `project.keyring` is empty and says nothing. */
  readonly keysProblem: CasehardError | undefined;
  readonly files: readonly SecretFile[];
  /** Why nothing of the database could be looked at. */
  readonly away: CasehardError | undefined;
  readonly notLookedAt: readonly { readonly what: string; readonly error: CasehardError }[];
  readonly server: ServerSettings | undefined;
  readonly resolved: Resolved | undefined;
  readonly plan: UpgradePlan | undefined;
  readonly upgrades: readonly MadeUpgrade[] | undefined;
  readonly canaries: readonly KeptCanary[] | undefined;
  readonly trackingCanaries: readonly KeptCanary[] | undefined;
  readonly uses: readonly KeyUse[] | undefined;
  readonly processes: readonly ListedProcess[] | undefined;
  /** Undefined: there is no state key, or no table yet. */
  readonly drills: readonly Drill[] | undefined;
  /** Sealed values of every field by key id, counted without opening any. */
  readonly kids: readonly KidsOfField[] | undefined;
  /** Undefined: no value was looked at. */
  readonly looks: readonly FieldLook[] | undefined;
  /** Every value of every field that was asked for was looked at. */
  readonly complete: boolean;
  /** Stopped by the signal; and whether the next look can go on. */
  readonly stopped: 'no' | 'resumable' | 'anew';
  /** Where values that fail their MAC open, by `idOf`. */
  readonly moved: ReadonlyMap<string, string>;
  /** Locators that are listed for each finding, at most. */
  readonly maxLocators: number;
}

/** Sealed values under a key, in all fields. */
export function valuesUnder({ kids }: Pick<Facts, 'kids'>, kid: string): number {
  return (kids ?? []).reduce((sum, field) => sum + (field.kids.get(kid) ?? 0), 0);
}

/** Sealed values by key id, in all fields. */
export function valuesByKey({ kids }: Pick<Facts, 'kids'>): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const field of kids ?? []) {
    for (const [kid, rows] of field.kids) values.set(kid, (values.get(kid) ?? 0) + rows);
  }
  return values;
}

/** All sealed values. */
export function sealedValues({ kids }: Pick<Facts, 'kids'>): number {
  return (kids ?? []).reduce((sum, { sealed }) => sum + sealed, 0);
}
