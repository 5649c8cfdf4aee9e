import { basename, resolve } from 'node:path';
import { CasehardError, readKeySources } from '@casehard/core';
import { type BackupTo, makeBackup, openBackup } from '../../keys/backup.ts';
import { writeBackupFile } from '../../keys/backup-file.ts';
import { printSettings } from '../../keys/backup-text.ts';
import { readNewPassphrase } from '../backup-input.ts';
import { EXIT } from '../exit.ts';
import { keysGroup } from '../group.ts';
import type { AddCommand } from '../main.ts';
import { collect, texts } from '../options.ts';
import { withProject } from '../project.ts';
import { record } from '../record.ts';
import { plural } from '../table.ts';

/** `casehard keys backup FILE`: the keys that are configured here, sealed in age's format. Never in the clear. */
export const keysBackup: AddCommand = (program, action) => {
  const command = keysGroup(program)
    .command('backup')
    .argument('<file>', 'a file that does not exist yet')
    .description('write the keys that are configured here to a file that `age` opens, never in the clear')
    .option('--to <recipient>', 'for whoever has the identity of age1… (may be repeated)', collect)
    .option('--passphrase', 'for whoever knows a passphrase: asked for, or read from stdin');
  action(command, (invocation, options, [file = '']) =>
    withProject(invocation, async (project, db) => {
      const { output, env, folder } = invocation;
      const to = await readTo(texts(options.to) ?? [], options.passphrase === true);
      const path = resolve(folder, file);
      const { keys: settings } = project.config;
      const keys = readKeySources({ env, folder: project.folder, ...(settings ? { settings } : {}) });
      const sealed = await makeBackup(keys, to, { database: db.label, madeAt: new Date() });
      const tried = 'passphrase' in to;
      if (tried) {
        // Before it is written: no file is to look like a backup and be none.
        const back = await openBackup(Buffer.from(sealed), to, path);
        if (printSettings(back.texts) !== printSettings(keys)) {
          throw new CasehardError('BACKUP', `${path} would not hold what was put into it`, { hint: 'make it again' });
        }
      }
      writeBackupFile(path, sealed);
      const kids = [
        ...project.keyring.list().flatMap(({ kid, state }) => (state === 'withdrawn' ? [] : [kid])),
        ...project.tracking.list().flatMap(({ tkid, state }) => (state === 'withdrawn' ? [] : [tkid])),
      ];
      const who = tried ? 'a passphrase' : plural(to.recipients.length, 'recipient');
      const recorded = await record(
        { invocation, project, db },
        { act: 'backup', subject: kids.join(', '), reason: '', outcome: `done: ${basename(path)}, to ${who}` },
      );
      output.line(`${path}: ${plural(kids.length, 'key')} (${kids.join(', ')}), sealed to ${who}.`);
      output.line(
        tried
          ? 'It was read back and opened.'
          : 'It was read back, but nobody here can open it: only a drill with the identity proves it.',
      );
      output.note(
        `Next:
  1. casehard keys drill ${file}${tried ? '' : ' --identity FILE'}
  2. keep it outside this machine, apart from the backups of the database`,
      );
      output.result({ ok: true, exit: EXIT.done, file: path, kids, opened: tried });
      recorded.say();
      return EXIT.done;
    }),
  );
};

// --- internal ---

async function readTo(recipients: readonly string[], passphrase: boolean): Promise<BackupTo> {
  if (recipients.length > 0 && passphrase) {
    throw new CasehardError('USAGE', 'a backup is for recipients or for a passphrase, not for both', {
      hint: 'make two backups',
    });
  }
  if (recipients.length > 0) return { recipients };
  if (passphrase) return { passphrase: await readNewPassphrase() };
  throw new CasehardError('USAGE', 'whom the backup is for is missing', {
    hint: 'add --to age1… (age-keygen makes the pair), or --passphrase',
  });
}
