import { hostname } from 'node:os';
import { CasehardError, HEARTBEAT_MS, type Keyring } from '@casehard/core';
import { randomId, VERSION } from '@casehard/core/state';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { readCanaries } from '../database/evidence.ts';
import { reportProcess, strikeProcess } from '../database/processes.ts';
import type { Session } from '../database/session.ts';
import { refuseStrangeCanaries } from '../inventory/belonging.ts';

/** A run that is listed as a process, as long as it lasts. */
export interface Presence {
  /** Call it after each page; reports when a heartbeat is nearly over. */
  beat(): Promise<void>;
  leave(): Promise<void>;
}

/**
 * Lists a run among the processes, so that no rotation goes on and no key is withdrawn while it seals, and looks at the
 * canaries once more: a withdrawal takes the one of its key away, then looks at the processes, so that one of the two sees
 * the other. The keys were checked before: a run that is refused writes nothing. Through its own session: SQLite has no
 * other connection. It is struck out when it has committed its last page, so that nothing has to settle after it. Throws
 * what `refuseStrangeCanaries` throws.
 */
export async function appear(
  session: Session,
  keyring: Keyring,
  options: {
    readonly act: string;
    readonly heartbeat?: number | undefined;
    /** What `canariesBefore` gave before the keys were checked. */
    readonly judged: ReadonlySet<string> | undefined;
  },
): Promise<Presence> {
  const { act, heartbeat = HEARTBEAT_MS, judged } = options;
  const id = randomId();
  let last = Number.NEGATIVE_INFINITY;
  let tried = last;
  const report = (): Promise<void> => {
    tried = performance.now();
    return tolerated(async () => {
      await reportProcess(session, {
        id,
        version: VERSION,
        host: `${hostname()}:${process.pid} ${act}`,
        activeKid: keyring.active?.kid,
        kids: keyring.list().flatMap(({ kid, state }) => (state === 'withdrawn' ? [] : [kid])),
        trackingKid: undefined,
        trackingKids: [],
        heartbeat,
        sealed: [],
        opened: [],
      });
      last = performance.now();
    });
  };
  const leave = (): Promise<void> => tolerated(() => strikeProcess(session, id));
  await report();
  try {
    if (judged) await refuseStrangeCanaries(session, keyring, judged);
  } catch (error) {
    await leave();
    throw error;
  }
  return {
    beat: async () => {
      const now = performance.now();
      if (now - last > heartbeat / 2 && now - tried > Math.min(AGAIN_MS, heartbeat / 2)) await report();
    },
    leave,
  };
}

/** The key ids of the canaries as they stand; undefined: the upgrade has not made the table yet. */
export async function canariesBefore(db: Database): Promise<ReadonlySet<string> | undefined> {
  if (!(await describeTable(db, 'casehard_keys'))) return undefined;
  return new Set((await readCanaries(db)).map(({ kid }) => kid));
}

// --- internal ---

/** After a report that failed: not at every page. */
const AGAIN_MS = 1000;

/** Where it cannot be listed, the run itself is not to fail: values come first. */
async function tolerated(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof CasehardError)) throw error;
  }
}
