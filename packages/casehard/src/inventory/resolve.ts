import {
  type Casehard,
  CasehardError,
  createCasehard,
  type Definition,
  type Field,
  type Fields,
  type Keyring,
  type RowKeyType,
} from '@casehard/core';
import { type ColumnInfo, describeTable, findColumn, type TableInfo } from '../database/catalogue.ts';
import type { Database, Engine } from '../database/connect.ts';
import type { Place } from '../database/place.ts';

/** A field joined with what the catalogue says of its table and column. */
export interface ResolvedField {
  readonly name: string;
  readonly engine: Engine;
  readonly definition: Definition;
  /** The very object that the application uses, with the column's real width. */
  readonly field: Field<unknown>;
  /** The column's width as it is now. */
  readonly max: NonNullable<Definition['spec']['max']>;
  readonly place: Place;
  readonly table: TableInfo;
  readonly column: ColumnInfo;
  /** The kind of document around the value, for `path` fields in text columns. */
  readonly document?: { readonly in: 'json' | 'php-serialize'; readonly pointer: string };
}

export interface Resolved {
  readonly hard: Casehard<Fields>;
  readonly fields: readonly ResolvedField[];
  /** Fields that cannot be worked on, each with its reason. */
  readonly problems: readonly CasehardError[];
}

/** Looks every field up in the catalogue. Never throws for a single field: its problem is listed. */
export async function resolveFields(
  db: Database,
  hard: Casehard<Fields>,
  options: { readonly keyring: Keyring; readonly only?: readonly string[] },
): Promise<Resolved> {
  const found: { definition: Definition; table: TableInfo; column: ColumnInfo }[] = [];
  const problems: CasehardError[] = [];
  for (const name of options.only ?? hard.names) {
    const definition = hard.definition(name);
    try {
      found.push({ definition, ...(await lookUp(db, definition)) });
    } catch (error) {
      if (!(error instanceof CasehardError)) throw error;
      problems.push(error);
    }
  }
  const separate = found.filter(({ definition }, i) => {
    const twin = found.slice(0, i).find((other) => overlaps(db.engine, other.definition.spec, definition.spec));
    if (!twin) return true;
    problems.push(overlapError(twin.definition.name, definition.name));
    return false;
  });
  const wide = createCasehard({
    fields: Object.fromEntries(
      separate.map(({ definition, column }) => [definition.name, withWidth(db.engine, definition, column)]),
    ),
    keyring: options.keyring,
    warn: () => {},
  });
  const fields = separate.map(({ definition, table, column }) => ({
    name: definition.name,
    engine: db.engine,
    definition,
    field: wide.field(definition.name) as unknown as Field<unknown>,
    max: withWidth(db.engine, definition, column).max ?? {},
    table,
    column,
    ...placeOf(db.engine, definition, column),
  }));
  return { hard: wide, fields, problems };
}

// --- internal ---

type Spec = Definition['spec'];

/** Whether two fields cover the same rows: each would find the other's sealed values, and open none of them. */
function overlaps(engine: Engine, a: Spec, b: Spec): boolean {
  // The usual collations of MySQL and MariaDB take SMTP_PASSWORD for smtp_password.
  const fold = (value: unknown): string => (engine === 'mysql' ? String(value).toLowerCase() : String(value));
  if (fold(a.table) !== fold(b.table) || fold(a.column) !== fold(b.column) || a.pointer !== b.pointer) return false;
  return Object.entries(a.where ?? {}).every(
    ([column, value]) => b.where?.[column] === undefined || fold(b.where[column]) === fold(value),
  );
}

function overlapError(one: string, other: string): CasehardError {
  return new CasehardError('CONFIG', `fields ${one} and ${other} cover the same rows`, {
    field: other,
    hint: 'keep one of them, or part the rows by different values in `where`',
  });
}

