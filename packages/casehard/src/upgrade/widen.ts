import { CasehardError } from '@casehard/core';
import {
  type Alteration,
  COSTS,
  isOtherWayNeeded,
  type NewType,
  runStatement,
  type Widening,
} from '../database/alter.ts';
import { type ColumnInfo, describeTable, findColumn, type TableInfo } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { widthOf } from './need.ts';

export interface WidenOptions {
  readonly table: TableInfo;
  /** As it was when the plan was made. */
  readonly column: ColumnInfo;
  readonly type: NewType;
  readonly plan: Widening;
}

/** Widens a column the cheapest way that the server accepts, then reads the catalogue and compares. */
export async function widen(db: Database, options: WidenOptions, dearer: (way: Alteration) => void): Promise<void> {
  const { table, column, type, plan } = options;
  for (const way of plan.ways) {
    if (COSTS.indexOf(way.cost) > COSTS.indexOf(plan.expected.cost)) dearer(way);
    try {
      await runStatement(db, way.statement);
      break;
    } catch (error) {
      if (!isOtherWayNeeded(error) || way === plan.ways.at(-1)) throw error;
    }
  }
  const now = await describeTable(db, table.name);
  const after = now && findColumn(db, now, column.name);
  const lost = after ? differences(column, after, type) : ['the column'];
  if (lost.length === 0) return;
  throw new CasehardError(
    'DATABASE',
    `${table.name}.${column.name}: after widening, ${lost.join(', ')} is not as before`,
    {
      hint: 'compare the column with a backup of the schema, and report this with the version of the database',
    },
  );
}

// --- internal ---

const KEPT = ['nullable', 'charset', 'collation', 'comment', 'invisible', 'check', 'onUpdate', 'generated'] as const;

function differences(before: ColumnInfo, after: ColumnInfo, type: NewType): string[] {
  const lost: string[] = KEPT.filter((what) => before[what] !== after[what]);
  if (bare(before.default) !== bare(after.default)) lost.push('default');
  const width = widthOf(after);
  if (typeof type === 'number' ? width !== type : width !== undefined && width <= (widthOf(before) ?? 0)) {
    lost.push('width');
  }
  return lost;
}

/** PostgreSQL prints a default with casts to the column's type, which has changed; MySQL adds introducers and escapes. */
function bare(expression: string | undefined): string | undefined {
  return expression
    ?.replace(/::(character varying|character|bpchar|text)(\(\d+\))?|\b_\w+(?=')|[()]/g, '')
    .replaceAll("\\'", "''");
}
