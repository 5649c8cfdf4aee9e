import { CasehardError } from '@casehard/core';
import { installCheck, type Ratchet, readRatchet, removeCheck } from '../../doctor/strict.ts';
import { EXIT, type Exit } from '../exit.ts';
import type { AddCommand } from '../main.ts';
import type { Output } from '../output.ts';
import { withProject } from '../project.ts';
import { record } from '../record.ts';
import { plural } from '../table.ts';

/** `casehard strict FIELD`: whether a field may take sealed values only, and the line that says so. */
export const strict: AddCommand = (program, action) => {
  const command = program
    .command('strict')
    .argument('<field>', 'a field of the configuration, such as user.smtp.password')
    .description('say whether a field may take sealed values only, and print the line for the configuration')
    .option('--install-check', 'also let the database refuse everything else, by a CHECK constraint')
    .option('--remove-check', 'remove that constraint');
  action(command, (invocation, options, [field = '']) => {
    const { output, signal } = invocation;
    if (options.installCheck === true && options.removeCheck === true) {
      throw new CasehardError('USAGE', '--install-check and --remove-check exclude each other');
    }
    return withProject(invocation, async (project, db) => {
      if (options.removeCheck === true) {
        const removed = await removeCheck(project, db, field);
        const recorded = removed
          ? await record(
              { invocation, project, db },
              { act: 'strict', subject: field, reason: '', outcome: 'constraint removed' },
            )
          : undefined;
        output.line(removed ? `${field}: the constraint is removed.` : `${field}: there is no constraint of casehard.`);
        recorded?.say();
        output.result({ ok: true, exit: EXIT.done, field, removed });
        return EXIT.done;
      }
      const look = {
        signal,
        onProgress: (rows: number) => output.progress(`${field}: ${rows} values looked at`),
      };
      const install = options.installCheck === true;
      const found = install
        ? await installCheck(project, db, field, look)
        : await readRatchet(project, db, field, look);
      output.progress(undefined);
      const recorded =
        install && found.ready
          ? await record(
              { invocation, project, db },
              { act: 'strict', subject: field, reason: '', outcome: 'constraint installed' },
            )
          : undefined;
      const exit = print(output, found, install);
      recorded?.say();
      const { problem, ...check } = found.check;
      output.result({ ok: true, exit, ...found, check: { ...check, problem: problem?.message ?? null } });
      return exit;
    });
  });
};

// --- internal ---

function print(
  output: Output,
  { field, strict: already, sealed, left, ready, check }: Ratchet,
  install: boolean,
): Exit {
  if (!ready) {
    const total = Object.values(left).reduce((sum, rows) => sum + rows, 0);
    const kinds = Object.entries(left).map(([verdict, rows]) => `${verdict} ${rows}`);
    output.line(
      `${field}: ${plural(total, 'value is', 'values are')} not sealed (${kinds.join(', ')}), ${sealed} are.`,
    );
    output.line(
      'A strict field would not read them any more. `casehard harden` seals what is legacy; `casehard doctor`',
    );
    output.line('says what to do about the others.');
    return EXIT.workRemains;
  }
  output.line(`${field}: ${plural(sealed, 'value is', 'values are')} sealed, and none is not.`);
  output.line();
  if (already) {
    output.line('The configuration takes sealed values only already.');
  } else {
    output.line('Write into its field in the configuration, in every process:');
    output.line('  strict: true');
    output.line('From then on a value that is not sealed is refused when it is read, so that nobody who can write the');
    output.line('database can put a plaintext of their own there; and nothing is saved without a key.');
  }
  output.line();
  if (install) {
    output.line(`The database refuses everything else too: constraint ${check.name}.`);
    output.line(`\`casehard strict ${field} --remove-check\` removes it, before \`casehard soften\`.`);
  } else if (check.installed) {
    output.line(`The database refuses everything else too: constraint ${check.name} is there.`);
  } else if (check.problem) {
    output.line(`${check.problem.message}${check.problem.hint ? `;\n${check.problem.hint}` : ''}`);
  } else {
    output.line(
      '--install-check lets the database refuse everything else too (MariaDB and MySQL copy the table for it).',
    );
  }
  return EXIT.done;
}
