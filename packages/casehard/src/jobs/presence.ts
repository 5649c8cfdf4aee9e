import { hostname } from 'node:os';
import { CasehardError, HEARTBEAT_MS, type Keyring } from '@casehard/core';
import { randomId, VERSION } from '@casehard/core/state';
import { reportProcess, strikeProcess } from '../database/processes.ts';

type Executor = Parameters<typeof reportProcess>[0];

/** A run that is listed as a process, as long as it lasts. */
export interface Presence {
  /** Call it after each page; reports when a heartbeat is nearly over. Takes the connection that the work has: SQLite has no other. */
  beat(on: Executor): Promise<void>;
  leave(on: Executor): Promise<void>;
}

/**
 * Lists a run among the processes, so that no rotation goes on and no key is withdrawn while it seals. Call it before the
 * keys are checked: a withdrawal takes the canary away, then looks at the processes, so that one of the two sees the other.
 * It is struck out when it has committed its last page, so that nothing has to settle after it.
 */
export async function appear(
  db: Executor,
  keyring: Keyring,
  { act, heartbeat = HEARTBEAT_MS }: { readonly act: string; readonly heartbeat?: number | undefined },
): Promise<Presence> {
  const id = randomId();
  let last = 0;
  const report = (on: Executor): Promise<void> => {
    last = performance.now();
    return tolerated(() =>
      reportProcess(on, {
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
  await report(db);
  return {
    beat: async (on) => {
      if (performance.now() - last > heartbeat / 2) await report(on);
    },
    leave: (on) => tolerated(() => strikeProcess(on, id)),
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
