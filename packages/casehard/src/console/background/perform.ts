import { CasehardError } from '@casehard/core';
import type { Project } from '../../config/load.ts';
import type { Database } from '../../database/connect.ts';
import { readCanaries } from '../../database/evidence.ts';
import { residueOf } from '../../database/residue.ts';
import { withSession } from '../../database/session.ts';
import { checkKeys } from '../../inventory/known-keys.ts';
import { resolveFields } from '../../inventory/resolve.ts';
import { readStatus } from '../../inventory/status.ts';
import { planFor } from '../../jobs/pending.ts';
import { run } from '../../jobs/run.ts';
import { runUpgrade } from '../../upgrade/run.ts';
import type { Looked, Outcome, Progress, Ran, Scanned, Task, Trouble, Upgraded } from './task.ts';

export interface Work {
  readonly project: Project;
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
  }
}

/** More values than these are counted and not listed. */
export const MAX_LISTED = 5000;

// --- internal ---

async function look({ project, db }: Work): Promise<Looked> {
  const { keyring, hard } = project;
  const resolved = await resolveFields(db, hard, { keyring });
  const { steps, problems } = await planFor(db, resolved.fields);
  const hasOwnTables = !steps.some(({ id }) => id.startsWith('create casehard_'));
  const [keys, canaries] = await withSession(db, async (session) => [
    await checkKeys(session, resolved.fields, { keyring, hasOwnTables }).then(() => undefined, troubleOf),
    hasOwnTables ? await readCanaries(session) : [],
  ]);
  return {
    kind: 'look',
    steps: steps.map(({ id, why, cost, costNote, sql }) => ({ id, why, cost, costNote, sql })),
    problems,
    keys,
    fields: resolved.problems.map(troubleOf),
    canaries: canaries.map(({ kid, createdAt }) => ({ kid, since: createdAt })),
  };
}

async function scan({ project, db, signal, tell }: Work): Promise<Scanned> {
  let rows = 0;
  const status = await readStatus(db, project.hard, {
    keyring: project.keyring,
    deep: true,
    maxListed: MAX_LISTED,
    signal,
    onPage: (field, count) => {
      rows += count;
      tell({ kind: 'scan', field, rows });
    },
  });
  return {
    kind: 'scan',
    fields: status.fields,
    listed: status.listed,
    listedInAll: status.listedInAll,
    troubles: status.problems.map(troubleOf),
    notHardened: status.notHardened,
  };
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
