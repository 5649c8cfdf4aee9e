import { CasehardError } from '@casehard/core';
import { type BackupTo, type BackupWith, isPassphraseSealed, MIN_PASSPHRASE } from '../../keys/backup.ts';
import { provenBackups, recordDrill, recordUnopened } from '../../keys/backups.ts';
import type { DrilledKey } from '../../keys/drill.ts';
import type { Drilled } from '../background/task.ts';
import { required } from '../http/form.ts';
import { recordAs, recordFirst } from '../record.ts';
import { type Ctx, person } from '../request.ts';
import { answerWith, download, goTo } from '../views/answer.ts';
import { type Html, html } from '../views/html.ts';
import { provenText } from '../views/keys.ts';
import { number, passwordField, plural, sentence, time, tokenField, trouble } from '../views/parts.ts';

/** Backups of the keys: what was proven, a new one to download, and the drill that proves one. */
export async function backupPage(ctx: Ctx): Promise<Response> {
  const { live, db, stateKey, errands } = ctx.parts;
  const { running, last } = errands.drill;
  const kids = openKids(ctx);
  const { proven } = await provenBackups(db, stateKey);
  const operator = ctx.who?.role === 'operator';
  return answerWith(ctx, {
    title: 'Backups of the keys',
    ...(running ? { refresh: 2 } : {}),
    body: html`${running ? html`<p role="status">The drill of ${running.about} is under way.</p>` : ''}${!running && last ? (last.error ? trouble(last.error) : result(last.outcome, last.at)) : ''}
${
  kids.length === 0
    ? html`<p>${live.keyring.setting} not configured: there is no key to back up.</p>`
    : html`<div class="scroll" tabindex="0" role="region" aria-label="Proven backups"><table><thead><tr><th scope="col">Key id</th><th scope="col">Here</th><th scope="col">Last proven</th></tr></thead><tbody>${kids.map(({ kid, state }) => html`<tr><th scope="row"><code>${kid}</code></th><td>${state}</td><td class="wide">${provenText(proven.get(kid))}</td></tr>`)}</tbody></table></div>`
}
${kids.length > 0 && operator && !running ? forms(ctx) : ''}`,
  });
}

/** Makes a backup of the configured keys: the answer is the file, and no copy of it stays here. */
export async function makeBackupNow(ctx: Ctx): Promise<Response> {
  const to = recipientsIn(ctx.form);
  const { errands, now } = ctx.parts;
  const ended = await errands.backup.start({ task: { kind: 'backup', to }, by: person(ctx).name });
  errands.backup.forget();
  if (ended.error) throw ended.error;
  const { sealed, kids } = ended.outcome;
  const name = `casehard-keys-${new Date(now()).toISOString().slice(0, 10)}.age`;
  const who = 'passphrase' in to ? 'a passphrase' : plural(to.recipients.length, 'recipient', 'recipients');
  await recordFirst(ctx, { act: 'backup', subject: kids.join(', '), outcome: `done: ${name}, to ${who}` });
  return download(ctx, { name, type: 'application/octet-stream', text: sealed });
}

/** Begins the drill of a backup that was uploaded. It is restored in memory only. */
export function drillNow(ctx: Ctx): Response {
  const { errands } = ctx.parts;
  const { file, form } = ctx;
  if (!file)
    throw new CasehardError('USAGE', 'the form has no file', { hint: 'choose the backup, then send it again' });
  const { name, bytes } = file;
  const how = howIn(required(form, 'secret'), isPassphraseSealed(bytes, name));
  const by = person(ctx).name;
  void errands.drill.start({
    task: { kind: 'drill', bytes, name, how },
    by,
    about: name,
    onEnd: async ({ outcome, error }) => {
      const { db, stateKey, watch } = ctx.parts;
      if (outcome) await recordDrill(db, stateKey, { file: name, result: outcome });
      else if (error && didNotOpen(error.code)) await recordUnopened(db, stateKey, name);
      await recordAs(ctx.parts, by, {
        act: 'drill',
        subject: name,
        outcome: outcome ? outcomeOf(outcome) : `failed: ${error?.code}`,
      });
      await watch.lookNow();
      errands.examine();
    },
  });
  return goTo(ctx, '/keys/backup');
}

// --- internal ---

/** The file did not open, or the keys in it are none; not that the database was away. */
function didNotOpen(code: string): boolean {
  return code === 'BACKUP' || code.startsWith('KEY_');
}

function openKids({ parts }: Ctx): readonly { readonly kid: string; readonly state: string }[] {
  const { keyring, tracking } = parts.live;
  const all = [...keyring.list(), ...tracking.list().map(({ tkid, state }) => ({ kid: tkid, state }))];
  return all.filter(({ state }) => state !== 'withdrawn');
}

