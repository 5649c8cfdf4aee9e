import { CasehardError } from '@casehard/core';
import { type RawBuilder, sql } from 'kysely';
import type { Place } from './place.ts';
import type { Session } from './session.ts';
import type { ColumnShape } from './table-shape.ts';

/** A value as the database keeps it. */
export type Stored = string | Uint8Array;

/** How the value of a place is read on an engine. The table goes by the alias `t`. */
export interface ValueSql {
  /** The bare column. */
  readonly column: RawBuilder<unknown>;
  readonly shape: ColumnShape;
  readonly read: RawBuilder<unknown>;
  /** The value is neither NULL nor empty. */
  readonly filled: RawBuilder<unknown>;
  /** SQLite, for texts: what the value really is, whatever its column says. */
  readonly storageClass?: RawBuilder<unknown>;
  decode(raw: unknown): Stored | null;
}

/** The SQL for the value of a place. */
export function valueSql(session: Session, place: Place, shape: ColumnShape): ValueSql {
  refuseMismatch(session, place, shape);
  const column = sql`t.${sql.id(place.column)}`;
  return { column, shape, decode, ...BY_ENGINE[session.engine](place, shape, column) };
}

/** Whether two stored values are the same bytes. */
export function isSame(a: Stored | null, b: Stored): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return a !== null && Buffer.compare(a, b) === 0;
}

/** Whether what was read back is what was written: the same bytes; for a JSON token the same meaning. */
export function isWritten(place: Place, back: Stored | null, written: Stored): boolean {
  if (place.storage !== 'json' || typeof back !== 'string' || typeof written !== 'string') return isSame(back, written);
  return canonical(back) === canonical(written);
}

/** The path inside a MySQL JSON column. A piece of digits is taken for the index of an array. */
export function mysqlPath(pointer: readonly string[]): string {
  return `$${pointer.map((piece) => (/^(0|[1-9]\d*)$/.test(piece) ? `[${piece}]` : `.${JSON.stringify(piece)}`)).join('')}`;
}

// --- internal ---

type Parts = Pick<ValueSql, 'read' | 'filled' | 'storageClass'>;

const BY_ENGINE = {
  postgres(place: Place, _shape: ColumnShape, column: RawBuilder<unknown>): Parts {
    if (place.storage === 'json') {
      const token = sql`(${column} #> ${[...(place.pointer ?? [])]}::text[])`;
      return { read: sql`${token}::text`, filled: sql`${token} not in ('null'::jsonb, '""'::jsonb)` };
    }
    if (place.storage === 'bytes') return { read: column, filled: sql`octet_length(${column}) > 0` };
    return { read: sql`${column}::text`, filled: sql`${column}::text <> ''` };
  },
  mysql(place: Place, shape: ColumnShape, column: RawBuilder<unknown>): Parts {
    if (place.storage === 'json') {
      const token = sql`cast(json_extract(${column}, ${mysqlPath(place.pointer ?? [])}) as char)`;
      return { read: token, filled: sql`${token} not in ('null', '""')` };
    }
    // By length, because = and <> ignore trailing spaces in most collations.
    // Converted, because drivers parse a column that says it is JSON.
    const text = shape.family === 'text' ? sql`convert(${column} using utf8mb4)` : sql`cast(${column} as char)`;
    const read = place.storage === 'bytes' ? column : text;
    return { read, filled: sql`length(${column}) > 0` };
  },
  sqlite(place: Place, _shape: ColumnShape, column: RawBuilder<unknown>): Parts {
    const blob = sql`cast(${column} as blob)`;
    // As blob, because length() of a text stops at a NUL.
    const filled = sql`length(${blob}) > 0`;
    if (place.storage === 'bytes') return { read: blob, filled };
    return { read: sql`cast(${column} as text)`, filled, storageClass: sql`typeof(${column})` };
  },
};

function decode(raw: unknown): Stored | null {
  if (raw === null || raw === undefined) return null;
  return raw instanceof Uint8Array ? raw : String(raw);
}

function canonical(token: string): string {
  try {
    return JSON.stringify(JSON.parse(token));
  } catch {
    return token;
  }
}

/** What the configuration says of a column must be what the column is, or bytes would be read as text. */
function refuseMismatch(
  { engine, mariadb }: Session,
  { table, column, storage }: Place,
  { family }: ColumnShape,
): void {
  const native = engine === 'postgres' ? family === 'jsonb' : engine === 'mysql' && !mariadb && family === 'json';
  const fits =
    storage === 'json'
      ? native
      : engine === 'sqlite' || (storage === 'bytes' ? family === 'bytes' : family !== 'bytes' && !native);
  if (fits) return;
  throw new CasehardError('REFUSED', `${table}.${column}: the column cannot be handled as ${storage}`, {
    hint: 'run casehard init, which reads the kinds of columns from the schema',
  });
}
