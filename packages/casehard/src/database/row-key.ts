import { CasehardError } from '@casehard/core';
import { type RawBuilder, sql } from 'kysely';
import type { Engine } from './connect.ts';
import type { KeyColumn, RowKey } from './place.ts';
import type { ColumnShape } from './table-shape.ts';

/** How one key column is read, compared and bound on an engine. The table goes by the alias `t`. */
export interface KeySql {
  /** The bare column, so that its index serves. */
  readonly column: RawBuilder<unknown>;
  /** The column as ORDER BY and > agree on it. */
  readonly order: RawBuilder<unknown>;
  /** The column as the text that a RowKey holds. */
  readonly read: RawBuilder<unknown>;
  /** PostgreSQL: the type of the column, for arrays of keys. */
  readonly type: string;
  /** What goes to the driver for a piece of a RowKey. */
  parameter(piece: string): unknown;
  /** Turns such a parameter into the column's own type and collation. */
  cast(inner: RawBuilder<unknown>): RawBuilder<unknown>;
  /** The piece of a RowKey that `read` gave. */
  decode(raw: unknown): string;
}

/** The SQL for a key column. */
export function keySql(engine: Engine, key: KeyColumn, shape: ColumnShape): KeySql {
  const column = sql`t.${sql.id(key.column)}`;
  const parts = BY_ENGINE[engine](key, shape, column);
  return { column, order: column, type: shape.type, decode: decoder(key, shape), ...parts };
}

/** A column that is a physical address (ctid, rowid): good inside one transaction only. */
export function addressSql(engine: Engine, name: string, type: string): KeySql {
  const column = sql`t.${sql.id(name)}`;
  const parameter = (piece: string): unknown => (engine === 'sqlite' ? BigInt(piece) : piece);
  const cast = (inner: RawBuilder<unknown>) => (engine === 'postgres' ? sql`${inner}::${sql.raw(type)}` : inner);
  return { column, order: column, read: sql`cast(${column} as text)`, type, parameter, cast, decode: String };
}

/** One string per row key, for maps. */
export function keyId(key: RowKey): string {
  return key.length === 1 ? (key[0] as string) : JSON.stringify(key);
}

// --- internal ---

type Parts = Pick<KeySql, 'read' | 'parameter' | 'cast'> & Partial<KeySql>;
type Inner = RawBuilder<unknown>;

const BY_ENGINE: Readonly<Record<Engine, (key: KeyColumn, shape: ColumnShape, column: Inner) => Parts>> = {
  postgres({ type }, shape, column) {
    const binary = shape.family === 'bytes';
    return {
      read: binary ? sql`encode(${column}, 'hex')` : sql`${column}::text`,
      parameter: (piece) => (binary ? `\\x${hex(checked(type, piece))}` : checked(type, piece)),
      cast: (inner) => sql`${inner}::${sql.raw(shape.type)}`,
    };
  },
  mysql({ type }, shape, column) {
    const binary = shape.family === 'bytes';
    return {
      read: binary ? sql`lower(hex(${column}))` : shape.family === 'text' ? column : sql`cast(${column} as char)`,
      parameter: (piece) => (binary ? hex(checked(type, piece)) : checked(type, piece)),
      cast: (inner) => castMysql(shape, inner),
      // An enum is ordered by the numbers of its members, and compared by their names.
      ...(/^(enum|set)$/i.test(shape.type) ? { order: castMysql(shape, column) } : {}),
    };
  },
  sqlite({ type }, shape, column) {
    // Only a column without text affinity can be meant to hold blobs for these two.
    const binary = type === 'binary' || (type === 'uuid' && shape.family === 'bytes');
    return {
      read: binary ? sql`lower(hex(${column}))` : sql`cast(${column} as text)`,
      parameter: (piece) => {
        checked(type, piece);
        return type === 'int' ? BigInt(piece) : binary ? Buffer.from(hex(piece), 'hex') : piece;
      },
      cast: (inner) => inner,
    };
  },
};

/** An explicit type and collation on our side leave the column bare: its index serves, and no collations mix. */
function castMysql({ family, type, unsigned, charset, collation }: ColumnShape, inner: Inner): Inner {
  if (family === 'bytes') return sql`unhex(${inner})`;
  if (family === 'uuid') return sql`cast(${inner} as uuid)`;
  if (type.toLowerCase() === 'decimal') return sql`cast(${inner} as decimal(65, 0))`;
  if (family === 'integer') return unsigned ? sql`cast(${inner} as unsigned)` : sql`cast(${inner} as signed)`;
  if (charset === undefined || collation === undefined) return inner;
  return sql`convert(${inner} using ${sql.raw(charset)}) collate ${sql.raw(collation)}`;
}

function decoder({ column, type }: KeyColumn, { family }: ColumnShape): (raw: unknown) => string {
  return (raw) => {
    const text = String(raw);
    switch (type) {
      case 'int':
        if (!INTEGER.test(text)) throw badRow(column, 'it is not an integer');
        return BigInt(text).toString();
      case 'uuid': {
        const dashed = HEX_UUID.test(text) ? text.replace(HEX_UUID, '$1-$2-$3-$4-$5') : text;
        if (!UUID.test(dashed)) throw badRow(column, 'it is not a UUID in lower case');
        return dashed;
      }
      case 'binary':
        return family === 'bytes' || HEX.test(text) ? text : Buffer.from(text).toString('hex');
      case 'char':
        // PostgreSQL's cast to text and MySQL's drivers drop the padding; elsewhere a space at the end is content.
        if (text.endsWith(' ')) throw badRow(column, 'it ends in a space, which is no padding here');
        return text;
      case 'text':
        // SQLite keeps bytes that are no text; a row could not be found again by what they decode to.
        if (text.includes('\uFFFD')) throw badRow(column, 'it is not well-formed text');
        return text;
    }
  };
}

const INTEGER = /^-?\d+$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const HEX_UUID = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/;
const HEX = /^([0-9a-f]{2})*$/;

function checked(type: KeyColumn['type'], piece: string): string {
  const wrong =
    (type === 'int' && !INTEGER.test(piece)) ||
    (type === 'uuid' && !UUID.test(piece)) ||
    (type === 'binary' && !HEX.test(piece));
  if (wrong) throw new CasehardError('BAD_ROW', `row key: a piece is not of its declared type ${type}`);
  return piece;
}

const hex = (piece: string): string => piece.replaceAll('-', '');

function badRow(column: string, what: string): CasehardError {
  return new CasehardError('BAD_ROW', `row key ${column}: ${what}`, {
    hint: 'declare the key with the type that its values have, text where in doubt',
  });
}
