import { CasehardError } from '@casehard/core';
import { checkWithdrawal, withdrawKey } from '../../keys/withdraw.ts';
import { EXIT } from '../exit.ts';
import { keysGroup } from '../group.ts';
import type { AddCommand } from '../main.ts';
import { positive } from '../options.ts';
import { withProject } from '../project.ts';
import { askYes } from '../prompt.ts';
import { record } from '../record.ts';

/** `casehard keys withdraw KID`: the end of a key, once nothing is under it and nobody uses it. */
export const keysWithdraw: AddCommand = (program, action) => {
  const command = keysGroup(program)
    .command('withdraw')
    .argument('<kid>', 'the id of the key, never the key')
    .description('withdraw a key, refused while a value or a process needs it')
    .option(
      '--yes-no-others',
      'confirms that no process beside the listed ones has the key: no worker, cron job or replica',
    )
    .option('--heartbeat <ms>', 'how often the processes report, if not every 30000 ms', positive);
  action(command, (invocation, options, [kid = '']) =>
    withProject(invocation, async (project, db) => {
      const { output, signal } = invocation;
      const timing = typeof options.heartbeat === 'number' ? { heartbeat: options.heartbeat } : {};
      let rows = 0;
      const looking = {
        ...timing,
        signal,
        onPage: (field: string, count: number): void => {
          rows += count;
          output.progress(`${field}: ${rows} rows read`);
        },
      };
      const checked = await checkWithdrawal(project, db, kid, looking);
      output.progress(undefined);
      for (const table of checked.unread)
        output.note(`table ${table} was not searched: nobody knows whether it holds values under the key`);
      if (!checked.transactionsVisible) {
        output.note('this database user may not see the transactions of others: make sure that none is open for long');
      }
      if (options.yesNoOthers !== true) {
        const yes = await askYes(QUESTIONS[checked.kind], '--yes-no-others');
        if (!yes) throw new CasehardError('CANCELLED', 'nothing was changed');
      }
      rows = 0;
      await withdrawKey(project, db, checked, looking);
      output.progress(undefined);
      const recorded = await record(
        { invocation, project, db },
        { act: 'withdraw', subject: kid, reason: '', outcome: 'done' },
      );
      output.line(`Key ${kid} is withdrawn from this database. Paste into the settings of every process:`);
      for (const line of checked.lines) output.line(`  ${line}`);
      output.note(NEXT[checked.kind]);
      recorded.say();
      output.result({
        ok: true,
        exit: EXIT.done,
        kid,
        kind: checked.kind,
        paste: checked.lines,
        unread: checked.unread,
      });
      return EXIT.done;
    }),
  );
};

// --- internal ---

const QUESTIONS = {
  enc: 'Casehard sees attached processes only. Is there no other one with this key: no worker, cron job, replica or second server?',
  trk: 'Every link that was sent under this key stops working, unsubscribe links too. Has it leaked, and does no other process make links with it?',
} as const;

const NEXT = {
  enc: 'Keep a copy of the key for as long as you keep backups of the database from before: they are under it.',
  trk: 'Mails that were sent under it have dead links now, unsubscribe links too: watch the replies.',
} as const;
