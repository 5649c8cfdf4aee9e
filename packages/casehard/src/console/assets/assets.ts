import { hashToken } from '@casehard/core/state';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect x="2" y="6.5" width="12" height="8" rx="1.5" fill="#0b6b5d"/><path d="M5 6.5V5a3 3 0 0 1 6 0v1.5" fill="none" stroke="#0b6b5d" stroke-width="1.6"/><circle cx="8" cy="10.5" r="1.4" fill="#fff"/></svg>';

// The name changes with the content, so that a browser may keep them for ever.
export const STYLE_PATH = `/assets/${short(STYLE)}.css`;
export const SCRIPT_PATH = `/assets/${short(SCRIPT)}.js`;
export const ICON_PATH = `/assets/${short(ICON)}.svg`;

/** The three files that pages load, all our own. */
export const ASSETS: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {
  [STYLE_PATH]: { type: 'text/css; charset=utf-8', text: STYLE },
  [SCRIPT_PATH]: { type: 'text/javascript; charset=utf-8', text: SCRIPT },
  [ICON_PATH]: { type: 'image/svg+xml', text: ICON },
};

// --- internal ---

function short(text: string): string {
  return hashToken(text).replace(/[-_]/g, '').slice(0, 12);
}
