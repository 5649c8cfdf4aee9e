import { CasehardError } from '@casehard/core';
import { type AuditHead, type AuditRow, parseHead, requireTrail } from '../../audit/trail.ts';
import { readAudit } from '../../database/audit-rows.ts';
import type { Verified } from '../background/task.ts';
import { type Ctx, person } from '../request.ts';
import { answerWith, download, goTo } from '../views/answer.ts';
import { type Html, html } from '../views/html.ts';
import { number, plural, time, tokenField, trouble } from '../views/parts.ts';

const PAGE = 50;

/** Who did what, the newest first. For operators. */
export async function auditPage(ctx: Ctx): Promise<Response> {
  const { trail, errands, db } = ctx.parts;
  const { running, last } = errands.verify;
  if (!(await trail.isReady())) {
    const body = html`<p>Nothing is recorded yet: the upgrade makes the table for it. <a href="${ctx.href('/upgrade')}">See what will change</a></p>`;
    return answerWith(ctx, { title: 'Audit', body });
  }
  const [newest] = await trail.list(1);
  const top = newest?.seq ?? 0;
  const asked = Number(ctx.url.searchParams.get('before'));
  const before = Number.isSafeInteger(asked) && asked > 1 ? Math.min(asked, top + 1) : top + 1;
  // Numbers go up without a gap: a page is a stretch of them, and where one is missing the page is shorter.
  const after = Math.max(0, before - 1 - PAGE);
  const rows = (await readAudit(db, { after, limit: PAGE })).filter(({ seq }) => seq < before).reverse();
  const checked = running
    ? html`<p role="status">The trail is being checked: ${plural(running.rows, 'row holds', 'rows hold')} so far.</p>`
    : last
      ? last.error
        ? trouble(last.error)
        : verdict(ctx, last.outcome, last.at)
      : '';
  return answerWith(ctx, {
    title: 'Audit',
    ...(running ? { refresh: 2 } : {}),
    body: html`${checked}<p>Who did what with casehard, in the console and by the command; rows as they stand in the database. Each carries a tag over itself and the row before: checking finds one that was altered, inserted, removed or reordered.</p>
${table(rows)}
<p class="pager">${before <= top ? html`<a class="button" href="${ctx.href('/audit')}">Newest</a>` : ''}${after > 0 ? html`<a class="button" href="${ctx.href(`/audit?before=${after + 1}`)}">Older</a>` : ''}<span class="soft">${plural(top, 'row', 'rows')} in all.</span></p>
${
  running
    ? ''
    : html`<h2>Check the trail</h2><form method="post" action="${ctx.href('/audit/verify')}" class="stack">${tokenField(ctx)}
<div class="row"><label for="a-head">A head that was kept elsewhere, if you have one</label><textarea id="a-head" name="head" rows="2" spellcheck="false" autocomplete="off" aria-describedby="a-head-hint"></textarea><p class="hint" id="a-head-hint">Only against it does it show that rows at the end were removed.</p></div>
<button class="primary">Check every row</button></form>`
}`,
  });
}

/** Checks every row in the background, against a head where one is given. */
export async function verifyNow(ctx: Ctx): Promise<Response> {
  const { trail, errands } = ctx.parts;
  await requireTrail(trail);
  const text = (ctx.form.get('head') ?? '').trim();
  const head: AuditHead | undefined = text === '' ? undefined : parseHead(text);
  if (text !== '' && !head) {
    throw new CasehardError('USAGE', 'this is no head', {
      hint: 'paste what was downloaded as the head, or leave it empty',
    });
  }
  void errands.verify.start({ task: { kind: 'verify', ...(head ? { head } : {}) }, by: person(ctx).name });
  return goTo(ctx, '/audit');
}

/** The head of the trail as it was last checked, to be kept elsewhere. */
export function auditHead(ctx: Ctx): Response {
  const found = ctx.parts.errands.verify.last?.outcome?.verdict;
  if (!found?.ok) {
    throw new CasehardError('NOT_FOUND', 'the trail was not checked yet, or does not hold', {
      hint: 'check it first: only the head of a trail that holds is worth keeping',
    });
  }
  const text = `${JSON.stringify({ head: found.head })}\n`;
  return download(ctx, { name: 'casehard-audit-head.json', type: 'application/json; charset=utf-8', text });
}

// --- internal ---

function verdict(ctx: Ctx, { verdict: found, against }: Verified, at: number): Html {
  if (found.ok) {
    const held =
      found.rows === 0 ? 'Nothing is recorded yet.' : `${plural(found.rows, 'row is', 'rows are')} as recorded.`;
    return html`<div class="banner good" role="status"><p><strong>${held}</strong> ${against ? 'The trail goes on from the head that was kept.' : ''} ${time(at)}</p></div><p><a class="button" href="${ctx.href('/audit/head')}">Download the head</a> <span class="soft">Keep it outside this machine.</span></p>`;
  }
  return html`<div class="banner bad" role="alert"><p><strong>Row ${number(found.seq)} ${FAULTS[found.why]}.</strong> The ${plural(found.rows, 'row', 'rows')} before it hold. Find out who can write this database, and compare with a backup of <code>casehard_audit</code>. <code>AUDIT</code> ${time(at)}</p></div>`;
}

const FAULTS = {
  altered:
    'is not as it was recorded: it was altered, inserted or moved, or recorded under the state key of another machine',
  missing: 'is missing: it was removed or moved',
  cut: 'is not the one that the head goes on from: rows at the end were removed since it was exported',
} as const;

function table(rows: readonly AuditRow[]): Html {
  if (rows.length === 0) return html`<p class="soft">Nothing is recorded yet.</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="The audit trail"><table><thead><tr><th scope="col" class="num">No.</th><th scope="col">When</th><th scope="col">Who</th><th scope="col">Act</th><th scope="col">What</th><th scope="col">Why</th><th scope="col">Result</th></tr></thead><tbody>
${rows.map((row) => html`<tr><td class="num">${row.seq}</td><td>${timeOf(row.at)}</td><td class="wide">${plain(row.actor)}</td><td>${plain(row.act)}</td><td class="wide">${plain(row.subject)}</td><td class="wide">${plain(row.reason)}</td><td class="wide">${plain(row.outcome)}</td></tr>`)}
</tbody></table></div>`;
}

/** Whoever can write the table must not turn the words of a row around. */
function plain(text: string): string {
  return text.replace(/\p{C}/gu, '�');
}

function timeOf(at: number): Html {
  return Number.isSafeInteger(at) && Math.abs(at) <= MAX_TIME ? time(at) : html`unknown`;
}

/** The last moment that a Date can hold. */
const MAX_TIME = 8_640_000_000_000_000;
