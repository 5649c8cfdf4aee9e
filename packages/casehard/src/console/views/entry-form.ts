import type { EntryView } from '../entries.ts';
import type { Ctx } from '../request.ts';
import { type Html, html } from './html.ts';
import { badge, sentence, tokenField } from './parts.ts';

/** What is shown beside a form that was not taken, or after a test. */
export interface FormState {
  readonly problem?: Html;
  /** The result of a connection test. */
  readonly result?: { readonly ok: boolean; readonly text: string };
  /** What was typed beside the secret; the secret itself is never filled in again. */
  readonly typed?: URLSearchParams;
}

/** One credential with its neighbours: what can be edited, tested and cleared. The secret itself is never in it. */
export function entryForm(ctx: Ctx, row: EntryView, state: FormState = {}): Html {
  const id = (part: string): string => `${part}-${row.locator}`.replace(/[^\w-]/g, '_');
  const path = `/entry/${encodeURIComponent(row.locator)}`;
  const operator = ctx.who?.role === 'operator';
  const value = (role: string): string => state.typed?.get(`n.${role}`) ?? row.neighbours[role] ?? '';
  const fields = row.fields.map(({ role, label, editable, choices }) => {
    const name = `n.${role}`;
    if (!editable || !operator) {
      return html`<div class="row"><label for="${id(role)}">${label}</label><input id="${id(role)}" value="${row.neighbours[role] ?? ''}" readonly></div>`;
    }
    const control = choices
      ? html`<select id="${id(role)}" name="${name}">${[...new Set([...choices, value(role)])].map((choice) => html`<option ${choice === value(role) ? html`selected` : ''}>${choice}</option>`)}</select>`
      : html`<input id="${id(role)}" name="${name}" value="${value(role)}" autocomplete="off" spellcheck="false">`;
    return html`<div class="row"><label for="${id(role)}">${label}</label>${control}</div>`;
  });
  const secret = operator
    ? html`<div class="row"><label for="${id('secret')}">${row.label}</label><input id="${id('secret')}" name="secret" type="password" autocomplete="new-password" spellcheck="false" aria-describedby="${id('hint')}"><p class="hint" id="${id('hint')}">${badge(row.verdict.kind, row.printed)} ${row.verdict.kind === 'empty' ? 'No credential is stored.' : 'Unchanged unless you type.'} ${row.needs ? sentence(row.needs) : ''}${row.moves ? ' If you change where it goes (server, port, user, TLS, URL), type it again.' : ''}</p></div>`
    : html`<p>${row.label}: ${badge(row.verdict.kind, row.printed)}</p>`;
  const output = html`<output class="${state.result ? (state.result.ok ? 'banner good' : 'banner bad') : ''}">${state.result?.text ?? ''}</output>`;
  const exception = row.certificateException
    ? html`<div class="banner warn"><p><strong>Certificates are not checked</strong> in this test: the configuration says so.</p></div>`
    : '';
  return html`${state.problem ?? ''}<form method="post" action="${ctx.href(path)}" class="stack" data-entry>${operator ? html`${tokenField(ctx)}<input type="hidden" name="version" value="${row.version}">` : ''}
${fields}${secret}${exception}
${operator ? html`<button class="primary" name="do" value="save">Save</button>${row.testable ? html`<button name="do" value="test" formaction="${ctx.href(`${path}/test`)}">Test connection</button>` : ''}${output}` : ''}
</form>
${operator && row.verdict.kind !== 'empty' ? html`<details><summary>Clear ${row.label}</summary><p>The stored credential is removed. This cannot be undone here.</p><form method="post" action="${ctx.href(`${path}/clear`)}">${tokenField(ctx)}<input type="hidden" name="version" value="${row.version}"><button class="danger">Clear it</button></form></details>` : ''}`;
}
