import { hostname } from 'node:os';
import { CasehardError, type Keyring, printLocator } from '@casehard/core';
import { randomId } from '@casehard/core/state';
import type { Project } from '../config/load.ts';
import { readCell } from '../database/cells.ts';
import type { Database } from '../database/connect.ts';
import { clearCanaries, startJob, updateJob } from '../database/evidence.ts';
import { type Session, withSession } from '../database/session.ts';
import { keepCanary } from '../inventory/canary.ts';
import { countKids } from '../inventory/known-keys.ts';
import { rowKeyOf } from '../inventory/locator.ts';
import { type ResolvedField, resolveFields } from '../inventory/resolve.ts';
import { preflight } from './preflight.ts';
import { appear, canariesBefore, type Presence } from './presence.ts';
import { type Walked, type WalkOptions, walk } from './walk.ts';

export interface RunOptions extends Pick<WalkOptions, 'act' | 'dryRun' | 'batch' | 'rate' | 'signal'> {
  /** Fields to work on; default: all. */
  readonly only?: readonly string[];
  /** Work on tables with UPDATE triggers, rules or system versioning, although they may copy the old plaintext. */
  readonly acceptTriggers?: boolean;
  /** Seal the quarantined value at this locator as the ordinary credential that it is. */
  readonly asPlaintext?: { readonly field: string; readonly key: readonly string[] };
  /** Milliseconds between two reports to the list of processes, if not as usual: one that was killed is soon gone from it. */
  readonly heartbeat?: number;
  /** Nothing stands in the way: called before the first page, not in a dry run. What it throws ends the run. */
  readonly onBegin?: () => Promise<void>;
  readonly onProgress?: (field: string, walked: Walked) => void;
}

/** What a run did, field by field. Never an exception for a single row. */
export interface RunResult {
  readonly fields: readonly { readonly name: string; readonly walked: Walked }[];
  readonly stopped: boolean;
  readonly changed: number;
  readonly quarantined: number;
  readonly busy: number;
  readonly refused: number;
  /** Tables that were written. */
  readonly tables: readonly string[];
}

/**
 * Hardens or softens the fields of a project. Refuses before the first write where it would do harm: see `preflight`.
 * Stopped, killed or run twice, it loses nothing: every page is its own transaction, and the next run finishes.
 */
export async function run(project: Project, db: Database, options: RunOptions): Promise<RunResult> {
  const only = options.asPlaintext ? [options.asPlaintext.field] : options.only;
  const { keyring, hard } = project;
  const resolved = await resolveFields(db, hard, { keyring, ...(only ? { only } : {}) });
  const judged = await canariesBefore(db);
  await preflight(project, db, resolved, options);
  const [first] = resolved.fields;
  const asPlaintext = options.asPlaintext &&
    first && { ...options.asPlaintext, key: rowKeyOf(first, options.asPlaintext.key) };
  if (asPlaintext) await withSession(db, (session) => refuseAbsent(session, first, asPlaintext.key));
  if (!options.dryRun) await options.onBegin?.();
  const fields: { name: string; walked: Walked }[] = [];
  await withSession(db, async (session) => {
    const presence = options.dryRun ? undefined : await appear(session, keyring, { ...options, judged });
    try {
      if (!options.dryRun && options.act === 'harden') await keepCanary(session, keyring);
      const work = { ...options, ...(asPlaintext ? { asPlaintext } : {}), keyring, presence };
      for (const field of resolved.fields) {
        if (options.signal?.aborted) break;
        fields.push({ name: field.name, walked: await runField(session, field, work) });
      }
    } finally {
      await presence?.leave();
    }
    const all = options.only === undefined && fields.length === hard.names.length && !options.signal?.aborted;
    // Whoever has left is not asked for a key any more; what does not open goes on asking for its own.
    if (options.act === 'soften' && !options.dryRun && all) {
      if ((await countKids(session, resolved.fields, { exact: true })).sealed === 0) await clearCanaries(session);
    }
  });
  const sum = (of: (walked: Walked) => number): number => fields.reduce((total, { walked }) => total + of(walked), 0);
  return {
    fields,
    stopped: options.signal?.aborted === true,
    changed: sum((walked) => walked.changed),
    quarantined: sum((walked) => walked.quarantined),
    busy: sum((walked) => walked.busy),
    refused: sum((walked) => walked.refused),
    tables: [
      ...new Set(
        resolved.fields.filter((_, i) => (fields[i]?.walked.changed ?? 0) > 0).map(({ place }) => place.table),
      ),
    ],
  };
}

const NOTE_EVERY_MS = 1000;

async function runField(
  session: Session,
  field: ResolvedField,
  options: RunOptions & { readonly keyring: Keyring; readonly presence: Presence | undefined },
): Promise<Walked> {
  const walkOptions: WalkOptions = {
    act: options.act,
    keyring: options.keyring,
    ...(options.dryRun ? { dryRun: true } : {}),
    ...(options.batch ? { batch: options.batch } : {}),
    ...(options.rate ? { rate: options.rate } : {}),
    ...(options.signal ? { signal: options.signal } : {}),
    ...(options.asPlaintext ? { asPlaintext: options.asPlaintext.key } : {}),
  };
  const tell = (walked: Walked): void => options.onProgress?.(field.name, walked);
  if (options.dryRun) return walk(session, field, { ...walkOptions, onProgress: tell });

  const id = randomId();
  await startJob(session, { id, kind: options.act, field: field.name, worker: `${hostname()}:${process.pid}` });
  let noted = performance.now();
  let last: Walked | undefined;
  try {
    const walked = await walk(session, field, {
      ...walkOptions,
      onProgress: tell,
      onPage: async (soFar) => {
        last = soFar;
        await options.presence?.beat();
        if (performance.now() - noted < NOTE_EVERY_MS) return;
        noted = performance.now();
        await updateJob(session, id, progressOf(soFar, 'running'));
      },
    });
    await updateJob(session, id, progressOf(walked, walked.stopped ? 'stopped' : 'done'));
    return walked;
  } catch (error) {
    // The row is evidence only: that it cannot be written must not hide why the run failed.
    if (last) await updateJob(session, id, progressOf(last, 'failed')).catch(() => {});
    throw error;
  }
}

function progressOf(walked: Walked, state: 'running' | 'done' | 'stopped' | 'failed'): Parameters<typeof updateJob>[2] {
  return { state, rows: walked.rows, changed: walked.changed, quarantined: walked.quarantined };
}

async function refuseAbsent(session: Session, field: ResolvedField | undefined, key: readonly string[]): Promise<void> {
  if (field && (await readCell(session, field.place, key)).length > 0) return;
  throw new CasehardError('NOT_FOUND', `there is no row ${printLocator(field?.name ?? '', key)}`, {
    hint: 'copy the locator from `casehard status --deep`',
  });
}
