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

/**
 * Scanners of mail gateways, link previews of chat programs, crawlers and HTTP libraries, by the names they give themselves.
 * Not the windows of chat programs, nor Outlook, which names Office: there a person looks. CUBOT makes phones.
 */
const PROGRAMS = new RegExp(
  [
    '(?<!cu)bot\\b|crawl|spider|slurp|preview|\\bscan|urlscan|safelinks|headless',
    'proofpoint|mimecast|barracuda|fireeye|trellix|symantec|forcepoint|cloudmark|trend ?micro|sophos|ironport',
    'facebookexternalhit|^whatsapp/|slack-imgproxy',
    'curl/|wget/|python|libwww|java/|go-http-client|okhttp|node-fetch|axios|undici|ruby|php/|apache-httpclient',
  ].join('|'),
  'i',
);
