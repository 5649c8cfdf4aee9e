import type { KeyState } from '@casehard/core';
import type { Drill } from '../../database/drills.ts';
import type { ListedProcess } from '../../database/processes.ts';
import type { ListedKey } from '../../keys/list.ts';
import { type Html, html } from './html.ts';
import { number, plural, time } from './parts.ts';

const STATES: Readonly<Record<KeyState, string>> = {
  active: 'seals and opens',
  staged: 'opens, does not seal yet',
  previous: 'opens what it sealed',
  withdrawn: 'refused',
};

const TRACKING_STATES: Readonly<Record<KeyState, string>> = {
  active: 'makes and reads links',
  staged: 'reads links, does not make them yet',
  previous: 'reads the links in old mails',
  withdrawn: 'refused',
};

/** Every key with what is known of it. `counted`: values have been counted. */
export function keyTable(keys: readonly ListedKey[], counted: boolean): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Keys"><table><thead><tr><th scope="col">Key id</th><th scope="col">Kind</th><th scope="col">Here</th><th scope="col">Live processes</th><th scope="col" class="num">Values</th><th scope="col">First used</th><th scope="col">Last sealed</th><th scope="col">Last opened</th><th scope="col">Proven backup</th></tr></thead><tbody>
${keys.map(
  (key) =>
    html`<tr><th scope="row"><code>${key.kid}</code></th><td>${key.kind === 'enc' ? 'sealing' : 'tracking'}</td><td class="wide">${key.state === undefined ? 'not configured' : `${key.state}: ${(key.kind === 'enc' ? STATES : TRACKING_STATES)[key.state]}`}</td><td>${key.active} active, ${key.able} can open</td><td class="num">${valuesOf(key, counted)}</td><td>${timeOf(key.firstUse === undefined ? undefined : utc(key.firstUse), 'not yet')}</td><td>${timeOf(key.sealedAt)}</td><td>${timeOf(key.openedAt)}</td><td>${provenText(key.proven)}</td></tr>`,
)}
</tbody></table></div>
${keys.some(({ fields }) => fields.length > 0) ? html`<details><summary>Values by field</summary><ul>${keys.flatMap(({ kid, fields }) => fields.map(({ field, values }) => html`<li><code>${kid}</code>: <code>${field}</code>, ${plural(values, 'value', 'values')}</li>`))}</ul></details>` : ''}`;
}

/** The processes that have attached themselves, as they say of themselves. */
export function processTable(processes: readonly ListedProcess[]): Html {
  if (processes.length === 0) {
    return html`<p>No process is attached: an application that calls <code>attach</code> is listed here, and waited for when the key changes.</p>`;
  }
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Live processes"><table><thead><tr><th scope="col">Host</th><th scope="col">Version</th><th scope="col">Active key</th><th scope="col">Opens also</th><th scope="col">Tracking key</th><th scope="col" class="num">Last heard</th></tr></thead><tbody>
${processes.map(
  ({ host, version, activeKid, kids, trackingKid, silent }) =>
    html`<tr><th scope="row" class="wide">${host}</th><td>${version}</td><td>${activeKid === undefined ? 'none' : html`<code>${activeKid}</code>`}</td><td>${kids.filter((kid) => kid !== activeKid).map((kid) => html`<code>${kid}</code> `)}</td><td>${trackingKid === undefined ? 'none' : html`<code>${trackingKid}</code>`}</td><td class="num">${ago(silent)}</td></tr>`,
)}
</tbody></table></div>`;
}

/** When a backup of a key was last proven, or that none was. */
export function provenText(drill: Drill | undefined): Html {
  return drill ? html`${time(drill.at)}, ${drill.file}` : html`none`;
}

export function ago(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
}

// --- internal ---

function valuesOf({ kind, values }: ListedKey, counted: boolean): string {
  if (kind === 'trk') return 'links';
  return counted ? number(values) : 'being counted';
}

function timeOf(at: number | undefined, none = '–'): Html {
  return at === undefined || Number.isNaN(at) ? html`${none}` : time(at);
}

/** Our tables keep UTC without saying so. */
function utc(text: string): number {
  return Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(text) ? text : `${text.replace(' ', 'T')}Z`);
}
