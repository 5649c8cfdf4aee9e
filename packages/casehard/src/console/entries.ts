import {
  CasehardError,
  type ErrorCode,
  parseLocator,
  printLocator,
  type Verdict,
  type VerdictKind,
} from '@casehard/core';
import type { StateKey } from '@casehard/core/state';
import type { SettingsEntry } from '../config/groups.ts';
import type { Database } from '../database/connect.ts';
import { withSession } from '../database/session.ts';
import { type Entry, resolveEntry, sharesPlace } from '../entries/entry.ts';
import { listEntries, type OpenEntry, readEntry } from '../entries/read.ts';
import { clearEntry, type SaveTools, saveEntry, versionOf } from '../entries/save.ts';
import { refuseStrangeCanaries } from '../inventory/belonging.ts';
import { rowKeyOf } from '../inventory/locator.ts';
import { isQuarantinedKind, needsOf } from '../inventory/needs.ts';
import { resolveFields } from '../inventory/resolve.ts';
import { rowOf } from '../inventory/value.ts';
import type { Live } from './live.ts';
import type { Watch } from './watch.ts';

/** A row in a list. */
export interface RowView {
  readonly locator: string;
  /** The row key for people; empty for a setting. */
  readonly name: string;
  readonly verdict: Verdict;
  readonly printed: string;
  readonly neighbours: Readonly<Record<string, string | null>>;
}

/** A credential with everything its form needs; never its content. */
export interface EntryView extends RowView {
  readonly field: string;
  readonly label: string;
  readonly version: string;
  readonly fields: readonly {
    readonly role: string;
    readonly label: string;
    readonly editable: boolean;
    readonly choices?: readonly string[];
  }[];
  /** What can be done about a value in quarantine. */
  readonly needs: string | undefined;
  /** Some neighbour says where it goes. */
  readonly moves: boolean;
  readonly testable: boolean;
  readonly certificateException: boolean;
}

export interface Listing {
  readonly rows: readonly RowView[];
  readonly columns: readonly { readonly role: string; readonly label: string }[];
  /** Where to go on, for the URL. */
  readonly next: string | undefined;
  /** Rows whose verdict was looked at, where only some are shown. */
  readonly looked: number | undefined;
}

/** A row as it is stored, with its settings. */
export interface FoundEntry {
  readonly entry: Entry;
  readonly open: OpenEntry;
}

export interface RowLocator {
  readonly field: string;
  readonly key: readonly string[];
}

const PAGE = 50;

/** Credentials and their neighbours, for pages. */
export class Entries {
  readonly #db: Database;
  readonly #live: Live;
  readonly #key: StateKey;
  readonly #watch: Watch;

  constructor(options: { readonly db: Database; readonly live: Live; readonly key: StateKey; readonly watch: Watch }) {
    this.#db = options.db;
    this.#live = options.live;
    this.#key = options.key;
    this.#watch = options.watch;
  }

