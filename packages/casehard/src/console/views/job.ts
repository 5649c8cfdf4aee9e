import type { Job, JobState } from '../job-rows.ts';
import type { Ctx } from '../request.ts';
import { type Html, html } from './html.ts';
import { number, time } from './parts.ts';

const STATES: Readonly<Record<JobState, string>> = {
  running: 'running',
  paused: 'paused',
  interrupted: 'interrupted',
  done: 'done',
  cancelled: 'cancelled',
  failed: 'failed',
};

/** The live part of a job: a bar and its figures, kept current by the script where there is one. */
export function jobSummary(ctx: Ctx, job: Job): Html {
  const { total } = extentOf(ctx, job);
  const events = job.state === 'running' ? html`data-events="${ctx.href(`/jobs/${job.id}/events`)}"` : '';
  const texts = textsOf(ctx, job);
  return html`<section ${events} aria-label="Progress">
<label for="bar-${job.id}">${titleOf(job)}: <span data-live="state" role="status">${texts.state}</span></label>
<progress id="bar-${job.id}" max="${Math.max(total, 1)}" value="${total === 0 && job.state === 'done' ? 1 : Math.min(job.rows, Math.max(total, 1))}"></progress>
<p><span data-live="rows">${texts.rows}</span> <span data-live="rate">${texts.rate}</span></p>
</section>`;
}

export function titleOf({ act, fields }: Pick<Job, 'act' | 'fields'>): string {
  return `${act === 'harden' ? 'Harden' : 'Soften'} ${fields.length === 0 ? 'all fields' : fields.join(', ')}`;
}

/** The texts that change while a job runs, by the name of their place in the page. */
export function textsOf(ctx: Ctx, job: Job): Readonly<Record<'state' | 'rows' | 'rate', string>> {
  const { total } = extentOf(ctx, job);
  const seconds = Math.max(1, (job.updatedAt - job.startedAt) / 1000);
  const rate = Math.round(job.rows / seconds);
  const left = rate > 0 && total > job.rows ? `, ${duration((total - job.rows) / rate)} left` : '';
  const verb = job.act === 'harden' ? 'hardened' : 'softened';
  return {
    state: `${STATES[job.state]}${job.state === 'running' && job.message ? ` (${job.message})` : ''}`,
    rows: `${number(job.rows)} of ${number(Math.max(total, job.rows))} rows read, ${number(job.changed)} ${verb}, ${number(job.quarantined)} quarantined.`,
    rate: job.state === 'running' ? `${number(rate)} rows a second${left}.` : '',
  };
}

/** How many rows there are: by the last scan where there was one, because the job counts a field when it comes to it. */
export function extentOf({ parts }: Ctx, job: Job): { readonly total: number } {
  const scanned = parts.watch.scan?.found.fields
    .filter(({ name }) => job.fields.length === 0 || job.fields.includes(name))
    .reduce((sum, { tally }) => sum + tally.rows - tally.verdicts.empty, 0);
  return { total: job.state === 'running' ? Math.max(scanned ?? 0, job.total, job.rows) : Math.max(job.rows, 0) };
}

export function jobRows(ctx: Ctx, jobs: readonly Job[]): Html {
  if (jobs.length === 0) return html`<p class="soft">None yet.</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Jobs"><table><thead><tr><th scope="col">Job</th><th scope="col">State</th><th scope="col" class="num">Changed</th><th scope="col" class="num">Quarantined</th><th scope="col">Started</th><th scope="col">By</th></tr></thead><tbody>
${jobs.map((job) => html`<tr><th scope="row" class="wide"><a href="${ctx.href(`/jobs/${job.id}`)}">${titleOf(job)}</a></th><td>${STATES[job.state]}</td><td class="num">${number(job.changed)}</td><td class="num">${number(job.quarantined)}</td><td>${time(job.startedAt)}</td><td class="wide">${job.startedBy}</td></tr>`)}
</tbody></table></div>`;
}

// --- internal ---

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
