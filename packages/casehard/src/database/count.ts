import type { SchemeName } from '@casehard/core';
import { type RawBuilder, sql } from 'kysely';
import type { Engine } from './connect.ts';
import { guarded } from './driver-error.ts';
import { layoutOf } from './layout.ts';
import type { Place } from './place.ts';
import type { Session } from './session.ts';
import { mysqlPath } from './value.ts';

/** Rows of a field by what their first characters say. Nothing of a value leaves the database but a key id. */
export interface PrefixCount {
  /** `odd`: could be damaged, foreign or unexpected; only reading it tells. `plain`: everything else. */
  readonly shape: 'empty' | 'sealed' | 'odd' | 'plain';
  /** For `sealed`: the characters where the key id stands. */
  readonly kid: string | null;
  readonly rows: number;
}

/** Counts a field's rows in one scan inside the database. Not for values inside text documents. */
export function countByPrefix(
  session: Session,
  place: Place,
  was: SchemeName | undefined,
): Promise<readonly PrefixCount[]> {
  return guarded(async () => {
    const { table, where } = await layoutOf(session, place);
    const text = textOf(session.engine, place);
    const kid = sql`case when ${isSealed(session.engine, text)} then ${substr(text, 6, 8)} end`;
    // A table of its own: an expression with parameters in GROUP BY would be a different expression to the planner.
    const { rows } = await sql<{ shape: PrefixCount['shape']; kid: string | null; n: unknown }>`
      select shape, kid, count(*) as n
      from (select ${shapeOf(session.engine, place, was)} as shape, ${kid} as kid from ${table} as t where ${where}) as counted
      group by shape, kid`.execute(session.kysely);
    return rows.map(({ shape, kid, n }) => ({ shape, kid, rows: Number(n) }));
  });
}

/**
 * Sealed values inside text documents by key id, found by their marker without parsing: for the question which keys a
 * database was hardened under, not for figures. PHP's spelling of JSON has the marker as `\\u0063hd1.`.
 */
export function countInDocuments(
  session: Session,
  place: Place,
): Promise<readonly { readonly kid: string; readonly rows: number }[]> {
  return guarded(async () => {
    const { table, where } = await layoutOf(session, place);
    const text = textOf(session.engine, place);
    const [plain, php] = [positionOf(session.engine, text, 'chd1.'), positionOf(session.engine, text, 'u0063hd1.')];
    const at = sql`case when ${plain} > 0 then ${plain} + 5 when ${php} > 0 then ${php} + 9 end`;
    const { rows } = await sql<{ kid: string | null; flags: string | null; n: unknown }>`
      select kid, flags, count(*) as n
      from (select substr(body, at, 8) as kid, substr(body, at + 8, 2) as flags
        from (select ${text} as body, ${at} as at from ${table} as t where ${where}) as found where at is not null) as counted
      group by kid, flags`.execute(session.kysely);
    return rows.flatMap(({ kid, flags, n }) =>
      /^[a-z2-7]{8}$/.test(kid ?? '') && /^\.[AB]$/.test(flags ?? '') ? [{ kid: kid ?? '', rows: Number(n) }] : [],
    );
  });
}

/** The number of rows of a field, empty ones included. */
export function countRows(session: Session, place: Place): Promise<number> {
  return guarded(async () => {
    const { table, where } = await layoutOf(session, place);
    const { rows } = await sql<{ n: unknown }>`select count(*) as n from ${table} as t where ${where}`.execute(
      session.kysely,
    );
    return Number(rows[0]?.n ?? 0);
  });
}

/** The SQL condition that a row of this field is `odd`, for reading exactly those rows. The table goes by `t`. */
export function isOdd(session: Session, place: Place, was: SchemeName | undefined): RawBuilder<unknown> {
  return sql`${shapeOf(session.engine, place, was)} = 'odd'`;
}

/** The SQL condition that a value is sealed under a key; for a text document, that it holds such a value somewhere. */
export function isSealedUnder(session: Session, place: Place, kid: string, inDocument: boolean): RawBuilder<unknown> {
  if (!/^[a-z2-7]{8}$/.test(kid)) throw new TypeError('"kid" must be the id of a sealing key');
  const text = textOf(session.engine, place);
  if (!inDocument) return sql`(${text} is not null and ${begins(session.engine, text, `chd1.${kid}.`)})`;
  const [plain, php] = [`chd1.${kid}.`, `u0063hd1.${kid}.`].map((mark) => positionOf(session.engine, text, mark));
  return sql`(${plain} > 0 or ${php} > 0)`;
}

// --- internal ---

