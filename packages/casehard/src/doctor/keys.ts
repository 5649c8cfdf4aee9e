import type { CasehardError } from '@casehard/core';
import type { Drill } from '../database/drills.ts';
import type { KeptCanary } from '../database/evidence.ts';
import { judgeCounted, STRANGE, soundCanaries } from '../inventory/belonging.ts';
import { keysToProve } from '../keys/backups.ts';
import { type Facts, sealedValues, valuesByKey, valuesUnder } from './facts.ts';
import { count, type Finding, settle, type Trouble } from './finding.ts';

/** Whether the keys belong to this database, which of them are still needed, and whether the active one has a backup. */
export function checkKeysOf(facts: Facts): readonly Finding[] {
  if (facts.keysProblem || !facts.kids) return [];
  return [...belong(facts), ...canariesWhole(facts), ...previousNeeded(facts), ...backup(facts)];
}

/**
 * One plain sentence where nothing sealed can be opened: it looks like three faults at once (mail is not sent, bounces are
 * not fetched, sign-ins with OAuth fail) and is one.
 */
export function nameTheClassic(facts: Facts): string | undefined {
  const { keysProblem } = facts;
  const sealed = sealedValues(facts);
  const stops = 'that is why SMTP, bounces and OAuth all fail at once, and nothing else is wrong with them';
  if (keysProblem) {
    return `The keys of this configuration cannot be read, so no stored credential opens: ${stops}.`;
  }
  const [wrong] = fatalProblems(facts);
  if (!wrong && (sealed === 0 || opened(facts) > 0)) return undefined;
  if (wrong?.code === 'KEY_MISSING') {
    return `The key of this database is not configured, so no sealed credential opens: ${stops}.`;
  }
  if (wrong?.code === 'KEY_IN_WRONG_SETTING') {
    return `The keys were pasted into each other's setting, so no sealed credential opens: ${stops}.`;
  }
  if (!wrong) return `Every sealed credential is under a key that this configuration does not open: ${stops}.`;
  return `The configured keys do not belong to this database, so no sealed credential opens: ${stops}.`;
}

/** Whether the keys are so wrong that every sealed value looks broken. */
export function areKeysWrong(facts: Facts): boolean {
  return facts.keysProblem !== undefined || fatalProblems(facts).length > 0;
}

// --- internal ---

const DAY_MS = 86_400_000;
/** The default of `keys.quietDays`. */
const QUIET_DAYS = 7;

const CAUSES: Readonly<Record<string, string>> = {
  KEY_MISSING: 'the setting was lost: a new server, a new container, a file of settings that was not taken along',
  KEY_NOT_KNOWN_HERE:
    'a wrong paste, the key of another environment, or a database restored from another one or from before the key',
  KEY_IN_WRONG_SETTING: 'the sealing key and the tracking key were exchanged',
};

/** Values under keys that this process can open. */
function opened(facts: Facts): number {
  const usable = facts.project.keyring.list().filter(({ state }) => state !== 'withdrawn');
  return usable.reduce((sum, { kid }) => sum + valuesUnder(facts, kid), 0);
}

/** Canaries that name a key which is configured, and do not open under it. */
function altered({ project: { keyring }, canaries = [] }: Facts): readonly KeptCanary[] {
  const sound = soundCanaries(canaries, keyring);
  return canaries.filter((canary) => !sound.includes(canary));
}

function fatalProblems(facts: Facts): readonly CasehardError[] {
  const { project, tracking, canaries = [], keysProblem } = facts;
  if (keysProblem) return [];
  const { keyring } = project;
  return judgeCounted(canaries, { keyring, tracking }, valuesByKey(facts)).filter(({ code }) => STRANGE.has(code));
}

