import { CasehardError, type Content, type Locator, looksSealed, printLocator } from '@casehard/core';
import type { Project } from '../config/load.ts';
import { type Cell, readCell } from '../database/cells.ts';
import type { Database } from '../database/connect.ts';
import { fillEmpty } from '../database/overwrite.ts';
import { withSession } from '../database/session.ts';
import { swapPage } from '../database/swap.ts';
import { checkKeys } from '../inventory/belonging.ts';
import { keepCanary } from '../inventory/canary.ts';
import { rowKeyOf } from '../inventory/locator.ts';
import { type ResolvedField, resolveFields } from '../inventory/resolve.ts';
import { changeOf, readValue, rowOf, verdictOf } from '../inventory/value.ts';
import { pendingUpgrade } from './pending.ts';
import { appear, canariesBefore } from './presence.ts';

/**
 * Replaces one credential without opening the old one, so that it works when nobody can read that any more. Sealed when
 * a key is configured, else in the existing scheme. Throws NOT_FOUND, REFUSED, and what `seal` throws.
 */
export async function setValue(
  project: Project,
  db: Database,
  locator: Locator,
  content: string,
): Promise<'sealed' | 'legacy'> {
  const { hard, keyring, tracking } = project;
  hard.definition(locator.field);
  const judged = await canariesBefore(db);
  const resolved = await resolveFields(db, hard, { keyring });
  const field = resolved.fields.find(({ name }) => name === locator.field);
  if (!field) {
    const problem = resolved.problems.find((each) => each.field === locator.field);
    throw problem ?? new CasehardError('UNKNOWN_FIELD', `there is no field ${locator.field}`);
  }
  const key = rowKeyOf(field, locator.key);
  const pending = await pendingUpgrade(db, [field]);
  return withSession(db, async (session) => {
    await checkKeys(session, resolved.fields, { keyring, tracking, hasOwnTables: !pending.ownTables });
    const cells = await readCell(session, field.place, key);
    const name = printLocator(locator.field, key);
    const [cell] = cells;
    if (!cell)
      throw new CasehardError('NOT_FOUND', `there is no row ${name}`, {
        hint: 'casehard replaces values and makes no rows; check the locator',
      });
    if (cells.length > 1 && new Set(cells.map(({ stored }) => String(stored))).size > 1) {
      throw new CasehardError('REFUSED', `${name} stands for ${cells.length} rows with different values`, {
        hint: 'delete the rows that the application does not read, then set it again',
      });
    }
    const write = sealFor(field, cell, content);
    const presence = await appear(session, keyring, { act: 'set', judged });
    try {
      if (!pending.ownTables) await keepCanary(session, keyring);
      await replace(session, field, cell, write);
      return looksSealed(write) ? 'sealed' : 'legacy';
    } finally {
      await presence.leave();
    }
  });
}

// --- internal ---

function sealFor(field: ResolvedField, cell: Cell, content: string): string {
  const { stored } = readValue(field, cell);
  return field.field.seal(content, rowOf(field, cell.key), stored === undefined ? {} : { stored });
}

async function replace(
  session: Parameters<typeof swapPage>[0],
  field: ResolvedField,
  cell: Cell,
  write: Content,
): Promise<void> {
  const value = readValue(field, cell);
  const check = (cells: readonly Cell[]): void => {
    for (const back of cells) {
      const { kind } = verdictOf(field, readValue(field, back));
      if (kind !== 'current' && kind !== 'legacy') {
        throw new CasehardError(
          'DATABASE',
          `field ${field.name}: the written value did not read back as written; it was undone`,
        );
      }
    }
  };
  if (cell.stored === null || cell.stored.length === 0) {
    if (field.document || field.place.storage === 'json') {
      throw new CasehardError('NOT_FOUND', `field ${field.name}: this row has no document to put the value into`, {
        hint: 'let the application save the row once',
      });
    }
    if (await fillEmpty(session, field.place, { key: cell.key, value: write, check })) return;
    throw inUse(field);
  }
  if ((field.document || field.place.storage === 'json') && !value.located) {
    throw new CasehardError('NOT_FOUND', `field ${field.name}: the document of this row has no text at the path`, {
      hint: 'let the application save the row once',
    });
  }
  const change = changeOf(field, value, write);
  if (typeof change === 'string') {
    throw new CasehardError('TOO_LONG', `field ${field.name}: the column cannot hold the new value (${change})`, {
      hint: 'run `casehard upgrade`',
    });
  }
  const [result] = await swapPage(session, field.place, [change], check);
  if (result === 'refused') {
    throw new CasehardError('REFUSED', `field ${field.name}: a constraint of the table refuses this row`, {
      field: field.name,
      hint: 'correct the row in the application: often it is another column',
    });
  }
  if (result !== 'swapped') throw inUse(field);
}

function inUse({ name }: ResolvedField): CasehardError {
  return new CasehardError('DATABASE', `field ${name}: the row was locked or saved by somebody else meanwhile`, {
    field: name,
    hint: 'run it again',
  });
}
