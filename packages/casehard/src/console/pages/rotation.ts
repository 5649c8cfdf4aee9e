import { CasehardError, generateKey, type KeyKind } from '@casehard/core';
import { NAMES, stageLine } from '../../keys/paste.ts';
import { type ReadRotation, readRotation } from '../../keys/read-rotation.ts';
import { type RotationStep, rotationStep } from '../../keys/rotation.ts';
import { kindOf } from '../../keys/withdraw.ts';
import { required } from '../http/form.ts';
import { kidsOf } from '../kids.ts';
import { record, recordAs } from '../record.ts';
import { type Ctx, person } from '../request.ts';
import { answerWith, goTo } from '../views/answer.ts';
import { type Html, html } from '../views/html.ts';
import { jobSummary } from '../views/job.ts';
import { processTable } from '../views/keys.ts';
import { action, passwordField, plural, time, tokenField, trouble } from '../views/parts.ts';
import { explained, pasteLines, roadOf } from '../views/rotation.ts';
import { keyLines, liveProcessesOf, lookAgain } from './keys.ts';

/** Where a change of the key stands, and what comes next. The page has no state: processes, keys and values say it. */
export async function rotationPage(ctx: Ctx, kind: KeyKind): Promise<Response> {
  const { watch, jobs, errands } = ctx.parts;
  const title = TITLES[kind];
  const blocked = blockedBy(ctx, kind);
  if (blocked) return answerWith(ctx, { title, ...(watch.scan ? {} : { refresh: 3 }), body: blocked });
  let facts: ReadRotation;
  try {
    facts = await factsOf(ctx, kind);
  } catch (error) {
    if (!(error instanceof CasehardError)) throw error;
    const upgrade =
      error.code === 'UPGRADE_PENDING' ? html`<p><a href="${ctx.href('/upgrade')}">See what will change</a></p>` : '';
    return answerWith(ctx, { title, body: html`${trouble(error)}${upgrade}` });
  }
  const step = rotationStep(facts);
  const seconds = refreshOf(ctx, step);
  return answerWith(ctx, {
    title,
    ...(seconds === undefined ? {} : { refresh: seconds }),
    body: html`${withdrawn(ctx, facts)}${explained(ctx, facts, step)}
${jobs.running ? html`${jobSummary(ctx, jobs.running)}<p><a href="${ctx.href(`/jobs/${jobs.running.id}`)}">Watch it</a></p>` : ''}
${ctx.who?.role === 'operator' ? buttons(ctx, facts, step) : html`<p>An operator can go on from here.</p>`}
<p class="soft">${kind === 'enc' && watch.scan ? html`Values as of the scan of ${time(watch.scan.at)}${watch.scanRows === undefined ? '' : ', which is being made anew'}; ` : ''}processes as of now. You may leave this page: it goes on where it is.</p>
<h2>The whole road</h2>${roadOf(facts, step)}
<h2>Live processes</h2>${processTable(await liveProcessesOf(ctx.parts))}
${errands.withdraw.running || ctx.who?.role !== 'operator' ? '' : early(ctx, facts, step)}`,
  });
}

/** Makes the new key of a rotation and shows it, this once. */
export async function generateForRotation(ctx: Ctx): Promise<Response> {
  const kind = kindIn(ctx);
  const facts = await factsOf(ctx, kind);
  const { step } = rotationStep(facts);
  if (step !== 'done' && step !== 'generate') {
    throw new CasehardError('REFUSED', 'a rotation is under way', {
      hint: 'finish it first: the page says what comes next',
    });
  }
  const key = generateKey(kind);
  const kid = key.split('.')[2] ?? '';
  await record(ctx, { act: 'rotate', subject: kid, outcome: 'a key was made, to be staged' });
  return answerWith(ctx, {
    title: 'The new key',
    body: html`<div class="banner warn" role="status"><p><strong>Shown once, stored nowhere.</strong> Keep a copy outside this machine before you use it.</p></div>
${keyLines([stageLine(facts, key)])}
<ol><li>Keep a copy of key <code>${kid}</code> outside this machine.</li>
<li>Paste the line into the settings of every process, the console's own among them (<code>.env</code> in <code>${ctx.parts.live.project.folder}</code>, or where it reads its keys), beside what <code>${NAMES[kind].staged}</code> lists already. Leave the active key as it is.</li>
<li>Restart one process after another. Each can open with the new key then, and none seals with it yet.</li>
<li><a href="${ctx.href(pathOf(kind))}">Go on with the rotation</a>, and refresh there: it waits until every live process has the key.</li></ol>`,
  });
}

