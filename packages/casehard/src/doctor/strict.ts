import { CasehardError, printVerdict } from '@casehard/core';
import type { Project } from '../config/load.ts';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import {
  addSealedCheck,
  dropSealedCheck,
  hasSealedCheck,
  sealedCheckName,
  sealedCheckProblem,
} from '../database/sealed-check.ts';
import { type Session, withSession } from '../database/session.ts';
import { checkKeys } from '../inventory/belonging.ts';
import { type ResolvedField, resolveFields } from '../inventory/resolve.ts';
import { scan } from '../inventory/scan.ts';
import type { Value } from '../inventory/value.ts';
import { pendingUpgrade } from '../jobs/pending.ts';

/** Whether a field may take sealed values only from now on. */
export interface Ratchet {
  readonly field: string;
  /** It does so already, says the configuration. */
  readonly strict: boolean;
  /** Sealed values, whether they open here or not. */
  readonly sealed: number;
  /** Values that are not sealed, by verdict: each would not be read any more. */
  readonly left: Readonly<Record<string, number>>;
  /** Nothing is left. */
  readonly ready: boolean;
  /** The constraint of the database: its name, and whether it is there or why it cannot be. */
  readonly check: { readonly name: string; readonly installed: boolean; readonly problem: CasehardError | undefined };
}

export interface RatchetOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (rows: number) => void;
}

/** Looks at every value of a field. Reads only. Throws UNKNOWN_FIELD, and what makes the field unusable. */
export async function readRatchet(
  project: Project,
  db: Database,
  name: string,
  options: RatchetOptions = {},
): Promise<Ratchet> {
  const field = await resolveOne(project, db, name);
  return withSession(db, (session) => look(session, field, options));
}

/**
 * Lets the database itself refuse whatever is not sealed, by a CHECK constraint of ours. Harmless where it is there.
 * Returns what it found; where `ready` is false, nothing was done. Throws REFUSED where the engine or the field has no
 * place for it, KEY_MISSING without an active key, and what `checkKeys` throws.
 */
export async function installCheck(
  project: Project,
  db: Database,
  name: string,
  options: RatchetOptions = {},
): Promise<Ratchet> {
  const field = await resolveOne(project, db, name);
  const { keyring } = project;
  const all = await resolveFields(db, project.hard, { keyring });
  const pending = await pendingUpgrade(db, [field]);
  if (!keyring.active) {
    throw new CasehardError(
      'KEY_MISSING',
      `${keyring.setting} not configured: with the constraint nothing could be saved`,
      {
        field: name,
        hint: 'configure the key that seals first; nothing was changed',
      },
    );
  }
  return withSession(db, async (session) => {
    const problem = await problemOf(session, field);
    if (problem) throw problem;
    await checkKeys(session, all.fields, { keyring, tracking: project.tracking, hasOwnTables: !pending.ownTables });
    const found = await look(session, field, options);
    if (!found.ready) return found;
    try {
      await addSealedCheck(session, field.place, { there: found.check.installed });
    } catch (error) {
      if (!(error instanceof CasehardError) || !/constraint/.test(error.message)) throw error;
      throw new CasehardError('REFUSED', `field ${name}: a value that is not sealed was saved meanwhile`, {
        field: name,
        hint: 'a process still saves in the old scheme: `casehard status` counts, then run it again; nothing was changed',
      });
    }
    return { ...found, check: { ...found.check, installed: true } };
  });
}

/** Removes that constraint. Returns false where there was none. */
export async function removeCheck(project: Project, db: Database, name: string): Promise<boolean> {
  const field = await resolveOne(project, db, name);
  if (!hasSealedCheck(field.table, field.place)) return false;
  await withSession(db, (session) => dropSealedCheck(session, field.place));
  const after = await describeTable(db, field.place.table);
  if (after && hasSealedCheck(after, field.place)) {
    throw new CasehardError('DATABASE', `field ${name}: the constraint is still there`, { field: name });
  }
  return true;
}

// --- internal ---

async function resolveOne({ hard, keyring }: Project, db: Database, name: string): Promise<ResolvedField> {
  hard.definition(name);
  const { fields, problems } = await resolveFields(db, hard, { keyring, only: [name] });
  const [field] = fields;
  if (field) return field;
  throw problems[0] ?? new CasehardError('UNKNOWN_FIELD', `there is no field ${name}`);
}

async function problemOf(session: Session, field: ResolvedField): Promise<CasehardError | undefined> {
  const { document, place } = field;
  return sealedCheckProblem(session, document ? { ...place, storage: 'json' } : place);
}

async function look(session: Session, field: ResolvedField, options: RatchetOptions): Promise<Ratchet> {
  const left: Record<string, number> = {};
  let sealed = 0;
  let rows = 0;
  await scan(session, field, {
    ...(options.signal ? { signal: options.signal } : {}),
    onRow: (value, verdict) => {
      if (verdict.kind === 'empty') return;
      if (isMarked(value)) sealed++;
      else left[printVerdict(verdict)] = (left[printVerdict(verdict)] ?? 0) + 1;
    },
    onPage: (count) => {
      rows += count;
      options.onProgress?.(rows);
    },
  });
  return {
    field: field.name,
    strict: field.field.strict,
    sealed,
    left,
    ready: Object.keys(left).length === 0,
    check: {
      name: sealedCheckName(field.place),
      installed: hasSealedCheck(field.table, field.place),
      problem: await problemOf(session, field),
    },
  };
}

/** What the constraint of the database asks: the first five bytes, whether the value opens or not. */
function isMarked({ stored, problem }: Value): boolean {
  if (problem !== undefined || stored === null || stored === undefined) return false;
  const head = typeof stored === 'string' ? stored.slice(0, 5) : Buffer.from(stored.subarray(0, 5)).toString('latin1');
  return head === 'chd1.';
}
