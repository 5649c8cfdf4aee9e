import type { Claims } from './claims.ts';

/** A place that a click may lead to: http or https, without a login in it; else `undefined`. Normalised, so that it cannot break out of a header. */
export function webAddress(text: string | undefined): string | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' ? url.href : undefined;
}

/** A click that leads nowhere is found out before the campaign, not after. */
export function refuseNowhere({ url }: Claims): void {
  if (url === undefined || webAddress(url) !== undefined) return;
  throw new TypeError('"url" must be an http or https address without a login in it');
}
