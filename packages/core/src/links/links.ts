import { CasehardError } from '../errors.ts';
import type { LegacyLinks, LegacyShape, LinkSettings } from '../field/link-settings.ts';
import { createTrackingKeyring, type TrackingKeyring } from '../keyring/tracking-keyring.ts';
import { addressesOf, addressOf, MAX_URL_CHARACTERS, parseBase } from './address.ts';
import type { Claims, ReadClaims } from './claims.ts';
import { refuseNowhere } from './destination.ts';
import { checkLegacy, type LegacyHit, matchLegacy, printLegacy } from './legacy.ts';
import { lifetimesOf } from './lifetime.ts';
import { Minter } from './mint.ts';
import { readParameters } from './parameters.ts';
import { checkPurpose, type Purpose, purposesIn } from './purpose.ts';
import { refuseNobody } from './reader.ts';
import { wrongLinks } from './refusal.ts';
import { type OpenedToken, type TokenDefect, Verifier } from './verify.ts';

/** What `createLinks` takes: the settings of a configuration, and what only a program has. */
export interface LinksOptions extends LinkSettings {
  /** The tracking keys; default: none, links keep their legacy shape and one warning says so. */
  readonly keyring?: TrackingKeyring;
  /** Hears of every legacy link that is followed, so that you see when switching them off is safe. */
  readonly onLegacyHit?: (hit: LegacyHit) => void;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
  /** Takes the warning that no key is configured. Default `process.emitWarning`. */
  readonly warn?: (message: string) => void;
}

/** The code that a legacy unsubscribe link carries; used as long as there is no tracking key. */
interface ConfirmCode {
  readonly confirm?: string;
}

type ClaimsWithCode = readonly [claims: Claims, code: ConfirmCode];

interface Told {
  readonly claims: ReadClaims;
  readonly issuedAt: Date;
  /** The key id that made it; public. */
  readonly tkid: string;
  /** The same for the same link, and no way to its token: may be stored and logged. */
  readonly id: string;
}

/** Why a link is not believed; for operators' eyes. `LEGACY_ENDED`: a legacy link after its date. */
export type LinkDefect = TokenDefect | 'NO_TOKEN' | 'LEGACY_ENDED';

/** What a link says. */
export type LinkResult =
  | (Told & {
      readonly kind: 'valid';
      /** Made more than five minutes in the future: a host's clock was wrong. Opens and clicks are not to be recorded. */
      readonly clockWrong: boolean;
    })
  | (Told & { readonly kind: 'expired'; readonly expiredAt: Date })
  | {
      readonly kind: 'legacy';
      readonly claims: ReadClaims;
      readonly id: string;
      /** The confirm code as it was sent. For unsubscribing it must be compared with the stored one. */
      readonly confirm?: string;
    }
  | { readonly kind: 'invalid'; readonly reason: LinkDefect };

/** Links of one deployment: made, and read back. */
export class Links {
  readonly #keyring: TrackingKeyring;
  readonly #addresses: ReadonlyMap<Purpose, string>;
  readonly #lifetimes: Readonly<Record<Purpose, number>>;
  readonly #audience: string;
  readonly #legacy: Legacy | undefined;
  readonly #onLegacyHit: LinksOptions['onLegacyHit'];
  readonly #now: () => number;
  readonly #warn: (message: string) => void;
  readonly #verifier: Verifier;
  readonly #minters = new Map<Purpose, Minter>();

