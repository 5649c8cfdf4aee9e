import { CasehardError } from '@casehard/core';
import { required } from '../http/form.ts';
import { record } from '../record.ts';
import { type Ctx, person } from '../request.ts';
import { answerWith, goTo } from '../views/answer.ts';
import { html } from '../views/html.ts';
import { passwordField, tokenField } from '../views/parts.ts';

/** Who may sign in, and as what. For operators. */
export async function accountsPage(ctx: Ctx): Promise<Response> {
  const accounts = await ctx.parts.accounts.list();
  return answerWith(ctx, {
    title: 'Accounts',
    body: html`<p>A viewer sees figures and verdicts. An operator runs the upgrade, hardens, replaces and tests credentials, and manages accounts.</p>
<ul class="cards">${accounts.map(
      (
        account,
        i,
      ) => html`<li><h2>${account.name}</h2><p>${account.role}${account.state === 'invited' ? ', invited' : ''}${account.totp ? ', with a code at sign-in' : ''}</p>
<details><summary>Change ${account.name}</summary><form method="post" action="${ctx.href('/accounts/change')}">${tokenField(ctx)}<input type="hidden" name="id" value="${account.id}">
<fieldset><legend>What to do</legend>
<label class="choice"><input type="radio" name="do" value="${account.role === 'viewer' ? 'operator' : 'viewer'}" required> make ${account.role === 'viewer' ? 'an operator' : 'a viewer'}</label>
<label class="choice"><input type="radio" name="do" value="code-off"> take the code at sign-in away</label>
<label class="choice"><input type="radio" name="do" value="remove"> remove the account</label></fieldset>
${passwordField(ctx, `a-${i}`)}<button class="danger">Do it</button></form></details></li>`,
    )}</ul>
<h2>Invite somebody</h2>
<form method="post" action="${ctx.href('/accounts/invite')}" class="stack">${tokenField(ctx)}
<div class="row"><label for="i-name">Name</label><input id="i-name" name="name" required maxlength="64" autocomplete="off"></div>
<div class="row"><label for="i-role">Role</label><select id="i-role" name="role"><option value="viewer">viewer</option><option value="operator">operator</option></select></div>
${passwordField(ctx, 'i-password')}<button class="primary">Make an invitation</button></form>`,
  });
}

/** Shows the invitation's one-time link, once. */
export async function invite(ctx: Ctx): Promise<Response> {
  const role = roleOf(ctx.form.get('role'));
  const { account, token } = await ctx.parts.accounts.invite({ name: required(ctx.form, 'name'), role });
  await record(ctx, { act: 'account', subject: account.name, outcome: `invited, as ${role}` });
  const { scheme } = ctx.parts.origins(ctx.request);
  const link = `${scheme}://${ctx.request.headers.get('host')}${ctx.href(`/invitation/${token}`)}`;
  return answerWith(ctx, {
    title: 'The invitation',
    body: html`<p>Give this link to ${account.name} by a way that nobody else reads. It is shown once, works once, and for a day.</p><pre tabindex="0" class="keyline" data-copy>${link}</pre><p><a href="${ctx.href('/accounts')}">Accounts</a></p>`,
  });
}

export async function changeAccount(ctx: Ctx): Promise<Response> {
  const { accounts } = ctx.parts;
  const id = required(ctx.form, 'id');
  const what = required(ctx.form, 'do');
  const subject = (await accounts.find(id))?.name ?? id;
  if (what === 'remove') await accounts.remove(id);
  else if (what === 'code-off') await accounts.removeTotp(id);
  else await accounts.setRole(id, roleOf(what));
  const outcome = { remove: 'removed', 'code-off': 'code at sign-in taken away' }[what] ?? `made ${what}`;
  await record(ctx, { act: 'account', subject, outcome });
  const self = id === person(ctx).id;
  return goTo(ctx, self ? '/' : '/accounts', what === 'remove' ? 'account-removed' : 'account-changed');
}

// --- internal ---

function roleOf(text: string | null): 'viewer' | 'operator' {
  if (text === 'viewer' || text === 'operator') return text;
  throw new CasehardError('USAGE', 'there is no such role', { hint: 'viewer or operator' });
}
