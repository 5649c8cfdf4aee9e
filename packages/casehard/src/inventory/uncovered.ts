import type { FieldSpec, Fields } from '@casehard/core';
import type { Database } from '../database/connect.ts';
import { proposeFields } from './propose.ts';

/** The places that look like credentials and that no configured field covers; for `init --check`. */
export async function uncovered(db: Database, fields: Fields): Promise<readonly Uncovered[]> {
  const specs = Object.values(fields);
  const { proposals, leftAlone } = await proposeFields(db);
  const found: Uncovered[] = proposals.map(({ name, spec, because }) => ({ name, spec, because }));
  for (const { table, column, because, credential } of leftAlone) {
    if (credential && column !== undefined) found.push({ spec: { kind: 'column', table, column }, because });
  }
  return found.filter(({ spec }) => !specs.some((field) => covers(db, field, spec)));
}

/** A place that no field covers, and why it looks like a credential. */
export interface Uncovered {
  /** A name for the field; undefined where init would not propose one. */
  readonly name?: string;
  readonly spec: FieldSpec<never>;
  readonly because: string;
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
