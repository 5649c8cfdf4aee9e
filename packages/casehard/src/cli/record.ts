import { CasehardError } from '@casehard/core';
import { recordAct } from '../audit/open.ts';
import type { Project } from '../config/load.ts';
import type { Database } from '../database/connect.ts';
import type { Invocation } from './main.ts';

/** A command at work on a database. */
export interface AtWork {
  readonly invocation: Invocation;
  readonly project: Project;
  readonly db: Database;
}

/**
 * Records what was done. It stays done: where it cannot be recorded, that is said on stderr, and no exit code changes.
 * Call it before the result is printed, whose reader may be gone already; `say` then prints what there is to say of it.
 */
export async function record(
  { invocation, project, db }: AtWork,
  entry: Parameters<typeof recordAct>[2],
): Promise<{ readonly say: () => void }> {
  const { output, env } = invocation;
  const notes: string[] = [];
  let problem: string | undefined;
  try {
    await recordAct(db, { folder: project.folder, env, note: (text) => notes.push(text) }, entry);
  } catch (error) {
    problem = error instanceof CasehardError ? `${error.message} [${error.code}]` : 'an unexpected error';
  }
  return {
    say() {
      for (const text of notes) output.note(text);
      if (problem !== undefined) output.problem(`this act is not in the audit trail: ${problem}`);
    },
  };
}
