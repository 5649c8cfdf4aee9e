import { CasehardError } from '@casehard/core';
import type { LoadedProject } from '../../config/load.ts';
import type { Database } from '../../database/connect.ts';
import { type RunResult, run } from '../../jobs/run.ts';
import type { Walked } from '../../jobs/walk.ts';
import type { ReadRotation } from '../../keys/read-rotation.ts';
import { resealFields } from '../../keys/reseal.ts';
import type { RotationStep } from '../../keys/rotation.ts';
import type { Invocation } from '../main.ts';
import { keepMemorySmall } from '../memory.ts';
import type { Output } from '../output.ts';
import { drawProgress } from '../progress.ts';
import { askYes } from '../prompt.ts';
import { record } from '../record.ts';
import { plural, table } from '../table.ts';

/** What a run of reseal or soften came to. */
export interface Moved {
  /** Some values could not be moved, or the run was stopped. */
  readonly remains: boolean;
  readonly figures: Pick<RunResult, 'changed' | 'quarantined' | 'busy' | 'refused' | 'stopped'>;
}

/** Reseals, or softens on the road out, with the bulk engine. Ctrl-C pauses after a page; running again goes on. */
export async function moveValues(
  about: {
    readonly invocation: Invocation;
    readonly options: Readonly<Record<string, unknown>>;
    readonly project: LoadedProject;
    readonly db: Database;
  },
  facts: ReadRotation,
  step: Extract<RotationStep, { readonly step: 'reseal' | 'soften' }>,
): Promise<Moved> {
  const { invocation, options, project, db } = about;
  const { output, signal } = invocation;
  const shared = {
    signal,
    onProgress: drawSum(output),
    ...(typeof options.rate === 'number' ? { rate: options.rate } : {}),
    ...(options.acceptTriggers === true ? { acceptTriggers: true } : {}),
    ...(typeof options.heartbeat === 'number' ? { heartbeat: options.heartbeat } : {}),
  };
  if (step.step === 'soften' && step.total > 0 && options.yes !== true) {
    const yes = await askYes('soften makes every credential readable in the database again. Go on?', '--yes');
    if (!yes) throw new CasehardError('CANCELLED', 'nothing was written');
  }
  keepMemorySmall();
  const act = step.step === 'soften' ? 'soften' : 'rotate';
  const subject = step.step === 'soften' ? 'all fields' : step.kid;
  const note = (outcome: string) => record({ invocation, project, db }, { act, subject, reason: '', outcome });
  // A run that is killed leaves its beginning in the trail.
  let begun = false;
  const onBegin = async (): Promise<void> => {
    begun = true;
    (await note('started')).say();
  };
  const moving =
    step.step === 'soften'
      ? run(project, db, { act: 'soften', ...shared, onBegin })
      : resealFields(project, db, {
          ...shared,
          onBegin,
          fields: facts.fields,
          kids: step.values.map(({ kid }) => kid),
          ...(typeof options.workers === 'number' ? { workers: options.workers } : {}),
        });
  const result = await moving.catch(async (error: unknown) => {
    if (begun) (await note(`failed ${error instanceof CasehardError ? error.code : 'BUG'}`)).say();
    throw error;
  });
  output.progress(undefined);
  const { changed, quarantined, busy, refused, stopped } = result;
  const recorded = await note(
    `${changed} ${VERBS[step.step]}, ${quarantined} quarantined${stopped ? ', stopped' : ''}`,
  );
  print(output, step.step, result);
  recorded.say();
  return { remains: stopped || busy > 0 || refused > 0, figures: { changed, quarantined, busy, refused, stopped } };
}

// --- internal ---

const VERBS = { reseal: 'resealed', soften: 'softened' } as const;

function print(output: Output, act: 'reseal' | 'soften', result: RunResult): void {
  for (const line of table(
    ['field', 'rows', VERBS[act], 'kept', 'quarantined', 'busy'],
    result.fields.map(({ name, walked: { rows, changed, kept, quarantined, busy } }) => [
      name,
      rows,
      changed,
      kept,
      quarantined,
      busy,
    ]),
  )) {
    output.line(line);
  }
  output.line(`${plural(result.changed, 'value')} ${VERBS[act]}${result.stopped ? '; stopped before the end' : ''}.`);
  if (result.quarantined > 0) {
    output.line(
      `${plural(result.quarantined, 'value is', 'values are')} quarantined: \`casehard status --deep\` names each.`,
    );
  }
  if (result.busy > 0) output.line(`${plural(result.busy, 'row was', 'rows were')} in use by others: run it again.`);
  if (result.refused > 0) {
    output.line(`Constraints of their tables refuse ${plural(result.refused, 'row')}: correct them, then run again.`);
  }
  output.line();
}

/** One bar for all workers together. */
function drawSum(output: Output): (field: string, walked: Walked) => void {
  const draw = drawProgress(output);
  const walks = new Map<string, Walked>();
  return (field, walked) => {
    walks.set(field, walked);
    const sum = (of: (each: Walked) => number): number =>
      [...walks.values()].reduce((total, each) => total + of(each), 0);
    draw('values', { ...walked, rows: sum(({ rows }) => rows), total: sum(({ total }) => total) });
  };
}
