import { CasehardError } from '@casehard/core';
import { loadStateKey } from '../config/state-key-file.ts';
import { readAudit } from '../database/audit-rows.ts';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { type Act, type AuditEntry, type AuditHead, type AuditRow, systemActor, Trail, trailMissing } from './trail.ts';

export interface OpenTrailOptions {
  /** The folder of the configuration. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes lines for people. */
  readonly note: (text: string) => void;
  /** Only with a state key that exists: to verify, a new one is of no use. */
  readonly existing?: boolean;
}

/** The audit trail of a database, for a command. Makes the state key where there is none yet, and says so. */
export function openTrail(db: Database, { folder, env, note, existing = false }: OpenTrailOptions): Trail {
  const { key, made } = loadStateKey({ folder, env, existing });
  if (made !== undefined) {
    note(
      `made ${made}: it authenticates the audit trail and the console's own rows, and seals nothing; keep it with the keys`,
    );
  }
  return new Trail(db, key);
}

/** The same for an act that must be recorded. Throws UPGRADE_PENDING, before a state key is made, where it cannot be. */
export async function openReadyTrail(db: Database, options: OpenTrailOptions): Promise<Trail> {
  if (!(await describeTable(db, 'casehard_audit'))) throw trailMissing();
  return openTrail(db, options);
}

/**
 * The trail to be verified: a state key that is made now would fit none of its rows, so one must be there. Throws
 * KEY_SOURCE, UPGRADE_PENDING where there is no table, and AUDIT where a head says that there was one.
 */
export async function openTrailToRead(
  db: Database,
  options: OpenTrailOptions & { readonly head?: AuditHead | undefined },
): Promise<Trail> {
  if (await describeTable(db, 'casehard_audit')) return openTrail(db, { ...options, existing: true });
  if (options.head === undefined || options.head.seq === 0) throw nothingRecorded();
  throw new CasehardError(
    'AUDIT',
    'the audit trail: the table casehard_audit was removed since the head was exported',
    {
      hint: 'find out who can write this database, and restore the table from a backup',
    },
  );
}

/** The newest acts first, unchecked: no state key is needed. Throws UPGRADE_PENDING where there is no table. */
export async function listActs(db: Database, limit: number): Promise<readonly AuditRow[]> {
  if (!(await describeTable(db, 'casehard_audit'))) throw nothingRecorded();
  return readAudit(db, { limit, descending: true });
}

/**
 * Records an act of the person who runs a command, once the upgrade has made the table; before that there is nothing to
 * record it in, and the act goes on.
 */
export async function recordAct(
  db: Database,
  options: OpenTrailOptions,
  entry: Omit<AuditEntry, 'actor' | 'act'> & { readonly act: Act },
): Promise<void> {
  if (!(await describeTable(db, 'casehard_audit'))) return;
  await openTrail(db, options).record({ ...entry, actor: systemActor() });
}

// --- internal ---

function nothingRecorded(): CasehardError {
  return new CasehardError('UPGRADE_PENDING', 'the table casehard_audit is missing: nothing has been recorded', {
    hint: 'run `casehard upgrade`; where that has run already, somebody has removed the table',
  });
}
