import { CasehardError, printLocator } from '@casehard/core';
import { type RunOptions, type RunResult, run } from '../jobs/run.ts';
import type { Walked } from '../jobs/walk.ts';
import type { Exit } from './exit.ts';
import { type AtWork, record } from './record.ts';

/**
 * Hardens or softens, records it as it ended, and reports. It is recorded once, also where it failed after its first
 * page; a dry run and a run that was refused before it began did nothing.
 */
export async function runRecorded(at: AtWork, options: RunOptions, report: (result: RunResult) => Exit): Promise<Exit> {
  const { act, dryRun, only, asPlaintext } = options;
  const subject = asPlaintext ? printLocator(asPlaintext.field, asPlaintext.key) : (only?.join(', ') ?? 'all fields');
  const walks = new Map<string, Walked>();
  const note = (how: string) =>
    dryRun === true
      ? undefined
      : record(at, { act, subject, reason: '', outcome: `${how}: ${figuresOf([...walks.values()])}` });
  let result: RunResult;
  try {
    result = await run(at.project, at.db, {
      ...options,
      onProgress(field, walked) {
        walks.set(field, walked);
        options.onProgress?.(field, walked);
      },
    });
  } catch (error) {
    if (walks.size > 0) (await note(`failed ${error instanceof CasehardError ? error.code : 'BUG'}`))?.say();
    throw error;
  }
  const recorded = await note(result.stopped ? 'stopped' : 'done');
  const exit = report(result);
  recorded?.say();
  return exit;
}

// --- internal ---

function figuresOf(walks: readonly Walked[]): string {
  const sum = (of: (walked: Walked) => number): number => walks.reduce((total, each) => total + of(each), 0);
  return `${sum(({ changed }) => changed)} changed, ${sum(({ quarantined }) => quarantined)} quarantined, ${sum(({ busy }) => busy)} busy`;
}
