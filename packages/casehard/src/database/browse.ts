import { type RawBuilder, sql } from 'kysely';
import type { Cell } from './cells.ts';
import type { Engine } from './connect.ts';
import { guarded } from './driver-error.ts';
import { decodeRow, isAfter, type Layout, layoutOf, type RawRow, selectRow } from './layout.ts';
import type { Place, RowKey } from './place.ts';
import { exactTexts } from './rows-sqlite.ts';
import type { Session } from './session.ts';
import { mysqlPath } from './value.ts';

/** Something that stands beside a value, in the same row. */
export type Beside =
  | { readonly kind: 'column'; readonly column: string }
  /** A pointer into the native JSON column of the value itself; read as the JSON token. */
  | { readonly kind: 'pointer'; readonly pointer: readonly string[] };

/** A value with its neighbours, as texts, in the order in which they were asked for. */
export interface BesideRow extends Cell {
  readonly beside: readonly (string | null)[];
}

export interface BrowseOptions {
  readonly beside: readonly Beside[];
  readonly after?: RowKey;
  readonly limit: number;
  /** Only rows in whose key or neighbours this stands, in any case. */
  readonly search?: string;
  /** With `search`: the most rows that are looked at in one call; default 50 000. */
  readonly window?: number;
}

export interface Browsed {
  readonly rows: readonly BesideRow[];
  /** Where to go on; undefined: the end was reached. */
  readonly next: RowKey | undefined;
}

/**
 * The next rows of a place with a row key, empty ones included, with what stands beside them. Bounded in time without any
 * index but the key's: a search looks at one window of rows and says where to go on.
 */
export function browse(session: Session, place: Place, options: BrowseOptions): Promise<Browsed> {
  const { limit, after, search, window = 50_000 } = options;
  return guarded(async () => {
    const layout = await layoutOf(session, place);
    const beside = options.beside.map((each) => readBeside(layout, each));
    const seek = after ? sql` and ${isAfter(layout, after)}` : sql``;
    const order = sql` order by ${sql.join(layout.keys.map((key) => key.order))}`;
    const end = search === undefined ? undefined : await windowEnd(layout, seek, order, window);
    const inWindow = end ? sql` and not ${isAfter(layout, end)}` : sql``;
    const found = search === undefined ? sql`` : sql` and ${holds(layout, beside, search)}`;
    const rows = await read(layout, beside, sql`${seek}${inWindow}${found}${order} limit ${sql.lit(limit + 1)}`);
    const shown = rows.slice(0, limit);
    return { rows: shown, next: rows.length > limit ? shown.at(-1)?.key : end };
  });
}

/** One row with what stands beside it; several only for a place without a row key. */
export function readBesideRow(
  session: Session,
  place: Place,
  options: { readonly key: RowKey; readonly beside: readonly Beside[] },
): Promise<readonly BesideRow[]> {
  return guarded(async () => {
    const layout = await layoutOf(session, place);
    return read(
      layout,
      options.beside.map((each) => readBeside(layout, each)),
      layout.keyless ? sql`` : sql` and ${isKey(layout, options.key)}`,
    );
  });
}

/** The SQL condition that a row is the one of this key. */
export function isKey({ keys }: Layout, key: RowKey): RawBuilder<unknown> {
  return sql.join(
    keys.map((column, i) => sql`${column.column} = ${column.cast(sql`${column.parameter(key[i] as string)}`)}`),
    sql` and `,
  );
}

// --- internal ---

async function read(
  layout: Layout,
  beside: readonly RawBuilder<unknown>[],
  rest: RawBuilder<unknown>,
): Promise<readonly BesideRow[]> {
  const { session } = layout;
  const extras = beside.map((each, i) => sql`, ${each} as ${sql.id(`n${i}`)}`);
  const { rows } = await sql<RawRow>`
    select ${selectRow(layout)}${sql.join(extras, sql``)} from ${layout.table} as t where ${layout.where}${rest}`.execute(
    session.kysely,
  );
  const cells = rows.map((row) => decodeRow(layout, row));
  const exact =
    session.engine === 'sqlite' && !layout.keyless ? await exactTexts(session.kysely, layout, cells) : cells;
  return exact.map((cell, i) => ({
    key: layout.keyless ? [] : cell.key,
    stored: cell.stored,
    beside: beside.map((_, j) => textOf(rows[i]?.[`n${j}`])),
  }));
}

async function windowEnd(
  layout: Layout,
  seek: RawBuilder<unknown>,
  order: RawBuilder<unknown>,
  window: number,
): Promise<RowKey | undefined> {
  const { rows } = await sql<RawRow>`
    select ${sql.join(layout.keys.map((key, i) => sql`${key.read} as ${sql.id(`k${i}`)}`))} from ${layout.table} as t
    where ${layout.where}${seek}${order} limit 1 offset ${sql.lit(window - 1)}`.execute(layout.session.kysely);
  const [row] = rows;
  return row && layout.keys.map((key, i) => key.decode(row[`k${i}`]));
}

function readBeside({ session, place }: Layout, beside: Beside): RawBuilder<unknown> {
  const column = sql`t.${sql.id(beside.kind === 'column' ? beside.column : place.column)}`;
  if (beside.kind === 'pointer') {
    if (session.engine === 'postgres') return sql`(${column} #> ${[...beside.pointer]}::text[])::text`;
    return sql`cast(json_extract(${column}, ${mysqlPath(beside.pointer)}) as char)`;
  }
  return TEXT[session.engine](column);
}

const TEXT: Readonly<Record<Engine, (column: RawBuilder<unknown>) => RawBuilder<unknown>>> = {
  postgres: (column) => sql`${column}::text`,
  mysql: (column) => sql`cast(${column} as char)`,
  sqlite: (column) => sql`cast(${column} as text)`,
};

function holds(layout: Layout, beside: readonly RawBuilder<unknown>[], search: string): RawBuilder<unknown> {
  const texts = [...layout.keys.map((key) => key.read), ...beside];
  return sql`(${sql.join(
    texts.map((text) => CONTAINS[layout.session.engine](text, search)),
    sql` or `,
  )})`;
}

const CONTAINS: Readonly<Record<Engine, (text: RawBuilder<unknown>, search: string) => RawBuilder<unknown>>> = {
  postgres: (text, search) => sql`position(lower(${search}) in lower(${text})) > 0`,
  mysql: (text, search) => sql`locate(lower(${search}), lower(${text})) > 0`,
  sqlite: (text, search) => sql`instr(lower(${text}), lower(${search})) > 0`,
};

function textOf(raw: unknown): string | null {
  if (raw === null || raw === undefined) return null;
  return raw instanceof Uint8Array ? Buffer.from(raw).toString('utf8') : String(raw);
}
