import { type Casehard, CasehardError, createCasehard, type Driver, type Fields } from '@casehard/core';
import { createLinks, createTrackingKeyring, type Links, type TrackingKeyring } from '@casehard/core/links';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { type Canary, type KeptCanary, readCanaries, readTrackingCanaries, writeCanary } from '../database/evidence.ts';
import { reportProcess, strikeProcess } from '../database/processes.ts';
import { withSession } from '../database/session.ts';
import { countKids, keyProblems } from './known-keys.ts';
import { resolveFields } from './resolve.ts';

/**
 * What `hard.attach` of @casehard/core asks of a database. As long as the upgrade has not made our tables, there is
 * nothing to check and nowhere to be listed.
 *
 * @example
 * await hard.attach(createDriver(openDatabase(url, { folder: '.' }), config.fields));
 */
export function createDriver(db: Database, fields: Fields): Driver {
  return {
    async holdsSealedValues() {
      const hard: Casehard<Fields> = createCasehard({ fields, warn: () => {} });
      const resolved = await resolveFields(db, hard, { keyring: hard.keyring });
      if (resolved.problems[0]) throw resolved.problems[0];
      return withSession(db, async (session) => (await countKids(session, resolved.fields)).sealed > 0);
    },
    async checkKeys(keyring, tracking) {
      if (!(await describeTable(db, 'casehard_keys'))) return [];
      const problems = [...keyProblems(await readCanaries(db), keyring, tracking)];
      if (tracking) {
        problems.push(...trackingProblems(await readTrackingCanaries(db), tracking));
        await keepTrackingCanary(db, tracking);
      }
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
