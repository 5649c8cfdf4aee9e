import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { CasehardError } from '@casehard/core';
import type { LoadedProject } from '../../config/load.ts';
import { csvLine } from '../../keys/csv.ts';
import { type LostValue, type RecoverResult, recover } from '../../keys/recover.ts';
import { EXIT } from '../exit.ts';
import type { AddCommand } from '../main.ts';
import { collect, texts } from '../options.ts';
import type { Output } from '../output.ts';
import { withProject } from '../project.ts';
import { record } from '../record.ts';
import { plural, table } from '../table.ts';

/** `casehard recover`: what can no longer be opened and has to be entered again, and how far that has come. */
export const recoverCommand: AddCommand = (program, action) => {
  const command = program
    .command('recover')
    .description('list the credentials that can no longer be opened, until they are entered again')
    .option('--csv <file>', 'also write every locator with its verdict, without content; - for stdout')
    .option('--field <name>', 'only this field (may be repeated)', collect);
  action(command, (invocation, options) =>
    withProject(invocation, async (project, db) => {
      const { signal, folder } = invocation;
      const csv = openCsv(typeof options.csv === 'string' ? options.csv : undefined, folder);
      // With --csv - stdout is the list and nothing else.
      const output: Output = csv.toStdout
        ? { ...invocation.output, line: (text = '') => invocation.output.note(text), result: () => {} }
        : invocation.output;
      const only = texts(options.field);
      for (const name of only ?? []) project.hard.definition(name);
      let rows = 0;
      let found: RecoverResult;
      try {
        found = await recover(project, db, {
          signal,
          ...(only ? { only } : {}),
          onLost: csv.write,
          onPage: (field, count) => {
            rows += count;
            output.progress(`${field}: ${rows} rows read`);
          },
        });
        csv.close();
      } catch (error) {
        csv.discard(); // a list that is not whole would look like one, and stand in the way of the next
        throw error;
      }
      output.progress(undefined);
      const recorded = csv.used
        ? await record(
            { invocation, project, db },
            { act: 'recover', subject: (only ?? []).join(', '), reason: '', outcome: `listed: ${found.remaining}` },
          )
        : undefined;
      print(output, found, project);
      const exit = found.problems.length > 0 ? EXIT.failed : found.remaining > 0 ? EXIT.workRemains : EXIT.done;
      output.result({
        ok: found.problems.length === 0,
        exit,
        ...found,
        problems: found.problems.map(({ code, message, hint }) => ({ code, message, hint })),
      });
      recorded?.say();
      return exit;
    }),
  );
};

// --- internal ---

interface Csv {
  readonly used: boolean;
  readonly toStdout: boolean;
  readonly write: (lost: LostValue) => void;
  readonly close: () => void;
  readonly discard: () => void;
}

function openCsv(file: string | undefined, folder: string): Csv {
  if (file === undefined) return { used: false, toStdout: false, write: () => {}, close: () => {}, discard: () => {} };
  const toStdout = file === '-';
  const path = resolve(folder, file);
  const target = toStdout ? undefined : create(path);
  let open = target !== undefined;
  const put = (cells: readonly string[]): void => {
    if (target === undefined) process.stdout.write(csvLine(cells));
    else writeSync(target, csvLine(cells));
  };
  put(['locator', 'field', 'verdict', 'kid']);
  return {
    used: true,
    toStdout,
    write: ({ locator, field, verdict, kid }) => put([locator, field, verdict, kid ?? '']),
    close: () => {
      open = false;
      if (target !== undefined) closeSync(target);
    },
    discard: () => {
      if (target === undefined) return;
      if (open) closeSync(target);
      rmSync(path, { force: true });
    },
  };
}

function create(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new CasehardError('USAGE', exists ? `${path} exists already` : `${path} cannot be written`, {
      hint: exists ? 'move it away, or name another file' : 'check the folder and its permissions',
    });
  }
}

function print(output: Output, found: RecoverResult, { keyring }: LoadedProject): void {
  for (const problem of found.problems) {
    output.line(`problem   ${problem.message} [${problem.code}]${problem.hint ? `\n          ${problem.hint}` : ''}`);
  }
  if (found.groups.length > 0) {
    for (const line of table(
      ['field', 'values', 'verdict', 'kid', 'such as'],
      found.groups.map(({ field, values, verdict, kid, locators }) => [
        field,
        values,
        verdict,
        kid ?? '-',
        `${locators.join(' ')}${values > locators.length ? ' …' : ''}`,
      ]),
    )) {
      output.line(line);
    }
    output.line();
  }
  const first = found.progress.reduce((sum, field) => sum + field.first, 0);
  const left = found.progress.reduce((sum, field) => sum + field.remaining, 0);
  if (found.remaining === 0) {
    output.line(first > 0 ? `All ${first} open again.` : 'Every credential opens, or is not sealed.');
    return;
  }
  const entered = first > left ? `; ${first - left} of ${first} open again` : '';
  output.line(`${plural(found.remaining, 'credential')} can no longer be opened${entered}.`);
  if (found.lostKids.length > 0) {
    output.line(`Before you enter them again, look for the key ${found.lostKids.join(', ')}:`);
    output.line('  casehard keys hunt PATH…      in old settings and backups of the server');
    output.line('  casehard keys restore FILE    from a backup of the keys');
    const withdrawn = keyring.list().flatMap(({ kid, state }) => (state === 'withdrawn' ? [kid] : []));
    output.line('If it is lost for good, say so in the settings, beside a new key:');
    output.line(`  CASEHARD_WITHDRAWN_KIDS=${[...withdrawn, ...found.lostKids].join(',')}`);
  }
  output.line('Enter them again with `casehard set LOCATOR` or in the console; nothing is opened for that.');
}
