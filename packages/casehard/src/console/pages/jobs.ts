import { CasehardError } from '@casehard/core';
import { required } from '../http/form.ts';
import type { Job } from '../job-rows.ts';
import { aboutJob, record } from '../record.ts';
import { type Ctx, person } from '../request.ts';
import { answerWith, goTo } from '../views/answer.ts';
import { type Html, html } from '../views/html.ts';
import { jobRows, jobSummary, titleOf } from '../views/job.ts';
import { action, passwordField, sentence, time, tokenField } from '../views/parts.ts';

/** Harden now, soften, and what was done before. */
export async function jobsPage(ctx: Ctx): Promise<Response> {
  const { jobs } = ctx.parts;
  const { running } = jobs;
  return answerWith(ctx, {
    title: 'Harden',
    ...(running ? { refresh: 3 } : {}),
    body: html`${running ? html`${jobSummary(ctx, running)}${buttons(ctx, running)}` : ctx.who?.role === 'operator' ? forms(ctx) : html`<p>An operator can start a job.</p>`}
<h2>Jobs</h2>${jobRows(ctx, await jobs.list())}`,
  });
}

export async function jobPage(ctx: Ctx): Promise<Response> {
  const job = await ctx.parts.jobs.find(ctx.params.id ?? '');
  if (!job) throw noJob();
  return answerWith(ctx, {
    title: titleOf(job),
    ...(job.state === 'running' ? { refresh: 2 } : {}),
    body: html`${jobSummary(ctx, job)}${buttons(ctx, job)}
${job.message && job.state !== 'running' ? html`<h2>${job.state === 'failed' ? 'Why it failed' : 'What is left to do'}</h2><pre tabindex="0">${job.message}</pre>` : ''}
<p class="soft">Started ${time(job.startedAt)} by ${job.startedBy}${job.rate === undefined ? '' : `, at most ${job.rate} rows a second`}. You may close this page: the job goes on, also after a restart of the console.</p>
<p><a href="${ctx.href('/jobs')}">All jobs</a></p>`,
  });
}

/** Starts a harden, or a soften: the latter's route asks for the password. */
export async function startJob(ctx: Ctx, act: Job['act']): Promise<Response> {
  const field = ctx.form.get('field') ?? '';
  if (field !== '') ctx.parts.live.hard.definition(field);
  const rate = rateOf(ctx.form.get('rate') ?? '');
  const job = await ctx.parts.jobs.start({
    act,
    fields: field === '' ? [] : [field],
    by: person(ctx).name,
    ...(rate === undefined ? {} : { rate }),
  });
  await record(ctx, { ...aboutJob(job), outcome: 'started' });
  return goTo(ctx, `/jobs/${job.id}`, 'job-started');
}

export async function controlJob(ctx: Ctx): Promise<Response> {
  const id = ctx.params.id ?? '';
  const what = required(ctx.form, 'do');
  const { jobs } = ctx.parts;
  const job = await jobs.find(id);
  if (what === 'pause') await jobs.pause(id);
  else if (what === 'cancel') await jobs.cancel(id);
  else throw new CasehardError('USAGE', 'the form asks for something unknown', { hint: 'load the page again' });
  if (job) await record(ctx, { ...aboutJob(job), outcome: `asked to ${what}` });
  return goTo(ctx, `/jobs/${id}`, what === 'pause' ? 'job-paused' : 'job-cancelled');
}

/** Goes on with a harden. A soften has a route of its own, which asks for the password. */
export async function resumeJob(ctx: Ctx, act: Job['act']): Promise<Response> {
  const id = ctx.params.id ?? '';
  const job = await ctx.parts.jobs.find(id);
  if (!job || job.act !== act) throw noJob();
  await ctx.parts.jobs.resume(id);
  await record(ctx, { ...aboutJob(job), outcome: 'resumed' });
  return goTo(ctx, `/jobs/${id}`, 'job-resumed');
}

// --- internal ---

function forms(ctx: Ctx): Html {
  const { live } = ctx.parts;
  const { adopted } = live.project.config;
  const fields = html`<option value="">All fields</option>${live.hard.names.map((name) => html`<option value="${name}">${name}</option>`)}`;
  const blocked = ctx.parts.watch.look?.found.keys
    ? html`<p>Nothing can be hardened: ${ctx.parts.watch.look.found.keys.message}. <a href="${ctx.href('/diagnosis')}">What to do</a></p>`
    : !live.keyring.active
      ? html`<p>There is no key to harden with. <a href="${ctx.href('/keys')}">Generate keys</a> and configure them.</p>`
      : adopted !== true
        ? html`<p>Hardening waits until the configuration says <code>adopted: true</code>. Write it there when every program that reads these fields opens sealed values with casehard, and start the console again: a program that does not would get sealed text instead of a password.</p>`
        : undefined;
  return html`<p>Hardening seals every legacy value and reseals every stale one, page by page, while the application goes on. What cannot be read for certain is left alone and listed under <a href="${ctx.href('/quarantine')}">Quarantine</a>. Back the database up first, and the keys.</p>
${
  blocked ??
  html`<form method="post" action="${ctx.href('/jobs/harden')}" class="stack">${tokenField(ctx)}
<div class="row"><label for="h-field">Field</label><select id="h-field" name="field">${fields}</select></div>
<div class="row"><label for="h-rate">At most so many rows a second</label><input id="h-rate" name="rate" type="number" min="1" inputmode="numeric" aria-describedby="h-rate-hint"><p class="hint" id="h-rate-hint">Empty: as fast as pages of 50 ms go.</p></div>
<button class="primary">Harden now</button></form>`
}
<h2>Soften</h2>
<details><summary>Turn sealed credentials back into the previous scheme, for those who leave</summary>
<p>Every credential becomes readable in the database again. Processes that have the key active go on sealing what they save: move it to <code>CASEHARD_STAGED_ENC_KEYS</code> everywhere first.</p>
<form method="post" action="${ctx.href('/jobs/soften')}" class="stack">${tokenField(ctx)}
<div class="row"><label for="s-field">Field</label><select id="s-field" name="field">${fields}</select></div>
${passwordField(ctx, 's-password')}
<button class="danger">Soften</button></form></details>`;
}

function buttons(ctx: Ctx, job: Job): Html {
  if (ctx.who?.role !== 'operator') return html``;
  const path = `/jobs/${job.id}`;
  if (job.state === 'running') {
    return html`${action(ctx, `${path}/control`, 'Pause', { hidden: { do: 'pause' } })}${action(ctx, `${path}/control`, 'Cancel', { hidden: { do: 'cancel' }, kind: 'danger' })}`;
  }
  if (job.state === 'done' || job.state === 'cancelled') return html``;
  const resume =
    job.act === 'harden'
      ? action(ctx, `${path}/resume`, 'Resume', { kind: 'primary' })
      : html`<form method="post" action="${ctx.href(`${path}/resume-soften`)}" class="stack">${tokenField(ctx)}${passwordField(ctx, 'r-password')}<button class="danger">Resume</button></form>`;
  return html`${resume}${action(ctx, `${path}/control`, 'Cancel', { hidden: { do: 'cancel' } })}`;
}

function rateOf(text: string): number | undefined {
  if (text.trim() === '') return undefined;
  const rate = Number(text);
  if (Number.isSafeInteger(rate) && rate > 0) return rate;
  throw new CasehardError('USAGE', sentence('the rate must be a whole number from 1'), {
    hint: 'go back and correct it',
  });
}

function noJob(): CasehardError {
  return new CasehardError('NOT_FOUND', 'there is no such job', { hint: 'it may be older than what is kept' });
}
