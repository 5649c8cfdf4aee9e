import { CasehardError } from '@casehard/core';
import { isOnePlace, type SettingsEntry, type SettingsNeighbour } from '../config/groups.ts';
import type { Beside, BesideRow } from '../database/browse.ts';
import { findColumn } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import type { Place } from '../database/place.ts';
import { locate } from '../document/document.ts';
import type { ResolvedField } from '../inventory/resolve.ts';

/** A credential of the settings pages, joined with the catalogue. */
export interface Entry {
  readonly settings: SettingsEntry;
  readonly field: ResolvedField;
  readonly neighbours: readonly ResolvedNeighbour[];
}

export interface ResolvedNeighbour extends SettingsNeighbour {
  /** The column holds whole numbers. */
  readonly integer: boolean;
  /** Where it is written; undefined for a constant, and for one inside the document of the value. */
  readonly place?: Place;
}

/** What stands beside a value: texts by role. */
export type Neighbours = Readonly<Record<string, string | null>>;

/** Joins the neighbours with the catalogue. Throws NOT_FOUND, naming the group, where one is not there. */
export function resolveEntry(db: Database, settings: SettingsEntry, field: ResolvedField): Entry {
  return {
    settings,
    field,
    neighbours: settings.neighbours.map((neighbour) => resolveNeighbour(db, field, neighbour)),
  };
}

/** What is read beside the value, in the order of `neighbours`; those inside text documents and other rows are not. */
export function besideOf({ neighbours, field }: Entry): readonly Beside[] {
  return neighbours.flatMap(({ at }): Beside[] => {
    if (at.kind === 'column') return [{ kind: 'column', column: at.column }];
    return at.kind === 'pointer' && field.place.storage === 'json'
      ? [{ kind: 'pointer', pointer: piecesOf(at.pointer) }]
      : [];
  });
}

/** The neighbours of a row by role. Those in other rows of a settings table are handed in. */
export function neighboursOf(entry: Entry, row: BesideRow, elsewhere: Neighbours = {}): Neighbours {
  let next = 0;
  const found = entry.neighbours.map((neighbour): readonly [string, string | null] => {
    const { role, at } = neighbour;
    if (at.kind === 'constant') return [role, at.value];
    if (at.kind === 'setting') return [role, elsewhere[role] ?? null];
    if (at.kind === 'column') return [role, row.beside[next++] ?? null];
    if (entry.field.place.storage === 'json') return [role, textOfToken(row.beside[next++] ?? null)];
    return [role, inDocument(entry, row, at.pointer)?.value ?? null];
  });
  return Object.fromEntries(found);
}

/** What was read beside the value for a role: the text of a column, or a JSON token. */
export function besideFor(entry: Entry, row: BesideRow, role: string): string | null {
  const read = entry.neighbours.filter(
    ({ at }) => at.kind === 'column' || (at.kind === 'pointer' && entry.field.place.storage === 'json'),
  );
  return row.beside[read.findIndex((each) => each.role === role)] ?? null;
}

/** Where a neighbour stands in the text document around the value; undefined where there is no text. */
export function inDocument({ field }: Entry, { stored }: Pick<BesideRow, 'stored'>, pointer: string) {
  if (typeof stored !== 'string' || !field.document) return undefined;
  const lookup = locate(stored, { in: field.document.in, pointer });
  return lookup.found === 'value' ? lookup.located : undefined;
}

/** Whether a JSON token is a string, which alone may be written back as one. */
export function isStringToken(token: string | null): boolean {
  return token?.startsWith('"') === true;
}

/** Whether some place says where both credentials go: whoever changes it must type both. */
export function sharesPlace(a: SettingsEntry, b: SettingsEntry): boolean {
  if (a.field === b.field) return false;
  return a.neighbours.some((mine) => b.neighbours.some((theirs) => isOneDestination(a, mine, b, theirs)));
}

/** Whether two destinations are kept in one place of the database. */
export function isOneDestination(
  a: SettingsEntry,
  mine: SettingsNeighbour,
  b: SettingsEntry,
  theirs: SettingsNeighbour,
): boolean {
  return mine.destination && theirs.destination && isOnePlace(a.spec, mine.at, b.spec, theirs.at);
}

export function piecesOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

// --- internal ---

function resolveNeighbour(db: Database, field: ResolvedField, neighbour: SettingsNeighbour): ResolvedNeighbour {
  const { at } = neighbour;
  const { place, table } = field;
  switch (at.kind) {
    case 'constant':
      return { ...neighbour, integer: false };
    case 'pointer':
      return place.storage === 'json'
        ? { ...neighbour, integer: false, place: { ...place, pointer: piecesOf(at.pointer) } }
        : { ...neighbour, integer: false };
    case 'setting':
      return { ...neighbour, integer: false, place: { ...place, where: at.where } };
    case 'column': {
      const column = findColumn(db, table, at.column);
      if (!column) {
        throw new CasehardError('NOT_FOUND', `group of ${field.name}: table ${table.name} has no column ${at.column}`, {
          field: field.name,
          hint: 'correct the neighbour in the configuration',
        });
      }
      return { ...neighbour, integer: column.kind === 'int', place: { ...plain(place), column: at.column } };
    }
  }
}

/** A JSON token for people: a string without its quotes, anything else as it stands there. */
function textOfToken(token: string | null): string | null {
  if (token === null || token === 'null') return null;
  return isStringToken(token) ? (JSON.parse(token) as string) : token;
}

function plain({ table, column, where, keys }: Place): Place {
  return { table, column, where, keys, storage: 'text' };
}
