import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CasehardError } from '@casehard/core';
import type { Command } from 'commander';
import { listActs, openTrailToRead } from '../../audit/open.ts';
import { type AuditHead, type AuditVerdict, parseHead, type Trail } from '../../audit/trail.ts';
import { EXIT } from '../exit.ts';
import { groupOf } from '../group.ts';
import type { AddCommand, Invocation } from '../main.ts';
import { positive } from '../options.ts';
import { withProject } from '../project.ts';
import { plural, table } from '../table.ts';

/** `casehard audit verify`: checks every row of the trail; exit 1 names the first one that is wrong. */
export const auditVerify: AddCommand = (program, action) => {
  const command = auditGroup(program)
    .command('verify')
    .description('check that no row of the audit trail was altered, inserted, removed or reordered')
    .option('--head <file>', 'what `audit export` printed earlier: shows whether the end was removed since');
  action(command, async (invocation, options) => {
    const head = typeof options.head === 'string' ? readHead(resolve(invocation.folder, options.head)) : undefined;
    return withTrail(invocation, head, async (trail) => {
      const verdict = await check(invocation, trail, head);
      const { output } = invocation;
      output.line(`${plural(verdict.rows, 'row')}, each of them as it was recorded.`);
      if (head === undefined) {
        output.note(
          'Rows removed at the end show only against a head kept elsewhere: casehard audit export --head-only',
        );
      }
      output.result({ ok: true, exit: EXIT.done, rows: verdict.rows, head: verdict.head });
      return EXIT.done;
    });
  });
};

/** `casehard audit export`: all rows as JSON lines, and the head to keep elsewhere. */
export const auditExport: AddCommand = (program, action) => {
  const command = auditGroup(program)
    .command('export')
    .description('print the audit trail as JSON lines, the last of them its head: keep that elsewhere')
    .option('--head-only', 'print the head alone');
  action(command, (invocation, options) =>
    withTrail(invocation, undefined, async (trail) => {
      const { output } = invocation;
      const rows: unknown[] = [];
      let last: AuditHead = { seq: 0, mac: '' };
      if (options.headOnly !== true) {
        for await (const row of trail.rows()) {
          last = { seq: row.seq, mac: row.mac };
          output.line(JSON.stringify(row));
          if (output.json) rows.push(row);
        }
      }
      // Only the head of a trail that holds is worth keeping; its rows are printed in any case.
      const { head } = await check(invocation, trail, last);
      const printed = options.headOnly === true ? head : last;
      output.line(JSON.stringify({ head: printed }));
      output.result({ ok: true, exit: EXIT.done, ...(options.headOnly === true ? {} : { rows }), head: printed });
      return EXIT.done;
    }),
  );
};

/** `casehard audit list`: who did what, the newest first. Checks nothing. */
export const auditList: AddCommand = (program, action) => {
  const command = auditGroup(program)
    .command('list')
    .description('show who did what, the newest first')
    .option('--limit <n>', 'so many rows', positive, 50);
  action(command, (invocation, options) =>
    withProject(
      invocation,
      async (_project, db) => {
        const { output } = invocation;
        const rows = await listActs(db, Number(options.limit));
        const cells = rows.map(({ at, actor, act, subject, reason, outcome }) =>
          [new Date(at).toISOString(), actor, act, subject, reason, outcome].map(printable),
        );
        for (const line of table(['when', 'who', 'act', 'subject', 'why', 'result'], cells)) output.line(line);
        output.note('As the rows say; `casehard audit verify` checks them.');
        output.result({ ok: true, exit: EXIT.done, rows });
        return EXIT.done;
      },
      { anyway: true },
    ),
  );
};

// --- internal ---

function auditGroup(program: Command): Command {
  return groupOf(program, 'audit', 'list, export and verify who did what');
}

function withTrail<T>(
  invocation: Invocation,
  head: AuditHead | undefined,
  work: (trail: Trail) => Promise<T>,
): Promise<T> {
  const { env, output } = invocation;
  // The trail has a key of its own: those of the values must not stand in its way.
  return withProject(
    invocation,
    async (project, db) => work(await openTrailToRead(db, { folder: project.folder, env, note: output.note, head })),
    { anyway: true },
  );
}

async function check(
  { output }: Invocation,
  trail: Trail,
  head: AuditHead | undefined,
): Promise<Extract<AuditVerdict, { ok: true }>> {
  let drawn = performance.now();
  const verdict = await trail.verify({
    ...(head ? { head } : {}),
    onRow: (rows) => {
      if (performance.now() - drawn < 200) return;
      drawn = performance.now();
      output.progress(`${rows} rows hold`);
    },
  });
  output.progress(undefined);
  if (verdict.ok) return verdict;
  throw new CasehardError('AUDIT', `the audit trail: row ${verdict.seq} ${FAULTS[verdict.why]}`, {
    hint: `the ${plural(verdict.rows, 'row')} before it hold; ${HINTS[verdict.why]}`,
  });
}

const FAULTS = {
  altered: 'is not as it was recorded: it was altered, inserted or moved',
  missing: 'is missing: it was removed or moved',
  cut: 'is not the one that the head goes on from: rows at the end were removed since it was exported',
} as const;

const FIND_OUT = 'find out who can write this database, and compare with a backup of casehard_audit';
const HINTS = {
  altered: `${FIND_OUT}; rows that were recorded under the state key of another machine look the same: verify them with CASEHARD_STATE_KEY_FILE naming that key`,
  missing: FIND_OUT,
  cut: FIND_OUT,
} as const;

function readHead(path: string): AuditHead {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new CasehardError('USAGE', `file ${path} cannot be read`, { hint: 'name what `audit export` printed' });
  }
  const head = parseHead(text);
  if (head) return head;
  throw new CasehardError('USAGE', `file ${path} has no head`, {
    hint: 'keep what `casehard audit export --head-only` prints',
  });
}

/** Whoever can write the table must not steer the terminal that shows it. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '�');
}
