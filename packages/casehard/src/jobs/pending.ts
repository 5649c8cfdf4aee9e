import type { Database } from '../database/connect.ts';
import type { ResolvedField } from '../inventory/resolve.ts';
import { planUpgrade, type UpgradePlan } from '../upgrade/plan.ts';

/** What an upgrade would still have to do. */
export interface Pending {
  /** Our own tables are missing, all or some. */
  readonly ownTables: boolean;
  /** One line per step and per problem; empty: nothing is pending. */
  readonly messages: readonly string[];
  /** Some of it no run can solve: a person has to decide. */
  readonly decisions: boolean;
  /** Declared and needed width by field, where the column has a limit. */
  readonly widths: UpgradePlan['widths'];
}

/** The upgrade that these fields need. */
export function planFor(db: Database, fields: readonly ResolvedField[]): Promise<UpgradePlan> {
  return planUpgrade(
    db,
    fields.map(({ name, place, definition, document }) => ({
      name,
      place,
      document: document !== undefined,
      notLookedUp: definition.spec.notLookedUp === true,
      ...(definition.scheme ? { was: definition.scheme.name } : {}),
    })),
  );
}

/** Whether an upgrade is pending, and why. Reads only. */
export async function pendingUpgrade(db: Database, fields: readonly ResolvedField[]): Promise<Pending> {
  const { steps, problems, widths } = await planFor(db, fields);
  return {
    ownTables: steps.some(({ table }) => table.startsWith('casehard_')),
    messages: [
      ...steps.map(({ id, why }) => `${id}: ${why}`),
      ...problems.map(({ field, message }) => (field ? `${field}: ${message}` : message)),
    ],
    decisions: problems.length > 0,
    widths,
  };
}