/** Looks everything up anew: the keys at their sources, what the canaries say, and the values, in the background. */
export async function refreshRotation(ctx: Ctx): Promise<Response> {
  const kind = kindIn(ctx);
  await lookAgain(ctx.parts);
  return goTo(ctx, pathOf(kind), 'refreshed');
}

/** Starts the withdrawal of a key. It is refused in the background, by a scan that begins now; the page then says why. */
export function withdrawNow(ctx: Ctx): Response {
  const { errands, timing } = ctx.parts;
  const kid = required(ctx.form, 'kid').trim();
  const kind = kindOf(kid);
  if (ctx.form.get('no-others') !== 'yes') {
    throw new CasehardError('REFUSED', 'it is not confirmed that no unattached process has the key', {
      hint: 'the database knows attached processes only: look for workers, cron jobs and replicas, then tick the box',
    });
  }
  const by = person(ctx).name;
  void errands.withdraw.start({
    task: { kind: 'withdraw', kid, ...timing },
    by,
    about: kid,
    onEnd: async ({ error }) => {
      const outcome = error ? `refused: ${error.code}` : 'done';
      await recordAs(ctx.parts, by, { act: 'withdraw', subject: kid, outcome });
      await ctx.parts.watch.lookNow();
      errands.examine();
    },
  });
  return goTo(ctx, pathOf(kind));
}

// --- internal ---

const TITLES = { enc: 'Change the sealing key', trk: 'Change the tracking key' } as const;

const CONFIRM = {
  enc: 'No unattached process exists that has this key: no worker, cron job, replica or second server.',
  trk: 'This key has leaked. Every link sent under it stops working, unsubscribe links too, and no unattached process makes links with it.',
} as const;

function pathOf(kind: KeyKind): string {
  return kind === 'enc' ? '/keys/rotation' : '/keys/rotation/tracking';
}

function kindIn({ form }: Ctx): KeyKind {
  return form.get('kind') === 'trk' ? 'trk' : 'enc';
}

function factsOf({ parts }: Ctx, kind: KeyKind): Promise<ReadRotation> {
  const { live, db, timing, watch } = parts;
  const fields = watch.scan ? kidsOf(watch.scan.found) : [];
  return readRotation(live.project, db, { ...timing, kind, fields });
}

/** Why nothing can be said yet: a wrong key, no scan, or a field that may hide values. */
function blockedBy(ctx: Ctx, kind: KeyKind): Html | undefined {
  const { look, scan, scanFailed } = ctx.parts.watch;
  const found = look?.found.keys;
  if (found) {
    return html`${trouble({ ...found, code: found.code as never })}<p><a href="${ctx.href('/diagnosis')}">What happened, and what to do</a></p>`;
  }
  if (kind === 'trk') return undefined;
  if (!scan)
    return scanFailed
      ? trouble(scanFailed)
      : html`<p role="status">The first scan counts the values under each key.</p>`;
  const { troubles } = scan.found;
  if (troubles.length === 0) return undefined;
  return html`<p>Fields that cannot be looked at may hold values under an older key: correct them first.</p>${troubles.map((each) => trouble({ ...each, code: each.code as never }))}`;
}

/** While somebody waits, the page comes again by itself; never while there is something to type. */
function refreshOf({ parts }: Ctx, { step }: RotationStep): number | undefined {
  if (parts.errands.withdraw.running) return 2;
  if (step === 'withdraw') return undefined;
  if (parts.jobs.running || parts.watch.scanRows !== undefined) return 3;
  return step === 'stage' || step === 'settle' ? 5 : undefined;
}

