import type { HeardProcess } from '../../keys/live.ts';
import { activateLines, NAMES } from '../../keys/paste.ts';
import { type PlannedStep, planRotation } from '../../keys/plan.ts';
import type { ReadRotation } from '../../keys/read-rotation.ts';
import { liveProcesses, type RotationStep } from '../../keys/rotation.ts';
import type { Unsettled } from '../../keys/settle.ts';
import type { Ctx } from '../request.ts';
import { type Html, html } from './html.ts';
import { ago } from './keys.ts';
import { plural } from './parts.ts';

const DAY_MS = 86_400_000;

/** The whole road, with the step that comes now. */
export function roadOf(facts: ReadRotation, step: RotationStep): Html {
  const { steps } = planRotation(facts);
  const idle = step.step === 'done';
  return html`<ol class="road">${steps.map(({ name, when }) => {
    const state = idle ? (name === 'done' ? 'now' : 'later') : when;
    return html`<li ${state === 'now' ? html`aria-current="step"` : ''}>${state === 'now' ? html`<strong>${STEPS[name]}</strong>` : STEPS[name]}${state === 'done' ? ': done' : state === 'now' && !idle ? ': now' : ''}</li>`;
  })}</ol>`;
}

/** What the step is, in plain words: who is waited for, and what to paste where. */
export function explained(ctx: Ctx, facts: ReadRotation, step: RotationStep): Html {
  switch (step.step) {
    case 'generate':
      return html`<p class="headline">No key is configured.</p><p>A key is made and shown once. You stage it first: every process can open with it before the first value is sealed with it.</p>`;
    case 'stage':
      return stage(facts, step);
    case 'activate':
      return html`<p class="headline">Make key <code>${step.kid}</code> active.</p>
<p>${step.able === 0 ? 'No live process is attached: see for yourself that every process has the key before you go on.' : `All live processes (${step.able}) can open it; ${step.active === 1 ? '1 of them has' : `${step.active} of them have`} it active.`} Change these settings in every process, the console's own among them, and restart one after another:</p>${pasteLines(activateLines(facts, step.kid))}`;
    case 'settle':
      return settle(facts, step.why);
    case 'reseal':
      return html`<p class="headline">${plural(step.total, 'value is', 'values are')} under older keys.</p>
<ul>${step.values.map(({ kid, values }) => html`<li>${plural(values, 'value', 'values')} under <code>${kid}</code></li>`)}</ul>
<p>Resealing puts each of them under <code>${step.kid}</code>, in pages, while the application goes on. What cannot be opened stays as it is: see <a href="${ctx.href('/quarantine')}">Quarantine</a> and <a href="${ctx.href('/recovery')}">Recovery</a>.</p>`;
    case 'soften':
      return html`<p class="headline">${plural(step.total, 'value is', 'values are')} sealed.</p>`;
    case 'withdraw':
      return html`<p class="headline">No value is under an older key that is configured: new ones are under <code>${step.kid}</code>.</p>
<ul>${step.keys.map(({ kid, wait }) => {
        if (wait === 0) return html`<li><code>${kid}</code> can be withdrawn now.</li>`;
        const days = plural(Math.ceil(wait / DAY_MS), 'day', 'days');
        return html`<li><code>${kid}</code> can be withdrawn in ${days} at the earliest, once nothing was opened with it for ${plural(facts.quiet / DAY_MS, 'day', 'days')}.</li>`;
      })}</ul>${unseen(facts)}`;
    case 'done':
      return done(ctx, facts, step);
  }
}

/** Lines of settings by the ids of keys. There is nothing to copy: the keys stand where the operator keeps them. */
export function pasteLines(lines: readonly string[]): Html {
  return html`${lines.map((line) => html`<pre tabindex="0">${line}</pre>`)}`;
}

// --- internal ---

type Step<Name extends RotationStep['step']> = Extract<RotationStep, { readonly step: Name }>;

const STEPS: Readonly<Record<PlannedStep['name'], string>> = {
  generate: 'Make a key',
  stage: 'Stage it: every process can open with it',
  activate: 'Make it active in every process',
  settle: 'Wait until nobody seals with an older key',
  reseal: 'Reseal the values',
  soften: 'Turn the values back',
  withdraw: 'Withdraw the older key',
  done: 'Nothing is left to do',
};

function stage(facts: ReadRotation, { kid, early, missing, able }: Step<'stage'>): Html {
  const names = NAMES[facts.kind];
  const setting = early ? names.previous : names.staged;
  return html`<p class="headline">${plural(missing.length, 'live process cannot', 'live processes cannot')} open with key <code>${kid}</code> yet.</p>
${early ? html`<p><strong>The key is active here already</strong>, and what is sealed with it cannot be read everywhere.</p>` : ''}
${waitedFor(missing)}
<p>List key <code>${kid}</code> in <code>${setting}</code> of each, and restart it. ${able === 1 ? '1 live process can' : `${able} live processes can`} open with it already. This page goes on by itself when the last one reports.</p>`;
}

function settle(facts: ReadRotation, why: Unsettled): Html {
  const blind = unseen(facts);
  if (why.because === 'processes') {
    return html`<p class="headline">${plural(why.processes.length, 'live process has', 'live processes have')} an older key active.</p>${waitedFor(why.processes)}<p>Change the settings of each as before, and restart it.</p>${blind}`;
  }
  if (why.because === 'time') {
    return html`<p class="headline">Wait ${Math.ceil(why.wait / 1000)} s.</p><p>No live process has an older key active; after that it is certain that none seals with one.</p>${blind}`;
  }
  return html`<p class="headline">A transaction has been open for ${Math.ceil(why.open / 1000)} s.</p><p>It began before the older keys came to rest, and what it has written cannot be seen: wait for its end, or end it.</p>`;
}

function unseen({ transactionsVisible }: ReadRotation): Html {
  return transactionsVisible
    ? html``
    : html`<p>This database user may not see the transactions of others: make sure yourself that none has been open for long.</p>`;
}

function waitedFor(processes: readonly HeardProcess[]): Html {
  return html`<ul>${processes.map(({ host, version, activeKid, silent }) => html`<li>${host}, version ${version}, ${activeKid === undefined ? 'no active key' : html`active <code>${activeKid}</code>`}, last heard ${ago(silent)}</li>`)}</ul>`;
}

function done(ctx: Ctx, facts: ReadRotation, { kid, values, kept, idle, lost }: Step<'done'>): Html {
  const live = liveProcesses(facts).length;
  return html`<p class="headline">No rotation is under way.</p>
<p>${
    facts.kind === 'enc'
      ? html`Key <code>${kid}</code> is active, ${plural(values, 'value is', 'values are')} under it, and none is under another key that is configured.`
      : html`Tracking key <code>${kid}</code> is active${live > 0 ? html` in every live process that has tracking keys (${live})` : ''}.`
  }</p>
${kept.length > 0 ? html`<p>Keep ${kept.map((each) => html`<code>${each}</code> `)}in <code>${NAMES.trk.previous}</code>: unsubscribe links in old mails need them for ever. Withdraw one only if it has leaked.</p>` : ''}
${facts.kind === 'enc' && idle.length > 0 ? html`<p>${plural(idle.length, 'live process has', 'live processes have')} no key active: what is saved there stays in the existing scheme.</p>${waitedFor(idle)}` : ''}
${lost.length > 0 ? html`<p>Values under keys that are not at hand: ${lost.map(({ kid: each, values: count }) => html`${count} under <code>${each}</code> `)}. <a href="${ctx.href('/recovery')}">Recovery</a></p>` : ''}`;
}
