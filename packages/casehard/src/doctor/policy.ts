import type { LinkSettings } from '@casehard/core';
import { trackingProblems } from '../inventory/driver.ts';
import type { ResolvedField } from '../inventory/resolve.ts';
import type { Facts } from './facts.ts';
import { count, type Finding, settle, type Trouble } from './finding.ts';

/** Whether what is still accepted is still needed, and what will stop being accepted soon. */
export function checkPolicy(facts: Facts): readonly Finding[] {
  return [...legacyPolicy(facts), ...linkPolicy(facts)];
}

// --- internal ---

const DAY_MS = 86_400_000;
const NEAR_DAYS = 30;

function legacyPolicy(facts: Facts): readonly Finding[] {
  const fields = facts.resolved?.fields ?? [];
  if (fields.length === 0) return [];
  const troubles = fields.flatMap((field) => fieldPolicy(facts, field));
  const strict = fields.filter(({ field }) => field.strict).length;
  return settle('policy', troubles, {
    code: 'LEGACY_POLICY',
    evidence: `${count(strict, 'field')} of ${fields.length} take sealed values only`,
  });
}

function fieldPolicy({ looks, now }: Facts, { name, definition, field }: ResolvedField): readonly Trouble[] {
  const look = looks?.find((each) => each.name === name && each.done);
  const seen = Object.values(look?.seen ?? {});
  const left =
    look && seen.filter((each) => !isSealed(each.kind, each.verdict)).reduce((sum, each) => sum + each.count, 0);
  const sealed = seen.filter(({ kind }) => kind === 'current').reduce((sum, each) => sum + each.count, 0);
  const { legacyUntil } = definition.spec;
  if (legacyUntil !== undefined && Number.isFinite(definition.strictFrom) && left !== 0) {
    const days = Math.ceil((definition.strictFrom - now) / DAY_MS);
    const howMany =
      left === undefined ? 'how many values are left was not counted' : `${count(left, 'value is', 'values are')} left`;
    if (days <= NEAR_DAYS) {
      const passed = days <= 0;
      // Without a count nobody knows that anything is wrong.
      const bad = passed ? ('failed' as const) : ('warning' as const);
      return [
        {
          code: passed ? 'LEGACY_UNTIL_PASSED' : 'LEGACY_UNTIL_NEAR',
          verdict: left === undefined ? 'notice' : bad,
          evidence: `${name}: legacy values were to be accepted until ${legacyUntil}; ${howMany}`,
          cause: passed
            ? 'the day has passed, and values that are not sealed are not read any more'
            : `in ${count(days, 'day')} values that are not sealed will not be read any more`,
          fix: `run \`casehard harden --field ${name}\`${passed ? ', after moving `legacyUntil` into the future' : ', or move `legacyUntil`'}`,
          field: name,
        },
      ];
    }
  }
  if (field.strict || left !== 0 || sealed === 0) return [];
  return [
    {
      code: 'LEGACY_STILL_ACCEPTED',
      verdict: 'notice',
      evidence: `${name}: ${count(sealed, 'value is', 'values are')} sealed, none is legacy`,
      cause: 'whoever can write the database may still put a plaintext of their own in the place of a sealed value',
      fix: `\`casehard strict ${name}\` prints the line that ends this`,
      field: name,
    },
  ];
}

/** What a field that is strict goes on reading, or refuses for another reason. */
function isSealed(kind: string, verdict: string): boolean {
  return (
    kind === 'empty' ||
    kind === 'current' ||
    kind === 'stale' ||
    (kind === 'unreadable' && verdict !== 'unreadable CASE_DAMAGED')
  );
}

function linkPolicy({ project, tracking, trackingCanaries, now, keysProblem }: Facts): readonly Finding[] {
  const { links } = project.config;
  // Links may be made elsewhere, with nothing of them in this configuration: their canaries say that they were.
  if (!tracking || keysProblem || (!links && (trackingCanaries ?? []).length === 0)) return [];
  const troubles: Trouble[] = links ? [...legacyLinks(links, now)] : [];
  if (links && !tracking.active) {
    troubles.push({
      code: 'NO_TRACKING_KEY',
      verdict: 'warning',
      evidence: `\`links\` is configured, and ${tracking.setting} is not`,
      cause: 'links in mails keep their old shape, which anybody can count up',
      fix: 'make keys with `casehard keys generate` and configure the tracking key',
    });
  }
  for (const { message, hint } of trackingProblems(trackingCanaries ?? [], tracking)) {
    troubles.push({
      code: 'TRACKING_KEY_MISSING',
      verdict: 'failed',
      evidence: message,
      cause: 'links in mails that were sent do not work any more, unsubscribing included',
      fix: hint ?? 'list it in CASEHARD_PREVIOUS_TRACKING_KEYS',
    });
  }
  return settle('policy', troubles, {
    code: 'LINKS_READY',
    evidence: tracking.active
      ? `links are made under tracking key ${tracking.active.tkid}`
      : 'every tracking key that links were made under is configured here, or withdrawn',
  });
}

function legacyLinks({ legacy }: LinkSettings, now: number): readonly Trouble[] {
  if (!legacy) return [];
  const until = Date.parse(legacy.until) + (legacy.until.includes('T') ? 0 : DAY_MS);
  const days = Math.ceil((until - now) / DAY_MS);
  if (Number.isNaN(days) || days > NEAR_DAYS) return [];
  const passed = days <= 0;
  return [
    {
      code: passed ? 'LEGACY_LINKS_PASSED' : 'LEGACY_LINKS_NEAR',
      verdict: 'notice',
      evidence: `links of the old shape are accepted until ${legacy.until}`,
      cause: passed
        ? 'the day has passed: old links in mailboxes do not work any more'
        : `in ${count(days, 'day')} old links in mailboxes stop working, unsubscribing included`,
      fix: passed
        ? 'take `links.legacy` out, or move `until` if old mails still matter'
        : 'move `links.legacy.until` if old mails still matter',
    },
  ];
}
