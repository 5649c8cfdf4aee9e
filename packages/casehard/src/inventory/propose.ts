import { CasehardError, type FieldSpec } from '@casehard/core';
import { describeTable, listTables, type TableInfo } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import type { Confidence } from './classify-values.ts';
import { fieldName, freeName } from './field-name.ts';
import { proposeColumns } from './propose-columns.ts';
import { nameValueColumns, proposeSettings } from './propose-settings.ts';

/** A field that looks like it holds credentials. */
export interface Proposal {
  readonly name: string;
  /** As `createCasehard` takes it. */
  readonly spec: FieldSpec<never>;
  /** Why, in one line without any value. */
  readonly because: string;
  /** How sure the scheme is. */
  readonly confidence: Confidence;
}

/** Something that was looked at and not proposed. */
export interface LeftAlone {
  readonly table: string;
  /** Left out where it speaks of the whole table. */
  readonly column?: string;
  readonly because: string;
  /** It looks like a credential all the same: `init --check` lists it until a field covers it. */
  readonly credential?: true;
}

export interface Proposals {
  readonly proposals: readonly Proposal[];
  readonly leftAlone: readonly LeftAlone[];
}

/** A proposal before it has a name. */
export interface Candidate extends Omit<Proposal, 'name'> {
  /** The names inside the table that the field's name is made of. */
  readonly inside: readonly string[];
}

export interface Found {
  readonly candidates: readonly Candidate[];
  readonly leftAlone: readonly LeftAlone[];
}

/**
 * Looks at the schema and at samples of the values, and proposes the fields that look like credentials. Reads a few hundred
 * rows of each table that has a candidate; no value leaves this function. The same database gives the same proposals.
 */
export async function proposeFields(db: Database): Promise<Proposals> {
  const proposals: Proposal[] = [];
  const leftAlone: LeftAlone[] = [];
  const taken = new Set<string>();
  for (const name of await listTables(db)) {
    // A dot parts schema and table wherever tables are named.
    const table = name.includes('.') ? undefined : await describeTable(db, name);
    if (!table) {
      leftAlone.push({ table: name, because: 'a table with a dot in its name cannot be declared' });
      continue;
    }
    const found = await named(name, () => proposeTable(db, table));
    leftAlone.push(...found.leftAlone);
    for (const { inside, ...candidate } of found.candidates) {
      const free = freeName(fieldName(table.name, inside, candidate.spec.kind), taken);
      taken.add(free);
      proposals.push({ name: free, ...candidate });
    }
  }
  return { proposals, leftAlone };
}

// --- internal ---

async function proposeTable(db: Database, table: TableInfo): Promise<Found> {
  const pair = nameValueColumns(table);
  const settings = pair ? await proposeSettings(db, table, pair) : { candidates: [], leftAlone: [] };
  const columns = await proposeColumns(db, table, pair ? [pair.name.name, pair.value.name] : []);
  return {
    candidates: [...settings.candidates, ...columns.candidates],
    leftAlone: [...settings.leftAlone, ...columns.leftAlone],
  };
}

/** A table that cannot be read stops the search: a check that passed it over would promise too much. */
async function named<T>(table: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CasehardError)) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new CasehardError(error.code, `table ${table}: ${error.message}`, hint);
  }
}
