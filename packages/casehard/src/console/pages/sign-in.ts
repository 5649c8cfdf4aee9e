import { cookieName, printCookie } from '../http/cookie.ts';
import type { Ctx } from '../request.ts';
import type { Account } from '../state/accounts.ts';
import { throttleKeys } from '../state/throttle.ts';
import { answerWith, goTo, headersFor } from '../views/answer.ts';
import { html } from '../views/html.ts';
import { tokenField } from '../views/parts.ts';

/** The form; `next` is where the person wanted to go. */
export function signInPage(ctx: Ctx, problem?: string, status = 200): Promise<Response> {
  const next = nextOf(ctx.form.get('next') ?? ctx.url.searchParams.get('next'));
  return answerWith(
    ctx,
    {
      title: 'Sign in',
      bare: true,
      body: html`${problem ? html`<div class="banner bad" role="alert"><p>${problem}</p></div>` : ''}
<form method="post" action="${ctx.href('/sign-in')}" class="stack">${tokenField(ctx)}<input type="hidden" name="next" value="${next}">
<div class="row"><label for="name">Name</label><input id="name" name="name" autocomplete="username" required autofocus></div>
<div class="row"><label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required></div>
<div class="row"><label for="code">Code, if your account asks for one</label><input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="6"></div>
<button class="primary">Sign in</button></form>
<p class="soft">No account left? Start the console with <code>--new-link</code>: the terminal then prints a link that makes one.</p>`,
    },
    status,
  );
}

/** Signs in. The answer to a wrong name, a wrong password and a wrong code is one and the same. */
export async function signIn(ctx: Ctx): Promise<Response> {
  const { accounts, throttle } = ctx.parts;
  const [name, password, code] = ['name', 'password', 'code'].map((field) => ctx.form.get(field) ?? '') as [
    string,
    string,
    string,
  ];
  const keys = throttleKeys(name, ctx.address);
  const wait = await throttle.attempt(keys);
  if (wait > 0) return signInPage(ctx, `Too many attempts. Try again in ${Math.ceil(wait / 1000)} seconds.`, 429);
  const account = await accounts.verify(name, password);
  if (!account || (account.totp && !(await accounts.checkTotp(account, code)))) {
    return signInPage(ctx, 'Name, password or code is wrong.', 401);
  }
  await throttle.succeed(keys);
  const { watch } = ctx.parts;
  if (watch.upgradePending === undefined) await watch.lookNow();
  return letIn(ctx, account, watch.upgradePending ? '/upgrade' : nextOf(ctx.form.get('next')));
}

export async function signOut(ctx: Ctx): Promise<Response> {
  const { sessions } = ctx.parts;
  if (ctx.token) await sessions.end(ctx.token);
  return withCookie(ctx, goTo(ctx, '/sign-in', 'signed-out'), undefined);
}

/**
 * Begins a session under a new token, whatever the browser brought along, and ends the old one. It holds for the account as
 * it was verified: one that has changed since, a new password say, ends it at once.
 */
export async function letIn(ctx: Ctx, account: Account, path: string): Promise<Response> {
  const { sessions } = ctx.parts;
  if (ctx.token) await sessions.end(ctx.token);
  const { token } = await sessions.begin(account);
  return withCookie(ctx, goTo(ctx, path), token);
}

// --- internal ---

/** Only a path of the console: never another site's. */
function nextOf(text: string | null): string {
  return text !== null && /^\/(?![/\\])[^\s\\]*$/.test(text) ? text : '/';
}

function withCookie(ctx: Ctx, answer: Response, token: string | undefined): Response {
  const https = ctx.parts.origins(ctx.request).scheme === 'https';
  const headers = new Headers({ ...headersFor(ctx), location: answer.headers.get('location') ?? ctx.href('/') });
  headers.append('set-cookie', printCookie(cookieName(https), token, { https, path: ctx.parts.base }));
  return new Response(null, { status: answer.status, headers });
}
