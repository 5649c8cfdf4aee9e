import { CasehardError, type Content, type Keyring, looksSealed, type Stored } from '@casehard/core';
import type { Cell } from '../database/cells.ts';
import type { Database } from '../database/connect.ts';
import type { Place, RowKey } from '../database/place.ts';
import { type PlaceWrite, saveRow } from '../database/save-row.ts';
import { type Session, withSession } from '../database/session.ts';
import type { Change } from '../database/swap.ts';
import { printToken, splice } from '../document/document.ts';
import { keepCanary } from '../inventory/canary.ts';
import { changeOf, readValue, rowOf, verdictOf } from '../inventory/value.ts';
import { besideFor, type Entry, inDocument, isOneDestination, type ResolvedNeighbour } from './entry.ts';
import { type OpenEntry, readEntry } from './read.ts';

/** A text that is the same only for what was read: it says nothing of it. */
export type Digest = (pieces: readonly (string | null)[]) => string;

export interface SaveOrder {
  /** By role; roles that are left out stay as they are. */
  readonly neighbours: Readonly<Record<string, string>>;
  /** Undefined or empty: unchanged. */
  readonly secret?: string;
  /** What `versionOf` said of the row that the person saw. */
  readonly version: string;
}

export type Saved = 'sealed' | 'legacy' | 'neighbours' | 'nothing';

export interface SaveTools {
  readonly keyring: Keyring;
  readonly db: Database;
  readonly digest: Digest;
  /** Throws where the keys do not belong to this database: then nothing is written. */
  readonly refuseWrongKeys: (session: Session) => Promise<void>;
  /** Entries that share a destination with the one that is saved. */
  readonly sharing: readonly Entry[];
  /** Our own tables are there: the first save under a key keeps its canary. */
  readonly hasOwnTables: boolean;
}

/** The version of a row: changes with the value, and with every neighbour. */
export function versionOf({ locator, row, neighbours }: OpenEntry, digest: Digest): string {
  const stored =
    row.stored === null || typeof row.stored === 'string' ? row.stored : Buffer.from(row.stored).toString('hex');
  return digest([locator, stored, ...Object.entries(neighbours).flat()]);
}

/**
 * Saves a credential with its neighbours, in one transaction. Nothing typed for the secret leaves it as it is. Throws
 * SECRET_NEEDED where the credential would go elsewhere and was not typed again, CHANGED_MEANWHILE where somebody
 * else has saved since the person looked, and what `seal` throws; then nothing was written. The old value is never opened.
 */
export function saveEntry(tools: SaveTools, entry: Entry, key: RowKey, order: SaveOrder): Promise<Saved> {
  return withSession(tools.db, async (session) => {
    const open = await existing(session, entry, key);
    if (versionOf(open, tools.digest) !== order.version) throw changed();
    const edits = editsOf(entry, open, order.neighbours);
    const secret = order.secret === undefined || order.secret === '' ? undefined : order.secret;
    if (secret === undefined && open.verdict.kind !== 'empty' && edits.some(({ neighbour }) => neighbour.destination)) {
      throw new CasehardError('SECRET_NEEDED', `${entry.settings.label} would go somewhere else: type it again`, {
        field: entry.settings.field,
        hint: 'a stored credential goes only where it was stored to go; nothing was written',
      });
    }
    if (secret === undefined && edits.length === 0) return 'nothing';
    const guards = await refuseShared(session, entry, { edits, key, sharing: tools.sharing });
    if (secret !== undefined) await tools.refuseWrongKeys(session);
    const write = secret === undefined ? undefined : sealed(entry, open, secret);
    if (write !== undefined && looksSealed(String(write)) && tools.hasOwnTables)
      await keepCanary(session, tools.keyring);
    await saveRow(session, [...writesOf(entry, open, edits, write), ...guards], (place, cells) =>
      judge(entry, place, cells, write !== undefined),
    );
    return write === undefined ? 'neighbours' : looksSealed(String(write)) ? 'sealed' : 'legacy';
  });
}

