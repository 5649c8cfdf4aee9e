import type { SharedKeyring } from '@casehard/core';
import type { FieldStatus, Listed } from '../../inventory/status.ts';
import type { RunResult } from '../../jobs/run.ts';
import type { Walked } from '../../jobs/walk.ts';
import type { UpgradeProblem, UpgradeStep } from '../../upgrade/plan.ts';

/*
 * What goes to and fro between the console and its background thread: plain data, which structured clone carries. Keys
 * travel as KeyObjects. No message holds a value of the database.
 */

/** The work that is not done where pages are answered. */
export type Task =
  | { readonly kind: 'look' }
  | { readonly kind: 'scan' }
  | { readonly kind: 'upgrade' }
  | {
      readonly kind: 'run';
      readonly act: 'harden' | 'soften';
      readonly only?: readonly string[];
      readonly rate?: number;
      readonly asPlaintext?: { readonly field: string; readonly key: readonly string[] };
    };

/** What the thread is started with. */
export interface Order {
  readonly configPath: string;
  readonly keyring: SharedKeyring;
  readonly task: Task;
}

/** A problem as people are shown it. */
export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly field?: string;
}

export type StepInfo = Pick<UpgradeStep, 'id' | 'why' | 'cost' | 'costNote' | 'sql'>;

/** What a look at the database says: quick, without opening values. */
export interface Looked {
  readonly kind: 'look';
  readonly steps: readonly StepInfo[];
  readonly problems: readonly UpgradeProblem[];
  /** Keys that do not fit this database. */
  readonly keys: Trouble | undefined;
  /** Fields that cannot be worked on. */
  readonly fields: readonly Trouble[];
  readonly canaries: readonly { readonly kid: string; readonly since: string }[];
}

/** What opening every value says. */
export interface Scanned {
  readonly kind: 'scan';
  readonly fields: readonly FieldStatus[];
  readonly listed: readonly Listed[];
  /** How many values need a look, listed or not. */
  readonly listedInAll: number;
  readonly troubles: readonly Trouble[];
  readonly notHardened: number;
}

export interface Upgraded {
  readonly kind: 'upgrade';
  readonly done: readonly string[];
  readonly skipped: readonly string[];
  readonly problems: readonly UpgradeProblem[];
}

export interface Ran extends Omit<RunResult, 'fields'> {
  readonly kind: 'run';
  readonly fields: RunResult['fields'];
  readonly residue: { readonly where: string; readonly commands: readonly string[] } | undefined;
}

export type Outcome = Looked | Scanned | Upgraded | Ran;

/** How far the work is. */
export type Progress =
  | { readonly kind: 'scan'; readonly field: string; readonly rows: number }
  | { readonly kind: 'upgrade'; readonly step: string; readonly state: string }
  | { readonly kind: 'run'; readonly field: string; readonly walked: Walked };

export type Message = { readonly progress: Progress } | { readonly outcome: Outcome } | { readonly failed: Trouble };
