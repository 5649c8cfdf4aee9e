import { CasehardError, type LinkSettings } from '@casehard/core';
import type { Claims, LegacyLinks, Links, Purpose } from '@casehard/core/links';
import type { KeyAlone } from './check-keys.ts';

/** One line of the self-test. Only `failed` makes it fail. */
export interface CheckLine {
  readonly name: string;
  readonly outcome: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly says: string;
  readonly fix?: string;
}

/** What can be tested in this process, nobody asked. */
export function checkHere(
  links: Links,
  settings: LinkSettings,
  { keys, now }: { readonly keys: readonly KeyAlone[]; readonly now: number },
): readonly CheckLine[] {
  return [
    checkConfigured(links),
    ...keys.map((key) => checkKey(links, key)),
    checkLength(links),
    checkBase(settings),
    ...(settings.legacy ? [checkUntil(links, settings.legacy, now)] : []),
  ];
}

// --- internal ---

const LIMIT = 200;
const DAY_MS = 86_400_000;
const WARNING_DAYS = 30;
/** CASL asks that a way to unsubscribe works for 60 days after a mail. */
const UNSUBSCRIBE_DAYS = 60;

function checkConfigured({ keyring }: Links): CheckLine {
  const listed = keyring
    .list()
    .map(({ tkid, state }) => `${tkid} (${state})`)
    .join(', ');
  if (keyring.active) return { name: 'keys', outcome: 'ok', says: listed };
  return {
    name: 'keys',
    outcome: 'failed',
    says: `${keyring.setting} not configured${listed ? `, only ${listed}` : ''}: mails would show readable numbers`,
    fix: `make a tracking key with \`casehard keys generate\` and put it into ${keyring.setting}`,
  };
}

/** What is made under this key alone must be read by all keys together, as the application has them. */
function checkKey(links: Links, { tkid, state, alone }: KeyAlone): CheckLine {
  const name = `key ${tkid}`;
  const purposes = [...links.addresses.keys()];
  for (const purpose of purposes) {
    const result = links.verify(purpose, alone.mint(purpose, SAMPLE));
    if (result.kind !== 'valid' || result.tkid !== tkid || result.claims.recipient !== SAMPLE.recipient) {
      const reason = result.kind === 'invalid' ? ` (${result.reason})` : '';
      return {
        name,
        outcome: 'failed',
        says: `a ${purpose} link made under this ${state} key is ${result.kind}${reason}`,
        fix: 'please report this: it should not happen',
      };
    }
  }
  return {
    name,
    outcome: 'ok',
    says: `${state}: makes and reads ${purposes.join(', ') || 'nothing: no purpose is in use'}`,
  };
}

function checkLength(links: Links): CheckLine {
  const name = 'length';
  let longest: { readonly purpose: Purpose; readonly length: number } | undefined;
  for (const purpose of links.addresses.keys()) {
    const length = lengthOf(links, purpose);
    if (length !== undefined && length > (longest?.length ?? 0)) longest = { purpose, length };
  }
  if (!longest) return { name, outcome: 'skipped', says: 'no link can be made here' };
  const says = `${longest.length} characters for ${longest.purpose} with five numbers below 2^32`;
  if (longest.length < LIMIT) return { name, outcome: 'ok', says };
  return {
    name,
    outcome: 'failed',
    says,
    fix: `choose a shorter baseUrl or path: under ${LIMIT} no mail server breaks them`,
  };
}

/** Undefined where neither a key nor a legacy shape makes links of this purpose. */
function lengthOf(links: Links, purpose: Purpose): number | undefined {
  try {
    return links.url(purpose, SAMPLE, { confirm: 'x'.repeat(32) }).length;
  } catch (error) {
    if (error instanceof CasehardError) return undefined;
    throw error;
  }
}

function checkBase({ baseUrl }: LinkSettings): CheckLine {
  const name = 'base URL';
  if (new URL(baseUrl).protocol === 'https:')
    return { name, outcome: 'ok', says: 'https, as one-click unsubscribing needs' };
  return {
    name,
    outcome: 'warning',
    says: 'it is no https address, so mail programs show no unsubscribe button (RFC 8058)',
    fix: 'write https:// in links.baseUrl',
  };
}

function checkUntil({ legacyUntil }: Links, { until, shapes }: LegacyLinks, now: number): CheckLine {
  const name = 'legacy';
  if (!legacyUntil) return { name, outcome: 'ok', says: 'accepted as long as there is no tracking key' };
  const end = legacyUntil.getTime();
  const days = Math.floor((end - now) / DAY_MS);
  const unsubscribes = [shapes.unsubscribe, shapes.preferences].some((list) => list !== undefined && list.length > 0);
  if (days >= (unsubscribes ? UNSUBSCRIBE_DAYS : WARNING_DAYS))
    return { name, outcome: 'ok', says: `accepted until ${until}, ${days} days more` };
  if (end >= now) {
    const says = `accepted until ${until}, ${days} day${days === 1 ? '' : 's'} more`;
    return {
      name,
      outcome: 'warning',
      says,
      fix: `set a later links.legacy.until while legacy links are still followed${unsubscribes ? `; those to unsubscribe must work for ${UNSUBSCRIBE_DAYS} days after a mail` : ''}`,
    };
  }
  return {
    name,
    outcome: 'failed',
    says: `refused since ${until}: links in mails sent before the tracking key do not work any more`,
    fix: 'set a later links.legacy.until, or take links.legacy out of the configuration',
  };
}

/** The longest that five numbers below 2^32 make. */
const SAMPLE = {
  campaign: 4_294_967_295,
  recipient: 4_294_967_295,
  link: 4_294_967_295,
  list: 4_294_967_295,
  send: 4_294_967_295,
} as const satisfies Claims;