  /** Whether a field is one value, and not a table of rows. */
  isSingle(field: string): boolean {
    return Object.keys(this.#settings(field).spec.row ?? {}).length === 0;
  }

  /** The one row of a setting; undefined: the application has not made it yet. */
  async single(field: string): Promise<EntryView | undefined> {
    const entry = await this.#entry(field);
    const open = await withSession(this.#db, (session) => readEntry(session, entry, []));
    return open && this.#view(entry, open);
  }

  /** The row of a locator, as it is stored. Throws NOT_FOUND. */
  async find({ field, key }: RowLocator): Promise<FoundEntry> {
    const entry = await this.#entry(field);
    const open = await withSession(this.#db, (session) => readEntry(session, entry, rowKeyOf(entry.field, key)));
    if (open) return { entry, open };
    throw new CasehardError('NOT_FOUND', `there is no row ${printLocator(field, key)}`, {
      hint: 'it may have been deleted meanwhile',
    });
  }

  async view(locator: RowLocator): Promise<EntryView> {
    const { entry, open } = await this.find(locator);
    return this.#view(entry, open);
  }

  async list(
    field: string,
    options: { readonly after?: string; readonly search?: string; readonly verdict?: VerdictKind | 'quarantined' },
  ): Promise<Listing> {
    const entry = await this.#entry(field);
    const { after, ...rest } = options;
    const from = after === undefined ? undefined : rowKeyOf(entry.field, parseLocator(`${field}#${after}`)?.key ?? []);
    const found = await withSession(this.#db, (session) =>
      listEntries(session, entry, { ...rest, limit: PAGE, ...(from ? { after: from } : {}) }),
    );
    return {
      rows: found.rows.map((row) => ({ ...row, name: nameOf(row.locator) })),
      columns: entry.neighbours.filter(({ at }) => at.kind !== 'constant').map(({ role, label }) => ({ role, label })),
      next: found.next && nameOf(printLocator(field, found.next)),
      looked: options.verdict === undefined ? undefined : found.looked,
    };
  }

  /** Saves; returns the code of the notice that says what was done. */
  async save(
    { field, key }: RowLocator,
    order: { readonly neighbours: Readonly<Record<string, string>>; readonly secret: string; readonly version: string },
  ): Promise<'saved' | 'saved-legacy' | 'saved-neighbours' | 'nothing'> {
    const entry = await this.#entry(field);
    if (order.secret !== '' && !this.#watch.lookOf(this.#live.keyring)) await this.#watch.lookNow();
    const did = await saveEntry(this.#tools(await this.#sharing(entry)), entry, rowKeyOf(entry.field, key), order);
    return ({ sealed: 'saved', legacy: 'saved-legacy', neighbours: 'saved-neighbours', nothing: 'nothing' } as const)[
      did
    ];
  }

  /** Saves a token that replaces the stored one, if that is still there. */
  async keep({ entry, open }: FoundEntry, token: string): Promise<void> {
    let current = open;
    for (let attempt = 1; ; attempt++) {
      try {
        const version = versionOf(current, this.#digest);
        await saveEntry(this.#tools(), entry, open.key, { neighbours: {}, secret: token, version });
        return;
      } catch (error) {
        // A neighbour was edited, or a harden resealed the row: the old token is used up, so the new one must get in. Not
        // over a token that somebody has entered since.
        const retry = error instanceof CasehardError && ['CHANGED_MEANWHILE', 'DATABASE'].includes(error.code);
        if (!retry || attempt === KEEP_ATTEMPTS) throw error;
        const again = (await this.find({ field: entry.settings.field, key: open.key })).open;
        if (!isSameSecret(entry, open, again)) throw error;
        current = again;
      }
    }
  }

  async clear({ field, key }: RowLocator, version: string): Promise<void> {
    const entry = await this.#entry(field);
    await clearEntry(this.#tools(), entry, rowKeyOf(entry.field, key), version);
  }

  #settings(field: string): SettingsEntry {
    const settings = this.#live.pages.flatMap(({ entries }) => entries).find((entry) => entry.field === field);
    if (settings) return settings;
    throw new CasehardError('UNKNOWN_FIELD', `there is no field ${JSON.stringify(field)}`, {
      hint: 'choose one from the menu',
    });
  }

  /** Joined with the catalogue anew each time: the schema may change while the console runs. */
  async #entry(name: string): Promise<Entry> {
    const settings = this.#settings(name);
    const { hard, keyring } = this.#live;
    const { fields, problems } = await resolveFields(this.#db, hard, { keyring, only: [name] });
    const [field] = fields;
    if (!field) throw problems[0] ?? new CasehardError('UNKNOWN_FIELD', `there is no field ${name}`);
    return resolveEntry(this.#db, settings, field);
  }

  /** Entries that go where this one goes, in one place or another. Resolved before a session takes the connection. */
  #sharing(entry: Entry): Promise<readonly Entry[]> {
    const others = this.#live.pages
      .flatMap(({ entries }) => entries)
      .filter((other) => sharesPlace(entry.settings, other));
    return Promise.all(others.map(({ field }) => this.#entry(field)));
  }

  #tools(sharing: readonly Entry[] = []): SaveTools {
    const look = this.#watch.look?.found;
    const hasOwnTables = look !== undefined && !look.steps.some(({ id }) => id.startsWith('create casehard_'));
    return {
      keyring: this.#live.keyring,
      db: this.#db,
      digest: this.#digest,
      hasOwnTables,
      sharing,
      // Counting every value would take a page longer than anybody waits: the background has, for these very keys.
      refuseWrongKeys: async (session) => {
        const look = this.#watch.lookOf(this.#live.keyring);
        if (!look) throw this.#watch.lookFailed ?? stillLooking();
        const found = look.found.keys;
        if (found)
          throw new CasehardError(
            found.code as ErrorCode,
            found.message,
            found.hint === undefined ? {} : { hint: found.hint },
          );
        if (hasOwnTables) {
          const judged = new Set(look.found.canaries.map(({ kid }) => kid));
          await refuseStrangeCanaries(session, this.#live.keyring, judged);
        }
      },
    };
  }

  readonly #digest = (pieces: readonly (string | null)[]): string => this.#key.tag('version of a row', pieces);

  #view(entry: Entry, open: OpenEntry): EntryView {
    const { settings } = entry;
    const { verdict, printed, locator, neighbours, editable } = open;
    const quarantined = isQuarantinedKind(verdict.kind);
    return {
      ...{ locator, verdict, printed, neighbours, name: nameOf(locator), field: settings.field, label: settings.label },
      version: versionOf(open, this.#digest),
      fields: entry.neighbours.map(({ role, label }) => ({
        role,
        label,
        editable: editable.has(role),
        ...(CHOICES[role] ? { choices: CHOICES[role] } : {}),
      })),
      needs: quarantined
        ? needsOf(verdict.kind, printed)
            .replace(/harden --as-plaintext/g, 'seal it as it is')
            .replace(/set it anew/g, 'type a new one')
        : undefined,
      moves: entry.neighbours.some(({ destination, at }) => destination && at.kind !== 'constant'),
      testable: settings.check !== undefined,
      certificateException: settings.check?.certificate === 'any',
    };
  }
}

// --- internal ---

const KEEP_ATTEMPTS = 4;

function isSameSecret(entry: Entry, before: OpenEntry, after: OpenEntry): boolean {
  const open = ({ value, key }: OpenEntry) => entry.field.field.open(value.stored, rowOf(entry.field, key) as never);
  try {
    const [one, other] = [open(before), open(after)];
    return one !== null && other !== null && one.equals(other);
  } catch {
    return false;
  }
}

function stillLooking(): CasehardError {
  return new CasehardError('REFUSED', 'the database is still being looked at; nothing was written', {
    hint: 'save again in a moment',
  });
}

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  tls: ['starttls', 'tls', 'none'],
  protocol: ['imap', 'pop3'],
};

/** The part of a locator that names the row. */
function nameOf(locator: string): string {
  const at = locator.indexOf('#');
  return at < 0 ? '' : locator.slice(at + 1);
}
