import { type RawBuilder, sql } from 'kysely';
import { decodeRow, keyParameters, type Layout, type RawRow, selectRow } from './layout.ts';
import type { RowKey } from './place.ts';
import type { Rows, Update } from './rows.ts';
import { characterRange } from './splice.ts';

/** Pages travel as one array per column, joined with `unnest`. */
export const postgresRows: Rows = {
  async read(kysely, layout, { keys, lock }) {
    const page = keys === undefined ? sql`` : sql` join ${keyArrays(layout, keys)} on ${onKeys(layout)}`;
    const order = sql` order by ${sql.join(layout.keys.map((key) => key.order))}`;
    const locking = lock ? sql` for no key update of t skip locked` : sql``;
    const { rows } = await sql<RawRow>`
      select ${selectRow(layout)} from ${layout.table} as t${page} where ${layout.where}${order}${locking}`.execute(
      kysely,
    );
    return rows.map((row) => decodeRow(layout, row));
  },

  async write(kysely, layout, updates) {
    const { place, table, where } = layout;
    for (const group of [updates.filter((u) => !u.range), updates.filter((u) => u.range)]) {
      if (group.length === 0) continue;
      await sql`
        update ${table} as t set ${sql.id(place.column)} = ${assigned(layout, group)}
        from ${updateArrays(layout, group)} where ${onKeys(layout)} and ${where}`.execute(kysely);
    }
  },
};

// --- internal ---

function keyArrays(layout: Layout, keys: readonly RowKey[]): RawBuilder<unknown> {
  const names = layout.keys.map((_, i) => sql.id(`k${i}`));
  return sql`unnest(${sql.join(arrays(layout, keys))}) as p (${sql.join(names)})`;
}

function updateArrays(layout: Layout, updates: readonly Update[]): RawBuilder<unknown> {
  const columns = arrays(
    layout,
    updates.map((update) => update.key),
  );
  const names = [...layout.keys.map((_, i) => `k${i}`), 'v'];
  const type = layout.place.storage === 'bytes' ? 'bytea[]' : 'text[]';
  columns.push(sql`${updates.map((update) => update.value)}::${sql.raw(type)}`);
  if (updates[0]?.range) {
    const ranges = updates.map(characterRange);
    columns.push(sql`${ranges.map((range) => range.start)}::int[]`, sql`${ranges.map((range) => range.end)}::int[]`);
    names.push('a', 'b');
  }
  return sql`unnest(${sql.join(columns)}) as p (${sql.join(names.map((name) => sql.id(name)))})`;
}

function arrays(layout: Layout, keys: readonly RowKey[]): RawBuilder<unknown>[] {
  const parameters = keys.map((key) => keyParameters(layout, key));
  // The type comes from format_type, which quotes it.
  return layout.keys.map((key, i) => sql`${parameters.map((row) => row[i])}::${sql.raw(key.type)}[]`);
}

function onKeys({ keys }: Layout): RawBuilder<unknown> {
  return sql.join(
    keys.map((key, i) => sql`${key.column} = p.${sql.id(`k${i}`)}`),
    sql` and `,
  );
}

function assigned({ place, value }: Layout, [first]: readonly Update[]): RawBuilder<unknown> {
  const { type } = value.shape;
  if (place.storage === 'json') {
    return sql`jsonb_set(${value.column}, ${[...(place.pointer ?? [])]}::text[], p.v::jsonb, false)`;
  }
  const text = first?.range ? sql`substr(${value.read}, 1, p.a) || p.v || substr(${value.read}, p.b + 1)` : sql`p.v`;
  // The type carries no length: casting to one would cut the text without a word, where the assignment complains.
  return sql`(${text})::${sql.raw(type)}`;
}
