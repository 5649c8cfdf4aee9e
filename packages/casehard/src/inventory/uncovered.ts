import type { FieldSpec, Fields } from '@casehard/core';
import type { Database } from '../database/connect.ts';
import { type Proposal, proposeFields } from './propose.ts';

/** The places that look like credentials and that no configured field covers; for `init --check`. */
export async function uncovered(db: Database, fields: Fields): Promise<readonly Proposal[]> {
  const specs = Object.values(fields);
  const { proposals } = await proposeFields(db);
  return proposals.filter(({ spec }) => !specs.some((field) => covers(db, field, spec)));
}

// --- internal ---

function covers(db: Database, field: FieldSpec<never>, found: FieldSpec<never>): boolean {
  // Only PostgreSQL tells Users from users where both were quoted.
  const fold = (name: string): string => (db.engine === 'postgres' ? name : name.toLowerCase());
  const bare = (table: string): string => fold(table.split('.').at(-1) ?? '');
  if (bare(field.table) !== bare(found.table) || fold(field.column) !== fold(found.column)) return false;
  if (field.kind === 'path' && field.pointer !== found.pointer) return false;
  // A condition that the found place does not state leaves rows out.
  return Object.entries(field.where ?? {}).every(([column, value]) => found.where?.[column] === value);
}
