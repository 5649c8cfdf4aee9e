import { type Casehard, CasehardError, createCasehard, type Driver, type Fields, type Keyring } from '@casehard/core';
import { createLinks, createTrackingKeyring, type Links, type TrackingKeyring } from '@casehard/core/links';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { type Canary, type KeptCanary, readCanaries, readTrackingCanaries, writeCanary } from '../database/evidence.ts';
import { reportProcess, strikeProcess } from '../database/processes.ts';
import { withSession } from '../database/session.ts';
import { countKids, type KnownKeys, keepCanary, keyProblems, valueProblem } from './known-keys.ts';
import { resolveFields } from './resolve.ts';

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
      return (await countAll(db, fields)).sealed > 0;
    },
    async checkKeys(keyring, tracking) {
      const isUpgraded = (await describeTable(db, 'casehard_keys')) !== undefined;
      const canaries = isUpgraded ? await readCanaries(db) : [];
      const problems = [...keyProblems(canaries, keyring, tracking)];
      if (canaries.length === 0 && keyring.active) {
        // Saves alone have hardened here, or nothing has. Asked once: the canary that is left now answers from then on.
        const problem = valueProblem([...(await countAll(db, fields)).kids.keys()], keyring, tracking);
        if (problem) problems.push(problem);
      }
      if (!isUpgraded) return problems;
      const belongs = !problems.some(({ code }) => STRANGE.has(code));
      if (tracking) problems.push(...trackingProblems(await readTrackingCanaries(db), tracking));
      if (belongs) await keepCanaries(db, keyring, tracking);
      return problems;
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
  const links = canaryLinks(tracking);
  const lost = canaries.filter(
    ({ kid, canary }) => !tracking.isWithdrawn(kid) && links.verify('confirm', canary).kind !== 'valid',
  );
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

/** With these, the process is not one of this database's, and leaves no mark in it. */
const STRANGE: ReadonlySet<string> = new Set(['KEY_MISSING', 'KEY_NOT_KNOWN_HERE', 'KEY_IN_WRONG_SETTING']);

async function countAll(db: Database, fields: Fields): Promise<KnownKeys> {
  const hard: Casehard<Fields> = createCasehard({ fields, warn: () => {} });
  const resolved = await resolveFields(db, hard, { keyring: hard.keyring });
  if (resolved.problems[0]) throw resolved.problems[0];
  return withSession(db, (session) => countKids(session, resolved.fields));
}

/** A user who may not write there, or a replica, must not keep the application from starting. */
async function keepCanaries(db: Database, keyring: Keyring, tracking: TrackingKeyring | undefined): Promise<void> {
  try {
    await keepCanary(db, keyring);
    if (tracking) await keepTrackingCanary(db, tracking);
  } catch (error) {
    if (!(error instanceof CasehardError)) throw error;
  }
}

/** A canary of a tracking key is a token that says nothing, for nobody: its audience is no deployment's. */
function canaryLinks(keyring: TrackingKeyring = createTrackingKeyring()): Links {
  return createLinks({
    keyring,
    baseUrl: 'https://canary.invalid',
    purposes: {},
    lifetimes: { confirm: 'never' },
    audience: 'casehard.canary',
    warn: () => {},
  });
}
