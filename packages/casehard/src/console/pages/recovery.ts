import { csvLine } from '../../keys/csv.ts';
import type { LostValue } from '../../keys/recover.ts';
import type { Scanned } from '../background/task.ts';
import { kidsOf } from '../kids.ts';
import { record } from '../record.ts';
import type { Ctx } from '../request.ts';
import { answerWith, download } from '../views/answer.ts';
import { type Html, html } from '../views/html.ts';
import { action, badge, number, plural, time } from '../views/parts.ts';
import { entryPath } from './paths.ts';

const PAGE = 50;

/** What can no longer be opened, and how far entering it again has come, as of the last scan. */
export async function recoveryPage(ctx: Ctx): Promise<Response> {
  const { scan, scanRows } = ctx.parts.watch;
  if (!scan) {
    const body = html`<p role="status">${scanRows === undefined ? 'There was no scan yet.' : 'The first scan is under way.'}</p>`;
    return answerWith(ctx, { title: 'Recovery', refresh: 3, body });
  }
  const { lost, lostInAll } = scan.found;
  const from = Math.max(0, Math.floor(Number(ctx.url.searchParams.get('from')) || 0));
  return answerWith(ctx, {
    title: 'Recovery',
    body: html`${progress(scan.found)}
<p class="soft">As of the scan of ${time(scan.at)}${scanRows === undefined ? '' : '; another one is under way'}.</p>
${
  lostInAll === 0
    ? ''
    : html`${lostKeys(ctx, scan.found)}${groups(lost, lostInAll)}
<h2>Enter them again</h2><p>Each page takes a new credential; the old one is not opened for that, and everything else works meanwhile.</p>
${lostInAll > lost.length ? html`<p>The first ${number(lost.length)} are listed; the lists of the settings pages show the others by their filter “unreadable”, and <code>casehard recover --csv</code> writes all of them.</p>` : ''}
${queue(ctx, lost.slice(from, from + PAGE))}
<p class="pager">${from > 0 ? html`<a class="button" href="${ctx.href(`/recovery?from=${Math.max(0, from - PAGE)}`)}">Before</a>` : ''}${from + PAGE < lost.length ? html`<a class="button" href="${ctx.href(`/recovery?from=${from + PAGE}`)}">Next</a>` : ''}</p>
${ctx.who?.role === 'operator' ? action(ctx, '/recovery/csv', 'Download the list as CSV') : ''}`
}`,
  });
}

/** The list with verdicts and key ids, without content. */
export async function recoveryCsv(ctx: Ctx): Promise<Response> {
  const { lost = [], lostInAll = 0 } = ctx.parts.watch.scan?.found ?? {};
  await record(ctx, {
    act: 'recover',
    subject: '',
    outcome: `listed: ${lost.length}${lostInAll > lost.length ? ` of ${lostInAll}` : ''}`,
  });
  const lines = [
    csvLine(['locator', 'field', 'verdict', 'kid']),
    ...lost.map(({ locator, field, verdict, kid }) => csvLine([locator, field, verdict, kid ?? ''])),
  ];
  return download(ctx, { name: 'casehard-recover.csv', type: 'text/csv; charset=utf-8', text: lines.join('') });
}

// --- internal ---

function progress({ lostInAll, recovery }: Scanned): Html {
  const first = recovery.reduce((sum, field) => sum + field.first, 0);
  const entered = first - recovery.reduce((sum, field) => sum + field.remaining, 0);
  if (lostInAll === 0) {
    return html`<p class="headline">${first > 0 ? `All ${number(first)} open again.` : 'Every credential opens, or is not sealed.'}</p>`;
  }
  return html`<p class="headline">${plural(lostInAll, 'credential', 'credentials')} can no longer be opened.</p>
${first > lostInAll ? html`<p><label for="recovered">${number(entered)} of ${number(first)} open again</label> <progress id="recovered" max="${first}" value="${entered}"></progress></p>` : ''}`;
}

/** Keys that values name and nobody here has: found again, they make everything else on this page superfluous. */
function lostKeys({ parts, href }: Ctx, found: Scanned): Html {
  const kids = new Map<string, number>();
  for (const field of kidsOf(found)) {
    for (const [kid, values] of field.kids) {
      if (parts.live.keyring.stateOf(kid) === undefined) kids.set(kid, (kids.get(kid) ?? 0) + values);
    }
  }
  if (kids.size === 0) return html``;
  return html`<h2>Look for the key first</h2>
<ul>${[...kids].map(([kid, values]) => html`<li>Key <code>${kid}</code>: ${plural(values, 'value', 'values')}</li>`)}</ul>
<p>Found again, it opens them all: list it in <code>CASEHARD_PREVIOUS_ENC_KEYS</code>. Try a <a href="${href('/keys/backup')}">backup of the keys</a> (<code>casehard keys restore FILE</code>), or search old settings and archives: <code>casehard keys hunt PATH…</code>. If it is lost for good, list its id in <code>CASEHARD_WITHDRAWN_KIDS</code>.</p>`;
}

function groups(lost: readonly LostValue[], inAll: number): Html {
  const counts = new Map<string, { readonly of: LostValue; count: number }>();
  for (const each of lost) {
    const name = JSON.stringify([each.field, each.verdict, each.kid]);
    const group = counts.get(name) ?? { of: each, count: 0 };
    group.count++;
    counts.set(name, group);
  }
  const note = inAll > lost.length ? html`<p>Of the first ${number(lost.length)}.</p>` : '';
  return html`<h2>By field and reason</h2>${note}<div class="scroll" tabindex="0" role="region" aria-label="By field and reason"><table><thead><tr><th scope="col">Field</th><th scope="col">Reason</th><th scope="col">Key id</th><th scope="col" class="num">Values</th></tr></thead><tbody>
${[...counts.values()].map(({ of, count }) => html`<tr><th scope="row" class="wide"><code>${of.field}</code></th><td>${badge('unreadable', of.verdict)}</td><td>${of.kid ? html`<code>${of.kid}</code>` : '–'}</td><td class="num">${number(count)}</td></tr>`)}
</tbody></table></div>`;
}

function queue(ctx: Ctx, lost: readonly LostValue[]): Html {
  const operator = ctx.who?.role === 'operator';
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Credentials to enter again"><table><thead><tr><th scope="col">Locator</th><th scope="col">Reason</th>${operator ? html`<th scope="col">Action</th>` : ''}</tr></thead><tbody>
${lost.map(({ locator, verdict }) => {
  const path = entryPath(ctx, locator);
  const how = path
    ? html`<a class="button" href="${ctx.href(path)}">Enter it again</a>`
    : html`<code>casehard set</code>`;
  return html`<tr><th scope="row" class="wide"><code>${locator}</code></th><td>${badge('unreadable', verdict)}</td>${operator ? html`<td>${how}</td>` : ''}</tr>`;
})}
</tbody></table></div>`;
}