  /** @internal Use `createLinks`. */
  constructor(options: LinksOptions) {
    this.#keyring = options.keyring ?? createTrackingKeyring();
    this.#addresses = addressesOf(options);
    this.#lifetimes = lifetimesOf(options.lifetimes);
    this.#audience = options.audience ?? '';
    if (!this.#audience.isWellFormed()) throw new TypeError('"audience" must be well-formed text');
    this.#legacy = options.legacy && legacyOf(options, options.legacy);
    this.#onLegacyHit = options.onLegacyHit;
    this.#now = options.now ?? Date.now;
    this.#verifier = new Verifier(this.#keyring, this.#audience);
    this.#warn = options.warn ?? ((message) => process.emitWarning(message, { code: 'CASEHARD_LINKS' }));
    if (!this.#keyring.active)
      this.#warn(`${this.#keyring.setting} not configured: links in mails show readable numbers`);
  }

  /** The purposes in use, with their addresses without a query. */
  get addresses(): ReadonlyMap<Purpose, string> {
    return this.#addresses;
  }

  /** Addresses at which legacy links of a purpose arrive, beside that of the purpose itself. */
  legacyAddresses(purpose: Purpose): readonly string[] {
    return this.#legacy?.addresses.get(purpose) ?? [];
  }

  /** Until when legacy links are accepted; `undefined`: none are declared, or there is no active key yet and they have no end. */
  get legacyUntil(): Date | undefined {
    return this.#legacy && this.#keyring.active ? new Date(this.#legacy.until) : undefined;
  }

  /** The tracking keys, by their ids. */
  get keyring(): TrackingKeyring {
    return this.#keyring;
  }

  /** A token, also for nobody, which `url` may refuse. Throws KEY_MISSING without an active key, TypeError for a wrong claim, TOO_LONG. */
  mint(purpose: Purpose, claims: Claims): string {
    refuseNowhere(claims);
    const token = this.#minter(purpose).mint(claims, this.#seconds());
    this.#noteMinted();
    return token;
  }

  /** Tokens for many recipients, in their order. */
  mintMany(purpose: Purpose, many: Iterable<Claims>): string[] {
    const minter = this.#minter(purpose);
    const iat = this.#seconds();
    const tokens = Array.from(many, (claims) => {
      refuseNowhere(claims);
      return minter.mint(claims, iat);
    });
    if (tokens.length > 0) this.#noteMinted();
    return tokens;
  }

  /**
   * Whole links for many recipients, in their order: for each its claims, or `[claims, { confirm }]`. Without an active key
   * in the legacy shape. Throws what `url` throws.
   */
  urlMany(purpose: Purpose, many: Iterable<Claims | ClaimsWithCode>): string[] {
    return Array.from(many, (each) => (isWithCode(each) ? this.url(purpose, ...each) : this.url(purpose, each)));
  }

  /**
   * The whole link, at most 900 characters, under 200 for numbers below 2^32. Without an active key: in the declared
   * legacy shape, where `confirm` is the code that a legacy unsubscribe link carries. Throws CONFIG for a purpose that has
   * no path, KEY_MISSING where there is neither key nor shape, TOO_LONG, and TypeError for a wrong claim or for unsubscribe
   * and preferences without `recipient` and `recipientKey`.
   */
  url(purpose: Purpose, claims: Claims, { confirm }: ConfirmCode = {}): string {
    checkPurpose(purpose);
    refuseNobody(purpose, claims);
    const url = this.#keyring.active ? this.#tokenUrl(purpose, claims) : this.#legacyUrl(purpose, claims, confirm);
    if (url.length <= MAX_URL_CHARACTERS) return url;
    throw new CasehardError('TOO_LONG', `a link for ${purpose} would have ${url.length} characters`, {
      hint: `mail servers break lines of that length; at most ${MAX_URL_CHARACTERS} are made: put the number of a stored URL into it`,
    });
  }

  /**
   * What a link says: a URL as it was clicked, its query, or a token alone. Only `t` counts. Never throws for what it is
   * given to read, only for a wrong `purpose`.
   */
  verify(purpose: Purpose, text: string): LinkResult {
    checkPurpose(purpose);
    if (typeof text !== 'string') return { kind: 'invalid', reason: 'NO_TOKEN' };
    const { token, others } = readParameters(text);
    if (token === undefined || token === '') return this.#verifyLegacy(purpose, others);
    let opened = this.#verifier.open(purpose, token);
    // Ours never end in a dash or underscore: what does was taken into the link, as `_emphasis_` is.
    const bare = typeof opened === 'string' ? token.replace(/[-_]{1,3}$/, '') : token;
    if (bare !== token) {
      const again = this.#verifier.open(purpose, bare);
      if (typeof again !== 'string') opened = again;
    }
    return typeof opened === 'string' ? { kind: 'invalid', reason: opened } : this.#judge(purpose, opened);
  }

  #judge(purpose: Purpose, { iat, claims, tkid, id }: OpenedToken): LinkResult {
    const now = this.#now() / 1000;
    const issuedAt = new Date(iat * 1000);
    const end = iat + this.#lifetimes[purpose];
    if (now > end) return { kind: 'expired', claims, issuedAt, tkid, id, expiredAt: new Date(end * 1000) };
    return { kind: 'valid', claims, issuedAt, tkid, id, clockWrong: iat > now + CLOCK_TOLERANCE_SECONDS };
  }

  #verifyLegacy(purpose: Purpose, query: URLSearchParams): LinkResult {
    const match = this.#legacy && matchLegacy(this.#legacy.shapes[purpose] ?? [], query);
    if (!this.#legacy || !match) return { kind: 'invalid', reason: 'NO_TOKEN' };
    const now = this.#now();
    // As long as there is no active key, these are the links that are written, and none may die.
    const accepted = now <= this.#legacy.until || this.#keyring.active === undefined;
    this.#report({ purpose, claims: match.claims, at: new Date(now), accepted });
    if (!accepted) return { kind: 'invalid', reason: 'LEGACY_ENDED' };
    const confirm = match.confirm === undefined ? {} : { confirm: match.confirm };
    return { kind: 'legacy', claims: match.claims, id: match.id, ...confirm };
  }

  /** What `onLegacyHit` throws is no reason to fail the reader. */
  #report(hit: LegacyHit): void {
    const complain = (): void => this.#warn('onLegacyHit threw an error: this hit is not recorded');
    try {
      const pending: unknown = this.#onLegacyHit?.(hit);
      if (pending instanceof Promise) pending.catch(complain);
    } catch {
      complain();
    }
  }

