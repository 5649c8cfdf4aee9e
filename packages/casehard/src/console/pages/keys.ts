import { generateKey } from '@casehard/core';
import type { Ctx } from '../request.ts';
import { answerWith, goTo } from '../views/answer.ts';
import { type Html, html } from '../views/html.ts';
import { action, sentence, time } from '../views/parts.ts';

/** The keys of this process, by their ids; never a key. */
export async function keysPage(ctx: Ctx): Promise<Response> {
  const { live, watch } = ctx.parts;
  const operator = ctx.who?.role === 'operator';
  const list = live.keyring.list();
  const since = new Map(watch.look?.found.canaries.map((canary) => [canary.kid, Date.parse(canary.since)]));
  return answerWith(ctx, {
    title: 'Keys',
    body: html`${
      watch.look?.found.keys
        ? html`<p><strong>${sentence(watch.look.found.keys.message)}</strong> Do not generate new keys before you have looked for the old one: <a href="${ctx.href('/diagnosis')}">what happened, and what to do</a>.</p>`
        : list.length === 0
          ? html`<p><strong>${live.keyring.setting} not configured.</strong> Without a key everything works as before: credentials are stored and read in the existing scheme. With one, every save hardens, and every read goes on to understand both.</p>`
          : html`<div class="scroll" tabindex="0" role="region" aria-label="Keys"><table><thead><tr><th scope="col">Key id</th><th scope="col">State</th><th scope="col">First used here</th></tr></thead><tbody>${list.map(
              ({ kid, state }) => {
                const at = since.get(kid);
                return html`<tr><th scope="row"><code>${kid}</code></th><td>${state}: ${STATES[state]}</td><td>${at === undefined || Number.isNaN(at) ? 'not yet' : time(at)}</td></tr>`;
              },
            )}</tbody></table></div>`
    }
${
  operator
    ? html`<h2>New keys</h2><p>Two keys are made and shown once: one seals credentials, the other one makes links in mails. Nothing is stored, and nothing changes until you configure them.</p>${action(ctx, '/keys/generate', 'Generate keys', { kind: list.length === 0 && !watch.look?.found.keys ? 'primary' : undefined } as never)}
<h2>Look again</h2><p>After you have pasted keys into <code>.env</code> or the PHP configuration: the console looks them up anew. Keys in the environment of the console itself need a restart.</p>${action(ctx, '/keys/look-up', 'Look the keys up again')}`
    : ''
}`,
  });
}

/** Makes two keys and shows them: the one page that holds a key, and only this once. */
export async function generateKeys(ctx: Ctx): Promise<Response> {
  const { live } = ctx.parts;
  const [enc, trk] = [generateKey('enc'), generateKey('trk')];
  const active = live.keyring.active;
  return answerWith(ctx, {
    title: 'Your new keys',
    body: html`<div class="banner warn" role="status"><p><strong>Shown once, stored nowhere.</strong> Keep a copy of both outside this machine before you use them. Without the sealing key, the credentials sealed with it are lost.</p></div>
<h2>For .env, or the environment</h2>${lines([`CASEHARD_ENC_KEY=${enc}`, `CASEHARD_TRACKING_KEY=${trk}`])}
<h2>For a PHP config.php</h2>${lines([`define('SENDSTUDIO_ENC_KEY', '${enc}');`, `define('SENDSTUDIO_TRACKING_KEY', '${trk}');`])}
<h2>What to do next</h2>
<ol><li>Keep a copy of both lines outside this machine.</li>
<li>Paste one of the two forms where every process of the application reads its settings: the environment, <code>.env</code> in <code>${live.project.folder}</code>, or the PHP file that the configuration names. Not both forms.</li>
<li>Start the application's processes again, then let the console <a href="${ctx.href('/keys')}">look the keys up again</a>.</li></ol>
${active ? html`<p><strong>A key is active already (<code>${active.kid}</code>).</strong> Do not simply replace it: move it to <code>CASEHARD_PREVIOUS_ENC_KEYS</code>, or what it sealed can no longer be opened.</p>` : ''}`,
  });
}

/** Reads the key sources again. */
export async function lookUpKeys(ctx: Ctx): Promise<Response> {
  const { live, watch } = ctx.parts;
  const keyring = live.lookUpKeys();
  await watch.lookNow();
  void watch.scanNow();
  return goTo(ctx, '/keys', keyring.list().length > 0 ? 'keys-found' : 'no-keys-found');
}

/** Why mail, bounces and sign-ins all stopped at once. */
export async function diagnosisPage(ctx: Ctx): Promise<Response> {
  const { live, watch } = ctx.parts;
  const found = watch.look?.found.keys;
  if (!found) {
    return answerWith(ctx, {
      title: 'Diagnosis',
      body: html`<p>The keys that are configured belong to this database${live.keyring.active ? '' : ', or none is needed yet'}. Nothing is wrong here.</p>`,
    });
  }
  const there = watch.look?.found.canaries.map(({ kid }) => kid) ?? [];
  return answerWith(ctx, {
    title: found.code === 'KEY_MISSING' ? 'The key is missing' : 'The key does not belong here',
    body: html`<p class="headline">${sentence(found.message)}</p>
<p>SMTP, bounces, API keys and OAuth fail together, because all of them are sealed with a key that this process does not have. The key was changed or removed; the credentials themselves are intact and untouched.</p>
<h2>Put the key back</h2>
<ol><li>Look for it: the copy that you kept, an older <code>.env</code> or <code>config.php</code>, the server that the database came from.${there.length > 0 ? html` Its id is ${there.map((kid, i) => html`${i > 0 ? ' or ' : ''}<code>${kid}</code>`)}; it stands in the key's own text, behind <code>chkey1.enc.</code>` : ''}</li>
<li>Configure it again as <code>${live.keyring.setting}</code>, or as <code>CASEHARD_PREVIOUS_ENC_KEYS</code> beside a newer one, in every process.</li>
<li>${ctx.who?.role === 'operator' ? action(ctx, '/keys/look-up', 'Look the keys up again', { kind: 'primary' }) : html`An operator lets the console look the keys up again.`}</li></ol>
<h2>The key is lost for good</h2>
<p>Then nobody can open what it sealed, and each credential has to be entered again. List its id in <code>CASEHARD_WITHDRAWN_KIDS</code>, configure a new key, and replace the values on the settings pages: they can be overwritten without being opened. Everything else keeps working meanwhile.</p>
<p class="soft">${found.hint ? sentence(found.hint) : ''} <code>${found.code}</code></p>`,
  });
}

// --- internal ---

const STATES = {
  active: 'seals and opens',
  staged: 'opens, does not seal yet',
  previous: 'opens what it sealed',
  withdrawn: 'refused',
} as const;

function lines(texts: readonly string[]): Html {
  return html`${texts.map((text) => html`<pre tabindex="0" class="keyline" data-copy>${text}</pre>`)}`;
}
