import { CasehardError } from '@casehard/core';
import type { AddCommand } from '../main.ts';
import { keepMemorySmall } from '../memory.ts';
import { collect, positive, rate } from '../options.ts';
import { withProject } from '../project.ts';
import { askYes } from '../prompt.ts';
import { runRecorded } from '../run-recorded.ts';
import { report, runOptions } from './harden.ts';

/** `casehard soften`: the way back, for those who leave. */
export const soften: AddCommand = (program, action) => {
  const command = program
    .command('soften')
    .description('turn every sealed credential back into its previous scheme')
    .option('--field <name>', 'only this field (may be repeated)', collect)
    .option('--dry-run', 'write nothing; count what would be done')
    .option('--batch <rows>', 'rows per transaction (default: measured, about 50 ms each)', positive)
    .option('--rate <rows/s>', 'at most so many rows a second', rate)
    .option('--accept-triggers', 'work on tables whose triggers, rules or history copy values')
    .option('--yes', 'do not ask');
  action(command, (invocation, options) =>
    withProject(invocation, async (project, db) => {
      if (!options.dryRun && options.yes !== true) {
        const yes = await askYes('soften makes every credential readable in the database again. Go on?', '--yes');
        if (!yes) throw new CasehardError('CANCELLED', 'nothing was written');
      }
      if (project.keyring.active && !options.dryRun) {
        invocation.output.note(
          'Processes that have the key active go on sealing what they save: move it to CASEHARD_STAGED_ENC_KEYS everywhere first.',
        );
      }
      keepMemorySmall();
      return runRecorded({ invocation, project, db }, { act: 'soften', ...runOptions(invocation, options) }, (result) =>
        report(invocation, result, { act: 'soften', dryRun: options.dryRun === true, db, project }),
      );
    }),
  );
};
