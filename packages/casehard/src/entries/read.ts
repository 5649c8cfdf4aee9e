import {
  CasehardError,
  isQuarantined,
  printLocator,
  printVerdict,
  type Verdict,
  type VerdictKind,
} from '@casehard/core';
import { type BesideRow, browse, readBesideRow } from '../database/browse.ts';
import { readCell } from '../database/cells.ts';
import type { RowKey } from '../database/place.ts';
import type { Session } from '../database/session.ts';
import { readValue, type Value, verdictOf } from '../inventory/value.ts';
import { besideFor, besideOf, type Entry, inDocument, isStringToken, type Neighbours, neighboursOf } from './entry.ts';

/** A row of a field as people see it: never its content. */
export interface EntryRow {
  readonly key: RowKey;
  readonly locator: string;
  readonly verdict: Verdict;
  readonly printed: string;
  readonly neighbours: Neighbours;
}

/** The same, with what saving needs. */
export interface OpenEntry extends EntryRow {
  readonly value: Value;
  /** Roles whose neighbour can be written here. */
  readonly editable: ReadonlySet<string>;
  /** Stored neighbours, as `saveEntry` compares them: of the places beside the value only. */
  readonly row: BesideRow;
}

export interface ListOptions {
  readonly after?: RowKey;
  readonly limit: number;
  readonly search?: string;
  readonly verdict?: VerdictKind | 'quarantined';
  /** With `verdict`: stop looking after so long, and say where to go on; default 150. */
  readonly budgetMs?: number;
}

export interface Listed {
  readonly rows: readonly EntryRow[];
  readonly next: RowKey | undefined;
  /** Rows whose verdict was looked at. */
  readonly looked: number;
}

/** The next rows of a field, with a verdict on each by the very functions that the application calls. */
export async function listEntries(session: Session, entry: Entry, options: ListOptions): Promise<Listed> {
  const { limit, verdict, budgetMs = 150 } = options;
  const beside = besideOf(entry);
  const until = performance.now() + budgetMs;
  const rows: EntryRow[] = [];
  let after = options.after;
  let looked = 0;
  for (;;) {
    const page = await browse(session, entry.field.place, {
      beside,
      limit: verdict === undefined ? limit : Math.max(limit, 500),
      ...(after === undefined ? {} : { after }),
      ...(options.search === undefined ? {} : { search: options.search }),
    });
    for (const row of page.rows) {
      looked++;
      const shown = rowOf(entry, row);
      if (verdict !== undefined && !isWanted(shown.verdict, verdict)) continue;
      rows.push(shown);
      if (rows.length === limit) return { rows, looked, next: isLast(page, row) ? page.next : row.key };
    }
    after = page.next;
    if (after === undefined || verdict === undefined || performance.now() > until) return { rows, looked, next: after };
  }
}

/** One row; undefined: there is none. Throws REFUSED for a setting that stands for rows with different values. */
export async function readEntry(session: Session, entry: Entry, key: RowKey): Promise<OpenEntry | undefined> {
  for (let attempt = 1; attempt <= 5; attempt++) {
    const open = await readOnce(session, entry, key);
    if (!open || !entry.neighbours.some(({ at }) => at.kind === 'setting')) return open;
    // Neighbours in other rows come by other statements. A secret that is still there after them was there with them: else
    // a save in between would pair the old secret with the new server.
    const again = await readBesideRow(session, entry.field.place, { key, beside: [] });
    if (again.length > 0 && again.every(({ stored }) => String(stored) === String(open.row.stored))) return open;
  }
  throw new CasehardError('CHANGED_MEANWHILE', `${entry.settings.label} is being saved again and again`, {
    hint: 'load the page again',
  });
}

async function readOnce(session: Session, entry: Entry, key: RowKey): Promise<OpenEntry | undefined> {
  const { field, settings } = entry;
  const rows = await readBesideRow(session, field.place, { key, beside: besideOf(entry) });
  const [row] = rows;
  if (!row) return undefined;
  if (rows.some(({ stored }) => String(stored) !== String(row.stored))) {
    throw new CasehardError('REFUSED', `${settings.field} stands for ${rows.length} rows with different values`, {
      field: settings.field,
      hint: 'delete the rows that the application does not read',
    });
  }
  const elsewhere = await readElsewhere(session, entry);
  const value = readValue(field, row);
  const editable = new Set(
    entry.neighbours
      .filter(({ role, at, place }) => {
        if (at.kind === 'constant') return false;
        if (at.kind === 'setting') return elsewhere.has(role);
        // A row key is what values are bound to.
        if (at.kind === 'column' && entry.field.place.keys.some(({ column }) => column === at.column)) return false;
        return at.kind === 'pointer'
          ? place
            ? isStringToken(besideFor(entry, row, role))
            : inDocument(entry, row, at.pointer) !== undefined
          : true;
      })
      .map(({ role }) => role),
  );
  return { ...rowOf(entry, row, Object.fromEntries(elsewhere)), value, editable, row };
}

// --- internal ---

function rowOf(entry: Entry, row: BesideRow, elsewhere: Neighbours = {}): EntryRow {
  const verdict = verdictOf(entry.field, readValue(entry.field, row));
  return {
    key: row.key,
    locator: printLocator(entry.field.name, row.key),
    verdict,
    printed: printVerdict(verdict),
    neighbours: neighboursOf(entry, row, elsewhere),
  };
}

function isWanted(verdict: Verdict, wanted: VerdictKind | 'quarantined'): boolean {
  return wanted === 'quarantined' ? isQuarantined(verdict) : verdict.kind === wanted;
}

function isLast({ rows }: { readonly rows: readonly BesideRow[] }, row: BesideRow): boolean {
  return rows.at(-1) === row;
}

/** Neighbours in other rows of a settings table, by role; absent rows are absent. */
async function readElsewhere(session: Session, entry: Entry): Promise<ReadonlyMap<string, string | null>> {
  const found = new Map<string, string | null>();
  for (const { role, at, place } of entry.neighbours) {
    if (at.kind !== 'setting' || !place) continue;
    const cells = await readCell(session, place, []);
    const [cell] = cells;
    if (!cell) continue;
    if (cells.some(({ stored }) => String(stored) !== String(cell.stored))) {
      throw new CasehardError(
        'REFUSED',
        `the neighbour ${role} of ${entry.settings.field} stands for ${cells.length} rows with different values`,
        {
          field: entry.settings.field,
          hint: 'delete the rows that the application does not read',
        },
      );
    }
    found.set(role, cell.stored === null ? null : String(cell.stored));
  }
  return found;
}
