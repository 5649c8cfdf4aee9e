import { CasehardError } from '@casehard/core';
import { resolveFields } from '../../inventory/resolve.ts';
import { planFor } from '../../jobs/pending.ts';
import type { UpgradePlan } from '../../upgrade/plan.ts';
import { runUpgrade, type UpgradeResult } from '../../upgrade/run.ts';
import { EXIT } from '../exit.ts';
import type { AddCommand } from '../main.ts';
import { withProject } from '../project.ts';
import { type AtWork, record } from '../record.ts';
import { plural } from '../table.ts';

/** `casehard upgrade`: widens columns that need it and makes our tables. Needs no key. */
export const upgrade: AddCommand = (program, action) => {
  const command = program
    .command('upgrade')
    .description('widen the columns that need it, and make the tables of casehard; needs no key')
    .option('--dry-run', 'print the SQL and change nothing');
  action(command, async (invocation, options) => {
    const { output, signal } = invocation;
    return withProject(invocation, async (project, db) => {
      const resolved = await resolveFields(db, project.hard, { keyring: project.keyring });
      const [problem] = resolved.problems;
      if (problem) throw problem;
      const plan = await planFor(db, resolved.fields);
      const steps = plan.steps.map(({ id, why, cost, costNote, sql }) => ({ id, why, cost, costNote, sql }));
      for (const { field, message, hint, code } of plan.problems) {
        output.line(`problem   ${field ? `${field}: ` : ''}${message} [${code}]\n          ${hint}`);
      }
      const blocked = plan.problems.length > 0;
      if (steps.length === 0) output.line(blocked ? 'No step can be run.' : 'The database is up to date.');
      for (const step of steps) {
        output.line(`${options.dryRun ? 'would run' : 'step'.padEnd(9)} ${step.id}: ${step.why}`);
        output.line(`          ${step.costNote}`);
        if (options.dryRun) for (const line of step.sql) output.line(`          ${line};`);
      }
      if (options.dryRun || steps.length === 0) {
        const exit = blocked ? EXIT.failed : steps.length > 0 ? EXIT.workRemains : EXIT.done;
        output.result({
          ok: !blocked,
          exit,
          dryRun: options.dryRun === true,
          steps,
          problems: plan.problems,
          done: [],
        });
        return exit;
      }
      output.note('A backup of the database before an upgrade is cheap.');
      const { result, say } = await runSteps({ invocation, project, db }, plan);
      if (signal.aborted) {
        say();
        throw new CasehardError('CANCELLED', `stopped after ${plural(result.done.length, 'step')}`, {
          hint: 'run it again; it goes on where it stopped',
        });
      }
      output.line(`Done: ${plural(result.done.length, 'step')}.`);
      const after = await resolveFields(db, project.hard, { keyring: project.keyring });
      const outdated = after.fields.flatMap(({ name, definition, max }) =>
        definition.spec.max?.chars !== undefined && (max.chars ?? Infinity) > definition.spec.max.chars
          ? [`  ${name}: ${max.chars === undefined ? 'no max' : `max: { chars: ${max.chars} }`}`]
          : [],
      );
      if (outdated.length > 0) {
        output.line('The configuration still has the old width, which the library goes by. Write there:');
        for (const line of outdated) output.line(line);
      }
      const exit = blocked ? EXIT.failed : EXIT.done;
      output.result({
        ok: !blocked,
        exit,
        dryRun: false,
        steps,
        problems: plan.problems,
        done: result.done.map(({ id }) => id),
      });
      say();
      return exit;
    });
  });
};

// --- internal ---

/** Runs the steps, and records those that were made, also where a later one failed. */
async function runSteps(
  at: AtWork,
  plan: UpgradePlan,
): Promise<{ readonly result: UpgradeResult; readonly say: () => void }> {
  const { output, signal } = at.invocation;
  const made: string[] = [];
  const note = (how: string) =>
    made.length === 0
      ? undefined
      : record(at, {
          act: 'upgrade',
          subject: made.join(', '),
          reason: '',
          outcome: `${how}: ${plural(made.length, 'step')}`,
        });
  try {
    const result = await runUpgrade(at.db, plan, {
      signal,
      onStep: ({ state, step }) => {
        if (state === 'done') made.push(step.id);
        output.progress(`${state}: ${step.id}`);
      },
    });
    output.progress(undefined);
    const recorded = await note('done');
    return { result, say: () => recorded?.say() };
  } catch (error) {
    output.progress(undefined);
    (await note(`failed ${error instanceof CasehardError ? error.code : 'BUG'}`))?.say();
    throw error;
  }
}
