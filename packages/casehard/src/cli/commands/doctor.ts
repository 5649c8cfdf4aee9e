import { CasehardError } from '@casehard/core';
import { findConfig } from '../../config/find.ts';
import { loadProjectAnyway, type Project } from '../../config/load.ts';
import { openDatabase } from '../../database/connect.ts';
import { type Diagnosis, type ExamineOptions, examine } from '../../doctor/examine.ts';
import type { Finding } from '../../doctor/finding.ts';
import { EXIT, type Exit } from '../exit.ts';
import type { AddCommand, Invocation } from '../main.ts';
import { keepMemorySmall } from '../memory.ts';
import { collect, texts } from '../options.ts';
import type { Output } from '../output.ts';
import { withDatabase } from '../project.ts';
import { plural } from '../table.ts';

/** `casehard doctor`: what is wrong, why, and what to do. Reads only. */
export const doctor: AddCommand = (program, action) => {
  const command = program
    .command('doctor')
    .description('look at configuration, database, values, keys, processes and policy: what is wrong, why, and the fix')
    .option('--field <name>', 'look at the values of this field only (may be repeated)', collect)
    .option('--quick', 'open no value')
    .option('--resume', 'go on where a doctor was stopped');
  action(command, async (invocation, options) => {
    const { output, signal, env } = invocation;
    const { project, ...about } = await load(invocation);
    const { database } = project.config;
    if (database === undefined) {
      throw new CasehardError('CONFIG', `${project.path}: \`database\` is missing`, {
        hint: "write database: process.env.DATABASE_URL, or 'sqlite:./file.db'",
      });
    }
    keepMemorySmall();
    const only = texts(options.field);
    return withDatabase(openDatabase(database, { folder: project.folder }), async (db) => {
      const diagnosis = await examine(project, db, {
        ...about,
        env,
        signal,
        keepProgress: true,
        quick: options.quick === true,
        resume: options.resume === true,
        ...(only ? { only } : {}),
        onProgress: (field, rows) => output.progress(`${field}: ${rows} values looked at`),
      });
      output.progress(undefined);
      const exit = exitOf(diagnosis);
      print(output, diagnosis);
      output.result({ ok: exit !== EXIT.failed, exit, ...toJson(diagnosis) });
      return exit;
    });
  });
};

// --- internal ---

type Loaded = { readonly project: Project } & Pick<ExamineOptions, 'tracking' | 'keysProblem'>;

/** With keys that cannot be read, the doctor goes on without: what is wrong with them is its first finding. */
async function load({ folder, config, env }: Invocation): Promise<Loaded> {
  const { project, keysProblem } = await loadProjectAnyway(findConfig(folder, config), { env, warn: () => {} });
  return keysProblem ? { project, keysProblem } : { project, tracking: project.tracking };
}

function exitOf({ verdict }: Diagnosis): Exit {
  if (verdict === 'failed') return EXIT.failed;
  return verdict === 'warning' ? EXIT.workRemains : EXIT.done;
}

function print(output: Output, { database, headline, findings, counts, values }: Diagnosis): void {
  if (headline !== undefined) {
    output.line(headline);
    output.line();
  }
  output.line(`database  ${database}`);
  const looked = values.looked > 0 || values.complete ? `; ${plural(values.looked, 'value')} looked at` : '';
  output.line(
    `result    ${counts.failed} failed, ${plural(counts.warning, 'warning')}, ${plural(counts.notice, 'notice')}, ${counts.ok} ok${looked}`,
  );
  output.line();
  for (const finding of findings) for (const line of linesOf(finding)) output.line(line);
}

/** The others are in --json, and `status --deep` lists every one. */
const MAX_SHOWN = 6;

function linesOf({ verdict, code, evidence, cause, fix, locators = [], locatorsInAll = 0 }: Finding): string[] {
  const head = verdict.padEnd(8);
  if (cause === undefined) return [`${head}  ${code}: ${evidence}`];
  const shown = locators
    .slice(0, MAX_SHOWN)
    .map(({ locator, from }) => (from === undefined ? locator : `${locator} (comes from ${from})`));
  const more = shown.length > 0 && locatorsInAll > shown.length ? [`and ${locatorsInAll - shown.length} more`] : [];
  return [
    `${head}  ${code}: ${evidence}`,
    `  cause   ${cause}`,
    `  fix     ${fix}`,
    ...(shown.length > 0 ? [`  at      ${[...shown, ...more].join(', ')}`] : []),
  ];
}

function toJson({ database, headline, findings, counts, values }: Diagnosis): Record<string, unknown> {
  return { database, headline: headline ?? null, counts, values, findings };
}
