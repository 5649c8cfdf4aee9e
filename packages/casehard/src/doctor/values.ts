import { printLocator } from '@casehard/core';
import { needsOf } from '../inventory/needs.ts';
import type { Facts } from './facts.ts';
import { count, type Finding, type FoundAt, type Severity, settle, type Trouble } from './finding.ts';
import { areKeysWrong } from './keys.ts';
import { FAILS_MAC, idOf, type Seen } from './look.ts';

/** What the stored values are, each kind with the first locators and the number of all. */
export function checkValues(facts: Facts): readonly Finding[] {
  const { looks, stopped } = facts;
  if (!looks) return [];
  const troubles: Trouble[] = stopped === 'no' ? [] : [scanStopped(facts)];
  const all = looks.flatMap(({ name, seen }) => Object.values(seen).map((each) => ({ seen: each, field: name })));
  const good = all.filter(({ seen }) => seen.verdict === 'current').reduce((sum, { seen }) => sum + seen.count, 0);
  const others = all.filter(({ seen }) => seen.verdict !== 'current' && seen.kind !== 'empty');
  for (const [code, group] of Map.groupBy(others, ({ seen }) => explain(facts, seen).code)) {
    troubles.push(...(code === ALTERED ? failsMac(facts, group) : about(facts, group)));
  }
  const under = facts.project.keyring.active ? 'the active key' : 'a key that is configured';
  const ok = { code: 'VALUES_CURRENT', evidence: `${count(good, 'value')} sealed under ${under}, each opened` };
  return [
    ...settle('values', troubles, undefined),
    ...(good > 0 || troubles.length === 0 ? settle('values', [], ok) : []),
  ];
}

// --- internal ---

type Group = readonly { readonly seen: Seen; readonly field: string }[];

function scanStopped({ looks = [], stopped }: Facts): Trouble {
  const rows = looks.reduce((sum, look) => sum + look.rows, 0);
  return {
    code: 'SCAN_STOPPED',
    verdict: 'warning',
    evidence: `${count(rows, 'value was', 'values were')} looked at before the scan was stopped`,
    cause: 'it was stopped, so nothing is known of the others',
    fix:
      stopped === 'resumable'
        ? '`casehard doctor --resume` goes on where it stopped'
        : 'run `casehard doctor` again, or with --quick, which opens no value',
  };
}

function about(facts: Facts, group: Group): readonly Trouble[] {
  const [first] = group;
  if (!first) return [];
  const { code, severity, cause, fix } = explain(facts, first.seen);
  const onlyKeys = first.seen.kind === 'unreadable' && areKeysWrong(facts);
  return [
    {
      code,
      verdict: severity,
      evidence: group.map(({ seen, field }) => `${seen.count} ${seen.verdict} in ${field}`).join(', '),
      cause,
      fix: onlyKeys ? 'correct the keys first, and look again: nothing needs to be set anew for this' : fix,
      ...located(group.flatMap(({ seen, field }) => seen.keys.map((key) => ({ locator: printLocator(field, key) })))),
      locatorsInAll: total(group),
    },
  ];
}

/** Values that fail their MAC: those that open elsewhere were moved from there. */
function failsMac({ moved, maxLocators }: Facts, group: Group): readonly Trouble[] {
  const at = group.flatMap(({ seen, field }) =>
    seen.keys.map((key) => ({ locator: printLocator(field, key), from: moved.get(idOf(field, key)) })),
  );
  const found: FoundAt[] = at.flatMap(({ locator, from }) => (from === undefined ? [] : [{ locator, from }]));
  const altered = at.filter(({ from }) => from === undefined).map(({ locator }) => ({ locator }));
  const untraced = total(group) - at.length;
  const troubles: Trouble[] = [];
  if (found.length > 0) {
    troubles.push({
      code: 'VALUES_MOVED',
      verdict: 'failed',
      evidence: `${count(found.length, 'value was', 'values were')} sealed for another row or field`,
      cause:
        'somebody copied a sealed value from one place to another, to have it opened there; or rows were renumbered',
      fix: 'find out who did it; the value still opens where it comes from; set this one anew',
      locators: found.slice(0, maxLocators),
      locatorsInAll: found.length,
    });
  }
  if (altered.length > 0) {
    troubles.push({
      code: ALTERED,
      verdict: 'failed',
      evidence: `${FAILS_MAC}: ${count(altered.length, 'value')}`,
      cause: 'changed after it was sealed, or moved from a row that is not there any more',
      fix: 'restore it from a backup of the database, or set it anew',
      ...located(altered.slice(0, maxLocators)),
      locatorsInAll: altered.length,
    });
  }
  if (untraced > 0) {
    troubles.push({
      code: 'VALUES_NOT_TRACED',
      verdict: 'failed',
      evidence: `${FAILS_MAC}: ${count(untraced, 'value')} more, which ${untraced === 1 ? 'was' : 'were'} not looked for elsewhere`,
      cause: 'changed after it was sealed, or moved from another row: there are too many to look for each',
      fix: 'see to the others first, then run `casehard doctor` again',
      locatorsInAll: untraced,
    });
  }
  return troubles;
}

