import type { KidsOfField } from '../inventory/known-keys.ts';
import type { Scanned } from './background/task.ts';

/** The values of every field by key id, as a scan has counted them: pages count nothing themselves. */
export function kidsOf({ fields }: Pick<Scanned, 'fields'>): readonly KidsOfField[] {
  return fields.map(({ name, tally }) => {
    const kids = new Map(Object.entries(tally.kids));
    return { name, kids, sealed: [...kids.values()].reduce((sum, values) => sum + values, 0) };
  });
}

/** Values under some keys, in all fields. */
export function valuesUnder({ fields }: Pick<Scanned, 'fields'>, wanted: (kid: string) => boolean): number {
  return kidsOf({ fields })
    .flatMap(({ kids }) => [...kids])
    .reduce((sum, [kid, values]) => sum + (wanted(kid) ? values : 0), 0);
}
