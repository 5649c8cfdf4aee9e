import { HEARTBEAT_MS, type KeyKind, type Keyring } from '@casehard/core';
import type { TrackingKeyring } from '@casehard/core/links';
import type { Project } from '../config/load.ts';
import type { Database } from '../database/connect.ts';
import { type ListedProcess, listProcesses } from '../database/processes.ts';

/** A configuration with the keys of this process, as far as work on keys needs it. */
export type KeysProject = Pick<Project, 'config' | 'keyring' | 'hard' | 'tracking'>;

/** A process that is alive, with its keys of one kind. */
export interface LiveProcess {
  readonly id: string;
  readonly version: string;
  readonly host: string;
  readonly activeKid: string | undefined;
  /** Key ids that it can open, the active one too. */
  readonly kids: readonly string[];
}

/** A process that has been heard of, with the milliseconds since then. */
export interface HeardProcess extends LiveProcess {
  readonly silent: number;
}

/** How often the application's processes report, where that is not the default of `attach`. */
export interface Timing {
  /** Milliseconds between two reports; default 30 000. */
  readonly heartbeat?: number;
}

/** A process that has been silent for longer is gone: two heartbeats and a bit. */
export function liveWithin({ heartbeat = HEARTBEAT_MS }: Timing): number {
  return 2.5 * heartbeat;
}

/** So long no process may have had an old key active before a rotation goes on: two heartbeats. */
export function settleAfter({ heartbeat = HEARTBEAT_MS }: Timing): number {
  return 2 * heartbeat;
}

/** Every process that is still listed, with its keys of one kind; those that are gone too. */
export async function heardProcesses(
  db: Database,
  kind: KeyKind,
  { heartbeat = HEARTBEAT_MS }: Timing = {},
): Promise<readonly HeardProcess[]> {
  const listed = await listProcesses(db, Number.POSITIVE_INFINITY, heartbeat);
  return listed.map((process) => ofKind(process, kind));
}

/** The keys of one kind that this process is configured with. */
export function keysOf(
  { keyring, tracking }: { readonly keyring: Keyring; readonly tracking?: TrackingKeyring },
  kind: KeyKind,
): readonly { readonly kid: string; readonly state: ReturnType<Keyring['list']>[number]['state'] }[] {
  if (kind === 'enc') return keyring.list();
  return (tracking?.list() ?? []).map(({ tkid, state }) => ({ kid: tkid, state }));
}

/** Which kind of key an id belongs to: a sealing key has 8 characters, a tracking key 4. */
export function kindOfKid(kid: string): KeyKind | undefined {
  if (/^[a-z2-7]{8}$/.test(kid)) return 'enc';
  return /^[0-9a-f]{4}$/.test(kid) ? 'trk' : undefined;
}

// --- internal ---

function ofKind(process: ListedProcess, kind: KeyKind): HeardProcess {
  const { id, version, host, silent } = process;
  return kind === 'enc'
    ? { id, version, host, silent, activeKid: process.activeKid, kids: process.kids }
    : { id, version, host, silent, activeKid: process.trackingKid, kids: process.trackingKids };
}
