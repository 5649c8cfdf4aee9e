import { CasehardError, printLocator, printVerdict, type Verdict } from '@casehard/core';
import { randomId } from '@casehard/core/state';
import type { LoadedProject } from '../config/load.ts';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { readRecoveries, startJob, updateJob } from '../database/evidence.ts';
import type { RowKey } from '../database/place.ts';
import { type Session, withSession } from '../database/session.ts';
import { resolveFields } from '../inventory/resolve.ts';
import { scan } from '../inventory/scan.ts';

/** A value that does not open any more. Never its content. */
export interface LostValue {
  readonly locator: string;
  readonly field: string;
  /** `unreadable UNKNOWN_KEY`. */
  readonly verdict: string;
  /** The key that it names, where it names one. */
  readonly kid: string | undefined;
}

/** Lost values of one field that share their reason. */
export interface LostGroup {
  readonly field: string;
  readonly verdict: string;
  readonly kid: string | undefined;
  readonly values: number;
  /** The first ones, to begin with. */
  readonly locators: readonly string[];
}

/** How far entering them again has come. */
export interface RecoveryProgress {
  readonly field: string;
  readonly first: number;
  readonly remaining: number;
}

export interface RecoverResult {
  readonly groups: readonly LostGroup[];
  readonly remaining: number;
  /** Fields that have or had lost values since the first run; empty where our tables are missing. */
  readonly progress: readonly RecoveryProgress[];
  /** Keys that values name and that are not configured here. */
  readonly lostKids: readonly string[];
  readonly problems: readonly CasehardError[];
}

export interface RecoverOptions {
  readonly only?: readonly string[];
  readonly signal?: AbortSignal;
  /** Every lost value, in the order of fields and row keys. */
  readonly onLost?: (lost: LostValue) => void;
  readonly onPage?: (field: string, rows: number) => void;
}

/**
 * What can no longer be opened, by field and reason. The number at the first run is kept in `casehard_jobs`, so that later
 * ones can say how far entering them again has come. Writes nothing else; works with any key, and without.
 */
export async function recover(
  project: LoadedProject,
  db: Database,
  options: RecoverOptions = {},
): Promise<RecoverResult> {
  const { keyring } = project;
  const { only, signal, onLost, onPage } = options;
  const { fields, problems } = await resolveFields(db, project.hard, { keyring, ...(only ? { only } : {}) });
  const hasJobs = (await describeTable(db, 'casehard_jobs')) !== undefined;
  return withSession(db, async (session) => {
    const groups = new Map<
      string,
      { group: Omit<LostGroup, 'values' | 'locators'>; values: number; locators: string[] }
    >();
    const counts = new Map<string, number>();
    for (const field of fields) {
      counts.set(field.name, 0);
      await scan(session, field, {
        ...(signal ? { signal } : {}),
        onPage: (rows) => onPage?.(field.name, rows),
        onRow: (value, verdict) => {
          const lost = lostValue(field.name, value.key, verdict);
          if (!lost) return;
          const { locator, ...reason } = lost;
          const name = `${reason.verdict}\n${reason.kid}\n${reason.field}`;
          const found = groups.get(name) ?? { group: reason, values: 0, locators: [] };
          groups.set(name, found);
          found.values++;
          if (found.locators.length < MAX_LOCATORS) found.locators.push(locator);
          counts.set(field.name, (counts.get(field.name) ?? 0) + 1);
          onLost?.(lost);
        },
      });
    }
    const lost = [...groups.values()].map(({ group, ...rest }) => ({ ...group, ...rest }));
    const kids = new Set(
      lost.flatMap(({ kid }) => (kid !== undefined && keyring.stateOf(kid) === undefined ? [kid] : [])),
    );
    return {
      groups: lost,
      remaining: [...counts.values()].reduce((sum, count) => sum + count, 0),
      progress: hasJobs ? await tolerated(() => keepProgress(session, counts)) : [],
      lostKids: [...kids],
      problems,
    };
  });
}

/**
 * Keeps how many values of each field did not open at first, and says how far entering them again has come. `counts` has
 * every field that was looked at; one that never had a lost value is left out.
 */
export async function keepProgress(
  session: Session,
  counts: ReadonlyMap<string, number>,
): Promise<readonly RecoveryProgress[]> {
  const known = new Map((await readRecoveries(session)).map((recovery) => [recovery.field, recovery]));
  const progress: RecoveryProgress[] = [];
  for (const [field, remaining] of counts) {
    const before = known.get(field);
    if (!before && remaining === 0) continue;
    const id = before?.id ?? randomId();
    if (!before) await startJob(session, { id, kind: 'recover', field, worker: '' });
    // More than at the first run: others were lost since.
    const first = Math.max(before?.first ?? 0, remaining);
    await updateJob(session, id, {
      state: remaining === 0 ? 'done' : 'running',
      rows: first,
      changed: first - remaining,
      quarantined: remaining,
    });
    progress.push({ field, first, remaining });
  }
  return progress;
}

/** A value whose credential is gone: it does not open, or an old process saved over it. Undefined: it is not. */
export function lostValue(field: string, key: RowKey, verdict: Verdict): LostValue | undefined {
  const savedOver = verdict.kind === 'unexpected' && verdict.why === 'LOOKS_SEALED';
  if (verdict.kind !== 'unreadable' && !savedOver) return undefined;
  const kid = 'kid' in verdict ? verdict.kid : undefined;
  return { locator: printLocator(field, key), field, verdict: printVerdict(verdict), kid };
}

// --- internal ---

/** On a replica, or for a user who may not write there, the list is what counts. */
async function tolerated(keep: () => Promise<readonly RecoveryProgress[]>): Promise<readonly RecoveryProgress[]> {
  try {
    return await keep();
  } catch (error) {
    if (!(error instanceof CasehardError)) throw error;
    return [];
  }
}

const MAX_LOCATORS = 3;
