import type { SharedKeyring } from '@casehard/core';
import type { SharedTrackingKeyring } from '@casehard/core/state';
import type { AuditHead, AuditVerdict } from '../../audit/trail.ts';
import type { Diagnosis } from '../../doctor/examine.ts';
import type { FieldStatus, Listed } from '../../inventory/status.ts';
import type { RunResult } from '../../jobs/run.ts';
import type { Walked } from '../../jobs/walk.ts';
import type { BackupTo, BackupWith } from '../../keys/backup.ts';
import type { DrillResult } from '../../keys/drill.ts';
import type { LostValue, RecoveryProgress } from '../../keys/recover.ts';
import type { Withdrawable } from '../../keys/withdraw.ts';
import type { UpgradeProblem, UpgradeStep } from '../../upgrade/plan.ts';

/*
 * What goes to and fro between the console and its background thread: plain data, which structured clone carries. Keys
 * travel as KeyObjects. No message holds a value of the database. What opens a backup goes along as it was typed, in memory
 * only: trying it takes a second of work that no page may wait for.
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
    }
  | { readonly kind: 'doctor'; readonly quick: boolean }
  | { readonly kind: 'withdraw'; readonly kid: string; readonly heartbeat?: number }
  | { readonly kind: 'backup'; readonly to: BackupTo }
  | { readonly kind: 'drill'; readonly bytes: Uint8Array; readonly name: string; readonly how: BackupWith }
  | { readonly kind: 'verify'; readonly head?: AuditHead };

/** What the thread is started with. */
export interface Order {
  readonly configPath: string;
  readonly keyring: SharedKeyring;
  readonly tracking: SharedTrackingKeyring;
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
  /** What the canaries say besides: withdrawn keys, tracking keys that links still need. */
  readonly besides: readonly Trouble[];
  /** Active keys of which no backup was proven. */
  readonly unproven: readonly string[];
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
  /** Values that can no longer be opened, the first of them. */
  readonly lost: readonly LostValue[];
  /** All of them. */
  readonly lostInAll: number;
  /** How far entering them again has come; empty where our tables are missing or cannot be written. */
  readonly recovery: readonly RecoveryProgress[];
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

export interface Diagnosed extends Diagnosis {
  readonly kind: 'doctor';
}

/** A key that was withdrawn from the database; the lines of settings are left. */
export interface Withdrawn extends Omit<Withdrawable, 'kind'> {
  readonly kind: 'withdraw';
  readonly of: Withdrawable['kind'];
}

export interface BackedUp {
  readonly kind: 'backup';
  /** In age's format. */
  readonly sealed: string;
  readonly kids: readonly string[];
}

export interface Drilled extends DrillResult {
  readonly kind: 'drill';
  readonly name: string;
}

export interface Verified {
  readonly kind: 'verify';
  readonly verdict: AuditVerdict;
  /** A head was compared. */
  readonly against: boolean;
}

export type Outcome = Looked | Scanned | Upgraded | Ran | Diagnosed | Withdrawn | BackedUp | Drilled | Verified;

/** How far the work is. */
export type Progress =
  | { readonly kind: 'scan' | 'doctor' | 'withdraw' | 'verify'; readonly field: string; readonly rows: number }
  | { readonly kind: 'upgrade'; readonly step: string; readonly state: string }
  | { readonly kind: 'run'; readonly field: string; readonly walked: Walked };

export type Message = { readonly progress: Progress } | { readonly outcome: Outcome } | { readonly failed: Trouble };