function belong(facts: Facts): readonly Finding[] {
  const { project, canaries = [] } = facts;
  const { keyring } = project;
  const sealed = sealedValues(facts);
  const troubles: Trouble[] = fatalProblems(facts).map(({ code, message, hint }) => ({
    code,
    verdict: 'failed',
    evidence: `${message}; ${count(sealed, 'sealed value')} here`,
    cause: CAUSES[code] ?? '',
    fix: hint ?? '',
  }));
  if (troubles.length === 0) {
    for (const { kid, createdAt } of canaries) {
      if (keyring.stateOf(kid) !== undefined) continue;
      const values = valuesUnder(facts, kid);
      troubles.push(values > 0 ? previousMissing(kid, values, createdAt) : noLongerNeeded(kid));
    }
    troubles.push(...underNobodysKey(facts));
  }
  for (const { kid, state } of keyring.list()) {
    const values = state === 'withdrawn' ? valuesUnder(facts, kid) : 0;
    if (values > 0) troubles.push(withdrawn(kid, values));
  }
  return settle('keys', troubles, {
    code: 'KEYS_BELONG_HERE',
    evidence:
      sealed === 0
        ? 'nothing is sealed here yet'
        : `${count(opened(facts), 'value')} of ${sealed} under keys that are configured`,
  });
}

/**
 * Sealed under keys that neither this configuration nor a canary knows. Where every value of a field was opened, the values
 * themselves say so, with their locators.
 */
function underNobodysKey({ project: { keyring }, canaries = [], kids = [], looks = [] }: Facts): readonly Trouble[] {
  const unopened = kids.filter(({ name }) => !looks.some((look) => look.name === name && look.done));
  return unopened.flatMap(({ name, kids: counted }) =>
    [...counted].flatMap(([kid, values]): Trouble[] => {
      if (values === 0 || keyring.stateOf(kid) !== undefined || canaries.some((canary) => canary.kid === kid))
        return [];
      return [
        {
          code: 'VALUES_UNKNOWN_KEY',
          verdict: 'failed',
          evidence: `${count(values, 'value is', 'values are')} under key ${kid} in ${name}, which is not configured and has no canary here`,
          cause: 'sealed under a key that is not configured: of another environment, or lost',
          fix: '`casehard doctor` names each where it opens all values; give the key back, or set the values anew',
          field: name,
          key: kid,
        },
      ];
    }),
  );
}

function previousMissing(kid: string, values: number, createdAt: string): Trouble {
  return {
    code: 'PREVIOUS_KEY_MISSING',
    verdict: 'failed',
    evidence: `${count(values, 'value is', 'values are')} under key ${kid}, which hardened here on ${createdAt.slice(0, 10)} and is not configured`,
    cause: 'the key was taken away before everything was resealed, or an older file of settings was put back',
    fix: `list ${kid} in CASEHARD_PREVIOUS_ENC_KEYS, or make it active; if it is lost for good, list its id in CASEHARD_WITHDRAWN_KIDS and set the values anew`,
    key: kid,
  };
}

function noLongerNeeded(kid: string): Trouble {
  return {
    code: 'KEY_NO_LONGER_NEEDED',
    verdict: 'notice',
    evidence: `key ${kid} hardened here, is not configured, and no value is under it`,
    cause: 'it was taken away after everything was resealed, without being withdrawn',
    fix: `list ${kid} in CASEHARD_WITHDRAWN_KIDS; keep it as long as you keep backups of the database from its time`,
    key: kid,
  };
}

function withdrawn(kid: string, values: number): Trouble {
  return {
    code: 'KEY_WITHDRAWN',
    verdict: 'warning',
    evidence: `${count(values, 'value is', 'values are')} under the withdrawn key ${kid}, and refused`,
    cause: 'the key was withdrawn before everything was resealed, or its values came back with a restored dump',
    fix: `take ${kid} out of CASEHARD_WITHDRAWN_KIDS, list the key as a previous one and reseal with \`casehard harden\`; or set the values anew`,
    key: kid,
  };
}

function canariesWhole(facts: Facts): readonly Finding[] {
  const { canaries, project } = facts;
  if (!canaries) return [];
  const troubles = altered(facts).map(
    ({ kid }): Trouble => ({
      code: 'CANARY_ALTERED',
      verdict: 'failed',
      evidence: `the canary of key ${kid} in casehard_keys does not open under that key`,
      cause: 'the row was changed by somebody else, or damaged on its way through a dump',
      fix: `find out who writes casehard_keys; then delete its row of ${kid}, and the next \`casehard harden\` keeps a new canary`,
      key: kid,
    }),
  );
  const { active } = project.keyring;
  if (active && valuesUnder(facts, active.kid) > 0 && !canaries.some(({ kid }) => kid === active.kid)) {
    troubles.push({
      code: 'CANARY_MISSING',
      verdict: 'notice',
      evidence: `values are under key ${active.kid}, and casehard_keys has no canary of it`,
      cause:
        'the application alone has sealed so far, or the row was removed: a wrong key would be noticed later than it could be',
      fix: 'run `casehard harden`, which keeps one',
      key: active.kid,
    });
  }
  return settle('keys', troubles, {
    code: 'CANARIES_WHOLE',
    evidence:
      canaries.length === 0 ? 'no canary is kept yet' : `${count(canaries.length, 'canary', 'canaries')}, none altered`,
  });
}

