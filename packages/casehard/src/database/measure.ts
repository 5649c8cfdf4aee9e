import { type RawBuilder, sql } from 'kysely';
import type { ColumnInfo } from './catalogue.ts';
import type { Database } from './connect.ts';
import type { Place } from './place.ts';

/** The longest things in a column, over the rows that belong to one field. Zero: there are none. */
export interface Longest {
  /** Characters of values that carry the marker of a sealed one. */
  readonly sealed: number;
  /** Characters, and bytes of their UTF-8 spelling, of all others: NULL and '' do not count. */
  readonly legacyChars: number;
  readonly legacyBytes: number;
  /** Characters and stored bytes of any value, whatever it is: for documents. */
  readonly chars: number;
  readonly bytes: number;
}

/** Measures a column in one scan inside the database; no value leaves it. */
export async function measureLongest(db: Database, place: Place, column: ColumnInfo): Promise<Longest> {
  const { value, chars, bytes, utf8Bytes, isSealed } = MEASURES[db.engine](sql.id(column.name), column);
  const matches = Object.entries(place.where).map(([name, wanted]) => sql`${sql.id(name)} = ${wanted}`);
  const { rows } = await sql<Record<keyof Longest, string | number | bigint | null>>`
    select
      max(case when ${isSealed} then ${chars} end) as ${sql.id('sealed')},
      max(case when ${isSealed} then null else ${chars} end) as ${sql.id('legacyChars')},
      max(case when ${isSealed} then null else ${utf8Bytes} end) as ${sql.id('legacyBytes')},
      max(${chars}) as ${sql.id('chars')}, max(${bytes}) as ${sql.id('bytes')}
    from ${sql.table(place.table)}
    where ${sql.join([sql`${value} is not null`, ...matches], sql` and `)}
  `.execute(db.kysely);
  const row = rows[0];
  const number = (name: keyof Longest) => Number(row?.[name] ?? 0);
  return {
    sealed: number('sealed'),
    legacyChars: number('legacyChars'),
    legacyBytes: number('legacyBytes'),
    chars: number('chars'),
    bytes: number('bytes'),
  };
}

// --- internal ---

type Sql = RawBuilder<unknown>;

interface Measure {
  readonly value: Sql;
  readonly chars: Sql;
  readonly bytes: Sql;
  readonly utf8Bytes: Sql;
  readonly isSealed: Sql;
}

const MEASURES: Readonly<Record<Database['engine'], (column: Sql, info: ColumnInfo) => Measure>> = {
  postgres: (column, info) => {
    if (info.kind === 'bytes') {
      const bytes = sql`octet_length(${column})`;
      const isSealed = sql`substring(${column} from 1 for 5) = 'chd1.'::bytea`;
      return { value: column, chars: bytes, bytes, utf8Bytes: bytes, isSealed };
    }
    const value = sql`${column}::text`; // the cast takes the padding off char(n)
    return {
      value,
      chars: sql`char_length(${value})`,
      bytes: sql`octet_length(${value})`,
      utf8Bytes: sql`octet_length(convert_to(${value}, 'UTF8'))`,
      isSealed: sql`left(${value}, 5) = 'chd1.' collate "C"`,
    };
  },
  mysql: (column, info) => {
    const bytes = sql`octet_length(${column})`;
    const text = info.kind !== 'bytes';
    return {
      value: column,
      chars: text ? sql`char_length(${column})` : bytes,
      bytes,
      utf8Bytes: text ? sql`octet_length(convert(${column} using utf8mb4))` : bytes,
      // Bytes, because a collation would take "CHD1." for it, too.
      isSealed: text
        ? sql`cast(left(convert(${column} using utf8mb4), 5) as binary) = cast('chd1.' as binary)`
        : sql`left(${column}, 5) = cast('chd1.' as binary)`,
    };
  },
  sqlite: (column) => {
    const bytes = sql`length(cast(${column} as blob))`;
    const isSealed = sql`cast(substr(${column}, 1, 5) as text) = 'chd1.'`;
    return { value: column, chars: sql`length(${column})`, bytes, utf8Bytes: bytes, isSealed };
  },
};
