import type { Finding, Severity } from '../../doctor/finding.ts';
import { type Ctx, person } from '../request.ts';
import { answerWith, goTo } from '../views/answer.ts';
import { type Html, html } from '../views/html.ts';
import { action, number, plural, sentence, time, trouble } from '../views/parts.ts';
import { entryPath } from './paths.ts';

/** What the doctor found, the worst first. He looks in the background: after scans, and when somebody asks. */
export async function doctorPage(ctx: Ctx): Promise<Response> {
  const { errands } = ctx.parts;
  const { running, last } = errands.doctor;
  const { diagnosis } = errands;
  const state = running
    ? html`<p role="status">The doctor is looking: ${plural(running.rows, 'value', 'values')} of the field at hand.</p>`
    : ctx.who?.role === 'operator'
      ? action(ctx, '/doctor', 'Examine now', { kind: 'primary' })
      : '';
  const failed = last?.error ? trouble(last.error) : '';
  const found = diagnosis?.outcome;
  if (!diagnosis || !found) {
    const body = html`${failed}<p class="headline">No diagnosis yet.</p>${state}`;
    return answerWith(ctx, { title: 'Doctor', ...(running || !last ? { refresh: 3 } : {}), body });
  }
  const { headline, findings, counts, values } = found;
  const wrong = findings.filter(({ verdict }) => verdict !== 'ok');
  const well = findings.filter(({ verdict }) => verdict === 'ok');
  return answerWith(ctx, {
    title: 'Doctor',
    ...(running ? { refresh: 3 } : {}),
    body: html`${failed}${headline ? html`<div class="banner bad" role="alert"><p><strong>${headline}</strong> <a href="${ctx.href('/diagnosis')}">What to do</a></p></div>` : ''}
<p class="headline">${wrong.length === 0 ? 'Nothing is wrong.' : `${number(counts.failed)} failed, ${plural(counts.warning, 'warning', 'warnings')}, ${plural(counts.notice, 'notice', 'notices')}.`}</p>
<p class="soft">As of ${time(diagnosis.at)}; ${values.complete ? `${plural(values.looked, 'value was', 'values were')} looked at, all that there are` : 'values were counted, not opened'}.</p>${state}
${wrong.length > 0 ? html`<ul class="cards findings">${wrong.map((finding) => card(ctx, finding))}</ul>` : ''}
${well.length > 0 ? html`<details><summary>${plural(well.length, 'check found', 'checks found')} nothing</summary><ul>${well.map(({ code, evidence }) => html`<li><code>${code}</code>: ${sentence(evidence)}</li>`)}</ul></details>` : ''}`,
  });
}

/** Lets the doctor look at everything now. */
export function examineNow(ctx: Ctx): Response {
  ctx.parts.errands.examine(person(ctx).name);
  return goTo(ctx, '/doctor');
}

/** A verdict of the doctor as a word with a shade; the word alone says it all. */
export function severity(verdict: Severity): Html {
  return html`<span class="badge ${SHADES[verdict]}">${verdict}</span>`;
}

// --- internal ---

const SHADES: Readonly<Record<Severity, string>> = {
  failed: 'unreadable',
  warning: 'legacy',
  notice: 'stale',
  ok: 'hardened',
};

const MAX_SHOWN = 10;

function card(ctx: Ctx, { code, verdict, evidence, cause, fix, locators = [], locatorsInAll = 0 }: Finding): Html {
  const shown = locators.slice(0, MAX_SHOWN);
  const more = Math.max(0, locatorsInAll - shown.length);
  return html`<li><h2>${severity(verdict)} <code>${code}</code></h2><p>${sentence(evidence)}</p>
${cause ? html`<p><strong>Cause:</strong> ${sentence(cause)}</p>` : ''}${fix ? html`<p><strong>Fix:</strong> ${sentence(fix)}</p>` : ''}
${shown.length > 0 ? html`<p><strong>Where:</strong></p><ul>${shown.map(({ locator, from }) => html`<li>${place(ctx, locator)}${from ? html`, made for ${place(ctx, from)}` : ''}</li>`)}${more > 0 ? html`<li>and ${number(more)} more</li>` : ''}</ul>` : ''}</li>`;
}

function place(ctx: Ctx, locator: string): Html {
  const path = entryPath(ctx, locator);
  return path ? html`<a href="${ctx.href(path)}"><code>${locator}</code></a>` : html`<code>${locator}</code>`;
}
