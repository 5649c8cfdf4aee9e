import { CasehardError } from '@casehard/core';
import type { Project } from '../../config/load.ts';
import type { Database } from '../../database/connect.ts';
import { residueOf } from '../../database/residue.ts';
import type { RunOptions, RunResult } from '../../jobs/run.ts';
import { EXIT, type Exit } from '../exit.ts';
import type { AddCommand, Invocation } from '../main.ts';
import { keepMemorySmall } from '../memory.ts';
import { collect, locator, positive, rate, texts } from '../options.ts';
import { drawProgress } from '../progress.ts';
import { withProject } from '../project.ts';
import { askYes, isInteractive } from '../prompt.ts';
import { runRecorded } from '../run-recorded.ts';
import { plural, table } from '../table.ts';

/** `casehard harden`: seals what is in the existing scheme, and reseals what is stale. */
export const harden: AddCommand = (program, action) => {
  const command = program
    .command('harden')
    .description('seal every credential that is not hardened yet, while the application runs')
    .option('--field <name>', 'only this field (may be repeated)', collect)
    .option('--dry-run', 'write nothing; count what would be done')
    .option('--batch <rows>', 'rows per transaction (default: measured, about 50 ms each)', positive)
    .option('--rate <rows/s>', 'at most so many rows a second', rate)
    .option('--accept-triggers', 'work on tables whose triggers, rules or history may copy old plaintext')
    .option('--as-plaintext <locator>', 'seal one quarantined value as the ordinary credential that it is');
  action(command, (invocation, options) =>
    withProject(invocation, async (project, db) => {
      const asPlaintext = typeof options.asPlaintext === 'string' ? locator(options.asPlaintext) : undefined;
      const adopted = await askAdopted(project, options.dryRun === true);
      if (!options.dryRun)
        invocation.output.note('A backup of the database before hardening is cheap; the keys need one too.');
      keepMemorySmall();
      return runRecorded(
        { invocation, project: adopted, db },
        { act: 'harden', ...runOptions(invocation, options), ...(asPlaintext ? { asPlaintext } : {}) },
        (result) => report(invocation, result, { act: 'harden', dryRun: options.dryRun === true, db, project }),
      );
    }),
  );
};

/** The options that harden and soften share. */
export function runOptions(
  invocation: Invocation,
  options: Readonly<Record<string, unknown>>,
): Omit<RunOptions, 'act'> {
  const only = texts(options.field);
  return {
    signal: invocation.signal,
    onProgress: drawProgress(invocation.output),
    ...(options.dryRun === true ? { dryRun: true } : {}),
    ...(only ? { only } : {}),
    ...(typeof options.batch === 'number' ? { batch: options.batch } : {}),
    ...(typeof options.rate === 'number' ? { rate: options.rate } : {}),
    ...(options.acceptTriggers === true ? { acceptTriggers: true } : {}),
  };
}

/** Prints what a run did, and gives the exit code: 3 while quarantined, busy or unvisited rows remain. */
export function report(
  { output }: Invocation,
  result: RunResult,
  about: {
    readonly act: 'harden' | 'soften';
    readonly dryRun: boolean;
    readonly db: Database;
    readonly project: Project;
  },
): Exit {
  output.progress(undefined);
  const verb = `${about.dryRun ? 'would be ' : ''}${about.act === 'harden' ? 'hardened' : 'softened'}`;
  for (const line of table(
    ['field', 'rows', verb, 'kept', 'quarantined', 'busy'],
    result.fields.map(({ name, walked }) => [
      name,
      walked.rows,
      walked.changed,
      walked.kept,
      walked.quarantined,
      walked.busy,
    ]),
  )) {
    output.line(line);
  }
  output.line();
  output.line(`${plural(result.changed, 'value')} ${verb}${result.stopped ? '; stopped before the end' : ''}.`);
  if (result.quarantined > 0) {
    output.line(
      `${plural(result.quarantined, 'value is', 'values are')} quarantined: \`casehard status --deep\` names each.`,
    );
  }
  if (result.busy > 0) output.line(`${plural(result.busy, 'row was', 'rows were')} in use by others: run it again.`);
  for (const { name, walked } of result.fields) {
    if (walked.refused === 0) continue;
    output.line(
      `${name}: a constraint of the table refuses ${plural(walked.refused, 'row')}, often for another column: correct it, then run again.`,
    );
  }
  const tight = result.fields.reduce((sum, { walked }) => sum + walked.tight, 0);
  if (tight > 0) output.line(`${plural(tight, 'value')} stored with tight padding: the column is narrow.`);
  const nested = result.fields.reduce((sum, { walked }) => sum + walked.nested, 0);
  if (nested > 0)
    output.line(`${plural(nested, 'value has', 'values have')} content that itself looks sealed (nested).`);
  const residue =
    about.act === 'harden' && result.changed > 0 && !about.dryRun
      ? residueOf(about.db.engine, result.tables)
      : undefined;
  if (residue) {
    output.line();
    output.line(residue.where);
    for (const line of residue.commands) output.line(`  ${line}`);
  }
  const remains =
    result.stopped ||
    result.busy > 0 ||
    result.refused > 0 ||
    result.quarantined > 0 ||
    (about.dryRun && result.changed > 0);
  const exit = remains ? EXIT.workRemains : EXIT.done;
  output.result({
    ok: true,
    exit,
    dryRun: about.dryRun,
    changed: result.changed,
    quarantined: result.quarantined,
    busy: result.busy,
    refused: result.refused,
    stopped: result.stopped,
    fields: result.fields.map(({ name, walked }) => ({ name, ...walked })),
    residue: residue ?? null,
  });
  return exit;
}

// --- internal ---

async function askAdopted(project: Project, dryRun: boolean): Promise<Project> {
  if (project.config.adopted === true || dryRun || !isInteractive()) return project;
  const yes = await askYes(
    'does every program that reads these fields open sealed values with casehard already?',
    '`adopted: true` to the configuration',
  );
  if (!yes)
    throw new CasehardError('CANCELLED', 'nothing was written', {
      hint: 'put casehard into every reader first: docs/operations.md',
    });
  return { ...project, config: { ...project.config, adopted: true } };
}
