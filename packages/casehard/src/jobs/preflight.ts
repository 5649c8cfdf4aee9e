import { CasehardError } from '@casehard/core';
import type { Project } from '../config/load.ts';
import type { Database } from '../database/connect.ts';
import { hasSealedCheck, sealedCheckName } from '../database/sealed-check.ts';
import { withSession } from '../database/session.ts';
import { checkKeys } from '../inventory/belonging.ts';
import { type Resolved, type ResolvedField, resolveFields } from '../inventory/resolve.ts';
import { pendingUpgrade } from './pending.ts';
import type { RunOptions } from './run.ts';

/**
 * Everything that must hold before a run writes its first value. Throws the first thing that does not, with its fix:
 * a field that cannot be found, no key, an application that cannot read sealed values, a pending upgrade, triggers
 * that copy old plaintext, keys that do not belong to this database.
 */
export async function preflight(
  project: Project,
  db: Database,
  resolved: Resolved,
  options: RunOptions,
): Promise<void> {
  const [problem] = resolved.problems;
  if (problem) throw problem;
  const { keyring, config } = project;
  const pending = await pendingUpgrade(db, resolved.fields);
  // Every field, whatever --field says: a key that does not belong here shows in any of them.
  const all = options.only || options.asPlaintext ? await resolveFields(db, project.hard, { keyring }) : resolved;
  const keys = { keyring, tracking: project.tracking, hasOwnTables: !pending.ownTables };
  await withSession(db, (session) => checkKeys(session, all.fields, keys));
  if (options.act === 'harden') {
    if (!keyring.active) {
      throw new CasehardError('KEY_MISSING', `${keyring.setting} not configured: there is no key to harden with`, {
        hint: 'make one with `casehard keys generate` and configure it; nothing was written',
      });
    }
    if (config.adopted !== true && !options.dryRun) {
      throw new CasehardError('NOT_ADOPTED', 'the configuration does not say that every reader opens sealed values', {
        hint: 'when every program that reads these fields uses casehard, write `adopted: true` into the configuration',
      });
    }
  }
  if (pending.messages.length > 0 && !options.dryRun) {
    throw new CasehardError('UPGRADE_PENDING', `an upgrade is pending: ${pending.messages.join('; ')}`, {
      hint: pending.decisions
        ? 'a person has to decide first: `casehard upgrade --dry-run` says what; nothing was written'
        : 'run `casehard upgrade`; nothing was written',
    });
  }
  for (const field of resolved.fields) {
    refuseCopies(field, options.acceptTriggers === true);
    if (options.act === 'soften') refuseSoften(field);
  }
}

// --- internal ---

/** Triggers, rules and history tables copy the old value elsewhere, where no run will find it. */
function refuseCopies({ name, table }: ResolvedField, accepted: boolean): void {
  const copies = [...table.triggers, ...(table.systemVersioned ? ['system versioning'] : [])];
  if (accepted || copies.length === 0) return;
  throw new CasehardError('REFUSED', `field ${name}: table ${table.name} has ${copies.join(', ')}`, {
    field: name,
    hint: 'they may copy old plaintext elsewhere: look at them, then add --accept-triggers; nothing was written',
  });
}

/** Refuses to soften a field whose softened values nobody could read, or the table would not take. Throws CONFIG or REFUSED. */
export function refuseSoften({ name, field, definition, table, place }: ResolvedField): void {
  if (definition.scheme === undefined) {
    throw new CasehardError('CONFIG', `field ${name}: no legacy scheme is declared to go back to`, {
      field: name,
      hint: 'declare `was`',
    });
  }
  if (field.strict) {
    throw new CasehardError('REFUSED', `field ${name} is strict: softened values could not be read`, {
      field: name,
      hint: 'take `strict` and `legacyUntil` out of the configuration first, in every process',
    });
  }
  if (hasSealedCheck(table, place)) {
    throw new CasehardError(
      'REFUSED',
      `field ${name}: the constraint ${sealedCheckName(place)} takes sealed values only`,
      {
        field: name,
        hint: `\`casehard strict ${name} --remove-check\` removes it; nothing was written`,
      },
    );
  }
}
