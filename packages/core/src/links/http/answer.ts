import { sha256 } from '../../crypto/token.ts';

const STYLE = `:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}
button,input{font:inherit;padding:.5rem 1rem;margin:.25rem 0}label{display:block}input{width:100%;box-sizing:border-box}`;
const STYLE_HASH = Buffer.from(sha256(Buffer.from(STYLE))).toString('base64');

/** On every answer: nothing is stored, indexed, or told to where a link leads. */
const ALWAYS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex, nofollow',
  'x-content-type-options': 'nosniff',
} as const;

const PAGE_HEADERS = {
  ...ALWAYS,
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
} as const;

/** A transparent image of one pixel. */
const PIXEL = Uint8Array.from(Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'));

/** The answer to every open, whatever its link says. */
export function pixel(): Response {
  return new Response(PIXEL, { headers: { ...ALWAYS, 'content-type': 'image/gif' } });
}

export function redirect(destination: string): Response {
  return new Response(null, { status: 302, headers: { ...ALWAYS, 'content-length': '0', location: destination } });
}

/** A page: one heading, one sentence, and at most one form. No script, nothing from elsewhere, nothing that was sent. */
export function page(status: number, lang: string, title: string, text: string, form = '', more = {}): Response {
  const html = `<!doctype html><html lang="${escapeHtml(lang)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><main><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p>${form}</main></body></html>`;
  return new Response(html, { status, headers: { ...PAGE_HEADERS, ...more } });
}

/** For programs. */
export function plain(status: number, text: string, more = {}): Response {
  return new Response(`${text}\n`, {
    status,
    headers: { ...ALWAYS, 'content-type': 'text/plain; charset=utf-8', ...more },
  });
}

/** The form posts to the very address of the page, so that the link goes with it, however it was mangled. */
export function button(label: string): string {
  return `<form method="post"><button name="confirm" value="yes">${escapeHtml(label)}</button></form>`;
}

export function addressForm(label: string, submit: string): string {
  return `<form method="post"><label for="address">${escapeHtml(label)}</label><input id="address" name="address" type="email" maxlength="254" autocomplete="email" required><button>${escapeHtml(submit)}</button></form>`;
}

// --- internal ---

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}
