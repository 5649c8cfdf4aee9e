import { sealedLength } from '@casehard/core';
import type { NewType } from '../database/alter.ts';
import type { ColumnInfo, TableInfo } from '../database/catalogue.ts';
import { checksRefusing } from '../database/check-probe.ts';
import type { Database } from '../database/connect.ts';
import type { Need } from './need.ts';
import type { UpgradeProblem } from './plan.ts';

export type Problem = Omit<UpgradeProblem, 'field'>;

/** Why a column cannot hold sealed values, whatever its width. */
export function columnProblem(
  db: Database,
  table: TableInfo,
  column: ColumnInfo,
  notLookedUp: boolean,
): Problem | undefined {
  const name = `${table.name}.${column.name}`;
  if (column.generated) {
    return {
      code: 'GENERATED',
      message: `${name}: a generated column cannot be written`,
      hint: 'name the column that it is generated from',
    };
  }
  // SQLite keeps text in a column of any type; of integers it would make a mess all the same.
  if (column.kind === 'int' || (db.engine !== 'sqlite' && (column.kind === 'uuid' || column.kind === 'other'))) {
    return {
      code: 'WRONG_TYPE',
      message: `${name}: ${column.type} cannot hold a sealed value, which is text`,
      hint: 'change the column to varchar(255) in a migration of your application',
    };
  }
  const indexes = table.indexes.filter((index) => index.columns.includes(column.name));
  if (indexes.length > 0 && !notLookedUp) {
    const names = indexes.map((index) => index.name).join(', ');
    return {
      code: 'INDEXED',
      message: `${name}: has an index (${names}), so rows may be looked up by a value that sealing changes`,
      hint: 'if nobody looks rows up by it, say notLookedUp: true in the field; otherwise look them up by a hash of your own',
    };
  }
  return undefined;
}

/** Why a column that has to be widened cannot be, until a person has acted. */
export function typeProblem(table: TableInfo, column: ColumnInfo, type: NewType): Problem | undefined {
  const name = `${table.name}.${column.name}`;
  const wanted = printType(type);
  if (column.domain !== undefined) {
    return {
      code: 'DOMAIN',
      message: `${name}: its width is that of the domain ${column.domain}`,
      hint: `give the column the type ${wanted}, or a wider domain, in a migration of your application`,
    };
  }
  if (table.parent !== undefined) {
    return {
      code: 'INHERITED',
      message: `${name}: belongs to ${table.parent}, and only there its type can change`,
      hint: `name ${table.parent} as the table of the field`,
    };
  }
  if (table.systemVersioned) {
    return {
      code: 'VERSIONED',
      message: `${name}: the table is system-versioned, so it keeps every old plaintext and forbids the change`,
      hint: `drop the system versioning, or set system_versioning_alter_history = KEEP and change the type to ${wanted}`,
    };
  }
  if (column.dependents.length > 0) {
    return {
      code: 'DEPENDENT',
      message: `${name}: ${column.dependents.join(', ')} forbids a change of its type`,
      hint: `drop and recreate it around: alter table ${table.name} alter column ${column.name} type ${wanted}`,
    };
  }
  return keyProblem(table, column, type);
}

/** Why an index on the column has no room for the new type. */
export function keyProblem(table: TableInfo, column: ColumnInfo, type: NewType): Problem | undefined {
  const index = table.indexes.find((i) => i.columns.includes(column.name));
  const bytes = keyBytes(column, type);
  if (index && bytes > (table.maxKeyBytes ?? POSTGRES_KEY_BYTES)) {
    return {
      code: 'KEY_SIZE',
      message: `${table.name}.${column.name}: the index ${index.name} cannot take a column of ${printType(type)}`,
      hint: `drop the index ${index.name}; nobody can look up sealed values`,
    };
  }
  return undefined;
}

/** CHECK constraints that would refuse a sealed value; the database is asked with samples of that shape. */
export async function checkProblem(
  db: Database,
  table: TableInfo,
  column: ColumnInfo,
  { need, document }: { readonly need: Need; readonly document: boolean },
): Promise<Problem | undefined> {
  // What a document must look like is not for us to guess.
  if (document || table.checks.length === 0) return undefined;
  const names = new Set<string>();
  for (const length of [sealedLength(2), Math.max(sealedLength(8), need.least)]) {
    for (const name of await checksRefusing(db, table, column, sample(length))) names.add(name);
  }
  if (names.size === 0) return undefined;
  return {
    code: 'CHECK',
    message: `${table.name}.${column.name}: the constraint ${[...names].join(', ')} refuses sealed values`,
    hint: 'drop the constraint, or make room in it for texts that begin with chd1.',
  };
}

// --- internal ---

/** A third of an 8 kB page, less its head: the longest entry of a PostgreSQL index. */
const POSTGRES_KEY_BYTES = 2700;

const printType = (type: NewType): string => (typeof type === 'number' ? `varchar(${type})` : type);

function keyBytes(column: ColumnInfo, type: NewType): number {
  if (typeof type !== 'number') return Number.POSITIVE_INFINITY;
  if (column.maxBytes === undefined || column.maxChars === undefined) return type;
  return (type * column.maxBytes) / column.maxChars;
}

/** Has the shape of a sealed value and is none. */
const sample = (length: number): string => `chd1.aaaaaaaa.AAAC-_z9${'Zx'.repeat(length)}`.slice(0, length);
