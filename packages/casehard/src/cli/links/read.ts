import { CasehardError } from '@casehard/core';
import { type LinkResult, type Links, PURPOSES, type Purpose } from '@casehard/core/links';
import { type Header, readHeader } from './header.ts';

/** A link, as far as it can be read here. */
export interface ReadLink {
  /** Undefined where nothing says what it is for. */
  readonly purpose: Purpose | undefined;
  readonly header: Header | undefined;
  readonly result: LinkResult;
}

/** Reads a link for the given purpose, or else for the one that it says it has. Throws USAGE where it could be several. */
export function readLink(links: Links, link: string, given: Purpose | undefined): ReadLink {
  const header = readHeader(link);
  const purpose = given ?? header?.purpose ?? (header ? undefined : legacyPurpose(links, link));
  // What is no token of any purpose is refused for the same reason under each.
  return { purpose, header, result: links.verify(purpose ?? 'click', link) };
}

// --- internal ---

/** A legacy link says by its script what it is for; by its parameters alone only where one purpose has them. */
function legacyPurpose(links: Links, link: string): Purpose | undefined {
  const fitting = (Object.keys(PURPOSES) as Purpose[]).filter((purpose) => isLegacy(links.verify(purpose, link)));
  const script = fileOf(link);
  const byScript = fitting.filter((purpose) => links.legacyAddresses(purpose).some((each) => fileOf(each) === script));
  const [purpose, ...others] = byScript.length > 0 ? byScript : fitting;
  if (others.length === 0) return purpose;
  throw new CasehardError('USAGE', `this legacy link may be one for ${[purpose, ...others].join(' or ')}`, {
    hint: 'give the whole URL, or say which with --purpose',
  });
}

function isLegacy(result: LinkResult): boolean {
  return result.kind === 'legacy' || (result.kind === 'invalid' && result.reason === 'LEGACY_ENDED');
}

function fileOf(url: string): string | undefined {
  return /([^/?]+)(?:\?|$)/.exec(url)?.[1];
}
