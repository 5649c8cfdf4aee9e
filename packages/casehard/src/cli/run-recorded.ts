import { CasehardError, printLocator } from '@casehard/core';
import { type RunOptions, type RunResult, run } from '../jobs/run.ts';
import type { Walked } from '../jobs/walk.ts';
import type { Exit } from './exit.ts';
import { type AtWork, record } from './record.ts';

/**
 * Hardens or softens, records that it begins and how it ended, and reports. A run that is killed leaves its beginning in the
 * trail; a dry run and a run that was refused before it began did nothing.
 */
export async function runRecorded(at: AtWork, options: RunOptions, report: (result: RunResult) => Exit): Promise<Exit> {
  const { act, only, asPlaintext } = options;
  const subject = asPlaintext ? printLocator(asPlaintext.field, asPlaintext.key) : (only?.join(', ') ?? 'all fields');
  const walks = new Map<string, Walked>();
  const note = (outcome: string) => record(at, { act, subject, reason: '', outcome });
  const ended = (how: string) => note(`${how}: ${figuresOf([...walks.values()])}`);
  let begun: Awaited<ReturnType<typeof record>> | undefined;
  let result: RunResult;
  try {
    result = await run(at.project, at.db, {
      ...options,
      onBegin: async () => {
        begun = await note('started');
        begun.say();
      },
      onProgress(field, walked) {
        walks.set(field, walked);
        options.onProgress?.(field, walked);
      },
    });
  } catch (error) {
    if (begun) (await ended(`failed ${error instanceof CasehardError ? error.code : 'BUG'}`)).say();
    throw error;
  }
  const recorded = begun && (await ended(result.stopped ? 'stopped' : 'done'));
  const exit = report(result);
  recorded?.say();
  return exit;
}

// --- internal ---

function figuresOf(walks: readonly Walked[]): string {
  const sum = (of: (walked: Walked) => number): number => walks.reduce((total, each) => total + of(each), 0);
  return `${sum(({ changed }) => changed)} changed, ${sum(({ quarantined }) => quarantined)} quarantined, ${sum(({ busy }) => busy)} busy`;
}
