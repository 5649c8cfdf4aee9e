import { CasehardError } from '@casehard/core';
import { raw } from 'hono/html';
import { renderSVG } from 'uqr';
import { required } from '../http/form.ts';
import { record } from '../record.ts';
import { type Ctx, person } from '../request.ts';
import { answerWith, goTo } from '../views/answer.ts';
import { html } from '../views/html.ts';
import { passwordField, tokenField } from '../views/parts.ts';
import { letIn } from './sign-in.ts';

/** One's own account: password, and the second factor. */
export async function accountPage(ctx: Ctx): Promise<Response> {
  const account = await own(ctx);
  return answerWith(ctx, {
    title: 'Your account',
    body: html`<p>${account.name}, ${account.role}.</p>
<h2>Password</h2>
<form method="post" action="${ctx.href('/account/password')}" class="stack">${tokenField(ctx)}${passwordField(ctx, 'p-old')}
<div class="row"><label for="p-new">New password</label><input id="p-new" name="new" type="password" autocomplete="new-password" required minlength="12"></div>
<div class="row"><label for="p-again">The new password again</label><input id="p-again" name="again" type="password" autocomplete="new-password" required minlength="12"></div>
<button class="primary">Change the password</button></form>
<h2>Code at sign-in</h2>
${
  account.totp
    ? html`<p>Signing in asks for a code of your authenticator.</p><form method="post" action="${ctx.href('/account/code/off')}" class="stack">${tokenField(ctx)}${passwordField(ctx, 'c-off')}<button class="danger">Switch it off</button></form>`
    : html`<p>Signing in asks for the password alone. <a href="${ctx.href('/account/code')}">Ask for a code too</a></p>`
}`,
  });
}

/** Offers the second factor: shows the secret for the authenticator, which is kept only when a code proves it. */
export async function codePage(ctx: Ctx, problem?: string): Promise<Response> {
  const { accounts } = ctx.parts;
  const account = await own(ctx);
  if (account.totp) return goTo(ctx, '/account');
  const { uri, secret, nonce } = await accounts.beginTotp(account.id);
  return answerWith(
    ctx,
    {
      title: 'A code at sign-in',
      body: html`${problem ? html`<div class="banner bad" role="alert"><p>${problem}</p></div>` : ''}
<p>With a code from an authenticator app, a password that was seen or guessed is not enough. Scan this, or type it in:</p>
<div class="qr">${raw(renderSVG(uri, { border: 2, pixelSize: 4 }).replace('<svg ', '<svg width="220" height="220" role="img" aria-label="QR code for the authenticator; the same secret follows as text" '))}</div>
<p><code>${secret.replace(/(.{4})/g, '$1 ').trim()}</code></p>
<form method="post" action="${ctx.href('/account/code')}" class="stack">${tokenField(ctx)}<input type="hidden" name="nonce" value="${nonce}">
<div class="row"><label for="code">The code that the app shows</label><input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="6"></div>
${passwordField(ctx, 'c-password')}
<button class="primary">Ask for codes from now on</button> <a class="button" href="${ctx.href('/')}">Not now</a></form>`,
    },
    problem ? 400 : 200,
  );
}

export async function codeOn(ctx: Ctx): Promise<Response> {
  const done = await ctx.parts.accounts.confirmTotp(
    person(ctx).id,
    required(ctx.form, 'nonce'),
    required(ctx.form, 'code'),
  );
  if (done) await note(ctx, 'code at sign-in on');
  return done
    ? letIn(ctx, await own(ctx), '/account?did=totp-on')
    : codePage(ctx, 'The code is not the right one. Scan the new picture and try once more.');
}

export async function codeOff(ctx: Ctx): Promise<Response> {
  await ctx.parts.accounts.removeTotp(person(ctx).id);
  await note(ctx, 'code at sign-in off');
  return letIn(ctx, await own(ctx), '/account?did=totp-off');
}

/** Changes the password, ends every session of the account, and begins a new one here. */
export async function changePassword(ctx: Ctx): Promise<Response> {
  const next = required(ctx.form, 'new');
  if (next !== ctx.form.get('again')) {
    throw new CasehardError('USAGE', 'the two new passwords differ', { hint: 'go back and type them again' });
  }
  const { id } = person(ctx);
  await ctx.parts.accounts.changePassword(id, next);
  await note(ctx, 'password changed');
  return letIn(ctx, await own(ctx), '/account?did=password');
}

// --- internal ---

/** Somebody's own account is the subject as well. */
function note(ctx: Ctx, outcome: string): Promise<void> {
  return record(ctx, { act: 'account', subject: person(ctx).name, outcome });
}

async function own(ctx: Ctx) {
  const account = (await ctx.parts.accounts.list()).find(({ id }) => id === person(ctx).id);
  if (!account) throw new CasehardError('NOT_FOUND', 'the account is gone', { hint: 'sign in again' });
  return account;
}