/** Beginnings that a foreign ciphertext may have; schemes/foreign.ts in core decides exactly. */
// biome-ignore format: a table
const SUSPECT = [
  'eyJ', 'gAAAAA', 'Fe26.', 'CfDJ8', 'U2FsdGVkX1', '$ANSIBLE_VAULT;', 'v1.', 'v2.', 'v3.', 'v4.', 'fips:', 'brng:', 'nacl:', '{"p":"',
  'def50200', 'ENC[', 'vault:v', '$2', '$argon2', '-----BEGIN ',
];
/** What "chd" becomes in base64, and in hex. */
const SUSPECT_INSIDE = { plaintext: [], base64: ['Y2hk', 'Q0hE'], hex: ['636864', '434844'] } as const;

type Text = RawBuilder<unknown>;

function textOf(engine: Engine, place: Place): Text {
  const column = sql`t.${sql.id(place.column)}`;
  if (place.storage === 'json') {
    if (engine === 'postgres') return sql`(${column} #>> ${[...(place.pointer ?? [])]}::text[])`;
    return sql`json_unquote(json_extract(${column}, ${mysqlPath(place.pointer ?? [])}))`;
  }
  if (place.storage === 'bytes') {
    if (engine === 'postgres') return sql`encode(${column}, 'escape')`;
    return engine === 'mysql' ? sql`convert(${column} using latin1)` : sql`cast(${column} as text)`;
  }
  if (engine === 'postgres') return sql`${column}::text`;
  return engine === 'sqlite' ? sql`cast(${column} as text)` : column;
}

function substr(text: Text, from: number, length: number): Text {
  return sql`substr(${text}, ${sql.lit(from)}, ${sql.lit(length)})`;
}

/** Where a text begins inside another one, byte for byte; 0 where it does not. */
function positionOf(engine: Engine, text: Text, part: string): Text {
  if (engine === 'postgres') return sql`position(${sql.lit(part)} in ${text})`;
  if (engine === 'sqlite') return sql`instr(${text}, ${sql.lit(part)})`;
  return sql`locate(cast(${sql.lit(part)} as char character set utf8mb4) collate utf8mb4_bin, convert(${text} using utf8mb4))`;
}

/** Byte-wise equality: the usual collations of MariaDB and MySQL take `CHD1.` for `chd1.`. */
function begins(engine: Engine, text: Text, prefix: string): Text {
  const head = substr(text, 1, prefix.length);
  return engine === 'mysql'
    ? sql`cast(${head} as binary) = cast(${sql.lit(prefix)} as binary)`
    : sql`${head} = ${sql.lit(prefix)}`;
}

const SHORTEST_SEALED = 104;

function isSealed(engine: Engine, text: Text): Text {
  const length = engine === 'sqlite' ? sql`length(${text})` : sql`char_length(${text})`;
  return sql`(${begins(engine, text, 'chd1.')} and ${substr(text, 14, 1)} = '.' and ${length} >= ${sql.lit(SHORTEST_SEALED)})`;
}

function shapeOf(engine: Engine, place: Place, was: SchemeName | undefined): Text {
  const text = textOf(engine, place);
  const suspects = [...SUSPECT, ...SUSPECT_INSIDE[was ?? 'plaintext']].map((prefix) => begins(engine, text, prefix));
  const odd = [
    sql`lower(${substr(text, 1, 3)}) = 'chd'`,
    ...suspects,
    ...notOfScheme(engine, text, was),
    ...notText(engine, place),
  ];
  const alien =
    engine === 'sqlite' && place.storage === 'text'
      ? sql` when typeof(t.${sql.id(place.column)}) <> 'text' then 'odd'`
      : sql``;
  return sql`case when ${text} is null or ${text} = '' then 'empty'${alien} when ${isSealed(engine, text)} then 'sealed'
    when ${sql.join(odd, sql` or `)} then 'odd' else 'plain' end`;
}

/** A number or an object at the path of a native JSON column has a text form too, but is no credential. */
function notText(engine: Engine, { storage, column, pointer = [] }: Place): Text[] {
  if (storage !== 'json') return [];
  const json = sql`t.${sql.id(column)}`;
  if (engine === 'postgres') return [sql`jsonb_typeof(${json} #> ${[...pointer]}::text[]) <> 'string'`];
  return [sql`json_type(json_extract(${json}, ${mysqlPath(pointer)})) <> 'STRING'`];
}

function notOfScheme(engine: Engine, text: Text, was: SchemeName | undefined): Text[] {
  if (was === undefined || was === 'plaintext') return [];
  const [characters, multiple] = was === 'base64' ? ['A-Za-z0-9+/=', 4] : ['0-9a-f', 2];
  const length = engine === 'sqlite' ? sql`length(${text})` : sql`char_length(${text})`;
  const uneven = sql`${length} % ${sql.lit(multiple)} <> 0`;
  const other = sql.lit(`[^${characters}]`);
  switch (engine) {
    case 'postgres':
      return [uneven, sql`${text} ~ ${other}`];
    case 'mysql':
      return [uneven, sql`cast(${text} as binary) regexp ${other}`];
    case 'sqlite':
      return [uneven, sql`${text} glob ${sql.lit(`*[^${characters}]*`)}`];
  }
}
