import { relative, resolve } from 'node:path';
import { CasehardError } from '@casehard/core';
import { createLinks } from '@casehard/core/links';
import { InvalidArgumentError } from 'commander';
import { findConfig } from '../../config/find.ts';
import { loadProject } from '../../config/load.ts';
import { writeNewFile } from '../../config/write.ts';
import { type Database, openDatabase } from '../../database/connect.ts';
import { type ConfigText, configFileName, printConfig } from '../../inventory/print-config.ts';
import { type LeftAlone, type Proposal, proposeFields } from '../../inventory/propose.ts';
import { uncovered } from '../../inventory/uncovered.ts';
import { EXIT, type Exit } from '../exit.ts';
import type { AddCommand, Invocation } from '../main.ts';
import type { Output } from '../output.ts';
import { withDatabase, withProject } from '../project.ts';
import { plural, table } from '../table.ts';

/** `casehard init`: looks at schema and samples, writes casehard.config.ts, explains every choice. Reads the database only. */
export const init: AddCommand = (program, action) => {
  const command = program
    .command('init')
    .description('propose the fields that look like credentials, and write casehard.config.ts; reads the database only')
    .option('--database <url>', 'sqlite:./file.db, postgres://… or mysql://… (default: the one of the configuration)')
    .option('--links <base-url>', 'also declare links in mails, answered below this address', baseUrl)
    .option('--check', 'write nothing; exit 3 where a credential-looking place is covered by no field')
    .option('--dry-run', 'print the configuration and write nothing');
  action(command, async (invocation, options) => {
    const url = typeof options.database === 'string' ? options.database : undefined;
    if (options.check === true) return check(invocation, url);
    const target = url ?? invocation.env.DATABASE_URL;
    if (target === undefined || target === '') {
      throw new CasehardError('USAGE', 'init needs a database', { hint: 'add --database URL, or set DATABASE_URL' });
    }
    if (invocation.config?.endsWith('.json')) {
      throw new CasehardError('USAGE', 'init writes TypeScript', { hint: 'name a .ts or .mts file with --config' });
    }
    return withDatabase(openDatabase(target, { folder: invocation.folder }), (db) =>
      propose(invocation, db, {
        url: target,
        dryRun: options.dryRun === true,
        ...(typeof options.links === 'string' ? { links: { baseUrl: options.links } } : {}),
      }),
    );
  });
};

// --- internal ---

async function propose(
  { output, folder, config }: Invocation,
  db: Database,
  {
    url,
    dryRun,
    links,
  }: { readonly url: string; readonly dryRun: boolean; readonly links?: NonNullable<ConfigText['links']> },
): Promise<Exit> {
  const { proposals, leftAlone } = await proposeFields(db);
  const file = resolve(folder, config ?? configFileName(folder));
  const text = printConfig({ database: url, fields: proposals, ...(links ? { links } : {}) });
  explain(output, proposals, leftAlone);
  if (!dryRun) writeNewFile(file, text);
  output.line();
  if (dryRun) output.line(text);
  else
    output.line(
      `Wrote ${relative(folder, file)} with ${plural(proposals.length, 'field')}. Read it: nobody knows your schema better.`,
    );
  output.note('Next: casehard status');
  output.result({
    ok: true,
    exit: EXIT.done,
    file: dryRun ? null : file,
    proposals: proposals.map(toJson),
    leftAlone,
    ...(dryRun ? { config: text } : {}),
  });
  return EXIT.done;
}

/** For CI: a new credential column that nobody declared fails the build. */
async function check(invocation: Invocation, url: string | undefined): Promise<Exit> {
  const { output, folder, config, env } = invocation;
  const compare = async (db: Database, fields: Parameters<typeof uncovered>[1]): Promise<Exit> => {
    const missing = await uncovered(db, fields);
    for (const line of table(
      ['not covered', 'because'],
      missing.map(({ spec, because }) => [placeOf(spec), because]),
    )) {
      if (missing.length > 0) output.line(line);
    }
    output.line(missing.length === 0 ? 'Every credential-looking place is covered by a field.' : '');
    const exit = missing.length === 0 ? EXIT.done : EXIT.workRemains;
    output.result({
      ok: true,
      exit,
      uncovered: missing.map(({ name, spec, because }) =>
        toJson({ spec, because, ...(name === undefined ? {} : { name }) }),
      ),
    });
    return exit;
  };
  if (url === undefined) return withProject(invocation, (project, db) => compare(db, project.config.fields));
  const project = await loadProject(findConfig(folder, config), { env, warn: output.note });
  return withDatabase(openDatabase(url, { folder }), (db) => compare(db, project.config.fields));
}

/** The address for the links section, for commander; core judges it, with the longest of the paths that init writes. */
function baseUrl(text: string): string {
  try {
    createLinks({ baseUrl: text, purposes: { unsubscribe: 'unsubscribe.php' }, warn: () => {} });
    return text;
  } catch (error) {
    if (!(error instanceof CasehardError)) throw error;
    throw new InvalidArgumentError(`${error.message.replace(/^links: /, '')}: ${error.hint}.`);
  }
}

function explain(output: Output, proposals: readonly Proposal[], leftAlone: readonly LeftAlone[]): void {
  for (const line of table(
    ['field', 'place', 'scheme', 'because'],
    proposals.map(({ name, spec, because, confidence }) => [
      name,
      placeOf(spec),
      `${schemeOf(spec)} (${confidence})`,
      because,
    ]),
  )) {
    output.line(line);
  }
  if (leftAlone.length === 0) return;
  output.line();
  for (const line of table(
    ['left alone', 'because'],
    leftAlone.map(({ table: name, column, because }) => [column === undefined ? name : `${name}.${column}`, because]),
  )) {
    output.line(line);
  }
}

function schemeOf({ was }: Proposal['spec']): string {
  return typeof was === 'string' ? was : (was?.name ?? 'sealed only');
}

function placeOf({ table: name, column, pointer, where }: Proposal['spec']): string {
  const rows = Object.entries(where ?? {}).map(([key, value]) => `${key} = ${value}`);
  return `${name}.${column}${pointer ?? ''}${rows.length > 0 ? ` where ${rows.join(', ')}` : ''}`;
}

function toJson({
  name,
  spec,
  because,
  confidence,
}: Partial<Proposal> & Pick<Proposal, 'spec' | 'because'>): Record<string, unknown> {
  const { table: tableName, column, pointer, where, row, kind } = spec;
  return { name, kind, table: tableName, column, pointer, where, row, was: schemeOf(spec), because, confidence };
}
