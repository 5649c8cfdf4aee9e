import { CasehardError, parseLocator, printLocator } from '@casehard/core';
import { needsOf } from '../../inventory/needs.ts';
import type { Listed } from '../../inventory/status.ts';
import { startTask } from '../background/background.ts';
import { required } from '../http/form.ts';
import { record } from '../record.ts';
import type { Ctx } from '../request.ts';
import { answerWith, goTo } from '../views/answer.ts';
import { type Html, html } from '../views/html.ts';
import { action, badge, number, plural, sentence, time } from '../views/parts.ts';
import { entryPath } from './paths.ts';

const PAGE = 50;

/** Values that nobody knows for certain, each with what it means and what can be done. */
export async function quarantinePage(ctx: Ctx): Promise<Response> {
  const { scan, scanRows } = ctx.parts.watch;
  if (!scan) {
    return answerWith(ctx, {
      title: 'Quarantine',
      refresh: 3,
      body: html`<p role="status">${scanRows === undefined ? 'There was no scan yet.' : 'The first scan is under way.'}</p>`,
    });
  }
  const { listed, listedInAll } = scan.found;
  const from = Math.max(0, Math.floor(Number(ctx.url.searchParams.get('from')) || 0));
  const shown = listed.slice(from, from + PAGE);
  return answerWith(ctx, {
    title: 'Quarantine',
    body: html`<p>Harden leaves these values exactly as they are, because nobody knows for certain what they are. Each can be replaced by a new credential; some can be sealed as they are; or leave them: nothing happens to them.</p>
<p class="soft">${plural(listedInAll, 'value needs', 'values need')} a look, as of the scan of ${time(scan.at)}.${listedInAll > listed.length ? ` The first ${number(listed.length)} are listed; the lists of the settings pages show the others by their filter “quarantined”.` : ''}</p>
${listed.length === 0 ? html`<p>Nothing is in quarantine.</p>` : table(ctx, shown)}
<p class="pager">${from > 0 ? html`<a class="button" href="${ctx.href(`/quarantine?from=${Math.max(0, from - PAGE)}`)}">Before</a>` : ''}${from + PAGE < listed.length ? html`<a class="button" href="${ctx.href(`/quarantine?from=${from + PAGE}`)}">Next</a>` : ''}</p>`,
  });
}

/** Seals one value as the ordinary credential that it is; a person has looked at it. */
export async function sealAsItIs(ctx: Ctx): Promise<Response> {
  const locator = parseLocator(required(ctx.form, 'locator'));
  if (!locator) throw new CasehardError('USAGE', 'this is no locator', { hint: 'load the page again' });
  const { live, watch, jobs } = ctx.parts;
  if (jobs.running) {
    throw new CasehardError('REFUSED', 'a job is running', { hint: 'wait for it, or pause it, then seal this value' });
  }
  live.hard.definition(locator.field);
  const ran = await startTask({ kind: 'run', act: 'harden', asPlaintext: locator }, live.where()).done;
  const subject = printLocator(locator.field, locator.key);
  await record(ctx, { act: 'harden', subject, outcome: `done, as plaintext: ${ran.changed} changed` });
  void watch.scanNow();
  return goTo(ctx, '/quarantine', ran.changed > 0 ? 'sealed-as-is' : 'sealed-not');
}

// --- internal ---

function table(ctx: Ctx, shown: readonly Listed[]): Html {
  const operator = ctx.who?.role === 'operator';
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Values in quarantine"><table><thead><tr><th scope="col">Locator</th><th scope="col">Verdict</th><th scope="col">What can be done</th>${operator ? html`<th scope="col">Actions</th>` : ''}</tr></thead><tbody>
${shown.map(({ locator, kind, verdict, from }) => {
  const needs = needsOf(kind, verdict);
  return html`<tr><th scope="row" class="wide"><code>${locator}</code></th><td>${badge(kind, verdict)}</td><td class="wide">${from ? html`It was made for <code>${from}</code> and does not open here. ` : ''}${sentence(inConsole(needs))}</td>${operator ? html`<td>${actions(ctx, locator, needs)}</td>` : ''}</tr>`;
})}
</tbody></table></div>`;
}

/** The command's words for what has a button here. */
function inConsole(needs: string): string {
  return needs.replace(/harden --as-plaintext/g, 'seal it as it is').replace(/set it anew/g, 'replace it');
}

function actions(ctx: Ctx, locator: string, needs: string): Html {
  const path = entryPath(ctx, locator);
  const replace = path ? html`<a class="button" href="${ctx.href(path)}">Replace</a>` : html``;
  const seal = needs.includes('--as-plaintext') && ctx.parts.live.keyring.active;
  return html`${replace}${seal ? action(ctx, '/quarantine/seal', 'Seal as it is', { hidden: { locator } }) : ''}`;
}