  #tokenUrl(purpose: Purpose, claims: Claims): string {
    const address = this.#addresses.get(purpose);
    if (address !== undefined) return `${address}?t=${this.mint(purpose, claims)}`;
    throw new CasehardError('CONFIG', `links: ${purpose} has no path`, {
      hint: `write purposes: { ${purpose}: '${purpose}' }, where the application answers below baseUrl`,
    });
  }

  #legacyUrl(purpose: Purpose, claims: Claims, confirm: string | undefined): string {
    const shapes = this.#legacy?.shapes[purpose];
    if (!this.#legacy || !shapes) throw keyMissing(this.#keyring, `and ${purpose} has no legacy shape`);
    const link = printLegacy(shapes, claims, confirm);
    if (link !== undefined) return new URL(link, this.#legacy.base).href;
    const needed = shapes.map(({ parameters }) => Object.values(parameters).join(', ')).join('; or ');
    throw new CasehardError('CONFIG', `links: these claims fill no legacy shape of ${purpose}`, {
      hint: `give ${needed}; or configure ${this.#keyring.setting}`,
    });
  }

  #minter(purpose: Purpose): Minter {
    let minter = this.#minters.get(purpose);
    if (minter) return minter;
    checkPurpose(purpose);
    if (!this.#keyring.active) throw keyMissing(this.#keyring, 'so there is nothing to make a token with');
    minter = new Minter(this.#keyring.active, purpose, this.#audience);
    this.#minters.set(purpose, minter);
    return minter;
  }

  #noteMinted(): void {
    if (this.#keyring.active) this.#keyring.minted(this.#keyring.active.tkid);
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }
}

/**
 * Makes the links of a deployment usable. Throws CONFIG for a declaration that cannot work.
 *
 * @example
 * const links = createLinks({ keyring: loadTrackingKeyring(), baseUrl: 'https://example.com', purposes: { click: 'link.php' } });
 * links.url('click', { campaign: 789, recipient: 12345, link: 42 });
 */
export function createLinks(options: LinksOptions): Links {
  return new Links(options);
}

// --- internal ---

const CLOCK_TOLERANCE_SECONDS = 300;

interface Legacy {
  readonly until: number;
  readonly shapes: Readonly<Partial<Record<Purpose, readonly LegacyShape[]>>>;
  readonly base: URL;
  readonly addresses: ReadonlyMap<Purpose, readonly string[]>;
}

function legacyOf(options: LinksOptions, legacy: LegacyLinks): Legacy {
  const base = parseBase(options.baseUrl);
  const until = checkLegacy(legacy);
  const addresses = new Map<Purpose, readonly string[]>();
  const taken = new Map([...addressesOf(options)].map(([purpose, address]) => [address, purpose]));
  for (const [purpose, shapes] of purposesIn(legacy.shapes, 'legacy.shapes')) {
    const own = [...new Set(shapes.map(({ script }) => addressOf(base, script, `legacy.shapes.${purpose}`)))];
    for (const address of own) {
      const other = taken.get(address) ?? purpose;
      if (other !== purpose) {
        throw wrongLinks(
          `legacy.shapes.${purpose} and ${other} share the path ${new URL(address).pathname}`,
          'the path says what a link is for: give each purpose its own',
        );
      }
      taken.set(address, purpose);
    }
    addresses.set(purpose, own);
  }
  return { until, shapes: legacy.shapes, base, addresses };
}

function isWithCode(each: Claims | ClaimsWithCode): each is ClaimsWithCode {
  return Array.isArray(each);
}

function keyMissing({ setting }: TrackingKeyring, problem: string): CasehardError {
  return new CasehardError('KEY_MISSING', `${setting} not configured, ${problem}`, {
    hint: 'make a tracking key with `casehard keys generate`, or declare the legacy shape of these links',
  });
}
