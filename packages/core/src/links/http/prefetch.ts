/** Why a request looks like a program's that followed the link ahead of a person, or without one. */
export type PrefetchSign = 'method' | 'header' | 'agent';

/**
 * Says what speaks for a prefetch. A suspicion, for statistics only: scanners also pose as browsers, and the image
 * proxies of large providers fetch when a person opens the mail, so they are not suspected.
 */
export function prefetchSign(request: Request): PrefetchSign | undefined {
  if (request.method === 'HEAD') return 'method';
  const { headers } = request;
  if (PURPOSE_HEADERS.some((name) => /prefetch|prerender|preview/i.test(headers.get(name) ?? ''))) return 'header';
  const agent = headers.get('user-agent')?.trim() ?? '';
  if (agent === '' || agent === 'Mozilla/5.0' || PROGRAMS.test(agent)) return 'agent';
  return undefined;
}

// --- internal ---

const PURPOSE_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'] as const;

/** Scanners of mail gateways, link previews of chat programs, crawlers and HTTP libraries, by the names they give themselves. */
const PROGRAMS = new RegExp(
  [
    'bot\\b|crawl|spider|slurp|preview|\\bscan|urlscan|safelinks|headless',
    'proofpoint|mimecast|barracuda|fireeye|trellix|symantec|forcepoint|cloudmark|trend ?micro|sophos|ironport',
    'facebookexternalhit|whatsapp|telegram|slack|discord|skype|microsoft office|linkexpanding',
    'curl/|wget/|python|libwww|java/|go-http-client|okhttp|node-fetch|axios|undici|ruby|php/|apache-httpclient',
  ].join('|'),
  'i',
);
