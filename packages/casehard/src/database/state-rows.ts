import type { StateKey } from '@casehard/core/state';
import { type RawBuilder, sql } from 'kysely';
import type { Database } from './connect.ts';
import { CONSOLE_TABLES, type ConsoleTable } from './console-tables.ts';
import { guarded } from './driver-error.ts';

/** A row of one of the console's tables, without its tag. Columns that are left out are NULL. */
export type StateRow = Readonly<Record<string, string | number | null>>;

export interface FindOptions {
  readonly orderBy?: string;
  readonly descending?: boolean;
  readonly limit?: number;
}

/**
 * Rows that carry a tag over every column, their table and their id included. One whose tag does not hold, because it was
 * written or changed by somebody else, is absent. What this cannot show: that a whole row was put back as it once was,
 * or deleted (docs/threat-model.md).
 */
export class StateRows {
  readonly #db: Database;
  readonly #key: StateKey;

  constructor(db: Database, key: StateKey) {
    this.#db = db;
    this.#key = key;
  }

  async insert(table: ConsoleTable, row: StateRow): Promise<void> {
    const whole = complete(table, row);
    const columns = [...columnsOf(table), 'mac'];
    const values = [...columnsOf(table).map((column) => whole[column] ?? null), this.#tag(table, whole)];
    await guarded(() =>
      sql`insert into ${sql.table(table)} (${sql.join(columns.map((column) => sql.id(column)))}) values (${sql.join(values)})`.execute(
        this.#db.kysely,
      ),
    );
  }

  /** Rows whose columns equal the given ones, and whose tag holds: `limit` counts these, whatever lies between them. */
  async find(table: ConsoleTable, where: StateRow, options: FindOptions = {}): Promise<readonly StateRow[]> {
    const { limit = Number.POSITIVE_INFINITY } = options;
    const found: StateRow[] = [];
    for (let from = 0; found.length < limit; from += CHUNK) {
      const raw = await this.#read(table, where, options, from);
      for (const each of raw) {
        const row = this.#verified(table, each, where);
        if (row && found.length < limit) found.push(row);
      }
      if (raw.length < CHUNK) break;
    }
    return found;
  }

  async #read(table: ConsoleTable, where: StateRow, options: FindOptions, from: number): Promise<readonly RawRow[]> {
    const columns = [...columnsOf(table), 'mac'].map((column) => sql.id(column));
    const direction = options.descending ? sql`desc` : sql`asc`;
    const order = options.orderBy ? sql`${sql.id(options.orderBy)} ${direction}, ` : sql``;
    const { rows } = await guarded(() =>
      sql<RawRow>`
        select ${sql.join(columns)} from ${sql.table(table)}${conditions(where)}
        order by ${order}${sql.id('id')} limit ${sql.lit(CHUNK)} offset ${sql.lit(from)}`.execute(this.#db.kysely),
    );
    return rows;
  }

  /** The row, unless its tag does not hold. */
  #verified(table: ConsoleTable, raw: RawRow, where: StateRow): StateRow | undefined {
    const row = Object.fromEntries(
      columnsOf(table).map((column) => [column, read(kindOf(table, column), raw[column])]),
    );
    // Compared again here: to a collation, two texts may be one.
    const wanted = Object.entries(where).every(([column, value]) => row[column] === value);
    return wanted && this.#key.holds(String(raw.mac ?? ''), table, piecesOf(table, row)) ? row : undefined;
  }

  /** Changes a row that is still as it was read. Returns whether it was. */
  async update(table: ConsoleTable, before: StateRow, changes: StateRow): Promise<boolean> {
    const old = complete(table, before);
    const row = complete(table, { ...old, ...changes });
    const set: RawBuilder<unknown>[] = columnsOf(table)
      .filter((column) => column !== 'id')
      .map((column) => sql`${sql.id(column)} = ${row[column] ?? null}`);
    set.push(sql`${sql.id('mac')} = ${this.#tag(table, row)}`);
    const { numAffectedRows } = await guarded(() =>
      sql`update ${sql.table(table)} set ${sql.join(set)} where ${sql.id('id')} = ${old.id} and ${sql.id('mac')} = ${this.#tag(table, old)}`.execute(
        this.#db.kysely,
      ),
    );
    return (numAffectedRows ?? 0n) > 0n;
  }

  /** Removes rows, whether their tag holds or not. Throws a TypeError without a condition. */
  async remove(table: ConsoleTable, where: StateRow): Promise<void> {
    if (Object.keys(where).length === 0) throw new TypeError('"where" is empty');
    await guarded(() => sql`delete from ${sql.table(table)}${conditions(where)}`.execute(this.#db.kysely));
  }

  /** Removes rows whose number is below a limit: what has expired. */
  async removeOlder(table: ConsoleTable, column: string, below: number): Promise<void> {
    await guarded(() =>
      sql`delete from ${sql.table(table)} where ${sql.id(column)} < ${below}`.execute(this.#db.kysely),
    );
  }

  #tag(table: ConsoleTable, row: StateRow): string {
    return this.#key.tag(table, piecesOf(table, row));
  }
}

// --- internal ---

type RawRow = Readonly<Record<string, unknown>>;

const CHUNK = 200;

type Kind = 'id' | 'text' | 'number';

function columnsOf(table: ConsoleTable): readonly string[] {
  return Object.keys(CONSOLE_TABLES[table]);
}

function kindOf(table: ConsoleTable, column: string): Kind {
  return (CONSOLE_TABLES[table] as Readonly<Record<string, Kind>>)[column] ?? 'text';
}

function complete(table: ConsoleTable, row: StateRow): StateRow {
  const unknown = Object.keys(row).find((column) => !columnsOf(table).includes(column));
  if (unknown !== undefined) throw new TypeError(`"${unknown}" is no column of ${table}`);
  return Object.fromEntries(columnsOf(table).map((column) => [column, row[column] ?? null]));
}

/** Names and values in the order of the table; a number is its decimal text, whatever a driver returns. */
function piecesOf(table: ConsoleTable, row: StateRow): (string | null)[] {
  return columnsOf(table).flatMap((column) => {
    const value = row[column] ?? null;
    return [column, value === null ? null : String(value)];
  });
}

function read(kind: Kind, raw: unknown): string | number | null {
  if (raw === null || raw === undefined) return null;
  return kind === 'number' ? Number(raw) : String(raw);
}

function conditions(where: StateRow): RawBuilder<unknown> {
  const parts = Object.entries(where).map(([column, value]) =>
    value === null ? sql`${sql.id(column)} is null` : sql`${sql.id(column)} = ${value}`,
  );
  return parts.length === 0 ? sql`` : sql` where ${sql.join(parts, sql` and `)}`;
}
