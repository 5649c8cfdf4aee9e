import type { LegacyLinks, LegacyMeaning, LegacyShape } from '../field/link-settings.ts';
import { type Claims, checkClaims, type Id, type ReadClaims } from './claims.ts';
import { type Purpose, purposesIn } from './purpose.ts';
import { wrongLinks } from './refusal.ts';

/** What a legacy link said. */
export interface LegacyHit {
  readonly purpose: Purpose;
  readonly claims: ReadClaims;
  /** When it was followed. */
  readonly at: Date;
  /** False once legacy links are no longer accepted. The confirm code is compared later: a hit may have a wrong one. */
  readonly accepted: boolean;
}

export interface LegacyMatch {
  readonly claims: ReadClaims;
  readonly confirm: string | undefined;
  /** The same for the same link: its declared parameters and their values. */
  readonly id: string;
}

/**
 * The links of the mailer that casehard began in: `link.php`, `open.php` and `unsubscribe.php` with M (recipient), L (list, or
 * the link in its shorter form), N (campaign) or A (autoresponder, as `send`), l (link), C (confirm code) and F (format).
 */
export function mailerShapes(): NonNullable<LegacyLinks['shapes']> {
  const both = (script: string, parameters: LegacyShape['parameters'], constants?: LegacyShape['constants']) =>
    (['campaign', 'send'] as const).map((meaning): LegacyShape => {
      const renamed = Object.entries(parameters).map(([name, value]) =>
        name === 'N' ? [meaning === 'send' ? 'A' : 'N', meaning] : [name, value],
      );
      return { script, parameters: Object.fromEntries(renamed), ...(constants ? { constants } : {}) };
    });
  const format = { F: 'H' };
  return {
    click: [
      ...both('link.php', { M: 'recipient', L: 'list', N: 'campaign', l: 'link' }),
      ...both('link.php', { M: 'recipient', N: 'campaign', L: 'link' }, format),
    ],
    open: [
      ...both('open.php', { M: 'recipient', L: 'list', N: 'campaign' }, format),
      ...both('open.php', { M: 'recipient', N: 'campaign' }, format),
    ],
    unsubscribe: [
      ...both('unsubscribe.php', { M: 'recipient', C: 'confirm', L: 'list', N: 'campaign' }),
      { script: 'unsubscribe.php', parameters: { M: 'recipient', C: 'confirm', L: 'list' } },
    ],
  };
}

/** Writes a link as the mailer did, in the first shape that the claims fill exactly, else in the first that they fill. */
export function printLegacy(
  shapes: readonly LegacyShape[],
  claims: Claims,
  confirm: string | undefined,
): string | undefined {
  checkClaims(claims);
  if (confirm !== undefined && !confirm.isWellFormed()) throw new TypeError('"confirm" must be well-formed text');
  const given: Readonly<Record<string, Id | undefined>> = { ...numbersOf(claims), confirm: confirm || undefined };
  const filled = shapes.filter(({ parameters }) =>
    Object.values(parameters).every((meaning) => given[meaning] !== undefined),
  );
  const count = Object.values(given).filter((value) => value !== undefined).length;
  const shape = filled.find(({ parameters }) => Object.keys(parameters).length === count) ?? filled[0];
  if (!shape) return undefined;
  const query = new URLSearchParams();
  for (const [name, meaning] of Object.entries(shape.parameters)) query.append(name, String(given[meaning]));
  for (const [name, value] of Object.entries(shape.constants ?? {})) query.append(name, value);
  return `${shape.script}?${query}`;
}

/**
 * What a link in a declared shape says, else `undefined`. The shape is the one that declares exactly the known
 * parameters that are there, each once; names are case-sensitive, parameters that no shape knows do not count.
 */
export function matchLegacy(shapes: readonly LegacyShape[], query: URLSearchParams): LegacyMatch | undefined {
  const known = new Set(shapes.flatMap(({ parameters }) => Object.keys(parameters)));
  const there = [...query.keys()].filter((name) => known.has(name));
  const shape = shapes.find(({ parameters }) => {
    const names = Object.keys(parameters);
    return names.length === there.length && names.every((name) => there.includes(name));
  });
  if (!shape) return undefined;
  const claims: Partial<Record<LegacyMeaning, number | bigint>> = {};
  let confirm: string | undefined;
  for (const [name, meaning] of Object.entries(shape.parameters)) {
    const value = query.get(name) ?? '';
    if (meaning === 'confirm') {
      if (value === '' || value.length > LONGEST_CODE) return undefined;
      confirm = value;
      continue;
    }
    const number = readNumber(value);
    if (number === undefined) return undefined;
    claims[meaning] = number;
  }
  const id = Object.entries(shape.parameters)
    .flatMap(([name, meaning]) => (meaning === 'confirm' ? [] : [`${name}=${claims[meaning]}`]))
    .join('&');
  return { claims: claims as ReadClaims, confirm, id };
}