function buttons(ctx: Ctx, facts: ReadRotation, { step }: RotationStep): Html {
  const { live, jobs, errands } = ctx.parts;
  const hidden = { kind: facts.kind };
  const refresh = action(ctx, '/keys/rotation/refresh', 'Refresh', { hidden });
  if (errands.withdraw.running) {
    const { about, rows } = errands.withdraw.running;
    return html`<p role="status">Whether anything needs key <code>${about}</code> is being checked: ${plural(rows, 'row', 'rows')} read.</p>`;
  }
  if (step === 'generate' || step === 'done') {
    return html`${action(ctx, '/keys/rotation/generate', step === 'done' ? 'Make a new key and begin' : 'Make a key', { hidden, kind: 'primary' })}${refresh}`;
  }
  if (step === 'reseal' && !jobs.running) {
    const adopted = live.project.config.adopted === true;
    return html`${adopted ? action(ctx, '/jobs/harden', 'Reseal now', { hidden: { field: '' }, kind: 'primary' }) : html`<p>Resealing waits until the configuration says <code>adopted: true</code>.</p>`}${refresh}`;
  }
  return html`${step === 'withdraw' ? withdrawForm(ctx, facts) : ''}${refresh}`;
}

/** Keys that a withdrawal may be asked for: previous ones here, and those that are gone here and have a canary. */
function candidates({ keys, canaries }: ReadRotation): readonly string[] {
  const previous = keys.filter(({ state }) => state === 'previous').map(({ kid }) => kid);
  return [...previous, ...canaries.filter((kid) => !keys.some((key) => key.kid === kid))];
}

function withdrawForm(ctx: Ctx, facts: ReadRotation): Html {
  const kids = candidates(facts);
  if (kids.length === 0) return html``;
  return html`<form method="post" action="${ctx.href('/keys/withdraw')}" class="stack">${tokenField(ctx)}
<div class="row"><label for="w-kid">Key to withdraw</label><select id="w-kid" name="kid">${kids.map((kid) => html`<option value="${kid}">${kid}</option>`)}</select></div>
<div class="row"><label class="choice"><input type="checkbox" name="no-others" value="yes" required> ${CONFIRM[facts.kind]}</label></div>
${passwordField(ctx, 'w-password')}<button class="danger">Withdraw it</button></form>`;
}

/** Out of its turn: a leaked tracking key, or a key that somebody has taken out already. It is refused where it is needed. */
function early(ctx: Ctx, facts: ReadRotation, { step }: RotationStep): Html {
  if (step === 'withdraw' || candidates(facts).length === 0) return html``;
  return html`<h2>Withdraw a key</h2><details><summary>${facts.kind === 'trk' ? 'A key that has leaked' : 'A key that nothing needs any more'}</summary>${withdrawForm(ctx, facts)}</details>`;
}

/** How the last withdrawal of a key of this kind ended. */
function withdrawn({ parts }: Ctx, facts: ReadRotation): Html {
  const { last } = parts.errands.withdraw;
  if (!last || kindOf(last.about) !== facts.kind) return html``;
  if (last.error) return trouble(last.error);
  const { unread, transactionsVisible, lines } = last.outcome;
  const doubts = [
    ...(unread.length > 0 ? [`Tables that could not be searched: ${unread.join(', ')}.`] : []),
    ...(transactionsVisible ? [] : ['The transactions of others could not be seen.']),
  ];
  return html`<div class="banner good" role="status"><p><strong>Key <code>${last.about}</code> is withdrawn from this database.</strong> Change these settings in every process. ${doubts.join(' ')}</p></div>${pasteLines(lines)}
<p class="soft">${facts.kind === 'enc' ? 'Keep a copy of the key for as long as you keep backups of the database from before: they are under it.' : 'Links in mails that were sent under it are dead now, unsubscribe links too: watch the replies.'}</p>`;
}