/** Removes a credential: NULL where the column may be, an empty text elsewhere. Throws CHANGED_MEANWHILE. */
export function clearEntry(tools: SaveTools, entry: Entry, key: RowKey, version: string): Promise<void> {
  return withSession(tools.db, async (session) => {
    const open = await existing(session, entry, key);
    if (versionOf(open, tools.digest) !== version) throw changed();
    if (open.verdict.kind === 'empty') return;
    await tools.refuseWrongKeys(session); // clearing is a write too
    const { field } = entry;
    const inside = field.document !== undefined || field.place.storage === 'json';
    const write: PlaceWrite['write'] = inside
      ? changeFor(entry, open, '').write
      : field.column.nullable
        ? null
        : { kind: 'whole', value: '' };
    await saveRow(session, [{ place: field.place, key, expected: open.row.stored, write }], () => {});
  });
}

// --- internal ---

interface Edit {
  readonly neighbour: ResolvedNeighbour;
  readonly value: string;
}

async function existing(session: Session, entry: Entry, key: RowKey): Promise<OpenEntry> {
  const open = await readEntry(session, entry, key);
  if (open) return open;
  throw new CasehardError('NOT_FOUND', `there is no such row of ${entry.settings.field}`, {
    hint: 'it may have been deleted meanwhile',
  });
}

/** A place that says where two credentials go cannot be changed by typing one of them: the other would follow. */
async function refuseShared(
  session: Session,
  { settings, field }: Entry,
  {
    edits,
    key,
    sharing,
  }: { readonly edits: readonly Edit[]; readonly key: RowKey; readonly sharing: readonly Entry[] },
): Promise<readonly PlaceWrite[]> {
  const guards: PlaceWrite[] = [];
  for (const other of sharing) {
    const shared = edits.find(({ neighbour }) =>
      other.settings.neighbours.some((theirs) => isOneDestination(settings, neighbour, other.settings, theirs)),
    );
    if (!shared) continue;
    const keyless = other.field.place.keys.length === 0;
    const one =
      keyless ||
      String(other.field.place.keys.map(({ column }) => column)) ===
        String(field.place.keys.map(({ column }) => column));
    const row = one ? await readEntry(session, other, keyless ? [] : key) : undefined;
    if (one && !row) continue;
    if (row?.verdict.kind === 'empty') {
      // It must still be empty when this is written.
      guards.push({ place: other.field.place, key: keyless ? [] : key, expected: row.row.stored, write: undefined });
      continue;
    }
    throw new CasehardError('SECRET_NEEDED', `${shared.neighbour.label} also says where ${other.settings.label} goes`, {
      field: other.settings.field,
      hint: 'clear that credential first, change the place, then enter both again; nothing was written',
    });
  }
  return guards;
}

/** What really changes. A form always sends every neighbour. */
function editsOf(entry: Entry, open: OpenEntry, wanted: Readonly<Record<string, string>>): readonly Edit[] {
  return entry.neighbours.flatMap((neighbour): Edit[] => {
    const { role, label, integer } = neighbour;
    if (!Object.hasOwn(wanted, role)) return [];
    const value = integer ? (wanted[role] ?? '').trim() : (wanted[role] ?? '');
    if (value === (open.neighbours[role] ?? '')) return [];
    if (!open.editable.has(role)) {
      throw new CasehardError('REFUSED', `${label} cannot be changed here`, {
        hint: 'change it in the application; nothing was written',
      });
    }
    if (integer && !/^-?\d{1,18}$/.test(value)) {
      throw new CasehardError('USAGE', `${label} must be a whole number`, { hint: 'correct it; nothing was written' });
    }
    if (/[\0\r\n]/.test(value)) {
      throw new CasehardError('USAGE', `${label} must be one line`, {
        hint: 'take line ends out; nothing was written',
      });
    }
    return [{ neighbour, value }];
  });
}

function sealed(entry: Entry, { value, verdict, key }: OpenEntry, secret: string): Content {
  const { field } = entry.field;
  const stored: Stored = value.stored ?? null;
  // A stored value that is there speaks against falling back to the legacy scheme; what it holds does not matter.
  return field.seal(secret, rowOf(entry.field, key), verdict.kind === 'empty' ? {} : { stored });
}

