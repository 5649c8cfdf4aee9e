import { CasehardError } from '@casehard/core';
import type { Links, Purpose } from '@casehard/core/links';
import { askBaseUrl, type BaseUrlAnswer } from '../../checks/base-url.ts';
import type { CheckLine } from './check-here.ts';
import type { KeyAlone } from './check-keys.ts';

/**
 * Asks the application itself, with canaries: tokens that say nothing, one under each key, and a damaged one. That shows
 * whether the web server has the keys. A GET changes nothing there.
 */
export async function checkWeb(
  links: Links,
  keys: readonly KeyAlone[],
  { signal, onAsk }: { readonly signal: AbortSignal; readonly onAsk: (what: string) => void },
): Promise<readonly CheckLine[]> {
  const purpose = ASKABLE.find((each) => links.addresses.has(each));
  const address = purpose && links.addresses.get(purpose);
  if (!purpose || address === undefined) return [skipped('no purpose whose page may be asked is in use')];
  const [first] = keys;
  if (!first) return [skipped('there is no key to ask with')];
  const lines: CheckLine[] = [];
  for (const { tkid, state, alone } of keys) {
    onAsk(`asking the web server about key ${tkid}`);
    const answer = await ask(`${address}?t=${alone.mint(purpose, {})}`, signal);
    lines.push({ name: `web server, key ${tkid}`, ...judge(answer, state === 'staged') });
    // Whatever stands between us and the application stands there for the next key as well.
    if (!('status' in answer) || !ANSWERS.includes(answer.status)) return lines;
  }
  onAsk('asking the web server about a damaged link');
  const answer = await ask(`${address}?t=${damaged(first.alone.mint(purpose, {}))}`, signal);
  return [...lines, { name: 'web server, damaged link', ...judgeDamaged(answer) }];
}

/** The line that stands for all of these where nobody is asked. */
export function skipped(why: string): CheckLine {
  return { name: 'web server', outcome: 'skipped', says: why };
}

// --- internal ---

/** Pages that a GET only shows, the one that every mail needs first. */
const ASKABLE: readonly Purpose[] = ['unsubscribe', 'view', 'preferences', 'confirm'];

/** What the application says of a link: it shows the page, does not know the link, or has withdrawn its key. */
const ANSWERS: readonly number[] = [200, 404, 410];

type Judged = Omit<CheckLine, 'name'>;

async function ask(url: string, signal: AbortSignal): Promise<BaseUrlAnswer> {
  const answer = await askBaseUrl(url, { signal });
  if ('code' in answer && answer.code === 'CANCELLED') throw new CasehardError('CANCELLED', 'the check was stopped');
  return answer;
}

/** Until a staged key becomes the active one, mails do without it. */
function judge(answer: BaseUrlAnswer, isStaged: boolean): Judged {
  if (!('status' in answer)) return { outcome: 'failed', says: `no answer (${answer.code}): ${answer.says}` };
  if (answer.status === 200) return { outcome: 'ok', says: 'answers 200: it has this key' };
  if (answer.status === 404 || answer.status === 410) {
    return {
      outcome: isStaged ? 'warning' : 'failed',
      says: `answers ${answer.status}: it ${answer.status === 404 ? 'does not know' : 'has withdrawn'} this key, or nothing answers links there`,
      fix: `give every web process this ${isStaged ? 'staged ' : ''}key and the same links.audience, and start it anew`,
    };
  }
  return otherwise(answer.status);
}

function judgeDamaged(answer: BaseUrlAnswer): Judged {
  if (!('status' in answer)) return { outcome: 'failed', says: `no answer (${answer.code}): ${answer.says}` };
  if (answer.status === 404) return { outcome: 'ok', says: 'answers 404: it refuses it' };
  if (answer.status === 200) {
    return {
      outcome: 'failed',
      says: 'answers 200 to a damaged link, so its other answers prove nothing',
      fix: 'let the handlers of @casehard/core/links/http answer there, before any page that answers everything',
    };
  }
  return otherwise(answer.status);
}

function otherwise(status: number): Judged {
  const says = `answers ${status}, which is no answer to a link`;
  if (status >= 300 && status < 400) {
    return {
      outcome: 'failed',
      says: `answers ${status}: it leads elsewhere`,
      fix: 'links.baseUrl must be the address that it leads to',
    };
  }
  if (status === 401 || status === 403) {
    return { outcome: 'failed', says, fix: 'take the login or firewall away from this path: readers have neither' };
  }
  if (status >= 500) return { outcome: 'failed', says, fix: 'look into the log of the web server' };
  return { outcome: 'failed', says, fix: 'check links.baseUrl and links.purposes' };
}

/** One character in the middle is another one, so that the token stays canonical. */
function damaged(token: string): string {
  const at = token.length - 12;
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
}
