import type { Trouble } from '../background/task.ts';
import type { Job } from '../job-rows.ts';
import type { Ctx } from '../request.ts';
import { answerWith, goTo } from '../views/answer.ts';
import { countsOf, historyChart, legend, stackedBar } from '../views/bars.ts';
import { type Html, html } from '../views/html.ts';
import { jobSummary } from '../views/job.ts';
import { action, number, plural, sentence, time } from '../views/parts.ts';
import { severity } from './doctor.ts';

/** How many credentials are hardened, field by field, as of the last scan. */
export async function overview(ctx: Ctx): Promise<Response> {
  const { watch, upgrade, later } = ctx.parts;
  // A pending upgrade comes first, until somebody says that it can wait.
  const waits = watch.upgradePending === true || upgrade.state.kind === 'running';
  if (waits && !later.has(laterKey(ctx)) && ctx.who?.role === 'operator') return goTo(ctx, '/upgrade');
  const points = await ctx.parts.history.last(60);
  const running = ctx.parts.jobs.running;
  const scanning = watch.scanRows !== undefined;
  return answerWith(ctx, {
    title: 'Overview',
    ...(scanning || running ? { refresh: 5 } : {}),
    body: html`${worst(ctx)}${figures(ctx)}${running ? runningJob(ctx, running) : ''}
<h2>Not hardened, over time</h2>${historyChart(points)}
<h2>Keys</h2>${keys(ctx)}`,
  });
}

/** Starts a scan. */
export function startScan(ctx: Ctx): Response {
  void ctx.parts.watch.scanNow();
  return goTo(ctx, '/', 'scan-started');
}

/** Whoever said *Later*: the synchronizer token is one to a session. */
export function laterKey({ csrf }: Ctx): string {
  return csrf;
}

// --- internal ---

/** The doctor's worst finding. */
function worst({ parts, href }: Ctx): Html {
  const { diagnosis } = parts.errands;
  const [finding] = diagnosis?.outcome?.findings.filter(({ verdict }) => verdict !== 'ok') ?? [];
  if (!diagnosis || !finding) return html``;
  return html`<p>${severity(finding.verdict)} <strong>${diagnosis.outcome?.headline ?? sentence(finding.evidence)}</strong> (${time(diagnosis.at)}) <a href="${href('/doctor')}">What the doctor says</a> <code>${finding.code}</code></p>`;
}

function figures(ctx: Ctx): Html {
  const { watch } = ctx.parts;
  const { scan, scanRows, scanFailed } = watch;
  const state =
    scanRows === undefined
      ? ctx.who?.role === 'operator'
        ? action(ctx, '/scan', 'Scan now')
        : html``
      : html`<p role="status">A scan is under way: ${plural(scanRows, 'value', 'values')} read.</p>`;
  const failed = scanFailed
    ? troubles([
        { code: scanFailed.code, message: scanFailed.message, ...(scanFailed.hint ? { hint: scanFailed.hint } : {}) },
      ])
    : '';
  if (!scan)
    return html`${failed}<p class="headline">${scanRows === undefined ? 'No figures yet.' : 'The first scan is under way.'}</p>${state}`;
  const { fields, notHardened, troubles: found } = scan.found;
  const all = countsOf(fields.map(({ tally }) => tally));
  return html`${failed}${troubles(found)}
<p class="headline">${notHardened === 0 ? 'All credentials are hardened.' : `${plural(notHardened, 'credential is', 'credentials are')} not hardened.`}</p>
${stackedBar(all, 'All fields', true)}${legend(all)}
<p class="soft">As of the scan of ${time(scan.at)}, which opened every value.</p>${state}
<h2>Fields</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Fields"><table><thead><tr><th scope="col">Field</th><th scope="col">Verdicts</th><th scope="col" class="num">Not hardened</th><th scope="col" class="num">Rows</th><th scope="col">Accepts</th></tr></thead><tbody>
${fields.map(({ name, tally, accepts }) => {
  const counts = countsOf([tally]);
  const open = counts.legacy + counts.stale + counts.quarantined + counts.unreadable;
  return html`<tr><th scope="row" class="wide">${fieldLink(ctx, name)}</th><td>${stackedBar(counts, name)}</td><td class="num">${number(open)}</td><td class="num">${number(tally.rows)}</td><td>${accepts}</td></tr>`;
})}
</tbody></table></div>`;
}

function fieldLink(ctx: Ctx, name: string): Html {
  const page = ctx.parts.live.pages.find(({ entries }) => entries.some(({ field }) => field === name));
  return page ? html`<a href="${ctx.href(`/settings/${page.slug}`)}">${name}</a>` : html`${name}`;
}

function troubles(found: readonly Trouble[]): Html {
  return html`${found.map(({ message, hint, code }) => html`<div class="banner bad" role="alert"><p><strong>${sentence(message)}</strong> ${hint ? sentence(hint) : ''} <code>${code}</code></p></div>`)}`;
}

function runningJob(ctx: Ctx, job: Job): Html {
  return html`<h2>At work</h2>${jobSummary(ctx, job)}<p><a href="${ctx.href(`/jobs/${job.id}`)}">Watch it</a></p>`;
}

function keys(ctx: Ctx): Html {
  const { live, watch, now } = ctx.parts;
  const canaries = new Map(watch.look?.found.canaries.map(({ kid, since }) => [kid, Date.parse(since)]));
  const list = live.keyring.list();
  if (watch.look?.found.keys)
    return html`<p>${sentence(watch.look.found.keys.message)} <a href="${ctx.href('/diagnosis')}">What to do</a></p>`;
  if (list.length === 0)
    return html`<p>${live.keyring.setting} not configured. <a href="${ctx.href('/keys')}">Generate keys</a></p>`;
  return html`<ul>${list.map(({ kid, state }) => {
    const since = canaries.get(kid);
    const days = since === undefined || Number.isNaN(since) ? undefined : Math.floor((now() - since) / 86_400_000);
    return html`<li><code>${kid}</code> (${state})${days === undefined ? ', has not hardened anything here yet' : `, first used here ${days === 0 ? 'today' : `${plural(days, 'day', 'days')} ago`}`}</li>`;
  })}</ul>`;
}
