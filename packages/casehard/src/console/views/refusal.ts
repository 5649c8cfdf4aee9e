import type { Ctx } from '../request.ts';
import type { Page } from './answer.ts';
import { html } from './html.ts';

const WHY = {
  HOST: 'The console does not answer to this name. Open it under the address that it printed at its start, or start it with --public-url.',
  ORIGIN: 'This request does not come from a page of the console. Nothing was changed.',
  TOKEN:
    'This form is out of date: you have signed in anew since. Go back, load the page again, and send it once more. Nothing was changed.',
  BODY: 'That is larger than any form of the console. Nothing was changed.',
  FORM: 'The console reads forms only. Nothing was changed.',
  SIGN_IN: 'Sign in first.',
  ROLE: 'This is for operators, and you are signed in as a viewer. Nothing was changed.',
  CONFIRM: 'The password is wrong. Nothing was changed.',
  THROTTLED: 'Too many attempts. Wait a little, then try again. Nothing was changed.',
  NOT_FOUND: 'There is no such page.',
  BUG: 'Something unexpected happened. Its details are left out, because they may quote a value. Nothing more was changed.',
} as const;

/** A page that says why a request was not let in. */
export function refusalPage(ctx: Ctx, why: keyof typeof WHY): Page {
  if (why === 'SIGN_IN' && ctx.parts.auth.signInPath !== undefined) {
    const body = html`<p>Your session has ended, and nothing was saved. <a href="${ctx.href(ctx.parts.auth.signInPath)}">Sign in</a>, then do it again.</p>`;
    return { title: 'Signed out', body, bare: true };
  }
  const back = ctx.who ? html`<p><a href="${ctx.href('/')}">To the overview</a></p>` : html``;
  return { title: why === 'NOT_FOUND' ? 'Not found' : 'Refused', body: html`<p>${WHY[why]}</p>${back}`, bare: true };
}
