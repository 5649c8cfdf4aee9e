import { CasehardError } from '@casehard/core';
import { printSettings, settingsOf } from '../../keys/backup-text.ts';
import { openBackupFile } from '../backup-input.ts';
import { EXIT } from '../exit.ts';
import { keysGroup } from '../group.ts';
import type { AddCommand } from '../main.ts';
import { askYes } from '../prompt.ts';

/** `casehard keys restore FILE`: the settings of a backup to stdout. Needs neither a configuration nor a database. */
export const keysRestore: AddCommand = (program, action) => {
  const command = keysGroup(program)
    .command('restore')
    .argument('<file>', 'a backup that `casehard keys backup` or `age` has made')
    .description('print the settings that a backup holds, to stdout only, ready to paste')
    .option('--identity <file>', 'the file that age-keygen made; - for stdin')
    .option('--yes', 'do not ask before the keys are shown on a terminal');
  action(command, async (invocation, options, [file = '']) => {
    const { output } = invocation;
    if (process.stdout.isTTY === true && options.yes !== true) {
      const yes = await askYes('The keys will be shown on this terminal. Go on? (To a file: add > FILE)', '--yes');
      if (!yes) throw new CasehardError('CANCELLED', 'nothing was shown');
    }
    const { texts } = await openBackupFile(invocation, file, options);
    // Nothing else goes to stdout, whatever the other options say: it may be appended to a file of settings.
    process.stdout.write(
      output.json ? `${JSON.stringify(Object.fromEntries(settingsOf(texts)), null, 2)}\n` : printSettings(texts),
    );
    output.note('Paste these lines where every process of the application reads its settings, then: casehard status');
    return EXIT.done;
  });
};