/** Throws CONFIG for a declaration that cannot work; gives the moment until which legacy links are accepted. */
export function checkLegacy({ until, shapes }: LegacyLinks): number {
  const end = readEnd(until);
  if (end === undefined) {
    throw wrongLinks(
      'legacy.until is missing or no date',
      'legacy links end on a day that you choose: write a date such as 2027-11-25, or a time such as 2027-11-25T12:00:00Z',
    );
  }
  for (const [purpose, list] of purposesIn(shapes, 'legacy.shapes')) {
    if (!Array.isArray(list)) throw wrongLinks(`legacy.shapes.${purpose} is no list`, 'write [{ script, parameters }]');
    const seen = new Set<string>();
    const known = new Set(list.flatMap((shape) => Object.keys(shape?.parameters ?? {})));
    for (const shape of list) {
      const { script, parameters = {}, constants = {} } = (shape ?? {}) as LegacyShape;
      const fixed = Object.keys(constants).find((name) => name === 't' || known.has(name));
      if (fixed !== undefined) {
        throw wrongLinks(
          `a legacy shape for ${purpose} (${script}) has a constant ${fixed}`,
          'it would be read as a parameter: leave it out',
        );
      }
      const meanings = Object.values(parameters);
      if (Object.hasOwn(parameters, 't')) {
        throw wrongLinks(`a legacy shape for ${purpose} (${script}) has a parameter t`, 't is where the token stands');
      }
      const strange = meanings.find((meaning) => !MEANINGS.has(meaning as string));
      if (strange !== undefined) {
        throw wrongLinks(
          `a legacy shape for ${purpose} (${script}) has a parameter that means ${JSON.stringify(strange)}`,
          `a parameter means ${[...MEANINGS].join(', ')}; destinations are looked up, never sent`,
        );
      }
      const names = Object.keys(parameters).sort().join(' ');
      if (new Set(meanings).size !== meanings.length || meanings.length === 0) {
        throw wrongLinks(
          `a legacy shape for ${purpose} has no parameters, or two with one meaning`,
          'each parameter means one thing',
        );
      }
      if (NEEDS_CODE.has(purpose) && !meanings.includes('confirm')) {
        throw wrongLinks(
          `a legacy shape for ${purpose} has no confirm code`,
          'readable numbers alone would let anybody act for everybody: declare the parameter that holds the code',
        );
      }
      if (NEEDS_CODE.has(purpose) && !meanings.includes('recipient')) {
        throw wrongLinks(
          `a legacy shape for ${purpose} (${script}) has no parameter for the recipient`,
          'declare the parameter that holds its number; where the code alone says who it is, leave this shape out, and the script that looks the code up where it is',
        );
      }
      if (seen.has(names)) {
        throw wrongLinks(
          `two legacy shapes for ${purpose} have the parameters ${names}`,
          'they could not be told apart: keep one',
        );
      }
      seen.add(names);
    }
  }
  return end;
}

// --- internal ---

const NEEDS_CODE: ReadonlySet<string> = new Set<Purpose>(['unsubscribe', 'preferences', 'confirm']);
const MEANINGS: ReadonlySet<string> = new Set(['campaign', 'recipient', 'link', 'list', 'send', 'confirm']);
const LONGEST_CODE = 256;
const LIMIT = 1n << 64n;
const DAY_MS = 86_400_000;

function numbersOf({ campaign, recipient, link, list, send }: Claims): Record<string, Id | undefined> {
  return { campaign, recipient, link, list, send };
}

/** The end of legacy links: of a day in UTC, or a moment with its zone. Other spellings mean something else here and there. */
function readEnd(until: unknown): number | undefined {
  if (
    typeof until !== 'string' ||
    !/^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(until)
  ) {
    return undefined;
  }
  const day = until.slice(0, 10);
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // 31 February would be taken for 3 March.
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
  const end = until === day ? midnight + DAY_MS - 1 : Date.parse(until);
  return Number.isNaN(end) ? undefined : end;
}

/** A plain decimal; punctuation behind it was taken into the link by somebody else. */
function readNumber(text: string): number | bigint | undefined {
  const digits = /^(0|[1-9][0-9]{0,19})[.,;:!?)\]}>"'*]{0,8}$/.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const value = BigInt(digits);
  if (value >= LIMIT) return undefined;
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
