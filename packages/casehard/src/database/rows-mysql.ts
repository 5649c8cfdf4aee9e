import { randomBytes, sha256 } from '@casehard/core/state';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Tables } from './connect.ts';
import { decodeRow, keyParameters, type Layout, type RawRow, type Row, selectRow } from './layout.ts';
import { batches, mysqlPage } from './mysql-page.ts';
import type { Rows, Update } from './rows.ts';
import { characterRange } from './splice.ts';
import { mysqlPath } from './value.ts';

/** Pages travel as one JSON parameter, joined with JSON_TABLE; on older servers as a UNION. */
export const mysqlRows: Rows = {
  async read(kysely, layout, { keys, lock }) {
    const locking = lock ? (layout.session.skipLocked ? sql` for update skip locked` : sql` for update`) : sql``;
    const select = sql`select ${selectRow(layout)} from`;
    const found: Row[] = [];
    const collect = async (query: RawBuilder<RawRow>): Promise<void> => {
      const { rows } = await query.execute(kysely);
      for (const row of rows) found.push(decodeRow(layout, row));
    };
    if (keys === undefined) {
      await collect(sql`${select} ${layout.table} as t where ${layout.where}${locking}`);
      return found;
    }
    const names = layout.keys.map((_, i) => `k${i}`);
    for (const batch of batches(
      layout.session,
      keys.map((key) => keyParameters(layout, key) as string[]),
    )) {
      const page = mysqlPage(layout.session, names, batch);
      // STRAIGHT_JOIN: from the page to the rows by their key, whatever the optimizer thinks of the page's size.
      await collect(sql`
        ${select} ${page} straight_join ${keyed(layout)} where ${layout.where}${locking}`);
    }
    return found;
  },

  async write(kysely, layout, updates) {
    if (layout.keyless) {
      for (const update of updates) await writeByHash(kysely, layout, update);
      return;
    }
    for (const group of [updates.filter((u) => !u.range), updates.filter((u) => u.range)]) {
      const names = [...layout.keys.map((_, i) => `k${i}`), 'v', ...(group[0]?.range ? ['a', 'b'] : [])];
      for (const batch of batches(
        layout.session,
        group.map((update) => pageRow(layout, update)),
      )) {
        const page = mysqlPage(layout.session, names, batch);
        const value = assigned(layout, sql`p.v`, group[0]?.range && { start: sql`p.a`, end: sql`p.b` });
        await sql`
          update ${page} straight_join ${keyed(layout)}
          set ${value}${restated(layout)} where ${layout.where}`.execute(kysely);
      }
    }
  },
};

/**
 * Writes where the value is still what was expected, for rows without a key and tables without transactions. The
 * statement holds a hash only, salted, because the plain hash of a weak password would give it away. Returns how many
 * rows matched.
 */
export async function writeByHash(kysely: Kysely<Tables>, layout: Layout, update: Update): Promise<number> {
  const { place, value, keys, where } = layout;
  const salt = randomBytes(16);
  const hash = sha256(Buffer.concat([salt, Buffer.from(update.expected as string)])).toString('hex');
  const bytes = place.storage === 'bytes' ? value.column : sql`cast(${value.read} as binary)`;
  const key = layout.keyless ? [] : keyParameters(layout, update.key);
  const onKey = keys.map((column, i) => sql`${column.column} = ${column.cast(sql`${key[i]}`)} and `);
  const range = update.range && characterRange(update);
  const bound = sql`${asText(layout, update)}`;
  const set = assigned(layout, bound, range && { start: sql`${range.start}`, end: sql`${range.end}` });
  const result = await sql`
    update ${layout.table} as t set ${set}${restated(layout)}
    where ${sql.join(onKey, sql``)}${where}
      and sha2(concat(unhex(${salt.toString('hex')}), ${bytes}), 256) = ${hash}`.execute(kysely);
  return Number(result.numAffectedRows ?? 0n);
}

// --- internal ---

function pageRow(layout: Layout, update: Update): string[] {
  const row = [...(keyParameters(layout, update.key) as string[]), asText(layout, update)];
  if (!update.range) return row;
  const { start, end } = characterRange(update);
  return [...row, String(start), String(end)];
}

/** Bytes travel as hex, because a parameter would be taken for text in the connection's character set. */
function asText({ place }: Layout, { value }: Update): string {
  return place.storage === 'bytes' ? Buffer.from(value as Uint8Array).toString('hex') : (value as string);
}

/** The table joined to the page by its key: never by a scan, which would wait for rows that others have locked. */
function keyed({ keys, place, shape, table }: Layout): RawBuilder<unknown> {
  const named = new Set(place.keys.map((key) => key.column.toLowerCase()));
  const index = [...shape.uniqueIndexes].find(([, columns]) =>
    columns.every((column) => named.has(column.toLowerCase())),
  );
  const hint = index ? sql` force index (${sql.id(index[0])})` : sql``;
  const on = sql.join(
    keys.map((key, i) => sql`${key.column} = ${key.cast(sql`p.${sql.id(`k${i}`)}`)}`),
    sql` and `,
  );
  return sql`${table} as t${hint} on ${on}`;
}

interface Positions {
  readonly start: RawBuilder<unknown>;
  readonly end: RawBuilder<unknown>;
}

function assigned({ place, value }: Layout, text: RawBuilder<unknown>, range?: Positions): RawBuilder<unknown> {
  const { column } = value;
  if (place.storage === 'json') {
    return sql`${column} = json_set(${column}, ${mysqlPath(place.pointer ?? [])}, cast(${text} as json))`;
  }
  if (place.storage === 'bytes') return sql`${column} = unhex(${text})`;
  if (!range) return sql`${column} = ${text}`;
  // One character set and collation for all three, or the server refuses to join them.
  const parts = [
    sql`left(${column}, cast(${range.start} as signed))`,
    text,
    sql`substring(${column}, cast(${range.end} as signed) + 1)`,
  ].map((part) => sql`convert(${part} using utf8mb4) collate utf8mb4_bin`);
  return sql`${column} = concat(${sql.join(parts)})`;
}

/** ON UPDATE CURRENT_TIMESTAMP leaves a column alone that is assigned. */
function restated({ shape }: Layout): RawBuilder<unknown> {
  const columns = shape.onUpdate.map((column) => sql`, t.${sql.id(column)} = t.${sql.id(column)}`);
  return columns.length === 0 ? sql`` : sql.join(columns, sql``);
}
