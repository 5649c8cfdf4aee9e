import type { CasehardError, Verdict, VerdictKind } from '@casehard/core';
import { isQuarantinedKind } from '../../inventory/needs.ts';
import type { Ctx } from '../request.ts';
import { type Html, html } from './html.ts';

/** The synchronizer token, in every form. */
export function tokenField({ csrf }: Ctx): Html {
  return html`<input type="hidden" name="csrf" value="${csrf}">`;
}

/** A button that posts, as a form of its own. */
export function action(
  ctx: Ctx,
  path: string,
  label: string,
  options: { readonly hidden?: Readonly<Record<string, string>>; readonly kind?: 'primary' | 'danger' } = {},
): Html {
  const fields = Object.entries(options.hidden ?? {});
  return html`<form method="post" action="${ctx.href(path)}" class="inline">${tokenField(ctx)}${fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}<button class="${options.kind ?? ''}">${label}</button></form>`;
}

/** The classes of verdicts, as the figures count them: `hardened` is what nobody has to look at. */
export type Shade = 'hardened' | 'legacy' | 'stale' | 'quarantined' | 'unreadable' | 'empty';

export function shadeOf(kind: VerdictKind): Shade {
  if (kind === 'current') return 'hardened';
  if (kind === 'unreadable') return 'unreadable';
  return isQuarantinedKind(kind) ? 'quarantined' : (kind as Shade);
}

/** A verdict as a word with a shade; the word alone says it all. */
export function badge(kind: Verdict['kind'], text: string): Html {
  return html`<span class="badge ${shadeOf(kind)}">${text}</span>`;
}

/** An error of ours, with its fix. */
export function trouble(error: Pick<CasehardError, 'message' | 'code'> & { readonly hint?: string | undefined }): Html {
  return html`<div class="banner bad" role="alert"><p><strong>${sentence(error.message)}</strong> ${error.hint ? sentence(error.hint) : ''} <code>${error.code}</code></p></div>`;
}

/** The time of a figure, exact for machines and plain for people. */
export function time(at: number): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC</time>`;
}

export function number(value: number): string {
  return value.toLocaleString('en-GB').replaceAll(',', '\u202f');
}

export function plural(count: number, one: string, many: string): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** Our messages are lower case without a full stop, for logs; a page writes sentences. */
export function sentence(text: string): string {
  // The name of a field, a setting or a host stays as it is spelled.
  const first = /^[a-z]+(?:[\s,;]|:\s)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

/** Asks for the password again, for what must not happen on an unlocked screen. Nothing where the application signs in. */
export function passwordField({ parts }: Ctx, id: string): Html {
  if (!parts.auth.ownAccounts) return html``;
  return html`<div class="row"><label for="${id}">Your password</label><input id="${id}" name="password" type="password" autocomplete="current-password" required></div>`;
}
