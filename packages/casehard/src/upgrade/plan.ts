import { type Cost, runStatement } from '../database/alter.ts';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { createOwnTable, OWN_TABLES, type OwnTable } from '../database/own-tables.ts';
import type { Place } from '../database/place.ts';
import { withSession } from '../database/session.ts';
import { planColumn } from './plan-column.ts';

/** What the upgrade has to know about a field; it needs no key. */
export interface UpgradeField {
  /** The field's logical name. */
  readonly name: string;
  readonly place: Place;
  /** The scheme of its legacy values; left out: none is accepted. */
  readonly was?: 'plaintext' | 'base64' | 'hex';
  /** The column holds a document (JSON, PHP-serialized) with the value inside. */
  readonly document: boolean;
  /** Nobody looks a row up by this column, so an index on it does no harm. */
  readonly notLookedUp: boolean;
}

/** What the database lacks. No steps: it is up to date, as far as the problems allow. */
export interface UpgradePlan {
  readonly steps: readonly UpgradeStep[];
  /** What a person has to decide first; the columns concerned have no step. */
  readonly problems: readonly UpgradeProblem[];
  /** By field, where its column has a limit. */
  readonly widths: ReadonlyMap<string, Width>;
}

/** In the unit of the column's own limit: characters, or bytes of MySQL's TEXT. */
export interface Width {
  readonly declared: number;
  /** What the data need, and an ordinary password of tomorrow. */
  readonly needed: number;
}

/** One change of the database, complete in itself and harmless to repeat. */
export interface UpgradeStep {
  /** `create casehard_keys`, `widen users.smtp_password`. */
  readonly id: string;
  readonly table: string;
  readonly column?: string;
  /** For people. */
  readonly why: string;
  readonly cost: Cost;
  /** The cost as a sentence. */
  readonly costNote: string;
  /** What will be run, as expected; MySQL is asked for cheaper ways first. */
  readonly sql: readonly string[];
  /** The same step from the catalogue as it is now; undefined: done, or prevented. */
  again(db: Database): Promise<UpgradeStep | undefined>;
  /** Makes the change and verifies it. Tells `dearer` before it goes a way that costs more than `cost`. */
  run(db: Database, dearer: (step: UpgradeStep) => void): Promise<void>;
}

export interface UpgradeProblem {
  readonly field?: string;
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint: string;
}

export type ProblemCode =
  | 'NO_TABLE'
  | 'NO_COLUMN'
  | 'WRONG_TYPE' // the column cannot hold text at all
  | 'GENERATED'
  | 'INDEXED' // an index, and nobody has said that no row is looked up by it
  | 'KEY_SIZE' // the index cannot take the wider column
  | 'CHECK' // a constraint refuses sealed values
  | 'DEPENDENT' // views and the like that forbid a change of type
  | 'DOMAIN'
  | 'INHERITED' // only the parent table can be changed
  | 'VERSIONED'; // a system-versioned table keeps every old value

/** Compares the catalogue and the data with what the fields need. Reads only. */
export function planUpgrade(db: Database, fields: readonly UpgradeField[]): Promise<UpgradePlan> {
  return withSession(db, async ({ kysely }) => {
    const session: Database = { ...db, kysely };
    const steps: UpgradeStep[] = [];
    const problems: UpgradeProblem[] = [];
    const widths = new Map<string, Width>();
    for (const table of OWN_TABLES) {
      const step = await planOwnTable(session, table);
      if (step) steps.push(step);
    }
    const columns = Map.groupBy(fields, ({ place }) => `${place.table}\0${place.column}`);
    for (const group of columns.values()) {
      const planned = await planColumn(session, group);
      if (planned.step) steps.push(planned.step);
      problems.push(...planned.problems);
      for (const { name } of group) if (planned.width) widths.set(name, planned.width);
    }
    return { steps, problems, widths };
  });
}

// --- internal ---

const OWN_TABLE_USE: Readonly<Record<OwnTable, string>> = {
  casehard_upgrades: 'it notes the upgrades that were made',
  casehard_keys: 'it shows which keys have sealed values here',
  casehard_jobs: 'it shows the progress of jobs',
  casehard_processes: 'it lists the processes that run, so that a new key waits for all of them',
  casehard_key_uses: 'it shows when each key was last used',
  casehard_drills: 'it shows which backups of keys are proven',
  casehard_audit: 'it is the audit trail',
};

async function planOwnTable(db: Database, table: OwnTable): Promise<UpgradeStep | undefined> {
  if (await describeTable(db, table)) return undefined;
  const statement = createOwnTable(db, table);
  return {
    id: `create ${table}`,
    table,
    why: `the table ${table} is missing; ${OWN_TABLE_USE[table]}`,
    cost: 'instant',
    costNote: 'instant: a new, empty table',
    sql: [statement.sql],
    again: (now) => planOwnTable(now, table),
    run: (now) => runStatement(now, createOwnTable(now, table)),
  };
}
