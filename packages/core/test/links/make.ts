import { TrackingKey } from '../../src/keyring/tracking-key.ts';
import { createTrackingKeyring, type TrackingKeyringOptions } from '../../src/keyring/tracking-keyring.ts';
import type { Claims, ReadClaims } from '../../src/links/claims.ts';
import { createLinks, type Links, type LinksOptions } from '../../src/links/links.ts';
import type { Draw } from '../../src/links/mint.ts';
import type { Purpose } from '../../src/links/purpose.ts';
import type { TrackingKeys } from '../../src/links/verify.ts';
import type { PublishedClaims } from '../reference-token.ts';
import { type MasterName, masterOf } from '../vectors/masters.ts';

/** When the tests of time are: 2027-01-15T08:00:00Z, in seconds. */
export const NOW = 1_800_000_000;
export const CLAIMS = { campaign: 789, recipient: 12345, link: 42 } as const;

/** Every purpose with a path. */
export const PATHS: Readonly<Record<Purpose, string>> = {
  open: 'open',
  click: 'click',
  unsubscribe: 'unsubscribe',
  confirm: 'confirm',
  view: 'view',
  preferences: 'preferences',
};

/** A published test key as src holds it. */
export function trackingKey(name: MasterName): TrackingKey {
  return new TrackingKey(masterOf(name));
}

export function trackingTextOf(name: MasterName): string {
  return masterOf(name).toString('base64url');
}

export type TrackingNames = {
  readonly active?: MasterName;
  readonly previous?: readonly MasterName[];
  readonly staged?: readonly MasterName[];
  readonly withdrawn?: readonly string[];
};

/** A keyring of published test keys. */
export function trackingOf(names: TrackingNames, rest: TrackingKeyringOptions = {}) {
  return createTrackingKeyring({
    ...(names.active === undefined ? {} : { active: trackingTextOf(names.active) }),
    previous: (names.previous ?? []).map(trackingTextOf),
    staged: (names.staged ?? []).map(trackingTextOf),
    withdrawn: names.withdrawn ?? [],
    ...rest,
  });
}

/** Links under the first published key, at NOW, with every purpose. */
export function linksOf(rest: Partial<LinksOptions> = {}): Links {
  return createLinks({
    keyring: trackingOf({ active: 'counting' }),
    baseUrl: 'https://example.com',
    purposes: PATHS,
    now: () => NOW * 1000,
    ...rest,
  });
}

/** Links without any key, whose warning is dropped. */
export function keyless(rest: Partial<LinksOptions> = {}): Links {
  return linksOf({ keyring: createTrackingKeyring(), warn: () => {}, ...rest });
}

/** The smallest thing that verifying asks for keys. */
export function trackingKeysOf(names: readonly MasterName[], withdrawn: readonly string[] = []): TrackingKeys {
  const keys = new Map(names.map(trackingKey).map((key) => [key.tkid, key]));
  return { find: (tkid) => keys.get(tkid), isWithdrawn: (tkid) => withdrawn.includes(tkid) };
}

/** Hands out these bytes, one after the other, and fails where there are no more. */
export function drawOf(...bytes: Uint8Array[]): Draw {
  const all = Buffer.concat(bytes);
  let used = 0;
  return (target, offset, length) => {
    if (used + length > all.length) throw new Error('drawn more often than the test expects');
    target.set(all.subarray(used, used + length), offset);
    used += length;
  };
}

/** Claims of a vector as an application gives them: numbers as text, as drivers hand over large ones. */
export function claimsIn({ tenant, recipientKey, ...rest }: PublishedClaims): Claims {
  return {
    ...rest,
    ...(tenant === undefined ? {} : { tenant: Buffer.from(tenant, 'hex') }),
    ...(recipientKey === undefined ? {} : { recipientKey: Buffer.from(recipientKey, 'hex') }),
  };
}

/** Claims that were read, as the vectors publish them. */
export function published(claims: ReadClaims): PublishedClaims {
  const text = (value: number | bigint | string | Uint8Array) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
  return Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, text(value)]));
}