function recipientsIn(form: URLSearchParams): BackupTo {
  const recipients = (form.get('recipients') ?? '').split(/[\s,]+/).filter((text) => text !== '');
  const passphrase = form.get('passphrase') ?? '';
  if (recipients.length > 0 && passphrase !== '') {
    throw new CasehardError('USAGE', 'a backup is for recipients or for a passphrase, not for both', {
      hint: 'make two backups',
    });
  }
  if (recipients.length > 0) return { recipients };
  if (passphrase !== (form.get('again') ?? '')) {
    throw new CasehardError('BACKUP', 'the two passphrases are not the same', { hint: 'type both again' });
  }
  if (passphrase === '') {
    throw new CasehardError('USAGE', 'whom the backup is for is missing', {
      hint: 'give a recipient, age1…, or a passphrase',
    });
  }
  return { passphrase };
}

/** A field of one line takes the file of an identity with its line ends gone: what counts in it is found by its own form. */
function howIn(secret: string, byPassphrase: boolean): BackupWith {
  if (byPassphrase) return { passphrase: secret };
  const identities = secret.match(/AGE-SECRET-KEY-(?:[A-Z]+-)?1[02-9AC-HJ-NP-Z]+/gi) ?? [];
  return { identity: identities.length > 0 ? identities.join('\n') : secret };
}

function forms(ctx: Ctx): Html {
  return html`<h2>Make a backup</h2><p>A file with the keys that are configured here, sealed in the format of <code>age</code>: it is opened with casehard or with <code>age -d</code>. Keep it outside this machine, apart from the backups of the database.</p>
<form method="post" action="${ctx.href('/keys/backup')}" class="stack">${tokenField(ctx)}
<div class="row"><label for="b-recipients">For these recipients</label><textarea id="b-recipients" name="recipients" rows="2" spellcheck="false" autocomplete="off" aria-describedby="b-recipients-hint"></textarea><p class="hint" id="b-recipients-hint">One a line, age1… as <code>age-keygen</code> prints it.</p></div>
<div class="row"><label for="b-passphrase">Or with this passphrase</label><input id="b-passphrase" name="passphrase" type="password" autocomplete="new-password" minlength="${MIN_PASSPHRASE}" aria-describedby="b-passphrase-hint"><p class="hint" id="b-passphrase-hint">Five random words; whoever guesses it has every key.</p></div>
<div class="row"><label for="b-again">The same passphrase again</label><input id="b-again" name="again" type="password" autocomplete="new-password"></div>
${passwordField(ctx, 'b-password')}<button class="primary">Download a backup</button></form>
<h2>Prove a backup</h2><p>The drill restores the backup in memory, and opens the canaries and random values of every field with it. Nothing of it is kept but the result.</p>
<form method="post" action="${ctx.href('/keys/drill')}" enctype="multipart/form-data" class="stack">${tokenField(ctx)}
<div class="row"><label for="d-file">The backup</label><input id="d-file" name="file" type="file" required></div>
<div class="row"><label for="d-secret">Its passphrase, or the identity that opens it</label><input id="d-secret" name="secret" type="password" autocomplete="off" required aria-describedby="d-secret-hint"><p class="hint" id="d-secret-hint">An identity is the text that <code>age-keygen</code> has written, AGE-SECRET-KEY-1…</p></div>
<button class="primary">Prove it</button></form>`;
}

function result({ name, keys, strangers, unknown, proven }: Drilled, at: number): Html {
  const damaged = keys.reduce((sum, key) => sum + key.damaged, 0);
  return html`<div class="banner ${proven ? 'good' : 'bad'}" role="${proven ? 'status' : 'alert'}"><p><strong>${proven ? `${name} is proven: everything that was tried opened.` : `${name} is not proven.`}</strong> ${proven ? '' : 'Make another one while the keys are here.'} ${time(at)}</p></div>
<div class="scroll" tabindex="0" role="region" aria-label="What the drill found"><table><thead><tr><th scope="col">Key id</th><th scope="col">Here</th><th scope="col">In the backup</th><th scope="col">Canary</th><th scope="col" class="num">Values</th><th scope="col" class="num">Tried</th><th scope="col" class="num">Opened</th><th scope="col">Proven</th></tr></thead><tbody>${keys.map(row)}</tbody></table></div>
${damaged > 0 ? html`<p>${plural(damaged, 'value that was tried opens', 'values that were tried open')} with no key: damaged or moved, which is no fault of the backup.</p>` : ''}
${unknown.length > 0 ? html`<p>Values are also under ${unknown.join(', ')}, which nobody here has.</p>` : ''}
${strangers.length > 0 ? html`<p>Also in the backup, and of no use here: ${strangers.join(', ')}.</p>` : ''}`;
}

function row({ kid, configured, inBackup, canary, values, tried, opened, proven, problem }: DrilledKey): Html {
  return html`<tr><th scope="row"><code>${kid}</code></th><td>${configured ?? 'not configured'}</td><td>${inBackup ? 'yes' : 'no'}</td><td>${canary}</td><td class="num">${number(values)}</td><td class="num">${number(tried)}</td><td class="num">${number(opened)}</td><td class="wide">${proven ? 'yes' : html`no: ${sentence(problem ?? '')}`}</td></tr>`;
}

function outcomeOf({ keys, proven }: Drilled): string {
  const kids = (wanted: boolean): string => keys.flatMap((key) => (key.proven === wanted ? [key.kid] : [])).join(', ');
  return proven ? `proven: ${kids(true)}` : `not proven: ${kids(false) || 'no key'}`;
}
