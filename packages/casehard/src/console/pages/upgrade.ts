import { type Ctx, person } from '../request.ts';
import { answerWith, goTo } from '../views/answer.ts';
import { type Html, html } from '../views/html.ts';
import { plural, sentence, time, tokenField, trouble } from '../views/parts.ts';
import { laterKey } from './overview.ts';

/** The upgrade: what will change and why, its progress, its result. Comes by itself while one is pending. */
export async function upgradePage(ctx: Ctx): Promise<Response> {
  const { upgrade, watch } = ctx.parts;
  const { state } = upgrade;
  if (state.kind === 'running') {
    return answerWith(ctx, {
      title: 'Upgrading the database',
      refresh: 2,
      body: html`<section data-events="${ctx.href('/upgrade/events')}" aria-label="Progress"><p role="status"><span data-live="state">${runningText(state)}</span></p>
<p>You may leave this page; the upgrade goes on. Stopped at any point, it is finished by running it again.</p><progress aria-label="The upgrade is running"></progress></section>`,
    });
  }
  const result = state.kind === 'idle' ? html`` : resultOf(state);
  if (!watch.look) {
    const failed = watch.lookFailed
      ? trouble(watch.lookFailed)
      : html`<p role="status">The database is being looked at.</p>`;
    return answerWith(ctx, { title: 'Upgrade', refresh: 2, body: html`${result}${failed}` });
  }
  const { steps, problems, fields } = watch.look.found;
  if (steps.length === 0) {
    return answerWith(ctx, {
      title: 'Upgrade',
      body: html`${result}<p>${problems.length === 0 ? 'The database is up to date. No upgrade is pending.' : 'No step can be run until the problems below are solved.'}</p>${problemList(ctx)}
<p class="soft">As of ${time(watch.look.at)}. A key that is added later needs no further upgrade.</p>
${fields.map((field) => trouble({ code: field.code as never, message: field.message, hint: field.hint }))}`,
    });
  }
  return answerWith(ctx, {
    title: 'An upgrade is pending',
    body: html`${result}
<p>casehard prepares the database: it widens the columns that are too narrow for sealed values, and adds its own tables. No credential is changed, no key is needed, and until it has run everything goes on in the existing scheme.</p>
<ol>${steps.map(
      (
        step,
      ) => html`<li><strong>${sentence(step.id)}</strong> ${sentence(step.why)}<br><span class="soft">${sentence(step.costNote)}</span>
<details><summary>The SQL of “${step.id}”</summary><pre tabindex="0">${step.sql.map((line) => `${line};`).join('\n')}</pre></details></li>`,
    )}</ol>
${problemList(ctx)}
<div class="banner warn"><p><strong>Back the database up first.</strong> Every step can be repeated and none narrows a column, but a backup is cheap.</p></div>
${ctx.who?.role === 'operator' ? buttons(ctx, steps.length) : html`<p>An operator can run it.</p>`}`,
  });
}

export function runUpgradeNow(ctx: Ctx): Response {
  ctx.parts.upgrade.start(person(ctx).name);
  return goTo(ctx, '/upgrade');
}

export function upgradeLater(ctx: Ctx): Response {
  ctx.parts.later.add(laterKey(ctx));
  return goTo(ctx, '/', 'later');
}

/** What the live text says. */
export function runningText({ step, did }: { readonly step: string; readonly did: string }): string {
  if (step === '') return 'Starting.';
  const words: Readonly<Record<string, string>> = {
    start: 'running',
    dearer: 'running, by a way that costs more than announced',
    waiting: 'waiting for a lock',
    done: 'done',
    skipped: 'was done already',
  };
  return `${sentence(step).slice(0, -1)}: ${words[did] ?? did}.`;
}

// --- internal ---

function buttons(ctx: Ctx, steps: number): Html {
  return html`<form method="post" action="${ctx.href('/upgrade')}" class="inline">${tokenField(ctx)}<button class="primary">Run upgrade (${plural(steps, 'step', 'steps')})</button></form>
<form method="post" action="${ctx.href('/upgrade/later')}" class="inline">${tokenField(ctx)}<button>Later</button></form>`;
}

function problemList({ parts }: Ctx): Html {
  const problems = parts.watch.look?.found.problems ?? [];
  return html`${problems.map(({ field, message, hint, code }) => html`<div class="banner bad" role="alert"><p><strong>${field ? `${field}: ` : ''}${sentence(message)}</strong> ${sentence(hint)} <code>${code}</code></p></div>`)}`;
}

function resultOf(state: Exclude<Ctx['parts']['upgrade']['state'], { kind: 'idle' | 'running' }>): Html {
  if (state.kind === 'failed') return trouble(state.error);
  const { done } = state.result;
  return html`<div class="banner good" role="status"><p><strong>The upgrade has run:</strong> ${done.length === 0 ? 'nothing was left to do' : `${plural(done.length, 'step', 'steps')} done (${done.join(', ')})`}. ${time(state.at)}</p></div>`;
}
