import { CasehardError } from '@casehard/core';
import type { LoadedProject } from '../../config/load.ts';
import { findStateKey, loadStateKey } from '../../config/state-key-file.ts';
import type { Database } from '../../database/connect.ts';
import { recordDrill, recordUnopened } from '../../keys/backups.ts';
import { type DrilledKey, type DrillResult, drill } from '../../keys/drill.ts';
import { openBackupFile } from '../backup-input.ts';
import { EXIT } from '../exit.ts';
import { keysGroup } from '../group.ts';
import type { AddCommand, Invocation } from '../main.ts';
import { positive } from '../options.ts';
import type { Output } from '../output.ts';
import { withProject } from '../project.ts';
import { record } from '../record.ts';
import { plural, table } from '../table.ts';

/** `casehard keys drill FILE`: proves a backup by restoring it in memory and opening what this database holds. */
export const keysDrill: AddCommand = (program, action) => {
  const command = keysGroup(program)
    .command('drill')
    .argument('<file>', 'a backup that `casehard keys backup` or `age` has made')
    .description('prove a backup: restore it in memory, and open the canaries and random values with it')
    .option('--identity <file>', 'the file that age-keygen made; - for stdin')
    .option('--values <n>', 'values to open per field and key (default: 20)', positive);
  action(command, (invocation, options, [file = '']) =>
    withProject(invocation, async (project, db) => {
      const { output, signal } = invocation;
      const { name, ...backup } = await openBackupFile(invocation, file, options, (unopened, error) =>
        failed({ invocation, project, db }, unopened, error),
      );
      const found = await drill(project, db, {
        backup,
        signal,
        ...(typeof options.values === 'number' ? { values: options.values } : {}),
        onField: (field) => output.progress(`${field}: opening random values`),
      });
      output.progress(undefined);
      print(output, name, found);
      const kept = await keep({ invocation, project, db }, name, found);
      const exit = found.proven ? EXIT.done : EXIT.failed;
      const recorded = await record(
        { invocation, project, db },
        { act: 'drill', subject: name, reason: '', outcome: outcomeOf(found) },
      );
      if (!kept) output.note('not written down: the table casehard_drills is missing; run `casehard upgrade`');
      output.result({ ok: found.proven, exit, file: name, recorded: kept, ...found });
      recorded.say();
      return exit;
    }),
  );
};

// --- internal ---

interface AtWork {
  readonly invocation: Invocation;
  readonly project: LoadedProject;
  readonly db: Database;
}

/** A backup that does not open, or holds no keys, is a drill that failed: what it had proven is proven no more. */
async function failed(work: AtWork, name: string, error: CasehardError): Promise<void> {
  const { invocation, project, db } = work;
  const key = findStateKey({ folder: project.folder, env: invocation.env });
  try {
    if (key) await recordUnopened(db, key, name);
  } catch (problem) {
    // Why it failed matters more than that this cannot be written down.
    if (!(problem instanceof CasehardError)) throw problem;
    invocation.output.note(`not written down: ${problem.message} [${problem.code}]`);
  }
  const recorded = await record(work, { act: 'drill', subject: name, reason: '', outcome: `failed: ${error.code}` });
  recorded.say();
}

async function keep({ invocation, project, db }: AtWork, file: string, result: DrillResult): Promise<boolean> {
  const { key, made } = loadStateKey({ folder: project.folder, env: invocation.env });
  if (made !== undefined) {
    invocation.output.note(
      `made ${made}: it shows that a drill was recorded by us, and seals nothing; keep it with the keys`,
    );
  }
  return recordDrill(db, key, { file, result });
}

function print(output: Output, file: string, { keys, strangers, unknown, proven }: DrillResult): void {
  for (const line of table(
    ['key', 'here', 'in the backup', 'canary', 'values', 'tried', 'opened', 'proven'],
    keys.map((key) => [
      key.kid,
      key.configured ?? '-',
      key.inBackup ? 'yes' : 'no',
      key.canary === 'none' ? '-' : key.canary,
      key.values,
      key.tried,
      key.opened,
      key.proven ? 'yes' : 'NO',
    ]),
  )) {
    output.line(line);
  }
  output.line();
  for (const key of keys) if (key.problem !== undefined) output.line(`${key.kid}: ${key.problem}`);
  const damaged = keys.reduce((sum, key) => sum + key.damaged, 0);
  if (damaged > 0) {
    output.line(
      `${plural(damaged, 'value')} that ${damaged === 1 ? 'was' : 'were'} tried ${damaged === 1 ? 'opens' : 'open'} with no key, as ${damaged === 1 ? 'it is' : 'they are'} damaged or moved: casehard status --deep`,
    );
  }
  if (unknown.length > 0)
    output.line(`values are also under ${unknown.join(', ')}, which nobody here has: casehard recover`);
  if (strangers.length > 0) output.line(`also in the backup, and of no use here: ${strangers.join(', ')}`);
  output.line(verdictOf(file, keys, proven));
}

function verdictOf(file: string, keys: readonly DrilledKey[], proven: boolean): string {
  if (keys.length === 0) return `${file} is not proven: nothing here is under any key, and none is configured.`;
  return proven
    ? `${file} is proven: everything that was tried opened.`
    : `${file} is not proven: make another with \`casehard keys backup\` while the keys are here.`;
}

function outcomeOf({ keys, proven }: DrillResult): string {
  const kids = (wanted: boolean): string => keys.flatMap((key) => (key.proven === wanted ? [key.kid] : [])).join(', ');
  return proven ? `proven: ${kids(true)}` : `not proven: ${kids(false) || 'no key'}`;
}
