import { CasehardError, type KeyKind } from '@casehard/core';
import { describeTable } from '../database/catalogue.ts';
import { readClock } from '../database/clock.ts';
import type { Database } from '../database/connect.ts';
import { readCanaries, readTrackingCanaries } from '../database/evidence.ts';
import { readUses } from '../database/key-uses.ts';
import { withSession } from '../database/session.ts';
import { openTransactions } from '../database/transactions.ts';
import { checkKeys } from '../inventory/belonging.ts';
import { countKidsByField, type KidsOfField } from '../inventory/known-keys.ts';
import { resolveFields } from '../inventory/resolve.ts';
import { refuseSoften } from '../jobs/preflight.ts';
import { heardProcesses, type KeysProject, keysOf, kindOfKid, liveWithin, settleAfter, type Timing } from './live.ts';
import type { RotationFacts } from './rotation.ts';

export interface ReadRotationOptions extends Timing {
  /** Default: the sealing key. */
  readonly kind?: KeyKind;
  /** Default: rotate. */
  readonly road?: RotationFacts['road'];
  /** A person asks for a new key; default: no. */
  readonly begin?: boolean;
  /** Values that were counted a moment ago, for a wait that only looks at processes. */
  readonly fields?: readonly KidsOfField[];
  readonly signal?: AbortSignal;
}

/** The facts of a rotation, with the values by field that they were summed from. */
export interface ReadRotation extends RotationFacts {
  readonly fields: readonly KidsOfField[];
}

const DAY_MS = 86_400_000;
const QUIET_DAYS = 7;

/**
 * Reads where a rotation stands. Reads only. Throws UPGRADE_PENDING where processes cannot be listed yet, what `checkKeys`
 * throws where the keys do not belong to this database, and on the road out what a soften would be refused for.
 */
export async function readRotation(
  project: KeysProject,
  db: Database,
  options: ReadRotationOptions = {},
): Promise<ReadRotation> {
  const { kind = 'enc', road = 'rotate', begin = false } = options;
  const { keyring, tracking } = project;
  await requireOwnTables(db);
  const { oldest, visible } = await openTransactions(db);
  const heard = await heardProcesses(db, kind, options);
  // A tracking key that makes links holds up no sealing key, nor the other way round.
  const uses = (await readUses(db)).filter(({ kid }) => kindOfKid(kid) === kind);
  const now = await readClock(db);
  const canaries = await (kind === 'enc' ? readCanaries(db) : readTrackingCanaries(db));
  const withdrawn = [...keysOf(project, 'enc'), ...keysOf(project, 'trk')].filter(({ state }) => state === 'withdrawn');
  // Last: what a transaction has committed until now is counted.
  if (road === 'leave') await refuseLeaving(project, db);
  const fields = kind === 'trk' ? [] : (options.fields ?? (await countValues(project, db, options.signal)));
  const values = new Map<string, number>();
  for (const { kids } of fields) for (const [kid, rows] of kids) values.set(kid, (values.get(kid) ?? 0) + rows);
  return {
    kind,
    road,
    begin,
    setting: kind === 'enc' ? keyring.setting : (tracking?.setting ?? 'CASEHARD_TRACKING_KEY'),
    keys: keysOf(project, kind),
    withdrawn: withdrawn.map(({ kid }) => kid),
    heard,
    within: liveWithin(options),
    settle: settleAfter(options),
    sealed: new Map(uses.flatMap(({ kid, sealedAt }) => (sealedAt === undefined ? [] : [[kid, now - sealedAt]]))),
    opened: new Map(uses.flatMap(({ kid, quiet }) => (quiet === undefined ? [] : [[kid, quiet]]))),
    oldestTransaction: oldest,
    transactionsVisible: visible,
    fields,
    values,
    sealedLooking: fields.reduce((sum, { sealed }) => sum + sealed, 0),
    canaries: canaries.map(({ kid }) => kid),
    quiet: quietMs(project),
  };
}

// --- internal ---

/** Throws UPGRADE_PENDING where the table of processes is missing: nobody could be waited for. */
async function requireOwnTables(db: Database): Promise<void> {
  if (await describeTable(db, 'casehard_processes')) return;
  throw new CasehardError('UPGRADE_PENDING', 'the table casehard_processes is missing: no process can be waited for', {
    hint: 'run `casehard upgrade` first, then let the application attach',
  });
}

/** Said before the first step: halfway, nobody could save any more. */
async function refuseLeaving(project: KeysProject, db: Database): Promise<void> {
  const { fields } = await resolveFields(db, project.hard, { keyring: project.keyring });
  for (const field of fields) refuseSoften(field);
}

/** So many milliseconds a key has to be quiet before it is withdrawn. */
function quietMs({ config }: KeysProject): number {
  return (config.keys?.quietDays ?? QUIET_DAYS) * DAY_MS;
}

async function countValues(
  project: KeysProject,
  db: Database,
  signal: AbortSignal | undefined,
): Promise<readonly KidsOfField[]> {
  const { keyring, tracking } = project;
  const resolved = await resolveFields(db, project.hard, { keyring });
  // A field that cannot be found would be a field that is forgotten.
  const [problem] = resolved.problems;
  if (problem) throw problem;
  return withSession(db, async (session) => {
    await checkKeys(session, resolved.fields, { keyring, tracking, hasOwnTables: true });
    return countKidsByField(session, resolved.fields, { exact: true, ...(signal ? { signal } : {}) });
  });
}
