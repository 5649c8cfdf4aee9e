import type { Claims } from './claims.ts';
import type { Purpose } from './purpose.ts';

/** Whether claims say whose link it is. A send or a list alone does not: an application would act for `undefined`. */
export function namesReader({ recipient, recipientKey }: Claims): boolean {
  return recipient !== undefined || (recipientKey !== undefined && recipientKey.length > 0);
}

/** A column whose name was mistyped is `undefined`: its readers would believe for ever that they are unsubscribed. */
export function refuseNobody(purpose: Purpose, claims: Claims): void {
  if ((purpose !== 'unsubscribe' && purpose !== 'preferences') || namesReader(claims)) return;
  throw new TypeError(`"recipient" or "recipientKey" must be given: a link for ${purpose} acts for one reader`);
}
