import { CasehardError, parseLocator, printLocator } from '@casehard/core';
import { required } from '../http/form.ts';
import { record } from '../record.ts';
import { type Ctx, person } from '../request.ts';
import { answerWith, goTo, headersFor } from '../views/answer.ts';
import { entryForm, type FormState } from '../views/entry-form.ts';
import { html } from '../views/html.ts';
import { trouble } from '../views/parts.ts';

/** One credential with its neighbours. */
export function entryPage(ctx: Ctx): Promise<Response> {
  return show(ctx, {});
}

/** Saves what was typed. An untouched secret field leaves the secret as it is. */
export async function save(ctx: Ctx): Promise<Response> {
  const locator = locatorOf(ctx);
  try {
    const did = await ctx.parts.entries.save(locator, {
      neighbours: neighboursOf(ctx.form),
      secret: ctx.form.get('secret') ?? '',
      version: required(ctx.form, 'version'),
    });
    if (did !== 'nothing') {
      await record(ctx, { act: 'set', subject: printLocator(locator.field, locator.key), outcome: OUTCOMES[did] });
      ctx.parts.watch.scanAfterChange();
    }
    return goTo(ctx, pathOf(ctx), did);
  } catch (error) {
    if (!(error instanceof CasehardError)) throw error;
    const stale = error.code === 'CHANGED_MEANWHILE';
    const keys = error.code.startsWith('KEY_')
      ? html`<p><a href="${ctx.href('/diagnosis')}">What happened to the key, and what to do</a></p>`
      : html``;
    return show(ctx, { problem: html`${trouble(error)}${keys}`, ...(stale ? {} : { typed: ctx.form }) }, 409);
  }
}

/** Removes the credential: its own button, so that an emptied field cannot do it. */
export async function clear(ctx: Ctx): Promise<Response> {
  const locator = locatorOf(ctx);
  await ctx.parts.entries.clear(locator, required(ctx.form, 'version'));
  await record(ctx, { act: 'clear', subject: printLocator(locator.field, locator.key), outcome: 'done' });
  ctx.parts.watch.scanAfterChange();
  return goTo(ctx, pathOf(ctx), 'cleared');
}

/** Tests the connection: the stored secret where it is stored to go, or a typed one where it was typed to go. */
export async function test(ctx: Ctx): Promise<Response> {
  const { checks, entries } = ctx.parts;
  const row = await entries.find(locatorOf(ctx));
  const result = await checks.test(row, {
    neighbours: neighboursOf(ctx.form),
    secret: ctx.form.get('secret') ?? '',
    who: person(ctx).id,
    keep: async (token) => {
      await entries.keep(row, token);
      await record(ctx, { act: 'set', subject: row.open.locator, outcome: 'done: the token that the server gave' });
    },
  });
  if (ctx.request.headers.get('accept') === 'application/json') {
    return new Response(JSON.stringify(result), {
      headers: { ...headersFor(ctx), 'content-type': 'application/json; charset=utf-8' },
    });
  }
  return show(ctx, { result, typed: ctx.form });
}

// --- internal ---

const OUTCOMES = {
  saved: 'done: sealed',
  'saved-legacy': 'done: legacy',
  'saved-neighbours': 'done: what stands beside it',
} as const;

async function show(ctx: Ctx, state: FormState, status = 200): Promise<Response> {
  const row = await ctx.parts.entries.view(locatorOf(ctx));
  const page = ctx.parts.live.pages.find(({ entries }) => entries.some(({ field }) => field === row.field));
  return answerWith(
    ctx,
    {
      title: `${row.label}${row.name === '' ? '' : `, row ${row.name}`}`,
      body: html`<p>${page ? html`<a href="${ctx.href(`/settings/${page.slug}`)}">${page.label}</a> · ` : ''}<code>${row.locator}</code></p>${entryForm(ctx, row, state)}`,
    },
    status,
  );
}

function locatorOf({ params }: Ctx): { readonly field: string; readonly key: readonly string[] } {
  const locator = parseLocator(params.locator ?? '');
  if (locator) return locator;
  throw new CasehardError('NOT_FOUND', 'this is no locator', { hint: 'choose a row from its list' });
}

function pathOf({ params }: Ctx): string {
  return `/entry/${encodeURIComponent(params.locator ?? '')}`;
}

/** The neighbours of a form, by role. */
function neighboursOf(form: URLSearchParams): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...form].filter(([name]) => name.startsWith('n.')).map(([name, value]) => [name.slice(2), value]),
  );
}
