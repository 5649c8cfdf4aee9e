import { CasehardError } from '@casehard/core';
import { recordAs } from '../record.ts';
import type { Ctx } from '../request.ts';
import type { Account } from '../state/accounts.ts';
import { addressKeys } from '../state/throttle.ts';
import { answerWith } from '../views/answer.ts';
import { type Html, html } from '../views/html.ts';
import { sentence, tokenField } from '../views/parts.ts';
import { letIn } from './sign-in.ts';

/** Where the link of the terminal leads: makes the first operator, or one more. */
export function welcomePage(ctx: Ctx, problem?: string): Promise<Response> {
  const token = ctx.params.token ?? '';
  if (!ctx.parts.welcome.holds(token)) return stale(ctx);
  return answerWith(
    ctx,
    {
      title: 'Make your account',
      bare: true,
      body: html`<p>This account is an operator's: it may run the upgrade, harden, and replace credentials. The link works once.</p>
${accountForm(ctx, `/welcome/${token}`, { problem, name: true })}`,
    },
    problem ? 400 : 200,
  );
}

export async function welcome(ctx: Ctx): Promise<Response> {
  const { welcome: link, accounts } = ctx.parts;
  const token = ctx.params.token ?? '';
  if (!link.holds(token)) return stale(ctx);
  const [name, password] = [ctx.form.get('name') ?? '', ctx.form.get('password') ?? ''];
  if (password !== ctx.form.get('again')) return welcomePage(ctx, 'The two passwords differ.');
  // Used up before the first wait: two forms at once make one account.
  if (!link.take(token)) return stale(ctx);
  let account: Account;
  try {
    account = await accounts.create({ name, role: 'operator', password });
  } catch (error) {
    link.putBack(token);
    if (!(error instanceof CasehardError)) throw error;
    return welcomePage(ctx, `${sentence(error.message)} ${error.hint ? sentence(error.hint) : ''}`);
  }
  const outcome = `made by the link of the terminal, as ${account.role}`;
  await recordAs(ctx.parts, account.name, { act: 'account', subject: account.name, outcome });
  return letIn(ctx, account, '/account/code');
}

/** Where an operator's invitation leads: the person chooses a password. */
export function invitationPage(ctx: Ctx, problem?: string): Promise<Response> {
  const token = ctx.params.token ?? '';
  return answerWith(
    ctx,
    {
      title: 'Choose your password',
      bare: true,
      body: html`${accountForm(ctx, `/invitation/${token}`, { problem, name: false })}`,
    },
    problem ? 400 : 200,
  );
}

export async function acceptInvitation(ctx: Ctx): Promise<Response> {
  const { accounts, throttle } = ctx.parts;
  const keys = addressKeys(ctx.address);
  if ((await throttle.attempt(keys)) > 0)
    return invitationPage(ctx, 'Too many attempts. Wait a little, then try again.');
  const password = ctx.form.get('password') ?? '';
  if (password !== ctx.form.get('again')) return invitationPage(ctx, 'The two passwords differ.');
  try {
    const account = await accounts.accept(ctx.params.token ?? '', password);
    await throttle.succeed(keys);
    const outcome = `invitation accepted, as ${account.role}`;
    await recordAs(ctx.parts, account.name, { act: 'account', subject: account.name, outcome });
    return await letIn(ctx, account, '/account/code');
  } catch (error) {
    if (!(error instanceof CasehardError)) throw error;
    return invitationPage(ctx, `${sentence(error.message)} ${error.hint ? sentence(error.hint) : ''}`);
  }
}

// --- internal ---

function stale(ctx: Ctx): Promise<Response> {
  return answerWith(
    ctx,
    {
      title: 'This link does not work',
      bare: true,
      body: html`<p>It was used already, or is older than half an hour. Start the console with <code>--new-link</code> to print another one.</p><p><a href="${ctx.href('/sign-in')}">Sign in</a></p>`,
    },
    410,
  );
}

function accountForm(
  ctx: Ctx,
  path: string,
  options: { readonly problem?: string | undefined; readonly name: boolean },
): Html {
  return html`${options.problem ? html`<div class="banner bad" role="alert"><p>${options.problem}</p></div>` : ''}
<form method="post" action="${ctx.href(path)}" class="stack">${tokenField(ctx)}
${options.name ? html`<div class="row"><label for="name">Name</label><input id="name" name="name" autocomplete="username" required maxlength="64" value="${ctx.form.get('name') ?? ''}"></div>` : ''}
<div class="row"><label for="password">Password</label><input id="password" name="password" type="password" autocomplete="new-password" required minlength="12" aria-describedby="password-hint"><p class="hint" id="password-hint">12 characters or more; a few words do well.</p></div>
<div class="row"><label for="again">The same password again</label><input id="again" name="again" type="password" autocomplete="new-password" required minlength="12"></div>
<button class="primary">Go on</button></form>`;
}
