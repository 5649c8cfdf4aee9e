import { type Casehard, CasehardError, createCasehard, type Driver, type Fields } from '@casehard/core';
import { createLinks, type Links, type TrackingKeyring } from '@casehard/core/links';
import { receiveTrackingKeyring } from '@casehard/core/state';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { type Canary, type KeptCanary, readCanaries, readTrackingCanaries, writeCanary } from '../database/evidence.ts';
import { exclusively } from '../database/exclusive.ts';
import { reportProcess, strikeProcess } from '../database/processes.ts';
import { withSession } from '../database/session.ts';
import { judgeKeys, type Keys, STRANGE } from './belonging.ts';
import { keepCanary } from './canary.ts';
import { countKids } from './known-keys.ts';
import { type Resolved, resolveFields } from './resolve.ts';

/**
 * What `hard.attach` of @casehard/core asks of a database. Keys that belong leave a canary, so that strange ones are
 * noticed. As long as the upgrade has not made our tables, the values are asked instead, and there is nowhere to be listed.
 *
 * @example
 * await hard.attach(createDriver(openDatabase(url, { folder: '.' }), config.fields));
 */
export function createDriver(db: Database, fields: Fields): Driver {
  return {
    async holdsSealedValues() {
      const resolved = await resolveAll(db, fields);
      // The application may make its tables only after this: what is not there holds nothing.
      const problem = resolved.problems.find(({ code }) => code !== 'NOT_FOUND');
      if (problem) throw problem;
      return withSession(db, async (session) => {
        for (const field of resolved.fields) if ((await countKids(session, [field])).sealed > 0) return true;
        return false;
      });
    },
    async checkKeys(keyring, tracking) {
      const keys = { keyring, tracking };
      if (!(await describeTable(db, 'casehard_keys'))) return [...(await judge(db, fields, keys, [])).problems];
      const problems = await settleCanary(db, fields, keys);
      if (!tracking) return problems;
      const found = trackingProblems(await readTrackingCanaries(db), tracking);
      // A process that only makes links has no sealing key to be judged by.
      const belongs = keyring.list().length === 0 || !problems.some(({ code }) => STRANGE.has(code));
      if (belongs && found.length === 0) await tolerated(() => keepTrackingCanary(db, tracking));
      return [...problems, ...found];
    },
    async report(report) {
      if (await describeTable(db, 'casehard_processes')) await reportProcess(db, report);
    },
    async leave(id) {
      if (await describeTable(db, 'casehard_processes')) await strikeProcess(db, id);
    },
  };
}

/** What the canaries of tracking keys say: links that were sent under a key that is gone no longer work. */
export function trackingProblems(canaries: readonly KeptCanary[], tracking: TrackingKeyring): readonly CasehardError[] {
  // One that names a key of ours and does not verify was altered: that says nothing of the key.
  const lost = canaries.filter(({ kid }) => !tracking.isWithdrawn(kid) && tracking.find(kid) === undefined);
  if (lost.length === 0) return [];
  return [
    new CasehardError(
      'PREVIOUS_KEY_MISSING',
      `links were sent under tracking key ${lost.map(({ kid }) => kid).join(', ')}, which is not configured`,
      {
        hint: 'list it in CASEHARD_PREVIOUS_TRACKING_KEYS: unsubscribe links must go on working; if it has leaked, list its id in CASEHARD_WITHDRAWN_KIDS',
      },
    ),
  ];
}

/** Whether a canary verifies under the tracking key that it names. */
export function opensTrackingCanary(tracking: TrackingKeyring, { canary }: Canary): boolean {
  return canaryLinks(tracking).verify('confirm', canary).kind === 'valid';
}

/** Keeps a canary of the active tracking key. */
export async function keepTrackingCanary(db: Database, tracking: TrackingKeyring): Promise<void> {
  const { active } = tracking;
  if (active) await writeCanary(db, { kid: active.tkid, canary: canaryLinks(tracking).mint('confirm', {}) });
}

// --- internal ---

function resolveAll(db: Database, fields: Fields): Promise<Resolved> {
  const hard: Casehard<Fields> = createCasehard({ fields, warn: () => {} });
  return resolveFields(db, hard, { keyring: hard.keyring });
}

interface Judged {
  readonly problems: readonly CasehardError[];
  /** Nothing kept us from seeing what there is. */
  readonly whole: boolean;
}

/** What cannot be counted is said, and keeps the application from nothing: it may make its tables only after this. */
async function judge(db: Database, fields: Fields, keys: Keys, canaries: readonly KeptCanary[]): Promise<Judged> {
  const unseen: CasehardError[] = [];
  const count = async (): Promise<ReadonlyMap<string, number>> => {
    const resolved = await resolveAll(db, fields);
    unseen.push(...resolved.problems);
    try {
      return (await withSession(db, (session) => countKids(session, resolved.fields))).kids;
    } catch (error) {
      if (!(error instanceof CasehardError)) throw error;
      unseen.push(error);
      return new Map();
    }
  };
  const problems = await judgeKeys(canaries, keys, count);
  return { problems: [...problems, ...unseen], whole: unseen.length === 0 };
}

/** Judges the keys, and keeps a canary of the active one where it belongs: alone, so that two strange keys cannot both be first. */
async function settleCanary(db: Database, fields: Fields, keys: Keys): Promise<readonly CasehardError[]> {
  const { active } = keys.keyring;
  for (let tries = 0; ; tries++) {
    const canaries = await readCanaries(db);
    const { problems, whole } = await judge(db, fields, keys, canaries);
    const kept = !active || canaries.some(({ kid }) => kid === active.kid);
    if (kept || !whole || problems.some(({ code }) => STRANGE.has(code)) || tries === TRIES) return problems;
    const before = new Set(canaries.map(({ kid }) => kid));
    const written = await tolerated(() =>
      exclusively(db, async (alone) => {
        if ((await readCanaries(alone)).some(({ kid }) => !before.has(kid))) return false;
        await keepCanary(alone, keys.keyring);
        return true;
      }),
    );
    if (written === undefined || (typeof written === 'object' && written.done)) return problems;
    await new Promise((done) => setTimeout(done, PAUSE_MS)); // somebody else was first, or is at it: look again
  }
}

const TRIES = 10;
const PAUSE_MS = 200;

/** A user who may not write there, or a replica, must not keep the application from starting. */
async function tolerated<T>(write: () => Promise<T>): Promise<T | undefined> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof CasehardError)) throw error;
    return undefined;
  }
}

/** A canary of a tracking key is a token that says nothing, for nobody: its audience is no deployment's. */
function canaryLinks(keyring: TrackingKeyring): Links {
  return createLinks({
    keyring: receiveTrackingKeyring(keyring.share()), // a look at a canary is no use of its key
    baseUrl: 'https://canary.invalid',
    purposes: {},
    lifetimes: { confirm: 'never' },
    audience: 'casehard.canary',
    warn: () => {},
  });
}