async function lookUp(db: Database, { name, spec }: Definition): Promise<{ table: TableInfo; column: ColumnInfo }> {
  const wrong = (code: 'NOT_FOUND' | 'REFUSED', problem: string, hint: string): never => {
    throw new CasehardError(code, `field ${name}: ${problem}`, { field: name, hint });
  };
  const table = await describeTable(db, spec.table);
  if (!table)
    return wrong('NOT_FOUND', `there is no table ${spec.table}`, 'check the configuration and the database it names');
  const columnOf = (column: string): ColumnInfo =>
    findColumn(db, table, column) ??
    wrong(
      'NOT_FOUND',
      `table ${spec.table} has no column ${column}`,
      'it may have been renamed: name it in the configuration',
    );
  const column = columnOf(spec.column);
  if (column.generated) wrong('REFUSED', `column ${spec.column} is generated`, 'name the column it is generated from');
  if (!['char', 'varchar', 'text', 'bytes', 'json'].includes(column.kind)) {
    wrong(
      'REFUSED',
      `column ${spec.column} is of type ${column.type}, which holds no text`,
      'name a text or binary column',
    );
  }
  if (column.kind === 'json' && spec.kind !== 'path') {
    wrong('REFUSED', `column ${spec.column} is JSON`, "declare it with path(table, column, '/key', { in: 'json' })");
  }
  if (column.kind === 'bytes' && spec.kind === 'path') {
    wrong('REFUSED', `column ${spec.column} is binary`, 'documents are read from text and JSON columns');
  }
  for (const condition of Object.keys(spec.where ?? {})) columnOf(condition);
  const keys = Object.entries(spec.row ?? {});
  for (const [key, type] of keys) checkKey(columnOf(key), type, db.engine, wrong);
  const names = keys.map(([key]) => key);
  const inWhere = Object.keys(spec.where ?? {});
  // A unique index on a part of row key and conditions is enough: it finds at most one row.
  if (
    names.length > 0 &&
    !table.uniques.some((unique) => unique.every((c) => names.includes(c) || inWhere.includes(c)))
  ) {
    wrong(
      'REFUSED',
      `no unique index covers the row key ${names.join(', ')}`,
      'declare the primary key, or add a unique index',
    );
  }
  return { table, column };
}

const KINDS: Readonly<Record<RowKeyType, readonly ColumnInfo['kind'][]>> = {
  int: ['int', 'other'],
  uuid: ['uuid', 'char', 'varchar', 'text'],
  text: ['char', 'varchar', 'text'],
  char: ['char', 'varchar', 'text'],
  binary: ['bytes'],
};

function checkKey(
  column: ColumnInfo,
  type: RowKeyType,
  engine: Engine,
  wrong: (code: 'REFUSED', problem: string, hint: string) => never,
): void {
  if (column.nullable) {
    wrong(
      'REFUSED',
      `row key ${column.name} may be NULL`,
      'rows without a key would be skipped: make the column NOT NULL',
    );
  }
  if (type === 'text' && column.kind === 'char' && engine === 'postgres') {
    wrong(
      'REFUSED',
      `row key ${column.name} is ${column.type}, whose padding drivers hand over`,
      `declare it as { ${column.name}: 'char' }: values would be bound to one spelling and opened with the other`,
    );
  }
  if (!KINDS[type].includes(column.kind)) {
    wrong(
      'REFUSED',
      `row key ${column.name} is ${column.type}, declared as ${type}`,
      'declare the type that the schema has',
    );
  }
}

/**
 * The column as it is, whatever `max` in the configuration says of it: that may be older than the last upgrade. SQLite
 * enforces no width, so there the configuration counts. A document's width is checked around its values.
 */
function withWidth(engine: Engine, { spec }: Definition, column: ColumnInfo): Definition['spec'] {
  if (spec.kind === 'path') return { ...spec, max: {} };
  if (engine === 'sqlite') return spec;
  const { maxChars: chars, maxBytes: bytes } = column;
  return { ...spec, max: { ...(chars === undefined ? {} : { chars }), ...(bytes === undefined ? {} : { bytes }) } };
}

function placeOf(engine: Engine, { spec }: Definition, column: ColumnInfo): Pick<ResolvedField, 'place' | 'document'> {
  // PostgreSQL's json keeps its text as it was written, and is spliced like any other text.
  const native = column.kind === 'json' && !(engine === 'postgres' && column.type === 'json');
  const pointer = (spec.pointer ?? '')
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const place: Place = {
    table: spec.table,
    column: spec.column,
    where: spec.where ?? {},
    keys: Object.entries(spec.row ?? {}).map(([name, type]) => ({ column: name, type })),
    storage: native ? 'json' : column.kind === 'bytes' ? 'bytes' : 'text',
    ...(native ? { pointer } : {}),
  };
  const document =
    spec.kind === 'path' && !native && spec.in ? { in: spec.in, pointer: spec.pointer ?? '' } : undefined;
  return { place, ...(document ? { document } : {}) };
}
