import { CasehardError, printLocator } from '@casehard/core';
import { setValue } from '../../jobs/set.ts';
import { EXIT } from '../exit.ts';
import type { AddCommand } from '../main.ts';
import { locator } from '../options.ts';
import { withProject } from '../project.ts';
import { readSecret } from '../prompt.ts';
import { record } from '../record.ts';

/** `casehard set LOCATOR`: replaces one credential, readable or not. The value never comes from argv. */
export const set: AddCommand = (program, action) => {
  const command = program
    .command('set')
    .argument('<locator>', 'field#key, such as user.smtp.password#42')
    .description('replace one credential; the value is asked for, or read from stdin');
  action(command, async (invocation, _options, [text = '']) => {
    const where = locator(text);
    return withProject(invocation, async (project, db) => {
      project.hard.definition(where.field);
      const name = printLocator(where.field, where.key);
      const value = await readSecret(`New value of ${name}`);
      if (value === '')
        throw new CasehardError('USAGE', 'the value is empty', {
          hint: 'clearing a credential is left to the application',
        });
      const how = await setValue(project, db, where, value);
      const recorded = await record(
        { invocation, project, db },
        { act: 'set', subject: name, reason: '', outcome: `done: ${how}` },
      );
      invocation.output.line(
        how === 'sealed'
          ? `${name} is set and sealed.`
          : `${name} is set, in the existing scheme: no key is configured.`,
      );
      invocation.output.result({ ok: true, exit: EXIT.done, locator: name, stored: how });
      recorded.say();
      return EXIT.done;
    });
  });
};
