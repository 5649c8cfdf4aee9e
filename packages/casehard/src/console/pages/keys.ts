import { generateKey } from '@casehard/core';
import { describeTable } from '../../database/catalogue.ts';
import { type ListedProcess, listProcesses } from '../../database/processes.ts';
import { listKeys } from '../../keys/list.ts';
import { liveWithin } from '../../keys/live.ts';
import { kidsOf } from '../kids.ts';
import type { Parts } from '../parts.ts';
import type { Ctx } from '../request.ts';
import { answerWith, goTo } from '../views/answer.ts';
import { type Html, html } from '../views/html.ts';
import { keyTable, processTable } from '../views/keys.ts';
import { action, sentence, time } from '../views/parts.ts';

/** Every key by its id, with who has it, what is under it and whether a backup of it was proven; never a key. */
export async function keysPage(ctx: Ctx): Promise<Response> {
  const { live, watch, db, stateKey, timing } = ctx.parts;
  const operator = ctx.who?.role === 'operator';
  const { scan } = watch;
  const found = watch.look?.found.keys;
  const fields = scan ? kidsOf(scan.found) : [];
  const { keys } = await listKeys(live.project, db, { ...timing, stateKey, fields });
  const none = live.keyring.list().length === 0;
  return answerWith(ctx, {
    title: 'Keys',
    body: html`${
      found
        ? html`<p><strong>${sentence(found.message)}</strong> Do not generate new keys before you have looked for the old one: <a href="${ctx.href('/diagnosis')}">what happened, and what to do</a>.</p>`
        : none
          ? html`<p><strong>${live.keyring.setting} not configured.</strong> Without a key everything works as before: credentials are stored and read in the existing scheme. With one, every save hardens, and every read goes on to understand both.</p>`
          : ''
    }
${keys.length > 0 ? html`${keyTable(keys, scan !== undefined)}<p class="soft">${scan ? html`Values as of the scan of ${time(scan.at)}.` : 'The first scan counts the values.'}</p>` : ''}
${none || found ? '' : html`<h2>Change the key</h2><p>Step by step, while the application runs; it can be left and resumed at any point. <a href="${ctx.href('/keys/rotation')}">The sealing key</a> · <a href="${ctx.href('/keys/rotation/tracking')}">The tracking key</a></p>`}
${keys.length > 0 ? html`<h2>Backups</h2><p>A backup that nobody has tried to restore is a hope. <a href="${ctx.href('/keys/backup')}">Make a backup, and prove it</a></p>` : ''}
<h2>Live processes</h2>${processTable(await liveProcessesOf(ctx.parts))}
${
  operator
    ? html`<h2>New keys</h2><p>Two keys are made and shown once: one seals credentials, the other one makes links in mails. Nothing is stored, and nothing changes until you configure them.</p>${action(ctx, '/keys/generate', 'Generate keys', none && !found ? { kind: 'primary' } : {})}
<h2>Look again</h2><p>After you have pasted keys into <code>.env</code> or the PHP configuration: the console looks them up anew. Keys in the environment of the console itself need a restart.</p>${action(ctx, '/keys/look-up', 'Look the keys up again')}`
    : ''
}`,
  });
}

/** The attached processes that are alive; none before the upgrade has made their table. */
export async function liveProcessesOf({ db, timing }: Parts): Promise<readonly ListedProcess[]> {
  return (await describeTable(db, 'casehard_processes')) ? listProcesses(db, liveWithin(timing), timing.heartbeat) : [];
}

/** Makes two keys and shows them: with the new key of a rotation, the one page that holds a key, and only this once. */
export async function generateKeys(ctx: Ctx): Promise<Response> {
  const { live } = ctx.parts;
  const [enc, trk] = [generateKey('enc'), generateKey('trk')];
  const active = live.keyring.active;
  return answerWith(ctx, {
    title: 'Your new keys',
    body: html`<div class="banner warn" role="status"><p><strong>Shown once, stored nowhere.</strong> Keep a copy of both outside this machine before you use them. Without the sealing key, the credentials sealed with it are lost.</p></div>
<h2>For .env, or the environment</h2>${keyLines([`CASEHARD_ENC_KEY=${enc}`, `CASEHARD_TRACKING_KEY=${trk}`])}
<h2>For a PHP config.php</h2>${keyLines([`define('SENDSTUDIO_ENC_KEY', '${enc}');`, `define('SENDSTUDIO_TRACKING_KEY', '${trk}');`])}
<h2>What to do next</h2>
<ol><li>Keep a copy of both lines outside this machine.</li>
<li>Paste one of the two forms where every process of the application reads its settings: the environment, <code>.env</code> in <code>${live.project.folder}</code>, or the PHP file that the configuration names. Not both forms.</li>
<li>Start the application's processes again, then let the console <a href="${ctx.href('/keys')}">look the keys up again</a>.</li></ol>
${active ? html`<p><strong>A key is active already (<code>${active.kid}</code>).</strong> Do not simply replace it: <a href="${ctx.href('/keys/rotation')}">change it step by step</a>, or what it sealed can no longer be opened.</p>` : ''}`,
  });
}

/** Reads the key sources again. */
export async function lookUpKeys(ctx: Ctx): Promise<Response> {
  const keyring = await lookAgain(ctx.parts);
  return goTo(ctx, '/keys', keyring.list().length > 0 ? 'keys-found' : 'no-keys-found');
}

/** Looks the keys up, and what the database says of them; the values are counted in the background. */
export async function lookAgain({ live, watch, listing }: Parts): Promise<ReturnType<typeof live.lookUpKeys>> {
  const keyring = live.lookUpKeys();
  await listing.update();
  await watch.lookNow();
  void watch.scanNow();
  return keyring;
}

/** Lines with a key in them, to copy. */
export function keyLines(texts: readonly string[]): Html {
  return html`${texts.map((text) => html`<pre tabindex="0" class="keyline" data-copy>${text}</pre>`)}`;
}
