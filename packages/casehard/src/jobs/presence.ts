import { hostname } from 'node:os';
import { CasehardError, HEARTBEAT_MS, type Keyring } from '@casehard/core';
import { randomId, VERSION } from '@casehard/core/state';
import { reportProcess, strikeProcess } from '../database/processes.ts';
import type { Session } from '../database/session.ts';

/** A run that is listed as a process, as long as it lasts. */
export interface Presence {
  /** Call it after each page; reports when a heartbeat is nearly over. */
  beat(): Promise<void>;
  leave(): Promise<void>;
}

/**
 * Lists a run among the processes, so that no rotation goes on and no key is withdrawn while it seals. Through its own
 * connection: SQLite has no other. It is struck out when it has committed its last page, so that nothing has to settle after it.
 */
export async function appear(
  session: Session,
  keyring: Keyring,
  { act, heartbeat = HEARTBEAT_MS }: { readonly act: string; readonly heartbeat?: number | undefined },
): Promise<Presence> {
  const id = randomId();
  let last = 0;
  const report = (): Promise<void> => {
    last = performance.now();
    return tolerated(() =>
      reportProcess(session, {
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
      }),
    );
  };
  await report();
  return {
    beat: async () => {
      if (performance.now() - last > heartbeat / 2) await report();
    },
    leave: () => tolerated(() => strikeProcess(session, id)),
  };
}

// --- internal ---

/** Where it cannot be listed, the run itself is not to fail: values come first. */
async function tolerated(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof CasehardError)) throw error;
  }
}
