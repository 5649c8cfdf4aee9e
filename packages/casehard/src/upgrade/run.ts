import { setTimeout as sleep } from 'node:timers/promises';
import { CasehardError } from '@casehard/core';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { exclusively } from '../database/exclusive.ts';
import { recordUpgrade } from '../database/own-tables.ts';
import type { UpgradePlan, UpgradeProblem, UpgradeStep } from './plan.ts';

export interface UpgradeOptions {
  /** Told before and after every step; `dearer` when the server only accepts a way that costs more than announced. */
  readonly onStep?: (event: UpgradeEvent) => void;
  /** Stops between two steps, never within one. */
  readonly signal?: AbortSignal;
  /** How often a step that waits for a lock is tried; default 8. Each waits 2 s for the lock, with pauses between. */
  readonly attempts?: number;
  /** The time that is noted; default: the clock. */
  readonly now?: () => Date;
}

export interface UpgradeEvent {
  readonly state: 'start' | 'dearer' | 'waiting' | 'done' | 'skipped';
  /** As planned a moment before it runs. */
  readonly step: UpgradeStep;
}

export interface UpgradeResult {
  /** Steps that this run made. */
  readonly done: readonly UpgradeStep[];
  /** Steps that had become needless: another process made them, or they were made before. */
  readonly skipped: readonly UpgradeStep[];
  /** Those of the plan: no run can solve them. */
  readonly problems: readonly UpgradeProblem[];
}

/**
 * Makes the steps of a plan, one at a time, each planned anew from the catalogue under a lock that keeps other upgrades
 * out. Killed at any point, it is finished by planning and running again; running twice is harmless.
 */
export async function runUpgrade(
  db: Database,
  plan: UpgradePlan,
  options: UpgradeOptions = {},
): Promise<UpgradeResult> {
  const done: UpgradeStep[] = [];
  const skipped: UpgradeStep[] = [];
  for (const step of plan.steps) {
    stopIfAborted(options.signal);
    const made = await runStep(db, step, options);
    (made ? done : skipped).push(made ?? step);
    options.onStep?.({ state: made ? 'done' : 'skipped', step: made ?? step });
  }
  return { done, skipped, problems: plan.problems };
}

// --- internal ---

const ATTEMPTS = 8;
const PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4000;
/** Another process may be copying a large table. */
const TAKEN_PAUSE_MS = 250;

/** The step as it was made; undefined: there was nothing left to do. */
async function runStep(db: Database, step: UpgradeStep, options: UpgradeOptions): Promise<UpgradeStep | undefined> {
  const { onStep, signal, attempts = ATTEMPTS, now = () => new Date() } = options;
  let started = false;
  for (let attempt = 1; attempt <= attempts; ) {
    const outcome = await exclusively(db, async (locked) => {
      const current = await step.again(locked);
      if (!current) return undefined;
      if (!started) onStep?.({ state: 'start', step: current });
      started = true;
      await current.run(locked, (dear) => onStep?.({ state: 'dearer', step: dear }));
      if (await describeTable(locked, 'casehard_upgrades')) {
        await recordUpgrade(locked, current.id, current.sql, now());
      }
      return current;
    }).catch((error: unknown) => {
      throw explained(error, step);
    });
    if (typeof outcome === 'object') return outcome.done;
    if (outcome === 'busy') attempt++;
    if (attempt > attempts) break;
    onStep?.({ state: 'waiting', step });
    await pause(
      outcome === 'taken' ? TAKEN_PAUSE_MS : Math.min(PAUSE_MS * 2 ** (attempt - 2), LONGEST_PAUSE_MS),
      signal,
    );
  }
  throw new CasehardError('DATABASE', `${step.id}: another transaction holds ${step.table} and did not let go`, {
    hint: BUSY_HINTS[db.engine],
  });
}

const BUSY_HINTS: Readonly<Record<Database['engine'], string>> = {
  postgres:
    'find it in pg_stat_activity (state "idle in transaction", or a long query), end it, and run the upgrade again',
  mysql: 'find it in information_schema.innodb_trx or SHOW PROCESSLIST, end it, and run the upgrade again',
  sqlite: 'another process is writing to the file for long; stop it, and run the upgrade again',
};

function explained(error: unknown, step: UpgradeStep): unknown {
  if (!(error instanceof CasehardError)) return error;
  const hint = /privilege/.test(error.message)
    ? 'run the upgrade as the owner of the tables, or as a user with CREATE and ALTER'
    : error.hint;
  return new CasehardError(error.code, `${step.id}: ${error.message}`, hint === undefined ? {} : { hint });
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
  } catch {
    stopIfAborted(signal);
  }
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new CasehardError('CANCELLED', 'upgrade: stopped between two steps', {
    hint: 'run casehard upgrade again; it goes on where it stopped',
  });
}