/** Everything that is written, or must still be as it was read. */
function writesOf(
  entry: Entry,
  open: OpenEntry,
  edits: readonly Edit[],
  secret: Content | undefined,
): readonly PlaceWrite[] {
  const { field } = entry;
  const { key, row } = open;
  const own = ownWrites(entry, open, edits, secret).map(
    (write, i): PlaceWrite => ({ place: field.place, key, ...(i === 0 ? {} : { after: true }), ...write }),
  );
  if (own.length === 0) own.push({ place: field.place, key, expected: row.stored, write: undefined });
  const beside = entry.neighbours.flatMap((neighbour): PlaceWrite[] => {
    if (!neighbour.place) return [];
    const edit = edits.find((each) => each.neighbour === neighbour);
    if (!edit && !open.editable.has(neighbour.role)) return [];
    const token = neighbour.at.kind === 'pointer';
    return [
      {
        place: neighbour.place,
        key: neighbour.at.kind === 'setting' ? [] : key,
        // As the database spells it: a JSON token with its quotes.
        expected:
          neighbour.at.kind === 'setting'
            ? (open.neighbours[neighbour.role] ?? null)
            : besideFor(entry, row, neighbour.role),
        write: edit && { kind: 'whole', value: token ? JSON.stringify(edit.value) : edit.value },
      },
    ];
  });
  return [...own, ...beside];
}

/**
 * What becomes of the cell itself: the value, and neighbours in the same text document. Spliced one by one and from the
 * end, so that what stands before keeps its place and the rest of the document enters no statement.
 */
function ownWrites(
  entry: Entry,
  open: OpenEntry,
  edits: readonly Edit[],
  secret: Content | undefined,
): readonly Pick<PlaceWrite, 'expected' | 'write'>[] {
  const inText = edits.filter(({ neighbour }) => neighbour.at.kind === 'pointer' && !neighbour.place);
  const change = secret === undefined ? undefined : changeFor(entry, open, secret);
  if (inText.length === 0) return change ? [{ expected: open.row.stored, write: change.write }] : [];
  const { stored } = open.row;
  if (typeof stored !== 'string' || !entry.field.document) throw new TypeError('"entry" has no document');
  const format = entry.field.document.in;
  const pieces: { start: number; end: number; value: string }[] = inText.flatMap(({ neighbour, value }) => {
    const located = neighbour.at.kind === 'pointer' ? inDocument(entry, open.row, neighbour.at.pointer) : undefined;
    if (!located) return [];
    return [{ start: located.start, end: located.end, value: printToken(value, format, { style: located.style }) }];
  });
  if (change?.write.kind === 'splice') pieces.push(change.write);
  let text = stored;
  return pieces
    .sort((x, y) => y.start - x.start)
    .map((piece) => {
      const expected = text;
      text = splice(text, piece, piece.value);
      return { expected, write: { kind: 'splice', ...piece } as const };
    });
}

function changeFor(entry: Entry, { value, row, key }: OpenEntry, write: Content): Pick<Change, 'write'> {
  const { field } = entry;
  const inside = field.document !== undefined || field.place.storage === 'json';
  if (row.stored === null || row.stored.length === 0) {
    if (inside) throw noPlace(entry);
    return { write: { kind: 'whole', value: typeof write === 'string' ? write : write } };
  }
  if (inside && !value.located) throw noPlace(entry);
  const change = changeOf(field, { ...value, key }, write);
  if (typeof change !== 'string') return change;
  throw new CasehardError('TOO_LONG', `${entry.settings.label}: the column cannot hold the new value (${change})`, {
    field: entry.settings.field,
    hint: 'run the upgrade; nothing was written',
  });
}

function judge(entry: Entry, place: Place, cells: readonly Cell[], sealing: boolean): void {
  if (!sealing || place !== entry.field.place) return;
  for (const cell of cells) {
    const { kind } = verdictOf(entry.field, readValue(entry.field, cell));
    if (kind === 'current' || kind === 'legacy') continue;
    throw new CasehardError(
      'DATABASE',
      `${entry.settings.field}: the written value did not read back as written; it was undone`,
    );
  }
}

function noPlace({ settings }: Entry): CasehardError {
  return new CasehardError('NOT_FOUND', `${settings.label}: the document of this row has no text at the path`, {
    field: settings.field,
    hint: 'let the application save the row once; nothing was written',
  });
}

function changed(): CasehardError {
  return new CasehardError('CHANGED_MEANWHILE', 'somebody else has saved this meanwhile; nothing was written', {
    hint: 'look at what is there now, and save again',
  });
}
