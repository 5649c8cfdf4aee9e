/**
 * @casehard/core/links: tracking and unsubscribe links that show no number. Most mailers need `createLinks` and
 * `loadTrackingKeyring`, then `url` where a mail is written; `@casehard/core/links/http` answers the clicks.
 *
 * Links made by one 1.x release work in every later one.
 */
export type { LegacyLinks, LegacyMeaning, LegacyShape, LinkSettings } from '../field/link-settings.ts';
export { loadTrackingKeyring } from '../keyring/load.ts';
export {
  createTrackingKeyring,
  type TrackingKeyring,
  type TrackingKeyringOptions,
} from '../keyring/tracking-keyring.ts';
export { type Claims, type Id, type ReadClaims, uuidBytes, uuidText } from './claims.ts';
export { type LegacyHit, mailerShapes } from './legacy.ts';
export { createLinks, type LinkDefect, type LinkResult, type Links, type LinksOptions } from './links.ts';
export { readParameters, redactLink } from './parameters.ts';
export { PURPOSES, type Purpose, purposeOf } from './purpose.ts';
