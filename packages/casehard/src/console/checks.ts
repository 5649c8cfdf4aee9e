import { CasehardError, type Check, Secret } from '@casehard/core';
import { type CheckRequest, type CheckResult, runCheck } from '../checks/check.ts';
import { rowOf } from '../inventory/value.ts';
import type { FoundEntry } from './entries.ts';
import type { Live } from './live.ts';

/** What a page says of a connection test: our own words, and the server's code. */
export interface TestResult {
  readonly ok: boolean;
  readonly text: string;
}

export interface TestOrder {
  /** As typed, by role. */
  readonly neighbours: Readonly<Record<string, string>>;
  /** As typed; empty: the stored one. */
  readonly secret: string;
  readonly who: string;
  /** Saves the token that a server gave in exchange for the stored one, which may have ended by that. */
  readonly keep: (token: string) => Promise<void>;
}

const AT_ONCE = 4;
const PER_MINUTE = 20;

/** Tests of stored and of typed credentials, not too many at once. */
export class Checks {
  readonly #live: Live;
  readonly #now: () => number;
  readonly #recent = new Map<string, number[]>();
  /** Refresh tokens that are with their server: some servers end both where one is sent twice. */
  readonly #exchanging = new Set<string>();
  #working = 0;

  constructor(options: { readonly live: Live; readonly now: () => number }) {
    this.#live = options.live;
    this.#now = options.now;
  }

  /**
   * A stored secret goes only where it is stored to go: if anything typed says otherwise, it has to be typed as well.
   * Throws SECRET_NEEDED then, and what opening throws where the stored one does not open.
   */
  async test({ entry, open }: FoundEntry, order: TestOrder): Promise<TestResult> {
    const { check } = entry.settings;
    if (!check) throw new CasehardError('REFUSED', 'this credential has no test', { hint: 'add `check` to its group' });
    const typed = order.secret !== '';
    const stored = open.neighbours;
    const moved = entry.neighbours.some(
      ({ role, destination }) =>
        destination && Object.hasOwn(order.neighbours, role) && order.neighbours[role] !== (stored[role] ?? ''),
    );
    if (moved && !typed) {
      return {
        ok: false,
        text: 'You changed where the credential goes. Type the credential too: a stored one goes only where it was stored to go.',
      };
    }
    if (check.kind === 'oauth-refresh' && typed) {
      return {
        ok: false,
        text: 'Save the new token first, then test: the server may replace it, and the new one has to be kept.',
      };
    }
    const secret = typed ? new Secret(order.secret) : this.#stored(entry.field.name, open, entry);
    if (typeof secret === 'string') return { ok: false, text: secret };
    const of = (role: string): string =>
      (typed && Object.hasOwn(order.neighbours, role) ? order.neighbours[role] : stored[role]) ?? '';
    this.#take(order.who);
    if (this.#exchanging.has(open.locator)) {
      throw new CasehardError('REFUSED', 'this token is being tested already', { hint: 'wait for that test' });
    }
    if (check.kind === 'oauth-refresh') this.#exchanging.add(open.locator);
    this.#working++;
    try {
      const result = await runCheck(requestOf(check, of), secret, {
        privateAddresses: this.#live.project.config.console?.privateAddresses === true,
        certificate: check.certificate,
      });
      if (!result.newToken) return { ok: result.ok, text: wordsOf(result) };
      await order.keep(result.newToken.reveal());
      return { ok: result.ok, text: `${wordsOf(result)} The server replaced the token; the new one is saved.` };
    } finally {
      this.#exchanging.delete(open.locator);
      this.#working--;
    }
  }

  /** The stored secret; a text says why there is none to test. */
  #stored(name: string, open: FoundEntry['open'], entry: FoundEntry['entry']): Secret | string {
    if (open.verdict.kind === 'empty') return 'No credential is stored. Type one to test it.';
    if (open.value.problem !== undefined)
      return `The stored value is none that can be tested (${open.printed}). Type one.`;
    try {
      const { field } = entry.field;
      return (
        field.open(open.value.stored, rowOf(entry.field, open.key)) ?? 'No credential is stored. Type one to test it.'
      );
    } catch (error) {
      if (!(error instanceof CasehardError)) throw error;
      return `The stored credential of ${name} cannot be opened (${open.printed}). Type a new one.`;
    }
  }

  #take(who: string): void {
    const now = this.#now();
    const recent = (this.#recent.get(who) ?? []).filter((at) => now - at < 60_000);
    if (this.#working >= AT_ONCE || recent.length >= PER_MINUTE) {
      throw new CasehardError('REFUSED', 'too many tests at once', { hint: 'wait a little, then test again' });
    }
    this.#recent.set(who, [...recent, now]);
  }
}

// --- internal ---

const PORTS = {
  smtp: { starttls: 587, tls: 465, none: 25 },
  imap: { starttls: 143, tls: 993, none: 143 },
  pop3: { starttls: 110, tls: 995, none: 110 },
} as const;

function requestOf(check: Check, of: (role: string) => string): CheckRequest {
  switch (check.kind) {
    case 'smtp':
    case 'imap':
    case 'pop3':
      return mail(check.kind, of);
    case 'mailbox':
      return mail(of('protocol').trim().toLowerCase() === 'pop3' ? 'pop3' : 'imap', of);
    case 'oauth-client': {
      const scope = check.scope ?? of('scope');
      return {
        kind: 'oauth-client',
        url: of('tokenUrl'),
        clientId: of('clientId'),
        authentication: check.auth,
        ...(scope ? { scope } : {}),
      };
    }
    case 'oauth-refresh':
      return { kind: 'oauth-refresh', url: of('tokenUrl'), clientId: of('clientId'), authentication: check.auth };
    case 'http':
      return { kind: 'http', url: of('url'), header: check.header, scheme: check.bearer ? 'Bearer' : '' };
  }
}

function mail(kind: 'smtp' | 'imap' | 'pop3', of: (role: string) => string): CheckRequest {
  const tls = tlsOf(of('tls'), of('port'));
  const port = of('port').trim();
  return { kind, host: of('host').trim(), user: of('user'), tls, port: port === '' ? PORTS[kind][tls] : Number(port) };
}

/** As applications spell it. What says nothing means that the connection must get encrypted. */
function tlsOf(text: string, port: string): 'starttls' | 'tls' | 'none' {
  const word = text.trim().toLowerCase();
  if (['tls', 'ssl', 'smtps', 'imaps', 'pop3s'].includes(word)) return 'tls';
  if (['none', 'no', 'off', '0', 'plain'].includes(word)) return 'none';
  if (word === '' && ['465', '993', '995'].includes(port.trim())) return 'tls';
  return 'starttls';
}

function wordsOf({ ok, says, reply, address, certificate }: CheckResult): string {
  const first = says.charAt(0).toUpperCase() + says.slice(1);
  const facts = [
    reply === undefined ? '' : `the server's code was ${reply}`,
    address === undefined ? '' : `dialled ${address}`,
    certificate === 'not verified'
      ? 'the certificate was NOT checked'
      : certificate === 'none' && ok
        ? 'the connection was not encrypted'
        : '',
  ].filter((fact) => fact !== '');
  return `${first}${/[.!?]$/.test(first) ? '' : '.'}${facts.length > 0 ? ` (${facts.join('; ')})` : ''}`;
}
