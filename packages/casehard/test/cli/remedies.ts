import { join } from 'node:path';
import { type Locator, parseLocator } from '@casehard/core';
import { sql } from 'kysely';
import { loadProject } from '../../src/config/load.ts';
import { run } from '../../src/jobs/run.ts';
import { setValue } from '../../src/jobs/set.ts';
import { printPhp } from '../../src/sample/php-text.ts';
import type { CommandResult } from './command.ts';
import type { Listed, Mailer } from './mailer.ts';

/** What an operator does about each quarantined row of the sample, by field and verdict. */
export type Remedy = 'set anew' | 'as plaintext' | 'repair the document' | 'delete the row';

/** The remedy for a listed value. Throws where nobody has thought of one. */
export function remedyFor({ locator, verdict, because }: Listed & { readonly because: string }): Remedy {
  if (/begins like a sealed value|plain text in a base64 column/.test(because)) return 'as plaintext';
  const remedy = REMEDIES[verdict] ?? REMEDIES[verdict.split(' ')[0] ?? ''];
  if (remedy === undefined) throw new Error(`no remedy for ${locator}: ${verdict}`);
  return remedy;
}

/**
 * Lets an operator apply remedies: the first of each kind in each field by the command, the others by what the command
 * calls, because starting Node for every row takes minutes. Throws where one fails.
 */
export async function withOperator(
  mailer: Mailer,
  work: (operator: (remedy: Remedy, locator: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  const project = await loadProject(join(mailer.folder, 'casehard.config.ts'), { env: mailer.env, warn: () => {} });
  const seen = new Set<string>();
  await work(async (remedy, locator) => {
    const parsed = parseLocator(locator) ?? { field: '', key: [] };
    const id = `${remedy} ${parsed.field}`;
    const first = !seen.has(id);
    seen.add(id);
    switch (remedy) {
      case 'set anew':
        if (first) return refuseFailure(await mailer.run(['set', locator], { input: NEW_VALUE }));
        await setValue(project, mailer.test.db, parsed, NEW_VALUE);
        return;
      case 'as plaintext':
        if (first) return refuseFailure(await mailer.run(['harden', '--as-plaintext', locator]));
        await run(project, mailer.test.db, { act: 'harden', asPlaintext: parsed });
        return;
      case 'repair the document':
        return write(mailer, parsed, DOCUMENTS);
      case 'delete the row':
        return write(mailer, parsed, undefined);
    }
  });
}

export const NEW_VALUE = 'a new value, typed by the operator';

// --- internal ---

const REMEDIES: Readonly<Record<string, Remedy>> = {
  foreign: 'set anew',
  'unexpected NOT_LEGACY': 'set anew',
  'unexpected SPELLING': 'set anew',
  'unexpected LOOKS_SEALED': 'set anew',
  'unexpected ENCODING': 'set anew',
  'unexpected NOT_A_STRING': 'repair the document',
  'unexpected AMBIGUOUS': 'repair the document',
  'unexpected NOT_A_DOCUMENT': 'delete the row',
  'unreadable MAC': 'set anew',
  'unreadable TRUNCATED': 'set anew',
  'unreadable CASE_DAMAGED': 'set anew',
  'unreadable MALFORMED': 'set anew',
  'unreadable UNKNOWN_VERSION': 'set anew',
  'unreadable UNKNOWN_KEY': 'set anew',
  'unreadable CONTEXT_POLICY': 'set anew',
};

interface Places {
  readonly [field: string]: readonly [table: string, key: string, column: string, document: string];
}

const DOCUMENTS: Places = {
  'addon.api.key': ['addons', 'addon_id', 'settings', printPhp({ enabled: true })],
  'oauth.client.secret': ['oauth_clients', 'client_id', 'config', '{"scopes":[]}'],
};

async function write({ test }: Mailer, { field, key }: Locator, documents: Places | undefined): Promise<void> {
  const place = DOCUMENTS[field];
  if (place === undefined) throw new Error(`${field} is in no document`);
  const [table, keyColumn, column, document] = place;
  const where = sql`where ${sql.id(keyColumn)} = ${key[0]}`;
  await (documents === undefined
    ? sql`delete from ${sql.table(table)} ${where}`
    : sql`update ${sql.table(table)} set ${sql.id(column)} = ${document} ${where}`
  ).execute(test.db.kysely);
}

function refuseFailure({ code, stderr }: CommandResult): void {
  if (code !== 0) throw new Error(stderr);
}
