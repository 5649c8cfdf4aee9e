import { CasehardError } from '@casehard/core';
import type { LoadedProject } from '../../config/load.ts';
import { findStateKey } from '../../config/state-key-file.ts';
import { describeTable } from '../../database/catalogue.ts';
import type { Database } from '../../database/connect.ts';
import { readCanaries, readTrackingCanaries } from '../../database/evidence.ts';
import { residueOf } from '../../database/residue.ts';
import { withSession } from '../../database/session.ts';
import { checkKeys, keyProblems, soundCanaries } from '../../inventory/belonging.ts';
import { trackingProblems } from '../../inventory/driver.ts';
import { resolveFields } from '../../inventory/resolve.ts';
import { readStatus } from '../../inventory/status.ts';
import { planFor } from '../../jobs/pending.ts';
import { run } from '../../jobs/run.ts';
import { keysToProve, provenBackups } from '../../keys/backups.ts';
import { keepProgress, type LostValue, lostValue, type RecoveryProgress } from '../../keys/recover.ts';
import { runUpgrade } from '../../upgrade/run.ts';
import { backUp, diagnose, drillBackup, verifyTrail, withdraw } from './keys-work.ts';
import type { Looked, Outcome, Progress, Ran, Scanned, Task, Trouble, Upgraded } from './task.ts';

export interface Work {
  readonly project: LoadedProject;
  readonly db: Database;
  readonly signal: AbortSignal;
  readonly tell: (progress: Progress) => void;
}

/** Does a task by the very functions that the command calls. */
export function perform(task: Task, work: Work): Promise<Outcome> {
  switch (task.kind) {
    case 'look':
      return look(work);
    case 'scan':
      return scan(work);
    case 'upgrade':
      return upgrade(work);
    case 'run':
      return harden(task, work);
    case 'doctor':
      return diagnose(task, work);
    case 'withdraw':
      return withdraw(task, work);
    case 'backup':
      return backUp(task, work);
    case 'drill':
      return drillBackup(task, work);
    case 'verify':
      return verifyTrail(task, work);
  }
}

/** More values than these are counted and not listed. */
export const MAX_LISTED = 5000;
/** The same for values that can no longer be opened: the queue of recovery lists more of them. */
export const MAX_LOST = 20_000;

// --- internal ---

async function look({ project, db }: Work): Promise<Looked> {
  const { keyring, tracking, hard, folder } = project;
  const resolved = await resolveFields(db, hard, { keyring });
  const { steps, problems } = await planFor(db, resolved.fields);
  const hasOwnTables = !steps.some(({ id }) => id.startsWith('create casehard_'));
  let values: ReadonlyMap<string, number> = new Map();
  const [keys, canaries, links] = await withSession(db, async (session) => [
    await checkKeys(session, resolved.fields, { keyring, tracking, hasOwnTables }).then((kids) => {
      values = kids;
      return undefined;
    }, troubleOf),
    hasOwnTables ? await readCanaries(session) : [],
    hasOwnTables ? await readTrackingCanaries(session) : [],
  ]);
  // A canary whose key is gone is trouble only where values are under it, and `checkKeys` has counted those.
  const besides = [
    ...keyProblems(soundCanaries(canaries, keyring), { keyring, tracking }).filter(
      ({ code }) => code === 'KEY_WITHDRAWN',
    ),
    ...trackingProblems(links, tracking),
  ];
  const drills = hasOwnTables && (await describeTable(db, 'casehard_drills')) !== undefined;
  const { unproven } = drills
    ? await provenBackups(db, findStateKey({ folder, env: process.env }), keysToProve(keyring, tracking, values))
    : { unproven: [] };
  return {
    kind: 'look',
    steps: steps.map(({ id, why, cost, costNote, sql }) => ({ id, why, cost, costNote, sql })),
    problems,
    keys,
    besides: besides.map(troubleOf),
    unproven,
    fields: resolved.problems.map(troubleOf),
    canaries: canaries.map(({ kid, createdAt }) => ({ kid, since: createdAt })),
  };
}

async function scan({ project, db, signal, tell }: Work): Promise<Scanned> {
  let rows = 0;
  const lost: LostValue[] = [];
  const counts = new Map<string, number>();
  const status = await readStatus(db, project.hard, {
    keyring: project.keyring,
    deep: true,
    maxListed: MAX_LISTED,
    signal,
    onPage: (field, count) => {
      rows += count;
      tell({ kind: 'scan', field, rows });
    },
    onVerdict: (field, { key }, verdict) => {
      const one = lostValue(field, key, verdict);
      if (!one) return;
      counts.set(field, (counts.get(field) ?? 0) + 1);
      if (lost.length < MAX_LOST) lost.push(one);
    },
  });
  const every = new Map(status.fields.map(({ name }) => [name, counts.get(name) ?? 0]));
  return {
    kind: 'scan',
    fields: status.fields,
    listed: status.listed,
    listedInAll: status.listedInAll,
    troubles: status.problems.map(troubleOf),
    notHardened: status.notHardened,
    lost,
    lostInAll: [...every.values()].reduce((sum, count) => sum + count, 0),
    recovery: await recoveryOf(db, every),
  };
}

/** For people: a database that cannot be written has no progress, and is scanned all the same. */
async function recoveryOf(db: Database, counts: ReadonlyMap<string, number>): Promise<readonly RecoveryProgress[]> {
  try {
    if (!(await describeTable(db, 'casehard_jobs'))) return [];
    return await withSession(db, (session) => keepProgress(session, counts));
  } catch (error) {
    if (!(error instanceof CasehardError)) throw error;
    return [];
  }
}

async function upgrade({ project, db, signal, tell }: Work): Promise<Upgraded> {
  const resolved = await resolveFields(db, project.hard, { keyring: project.keyring });
  const [problem] = resolved.problems;
  if (problem) throw problem;
  const { done, skipped, problems } = await runUpgrade(db, await planFor(db, resolved.fields), {
    signal,
    onStep: ({ state, step }) => tell({ kind: 'upgrade', step: step.id, state }),
  });
  return { kind: 'upgrade', done: done.map(({ id }) => id), skipped: skipped.map(({ id }) => id), problems };
}

async function harden(task: Extract<Task, { kind: 'run' }>, { project, db, signal, tell }: Work): Promise<Ran> {
  const { kind: _, ...options } = task;
  const result = await run(project, db, {
    ...options,
    signal,
    onProgress: (field, walked) => tell({ kind: 'run', field, walked }),
  });
  const residue = task.act === 'harden' && result.changed > 0 ? residueOf(db.engine, result.tables) : undefined;
  return { kind: 'run', ...result, residue };
}

function troubleOf(error: unknown): Trouble {
  if (!(error instanceof CasehardError)) throw error;
  const { code, message, hint, field } = error;
  return { code, message, ...(hint === undefined ? {} : { hint }), ...(field === undefined ? {} : { field }) };
}