function previousNeeded(facts: Facts): readonly Finding[] {
  const { project, uses } = facts;
  const previous = project.keyring.list().filter(({ state }) => state === 'previous');
  const quietDays = project.config.keys?.quietDays ?? QUIET_DAYS;
  const troubles = previous.map(({ kid }): Trouble => {
    const values = valuesUnder(facts, kid);
    const quiet = uses?.find((use) => use.kid === kid)?.quiet;
    if (values > 0 || (quiet !== undefined && quiet < quietDays * DAY_MS)) {
      const ago = quiet === undefined ? '' : `; an attached process opened something with it ${days(quiet)} ago`;
      return {
        code: 'PREVIOUS_KEY_NEEDED',
        verdict: 'notice',
        evidence: `${count(values, 'value is', 'values are')} under the previous key ${kid}${ago}`,
        cause: 'a rotation is not finished',
        fix: project.keyring.active
          ? 'run `casehard harden`, which reseals them, and keep the key until then'
          : 'keep the key; `casehard harden` reseals them once a key is active',
        key: kid,
      };
    }
    return {
      code: 'PREVIOUS_KEY_UNUSED',
      verdict: 'notice',
      evidence: `no value is under the previous key ${kid}; ${quiet === undefined ? 'no attached process has opened anything with it' : `last used ${days(quiet)} ago`}`,
      cause: 'a rotation is finished but for its last step',
      fix: `withdraw it: \`casehard rotate\` says when it is safe; then list ${kid} in CASEHARD_WITHDRAWN_KIDS`,
      key: kid,
    };
  });
  return settle('keys', troubles, { code: 'NO_PREVIOUS_KEYS', evidence: 'no previous key is configured' });
}

function backup(facts: Facts): readonly Finding[] {
  const { drills, project, plan, now, tracking } = facts;
  const { active } = project.keyring;
  const pending = plan?.steps.some(({ id }) => id === 'create casehard_drills') !== false;
  const needed = keysToProve(project.keyring, tracking, valuesByKey(facts));
  const [first] = needed;
  if (first === undefined || pending) return [];
  const lastOf = (kid: string): Drill | undefined => (drills ?? []).find((drill) => drill.kid === kid);
  const proven = lastOf(first);
  const troubles = needed.flatMap((kid): Trouble[] => {
    const last = lastOf(kid);
    if (last?.proven) return [];
    return [
      {
        code: 'BACKUP_NOT_PROVEN',
        verdict: 'warning',
        evidence: last
          ? `the last drill of a backup of key ${kid}, ${last.file}, failed`
          : kid === active?.kid
            ? `no drill has proven a backup of the active key ${kid}`
            : kid === tracking?.active?.tkid
              ? `no drill has proven a backup of the tracking key ${kid}`
              : `no drill has proven a backup of key ${kid}, with ${count(valuesUnder(facts, kid), 'value')}`,
        cause:
          kid === tracking?.active?.tkid
            ? 'when the key is lost, links in mails that were sent stop working, unsubscribing included'
            : 'when the key is lost, every credential that is sealed under it has to be typed anew',
        fix: 'make a backup with `casehard keys backup`, and prove it with `casehard keys drill FILE`',
        key: kid,
      },
    ];
  });
  return settle('keys', troubles, {
    code: 'BACKUP_PROVEN',
    evidence: proven
      ? `${proven.file} was proven ${days(Math.max(0, now - proven.at))} ago, with ${count(proven.opened, 'value')}`
      : '',
  });
}

function days(milliseconds: number): string {
  return count(Math.floor(milliseconds / DAY_MS), 'day');
}
