import { type Cost, type NewType, overflowsRow, type Widening, widening } from '../database/alter.ts';
import { type ColumnInfo, describeTable, findColumn, type TableInfo } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { measureNeed, type Need, widthFor, widthOf } from './need.ts';
import type { UpgradeField, UpgradeProblem, UpgradeStep, Width } from './plan.ts';
import { checkProblem, columnProblem, keyProblem, type Problem, typeProblem } from './problems.ts';
import { widen } from './widen.ts';

export interface PlannedColumn {
  readonly step?: UpgradeStep;
  readonly problems: readonly UpgradeProblem[];
  /** Undefined where the column has no limit, or was not measured. */
  readonly width?: Width;
}

/** What one column needs: a step, or the problems that prevent it. All fields of a group live in that column. */
export async function planColumn(db: Database, fields: readonly UpgradeField[]): Promise<PlannedColumn> {
  const [first] = fields;
  if (!first) return { problems: [] };
  const of = (problem: Problem) => ({ problems: fields.map((field) => ({ field: field.name, ...problem })) });
  const { table: tableName, column: columnName } = first.place;
  const table = await describeTable(db, tableName);
  if (!table) return of(missing('NO_TABLE', `${tableName}: there is no such table`));
  const column = findColumn(db, table, columnName);
  if (!column) return of(missing('NO_COLUMN', `${tableName}.${columnName}: there is no such column`));

  const notLookedUp = fields.every((field) => field.notLookedUp);
  const unfit = columnProblem(db, table, column, notLookedUp);
  if (unfit) return of(unfit);

  const need = await measureNeed(db, column, fields);
  const refused = await checkProblem(db, table, column, { need, document: fields.some((field) => field.document) });
  if (refused) return of(refused);

  const width = widthOf(column);
  if (width === undefined) return { problems: [] };
  const measured = { declared: width, needed: need.least };
  if (need.least <= width) return { problems: [], width: measured };
  const type = newType(db, table, column, need);
  const prevented = typeProblem(table, column, type);
  if (prevented) return { ...of(prevented), width: measured };
  const plan = await widening(db, table, column, type);
  return { step: stepOf({ table, column, type, need, width, plan, fields }), problems: [], width: measured };
}

// --- internal ---

/** As wide as is ample; where the row or an index has no room for that, as wide as is needed; else text. */
function newType(db: Database, table: TableInfo, column: ColumnInfo, need: Need): NewType {
  if (column.kind !== 'text' && !/blob$/i.test(column.type)) {
    const character = (column.maxBytes ?? 0) / (column.maxChars ?? column.maxBytes ?? 1);
    const fits = (width: number) =>
      !overflowsRow(db, table, width * character - (column.maxBytes ?? 0)) && !keyProblem(table, column, width);
    const widths = [widthFor(need.ample), widthFor(need.least)].filter((width) => width !== undefined);
    const width = widths.find(fits);
    if (width !== undefined) return width;
  }
  if (need.ample <= 65_535) return 'text';
  return need.ample <= 16_777_215 ? 'mediumtext' : 'longtext';
}

interface Planned {
  readonly table: TableInfo;
  readonly column: ColumnInfo;
  readonly type: NewType;
  readonly need: Need;
  readonly width: number;
  readonly plan: Widening;
  readonly fields: readonly UpgradeField[];
}

function stepOf({ table, column, type, need, width, plan, fields }: Planned): UpgradeStep {
  const { cost, statement } = plan.expected;
  const step: UpgradeStep = {
    id: `widen ${table.name}.${column.name}`,
    table: table.name,
    column: column.name,
    why: `${column.type} holds ${width} and ${need.least} are needed`,
    cost,
    costNote: costNote(cost, table),
    sql: [statement.sql],
    again: async (db) => (await planColumn(db, fields)).step,
    run: (db, dearer) =>
      widen(db, { table, column, type, plan }, (dear) =>
        dearer({ ...step, cost: dear.cost, costNote: costNote(dear.cost, table), sql: [dear.statement.sql] }),
      ),
  };
  return step;
}

function costNote(cost: Cost, table: TableInfo): string {
  const rows = table.rowEstimate === undefined ? '' : ` (about ${table.rowEstimate} rows)`;
  switch (cost) {
    case 'instant':
      return 'instant: only the catalogue changes';
    case 'metadata':
      return 'milliseconds: only the catalogue changes, once no other transaction holds the table';
    case 'rewrite':
      return `rewrites the table${rows}: nobody reads or writes it meanwhile`;
    case 'copy':
      return `copies the table${rows}: reads go on, saves wait until it is done`;
  }
}

function missing(code: 'NO_TABLE' | 'NO_COLUMN', message: string): Problem {
  return { code, message, hint: 'compare the field with the schema, or run casehard init' };
}
