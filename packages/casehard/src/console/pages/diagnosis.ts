import type { Ctx } from '../request.ts';
import { answerWith } from '../views/answer.ts';
import { html } from '../views/html.ts';
import { action, sentence } from '../views/parts.ts';

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
  const some = found.code === 'PREVIOUS_KEY_MISSING';
  const canaries = watch.look?.found.canaries.map(({ kid }) => kid) ?? [];
  const there = some ? canaries.filter((kid) => live.keyring.stateOf(kid) === undefined) : canaries;
  return answerWith(ctx, {
    title: TITLES[found.code] ?? 'The key does not belong here',
    body: html`<p class="headline">${sentence(found.message)}</p>
<p>${some ? 'What is sealed with that key fails, everything else works: an older file of settings was put back, or a key was taken out too early.' : 'SMTP, bounces, API keys and OAuth fail together, because all of them are sealed with a key that this process does not have. The key was changed or removed'}; the credentials themselves are intact and untouched.</p>
<h2>Put the key back</h2>
<ol><li>Look for it: the copy that you kept, an older <code>.env</code> or <code>config.php</code>, the server that the database came from, a <a href="${ctx.href('/keys/backup')}">backup of the keys</a>. <code>casehard keys hunt PATH…</code> searches files and folders for it.${there.length > 0 ? html` Its id is ${there.map((kid, i) => html`${i > 0 ? ' or ' : ''}<code>${kid}</code>`)}; it stands in the key's own text, behind <code>chkey1.enc.</code>` : ''}</li>
<li>Configure it again as <code>${live.keyring.setting}</code>, or as <code>CASEHARD_PREVIOUS_ENC_KEYS</code> beside a newer one, in every process.</li>
<li>${ctx.who?.role === 'operator' ? action(ctx, '/keys/look-up', 'Look the keys up again', { kind: 'primary' }) : html`An operator lets the console look the keys up again.`}</li></ol>
<h2>The key is lost for good</h2>
<p>Then nobody can open what it sealed, and each credential has to be entered again. List its id in <code>CASEHARD_WITHDRAWN_KIDS</code>, configure a new key, and <a href="${ctx.href('/recovery')}">enter the values again</a>: they can be overwritten without being opened. Everything else keeps working meanwhile.</p>
<p class="soft">${found.hint ? sentence(found.hint) : ''} <code>${found.code}</code></p>`,
  });
}

// --- internal ---

const TITLES: Readonly<Record<string, string>> = {
  KEY_MISSING: 'The key is missing',
  PREVIOUS_KEY_MISSING: 'A previous key is missing',
  KEY_IN_WRONG_SETTING: 'The keys are exchanged',
};
