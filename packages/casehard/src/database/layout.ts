import { CasehardError } from '@casehard/core';
import { type RawBuilder, sql } from 'kysely';
import type { Engine } from './connect.ts';
import type { Place, RowKey } from './place.ts';
import { addressSql, type KeySql, keySql } from './row-key.ts';
import type { Session } from './session.ts';
import { type ColumnShape, columnShape, type TableShape, tableShape } from './table-shape.ts';
import { type Stored, type ValueSql, valueSql } from './value.ts';

/** A place together with the SQL for its parts. The table goes by the alias `t`. */
export interface Layout {
  readonly session: Session;
  readonly place: Place;
  readonly shape: TableShape;
  readonly table: RawBuilder<unknown>;
  /** The row key; for a keyless place the physical address of a row, or nothing on MySQL, which has none. */
  readonly keys: readonly KeySql[];
  readonly keyless: boolean;
  /** The place's own conditions; always true where it has none. */
  readonly where: RawBuilder<unknown>;
  readonly value: ValueSql;
}

/** A row as read: its key (or address), and the value. */
export interface Row {
  readonly key: RowKey;
  readonly stored: Stored | null;
  /** SQLite: the value is a BLOB or a number in a column of texts; as text it would not come back as it was. */
  readonly alien?: true;
}

/** Looks at the table, and says how to read and write a place. */
export async function layoutOf(session: Session, place: Place): Promise<Layout> {
  const shape = await tableShape(session, place.table);
  const keyless = place.keys.length === 0;
  const conditions = Object.entries(place.where).map(([column, constant]) => {
    const bound = condition(session.engine, columnShape(shape, column), constant);
    return sql`t.${sql.id(column)} = ${bound}`;
  });
  return {
    session,
    place,
    shape,
    table: sql.table(place.table),
    keyless,
    keys: keyless
      ? addresses(session.engine, shape)
      : place.keys.map((key) => keySql(session.engine, key, columnShape(shape, key.column))),
    where: conditions.length === 0 ? sql`1 = 1` : sql.join(conditions, sql` and `),
    value: valueSql(session, place, columnShape(shape, place.column)),
  };
}

/** The select list of a row: k0, k1, …, and v. */
export function selectRow({ keys, value }: Layout): RawBuilder<RawRow> {
  return sql`${sql.join([...keys.map((key, i) => sql`${key.read} as ${sql.id(`k${i}`)}`), sql`${value.read} as v`, ...(value.storageClass ? [sql`${value.storageClass} as c`] : [])])}`;
}

export type RawRow = Readonly<Record<string, unknown>>;

/** The row that a select of `selectRow` returned. */
export function decodeRow({ keys, value }: Layout, raw: RawRow): Row {
  const row = { key: keys.map((key, i) => key.decode(raw[`k${i}`])), stored: value.decode(raw.v) };
  return raw.c === undefined || raw.c === 'text' || raw.c === 'null' ? row : { ...row, alien: true };
}

/** The parameters of a row key, one per key column. */
export function keyParameters({ keys }: Layout, key: RowKey): readonly unknown[] {
  if (key.length !== keys.length) throw new TypeError('"key" must have one piece per key column');
  return keys.map((column, i) => column.parameter(key[i] as string));
}

/** Compares as ORDER BY does: by the columns' own types and collations. */
export function isAfter(layout: Layout, after: RowKey): RawBuilder<unknown> {
  const parameters = keyParameters(layout, after);
  const columns = layout.keys.map((key) => key.order);
  const bounds = layout.keys.map((key, i) => key.cast(sql`${parameters[i]}`));
  if (columns.length === 1) return sql`${columns[0]} > ${bounds[0]}`;
  if (layout.session.engine !== 'mysql') return sql`(${sql.join(columns)}) > (${sql.join(bounds)})`;
  // MySQL compares rows without the index; it finds the ranges in the long form.
  const branches = columns.map((column, i) => {
    const equal = columns.slice(0, i).map((before, j) => sql`${before} = ${bounds[j]} and `);
    return sql`(${sql.join(equal, sql``)}${column} > ${bounds[i]})`;
  });
  return sql`(${sql.join(branches, sql` or `)})`;
}

// --- internal ---

function condition(engine: Engine, shape: ColumnShape, constant: string | number): RawBuilder<unknown> {
  if (engine === 'sqlite') return sql`${Number.isInteger(constant) ? BigInt(constant) : constant}`;
  if (engine === 'postgres') return sql`${String(constant)}`;
  // MySQL would compare a text column to a number as doubles, and bring the server's collation into a join.
  const { family, charset, collation } = shape;
  if (family !== 'text' || charset === undefined || collation === undefined) return sql`${constant}`;
  return sql`convert(${String(constant)} using ${sql.raw(charset)}) collate ${sql.raw(collation)}`;
}

function addresses(engine: Engine, shape: TableShape): readonly KeySql[] {
  switch (engine) {
    case 'mysql':
      return [];
    case 'postgres':
      // A partition's rows have addresses of their own.
      return [addressSql(engine, 'tableoid', 'oid'), addressSql(engine, 'ctid', 'tid')];
    case 'sqlite': {
      const taken = new Set([...shape.columns.keys()].map((name) => name.toLowerCase()));
      const name = ['rowid', '_rowid_', 'oid'].find((candidate) => !taken.has(candidate));
      if (name === undefined) {
        throw new CasehardError('REFUSED', `${shape.table}: no name is left for its rowid`, {
          hint: 'declare the row key of the field',
        });
      }
      return [addressSql(engine, name, 'integer')];
    }
  }
}
