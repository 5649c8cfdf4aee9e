import { sql } from 'kysely';
import { type Cell, readCell } from './cells.ts';
import { guarded } from './driver-error.ts';
import { keyParameters, layoutOf } from './layout.ts';
import type { Place, RowKey } from './place.ts';
import type { Session } from './session.ts';

/**
 * Fills a value that is NULL or empty: there is nothing to compare, so the condition is that it still is. Returns
 * whether it was. `check` sees the row as read back, before the commit.
 */
export function fillEmpty(
  session: Session,
  place: Place,
  fill: { readonly key: RowKey; readonly value: string | Uint8Array; readonly check: (cells: readonly Cell[]) => void },
): Promise<boolean> {
  return guarded(() =>
    session.kysely.transaction().execute(async (kysely) => {
      const inside: Session = { ...session, kysely };
      const layout = await layoutOf(inside, place);
      const parameters = layout.keyless ? [] : keyParameters(layout, fill.key);
      const keys = layout.keyless
        ? []
        : layout.keys.map((key, i) => sql`${key.column} = ${key.cast(sql`${parameters[i]}`)}`);
      const no = session.engine === 'postgres' ? sql`false` : sql`0`;
      const { numAffectedRows } = await sql`
        update ${layout.table} as t set ${sql.id(place.column)} = ${fill.value}
        where ${sql.join([layout.where, ...keys], sql` and `)} and not coalesce(${layout.value.filled}, ${no})`.execute(
        kysely,
      );
      if ((numAffectedRows ?? 0n) === 0n) return false;
      fill.check(await readCell(inside, place, fill.key));
      return true;
    }),
  );
}
