import { dirname, relative, resolve } from 'node:path';
import { CasehardError, createKeyring, type Keyring, loadKeyring, readKeySources } from '@casehard/core';
import { writeNewFile } from '../../config/write.ts';
import { openDatabase } from '../../database/connect.ts';
import { printSampleConfig } from '../../sample/config.ts';
import { createSample } from '../../sample/create-sample.ts';
import { EXIT } from '../exit.ts';
import type { AddCommand } from '../main.ts';
import { positive } from '../options.ts';
import { withDatabase } from '../project.ts';
import { plural, table } from '../table.ts';

/** `casehard sample`: makes a database to try everything on. */
export const sample: AddCommand = (program, action) => {
  const command = program
    .command('sample')
    .description('make "Mailer", a sample database with credentials in every state')
    .requiredOption('--database <url>', 'an empty database: sqlite:./mailer.db, postgres://… or mysql://…')
    .option('--rows <n>', 'ordinary users to make (default: 200)', positive)
    .option('--config-file <path>', 'also write a configuration for it')
    .option('--adopted', 'let that configuration say that every reader opens sealed values');
  action(command, async ({ output, folder, env }, options) => {
    const url = String(options.database);
    const file = typeof options.configFile === 'string' ? resolve(folder, options.configFile) : undefined;
    const keyFolder = file === undefined ? folder : dirname(file);
    const keyring = loadKeyring({ env, folder: keyFolder });
    const previous = previousKeyring(env, keyFolder);
    return withDatabase(openDatabase(url, { folder, create: true }), async (db) => {
      const made = await createSample(db, {
        ...(typeof options.rows === 'number' ? { rows: options.rows } : {}),
        ...(keyring.active ? { keyring } : {}),
        ...(previous ? { previous } : {}),
        onProgress: (done, total) => output.progress(`${done} of ${total} rows`),
      });
      output.progress(undefined);
      if (file !== undefined)
        writeNewFile(
          file,
          printSampleConfig({ database: forConfig(url, folder, dirname(file)), adopted: options.adopted === true }),
        );
      for (const line of table(['table', 'rows'], Object.entries(made.rows))) output.line(line);
      output.line();
      output.line(`Made in ${db.label}, ${plural(made.specials.length, 'credential')} by hand among the rows.`);
      if (!keyring.active) output.note(`${keyring.setting} not configured: no sealed values were made`);
      output.result({
        ok: true,
        exit: EXIT.done,
        database: db.label,
        rows: made.rows,
        specials: made.specials,
        configFile: file ?? null,
      });
      return EXIT.done;
    });
  });
};

// --- internal ---

/** A keyring whose active key is the first previous one: it makes stale values. */
function previousKeyring(env: Readonly<Record<string, string | undefined>>, folder: string): Keyring | undefined {
  const [first] = readKeySources({ env, folder }).previousEnc;
  return first && createKeyring({ active: first });
}

/** The URL as the configuration's folder sees it. Never with a password. */
function forConfig(url: string, folder: string, target: string): string {
  const path = /^sqlite:(?!\/\/)(.*)$/.exec(url)?.[1];
  if (path !== undefined) return `sqlite:./${relative(target, resolve(folder, path))}`;
  if (url.startsWith('sqlite:')) return url;
  const parsed = new URL(url);
  if (parsed.password === '') return url;
  throw new CasehardError('USAGE', 'the configuration would hold the password of the database', {
    hint: 'leave --config-file out, or take the password out of the URL and put the whole URL into DATABASE_URL',
  });
}
