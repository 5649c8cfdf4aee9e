import { type Casehard, createCasehard, type Driver, type Fields } from '@casehard/core';
import type { Database } from '../database/connect.ts';
import { withSession } from '../database/session.ts';
import { countKids } from './known-keys.ts';
import { resolveFields } from './resolve.ts';

/**
 * What `hard.attach` of @casehard/core asks of a database: whether any of the fields holds a sealed value.
 *
 * @example
 * await hard.attach(createDriver(openDatabase(url, { folder: '.' }), config.fields));
 */
export function createDriver(db: Database, fields: Fields): Driver {
  return {
    async holdsSealedValues() {
      const hard: Casehard<Fields> = createCasehard({ fields, warn: () => {} });
      const resolved = await resolveFields(db, hard, { keyring: hard.keyring });
      if (resolved.problems[0]) throw resolved.problems[0];
      return withSession(db, async (session) => (await countKids(session, resolved.fields)).sealed > 0);
    },
  };
}
