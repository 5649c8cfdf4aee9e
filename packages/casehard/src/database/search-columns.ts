import { CasehardError } from '@casehard/core';
import { type RawBuilder, sql } from 'kysely';
import { type ColumnInfo, describeTable, listTables } from './catalogue.ts';
import type { Database, Engine } from './connect.ts';
import { databaseError, guarded, isDenied, isHidden } from './driver-error.ts';
import { withSession } from './session.ts';

/** A column in which a text stands. */
export interface Holding {
  readonly table: string;
  readonly column: string;
  readonly rows: number;
}

export interface Searched {
  readonly found: readonly Holding[];
  /** Tables that this user may not read, or not all rows of, and those that no field can name. */
  readonly unread: readonly string[];
}

export interface SearchOptions {
  /** Schemas beside the current one. */
  readonly schemas?: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * Looks for an ASCII text in every column of every base table but our own, byte for byte, in one scan per table inside the
 * database: no value leaves it.
 */
export function searchColumns(db: Database, text: string, options: SearchOptions = {}): Promise<Searched> {
  // With the settings of a session: elsewhere row-level security would hide rows, and nobody would know.
  return withSession(db, ({ kysely }) => search({ ...db, kysely }, text, options));
}

// --- internal ---

async function search(db: Database, text: string, { schemas = [], signal }: SearchOptions): Promise<Searched> {
  const found: Holding[] = [];
  const unread: string[] = [];
  const names: string[] = [];
  const current = schemas.length === 0 ? undefined : await guarded(() => currentSchema(db));
  for (const schema of [undefined, ...schemas.filter((name) => name !== current)]) {
    for (const name of await guarded(() => listTables(db, schema))) {
      // A dot parts schema and table in our configuration: such a table has no name there.
      if (name.includes('.')) unread.push(name);
      else names.push(schema === undefined ? name : `${schema}.${name}`);
    }
  }
  for (const name of names) {
    if (signal?.aborted) throw new CasehardError('CANCELLED', 'stopped before the end of the search');
    const table = await guarded(() => describeTable(db, name));
    const columns = (table?.columns ?? []).filter((column) => holdsText(db.engine, column));
    // Arrays and rows of bytes are printed as hex: what is inside cannot be seen like this.
    for (const { name: column, type } of columns.filter(isOpaque)) unread.push(`${name}.${column} (${type})`);
    if (columns.length === 0) continue;
    try {
      const counts = columns.map(
        (column, i) => sql`count(case when ${holds(db.engine, column, text)} then 1 end) as ${sql.id(`c${i}`)}`,
      );
      const { rows } = await sql<Readonly<Record<string, unknown>>>`
        select ${sql.join(counts)} from ${sql.table(name)} as t`.execute(db.kysely);
      columns.forEach((column, i) => {
        const n = Number(rows[0]?.[`c${i}`] ?? 0);
        if (n > 0) found.push({ table: name, column: column.name, rows: n });
      });
    } catch (error) {
      // Anything else, such as a lost connection, would make "not searched" look like "not there".
      if (!isDenied(error) && !isHidden(error)) throw databaseError(error);
      unread.push(name);
    }
  }
  return { found, unread };
}

function isOpaque({ kind, type }: ColumnInfo): boolean {
  return kind === 'other' && /^bytea\[\]/.test(type);
}

async function currentSchema({ kysely, engine }: Database): Promise<string | undefined> {
  if (engine === 'sqlite') return undefined;
  const { rows } = await sql<{ name: string | null }>`
    select ${engine === 'postgres' ? sql`current_schema()` : sql`database()`} as name`.execute(kysely);
  return rows[0]?.name ?? undefined;
}

/** Whatever is not known to hold numbers or times only. SQLite keeps texts in any column. */
function holdsText(engine: Engine, { kind, type }: ColumnInfo): boolean {
  if (engine === 'sqlite') return true;
  return kind !== 'int' && kind !== 'uuid' && (kind !== 'other' || type.endsWith('[]') || !TEXTLESS.test(type));
}

const TEXTLESS =
  /^(?:bool|boolean|numeric|decimal|real|float|double|money|oid|bit|date|datetime|time|timestamp|timestamptz|interval|year)\b/i;

function holds(engine: Engine, { name, kind, charset }: ColumnInfo, text: string): RawBuilder<unknown> {
  const column = sql`t.${sql.id(name)}`;
  if (engine === 'sqlite') return sql`instr(cast(${column} as text), ${text}) > 0`;
  if (engine === 'mysql') {
    // In UTF-16 and its kin the same text has other bytes.
    const bytes = charset === undefined ? column : sql`convert(${column} using utf8mb4)`;
    return sql`locate(cast(${text} as binary), cast(${bytes} as binary)) > 0`;
  }
  if (kind === 'bytes') return sql`position(convert_to(${text}, 'UTF8') in ${column}) > 0`;
  return sql`position(${text} in ${column}::text) > 0`;
}