function located(locators: readonly FoundAt[]): { readonly locators?: readonly FoundAt[] } {
  return locators.length > 0 ? { locators } : {};
}

function total(group: Group): number {
  return group.reduce((sum, { seen }) => sum + seen.count, 0);
}

interface Explained {
  readonly code: string;
  readonly severity: Exclude<Severity, 'ok'>;
  readonly cause: string;
  readonly fix: string;
}

const ALTERED = 'VALUES_ALTERED';

function explain({ project }: Facts, { kind, verdict }: Seen): Explained {
  if (verdict.includes('nested')) return NESTED;
  switch (kind) {
    case 'legacy':
      return {
        code: 'VALUES_LEGACY',
        severity: project.keyring.active ? 'warning' : 'notice',
        cause: 'stored in the scheme of before, readable for whoever can read the database',
        fix: project.keyring.active ? 'run `casehard harden`' : 'configure a key, then run `casehard harden`',
      };
    case 'stale':
      return STALE;
    case 'foreign':
      return { ...FOREIGN, fix: needsOf(kind, verdict) };
    default: {
      const why = verdict.split(' ')[1] ?? '';
      const [code, severity, cause] = WHYS[why] ?? [`VALUES_${why}`, 'failed', 'it cannot be what was written here'];
      return { code, severity, cause, fix: needsOf(kind, verdict) };
    }
  }
}

const NESTED: Explained = {
  code: 'VALUES_NESTED',
  severity: 'warning',
  cause:
    'somebody saved a sealed value as if it were the credential: a form that showed it, or a program that read it without casehard',
  fix: 'find out who saved it, then set it anew',
};

const STALE: Explained = {
  code: 'VALUES_STALE',
  severity: 'notice',
  cause: 'sealed under a previous key, or bound as before a change of the configuration',
  fix: 'run `casehard harden`, which reseals them',
};

const FOREIGN = {
  code: 'VALUES_FOREIGN',
  severity: 'warning',
  cause: 'sealed or hashed by another product, which casehard cannot open',
} as const;

type Why = readonly [code: string, severity: Explained['severity'], cause: string];

// biome-ignore format: a table
const WHYS: Readonly<Record<string, Why>> = {
  LOOKS_SEALED: ['VALUES_SAVED_OVER', 'failed', 'a process without casehard, or of before it, read a sealed value as the credential and saved it again in the old scheme'],
  NOT_LEGACY: ['VALUES_NOT_LEGACY', 'failed', 'not what the declared scheme writes; the application cannot read it with casehard'],
  LEGACY_NOT_ACCEPTED: ['VALUES_LEGACY_NOT_ACCEPTED', 'failed', 'the field takes sealed values only, and this one is not: the application cannot read it'],
  ENCODING: ['VALUES_ENCODING', 'warning', 'its letters are stored in an unknown character set'],
  AMBIGUOUS: ['VALUES_AMBIGUOUS', 'warning', 'its document has the key more than once'],
  NOT_A_STRING: ['VALUES_NOT_A_STRING', 'warning', 'there is something other than a text in its place'],
  SPELLING: ['VALUES_SPELLING', 'warning', 'its document spells it as nothing would spell it again'],
  NOT_A_DOCUMENT: ['VALUES_NOT_A_DOCUMENT', 'warning', 'the column does not hold the declared kind of document'],
  TOO_LONG: ['VALUES_TOO_LONG', 'warning', 'its sealed form does not fit the column or the format'],
  UNKNOWN_KEY: ['VALUES_UNKNOWN_KEY', 'failed', 'sealed under a key that is not configured: of another environment, or lost'],
  WITHDRAWN_KEY: ['VALUES_WITHDRAWN_KEY', 'warning', 'sealed under a key that is withdrawn'],
  MAC: [ALTERED, 'failed', 'changed after it was sealed, or moved from a row that is not there any more'],
  CONTEXT_POLICY: ['VALUES_CONTEXT_POLICY', 'failed', 'bound to something else than the field declares'],
  TRUNCATED: ['VALUES_TRUNCATED', 'failed', 'its end is missing: a column that was too narrow on a server that is not strict, or an import'],
  CASE_DAMAGED: ['VALUES_CASE_DAMAGED', 'failed', 'something has turned its letters into one case'],
  MALFORMED: ['VALUES_MALFORMED', 'failed', 'it begins like a sealed value and is none: damaged, or a plaintext that happens to begin so'],
  UNKNOWN_VERSION: ['VALUES_UNKNOWN_VERSION', 'failed', 'sealed by a newer release, damaged, or a plaintext that happens to begin so'],
};
