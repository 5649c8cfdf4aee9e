import { CasehardError, VERDICT_KINDS, type VerdictKind } from '@casehard/core';
import type { SettingsPage } from '../../config/groups.ts';
import type { Listing } from '../entries.ts';
import type { Ctx } from '../request.ts';
import { answerWith } from '../views/answer.ts';
import { entryForm } from '../views/entry-form.ts';
import { type Html, html } from '../views/html.ts';
import { badge, plural, trouble } from '../views/parts.ts';

/** A page of the configuration's groups: single settings as forms, tables as links to their lists. */
export async function settingsPage(ctx: Ctx): Promise<Response> {
  const page = pageOf(ctx);
  const sections: Html[] = [];
  for (const { field, label } of page.entries) {
    const heading = html`<h2>${label}</h2>`;
    if (!ctx.parts.entries.isSingle(field)) {
      sections.push(
        html`${heading}<p><a class="button" href="${ctx.href(`/settings/${page.slug}/${encodeURIComponent(field)}`)}">Open the list</a> <span class="soft">${rowsOf(ctx, field)}</span></p>`,
      );
      continue;
    }
    // One that cannot be shown says so in its own place, and the rest of the page is as ever.
    try {
      const row = await ctx.parts.entries.single(field);
      sections.push(
        row
          ? html`${heading}${entryForm(ctx, row)}`
          : html`${heading}<p class="soft">The database has no such row yet: let the application save the setting once.</p>`,
      );
    } catch (error) {
      if (!(error instanceof CasehardError)) throw error;
      sections.push(html`${heading}${trouble(error)}`);
    }
  }
  return answerWith(ctx, { title: page.label, body: html`${sections}` });
}

/** The rows of one field, paged, searched and filtered by verdict. */
export async function listPage(ctx: Ctx): Promise<Response> {
  const page = pageOf(ctx);
  const entry = page.entries.find(({ field }) => field === ctx.params.field);
  if (!entry || ctx.parts.entries.isSingle(entry.field)) throw nowhere();
  const query = ctx.url.searchParams;
  const verdict = verdictOf(query.get('verdict'));
  const search = (query.get('search') ?? '').trim().slice(0, 200);
  const after = query.get('after') ?? undefined;
  const listing = await ctx.parts.entries.list(entry.field, {
    ...(after === undefined ? {} : { after }),
    ...(search === '' ? {} : { search }),
    ...(verdict === undefined ? {} : { verdict }),
  });
  return answerWith(ctx, {
    title: entry.label,
    body: html`<p><a href="${ctx.href(`/settings/${page.slug}`)}">${page.label}</a> · <code>${entry.field}</code> · ${rowsOf(ctx, entry.field)}</p>
${filters(ctx, { search, verdict })}
${rows(ctx, listing)}
${pager(ctx, listing, { after, search, verdict })}`,
  });
}

// --- internal ---

type Filter = VerdictKind | 'quarantined' | undefined;

function pageOf({ parts, params }: Ctx): SettingsPage {
  const page = parts.live.pages.find(({ slug }) => slug === params.page);
  if (!page) throw nowhere();
  return page;
}

function rowsOf({ parts }: Ctx, field: string): string {
  const tally = parts.watch.scan?.found.fields.find(({ name }) => name === field)?.tally;
  return tally ? plural(tally.rows, 'row', 'rows') : '';
}

function filters(ctx: Ctx, { search, verdict }: { readonly search: string; readonly verdict: Filter }): Html {
  const choices: readonly (readonly [string, string])[] = [
    ['', 'any verdict'],
    ['quarantined', 'quarantined (foreign, unexpected, unreadable)'],
    ...VERDICT_KINDS.map((kind) => [kind, kind] as const),
  ];
  return html`<form method="get" action="${ctx.href(ctx.url.pathname.slice(ctx.parts.base.length))}" class="filters" role="search">
<div><label for="search">Search</label><input id="search" name="search" value="${search}" maxlength="200"></div>
<div><label for="verdict">Verdict</label><select id="verdict" name="verdict">${choices.map(([value, label]) => html`<option value="${value}" ${value === (verdict ?? '') ? html`selected` : ''}>${label}</option>`)}</select></div>
<button>Show</button></form>`;
}

function rows(ctx: Ctx, { rows, columns }: Listing): Html {
  if (rows.length === 0) return html`<p>No row here fits.</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Rows"><table><thead><tr><th scope="col">Row</th>${columns.map(({ label }) => html`<th scope="col">${label}</th>`)}<th scope="col">Verdict</th></tr></thead><tbody>
${rows.map((row) => html`<tr><th scope="row" class="wide"><a href="${ctx.href(`/entry/${encodeURIComponent(row.locator)}`)}">${row.name}</a></th>${columns.map(({ role }) => html`<td class="wide">${row.neighbours[role] ?? ''}</td>`)}<td>${badge(row.verdict.kind, row.printed)}</td></tr>`)}
</tbody></table></div>`;
}

function pager(
  ctx: Ctx,
  { next, looked }: Listing,
  state: { readonly after: string | undefined; readonly search: string; readonly verdict: Filter },
): Html {
  const to = (after: string | undefined): string => {
    const query = new URLSearchParams();
    if (state.search !== '') query.set('search', state.search);
    if (state.verdict !== undefined) query.set('verdict', state.verdict);
    if (after !== undefined) query.set('after', after);
    const text = query.toString();
    return ctx.href(`${ctx.url.pathname.slice(ctx.parts.base.length)}${text === '' ? '' : `?${text}`}`);
  };
  const bounded =
    looked === undefined
      ? ''
      : html`<span class="soft">${plural(looked, 'row', 'rows')} looked at so far on this page.</span>`;
  return html`<p class="pager">${state.after === undefined ? '' : html`<a class="button" href="${to(undefined)}">First</a>`}${next === undefined ? '' : html`<a class="button" href="${to(next)}">Go on</a>`}${bounded}</p>`;
}

function verdictOf(text: string | null): Filter {
  if (text === 'quarantined') return text;
  return VERDICT_KINDS.find((kind) => kind === text);
}

function nowhere(): CasehardError {
  return new CasehardError('NOT_FOUND', 'there is no such page in the configuration', {
    hint: 'choose one from the menu',
  });
}
