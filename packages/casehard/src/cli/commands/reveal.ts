import { CasehardError, printVerdict, type Secret } from '@casehard/core';
import { openReadyTrail } from '../../audit/open.ts';
import { systemActor } from '../../audit/trail.ts';
import { revealValue } from '../../jobs/reveal.ts';
import { EXIT } from '../exit.ts';
import type { AddCommand } from '../main.ts';
import { locator } from '../options.ts';
import { withProject } from '../project.ts';
import { askText } from '../prompt.ts';

/** `casehard reveal LOCATOR`: shows one credential, after the audit trail has it who saw it and why. */
export const reveal: AddCommand = (program, action) => {
  const command = program
    .command('reveal')
    .argument('<locator>', 'field#key, such as user.smtp.password#42')
    .description('show one credential; asks why, and records it before anything is shown')
    .option('--reason <text>', 'why, for the audit trail');
  action(command, async (invocation, options, [text = '']) => {
    const where = locator(text);
    const { output, env } = invocation;
    return withProject(invocation, async (project, db) => {
      project.hard.definition(where.field);
      const trail = await openReadyTrail(db, { folder: project.folder, env, note: output.note });
      const reason =
        typeof options.reason === 'string' ? options.reason : await askText('Why is it shown?', '--reason TEXT');
      const found = await revealValue(project, db, { locator: where, actor: systemActor(), reason, trail });
      const { value, encoding } = printable(found.secret, process.stdout.isTTY === true && !output.json);
      output.line(value);
      if (encoding === 'base64') output.note('shown in base64: it is no text that can be printed');
      output.note('recorded in the audit trail');
      const { locator: name, verdict } = found;
      output.result({ ok: true, exit: EXIT.done, locator: name, verdict: printVerdict(verdict), encoding, value });
      return EXIT.done;
    });
  });
};

// --- internal ---

/** Bytes that are no text in base64; on a terminal also what would steer the terminal. */
function printable(
  secret: Secret,
  terminal: boolean,
): { readonly value: string; readonly encoding: 'text' | 'base64' } {
  try {
    const value = secret.reveal();
    if (!terminal || !/[^\P{C}\t\n]/u.test(value)) return { value, encoding: 'text' };
  } catch (error) {
    if (!(error instanceof CasehardError) || error.code !== 'NOT_TEXT') throw error;
  }
  return { value: Buffer.from(secret.revealBytes()).toString('base64'), encoding: 'base64' };
}
