import type { KeyKind, KeyState } from '@casehard/core';
import type { StateKey } from '@casehard/core/state';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { type Drill, readDrills } from '../database/drills.ts';
import { type KeptCanary, readCanaries, readTrackingCanaries } from '../database/evidence.ts';
import { type KeyUse, readUses } from '../database/key-uses.ts';
import { listProcesses } from '../database/processes.ts';
import { withSession } from '../database/session.ts';
import { countKidsByField, type KidsOfField } from '../inventory/known-keys.ts';
import { resolveFields } from '../inventory/resolve.ts';
import { type KeysProject, keysOf, liveWithin, type Timing } from './live.ts';

/** A key, as configuration, processes and database know it. Never key text. */
export interface ListedKey {
  readonly kid: string;
  readonly kind: KeyKind;
  /** In this process's configuration; undefined: only others, or the database, know it. */
  readonly state: KeyState | undefined;
  /** Live processes that have it active, and that can open what is under it. */
  readonly active: number;
  readonly able: number;
  /** When its canary was made, as UTC. */
  readonly firstUse: string | undefined;
  /** Milliseconds since 1970 by the database's clock, as attached processes reported it. */
  readonly sealedAt: number | undefined;
  readonly openedAt: number | undefined;
  /** Values under it, for each field that has any; none for tracking keys. */
  readonly fields: readonly { readonly field: string; readonly values: number }[];
  readonly values: number;
  /** The last drill that proved a backup of it; undefined: none, or no state key was handed in. */
  readonly proven: Drill | undefined;
}

export interface ListKeysOptions extends Timing {
  /** Believes the records of drills. */
  readonly stateKey?: StateKey;
  /** Values that were counted before; default: they are counted, which reads every document. */
  readonly fields?: readonly KidsOfField[];
  readonly signal?: AbortSignal;
}

export interface KeyList {
  readonly keys: readonly ListedKey[];
  /** Live processes in all. */
  readonly processes: number;
}

/** Every key that is configured here, active elsewhere, or known to the database. Reads only. */
export async function listKeys(project: KeysProject, db: Database, options: ListKeysOptions = {}): Promise<KeyList> {
  const own = await readOwn(db, options);
  const fields = options.fields ?? (await countValues(project, db, options.signal));
  const all = { ...own, fields };
  return {
    keys: (['enc', 'trk'] as const).flatMap((kind) => listKind(project, kind, all)),
    processes: own.processes.length,
  };
}

// --- internal ---

async function countValues(
  project: KeysProject,
  db: Database,
  signal: AbortSignal | undefined,
): Promise<readonly KidsOfField[]> {
  const resolved = await resolveFields(db, project.hard, { keyring: project.keyring });
  const [problem] = resolved.problems;
  if (problem) throw problem;
  return withSession(db, (session) =>
    countKidsByField(session, resolved.fields, { exact: true, ...(signal ? { signal } : {}) }),
  );
}

interface Own {
  readonly processes: Awaited<ReturnType<typeof listProcesses>>;
  readonly uses: readonly KeyUse[];
  readonly canaries: Readonly<Record<KeyKind, readonly KeptCanary[]>>;
  readonly drills: readonly Drill[];
}

/** What our own tables say; those that the upgrade has not made yet say nothing. */
async function readOwn(db: Database, options: ListKeysOptions): Promise<Own> {
  const has = async (table: string): Promise<boolean> => (await describeTable(db, table)) !== undefined;
  const { stateKey } = options;
  const keys = await has('casehard_keys');
  return {
    processes: (await has('casehard_processes')) ? await listProcesses(db, liveWithin(options), options.heartbeat) : [],
    uses: (await has('casehard_key_uses')) ? await readUses(db) : [],
    canaries: { enc: keys ? await readCanaries(db) : [], trk: keys ? await readTrackingCanaries(db) : [] },
    drills:
      stateKey && (await has('casehard_drills'))
        ? await readDrills(db, (tag, pieces) => stateKey.holds(tag, 'casehard_drills', pieces))
        : [],
  };
}

function listKind(
  project: KeysProject,
  kind: KeyKind,
  { processes, uses, canaries, drills, fields }: Own & { readonly fields: readonly KidsOfField[] },
): readonly ListedKey[] {
  const configured = keysOf(project, kind);
  const length = kind === 'enc' ? 8 : 4;
  const kids = new Set([
    ...configured.map(({ kid }) => kid),
    ...canaries[kind].map(({ kid }) => kid),
    ...processes.flatMap((process) => (kind === 'enc' ? process.kids : process.trackingKids)),
    ...(kind === 'enc' ? fields.flatMap((field) => [...field.kids.keys()]) : []),
    ...uses.map(({ kid }) => kid).filter((kid) => kid.length === length),
  ]);
  return [...kids].map((kid) => {
    const use = uses.find((each) => each.kid === kid);
    const held = fields.flatMap(({ name, kids: rows }) => {
      const values = rows.get(kid) ?? 0;
      return values > 0 ? [{ field: name, values }] : [];
    });
    return {
      kid,
      kind,
      state: configured.find((key) => key.kid === kid)?.state,
      active: processes.filter((each) => (kind === 'enc' ? each.activeKid : each.trackingKid) === kid).length,
      able: processes.filter((each) => (kind === 'enc' ? each.kids : each.trackingKids).includes(kid)).length,
      firstUse: canaries[kind].find((canary) => canary.kid === kid)?.createdAt,
      sealedAt: use?.sealedAt,
      openedAt: use?.openedAt,
      fields: held,
      values: held.reduce((sum, { values }) => sum + values, 0),
      proven: drills.find((drill) => drill.kid === kid && drill.proven),
    };
  });
}
