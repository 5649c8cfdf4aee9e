import { CasehardError } from '@casehard/core';
import { Hono } from 'hono';
import { ASSETS } from './assets/assets.ts';
import { guard } from './guard.ts';
import type { Parts } from './parts.ts';
import type { Ctx, Route } from './request.ts';
import { ACCOUNT_ROUTES, ROUTES } from './routes.ts';
import { answerWith, headersFor } from './views/answer.ts';
import { html } from './views/html.ts';
import { sentence, trouble } from './views/parts.ts';
import { refusalPage } from './views/refusal.ts';

/** What the server knows of a connection. */
export interface Connection {
  readonly address?: string;
}

/** The console as a function from request to answer. Nothing reaches a page but through the guard. */
export function createApp(parts: Parts): (request: Request, connection?: Connection) => Promise<Response> {
  const app = new Hono<{ Bindings: Connection }>({ strict: false });
  const routes = [...ROUTES, ...(parts.auth.ownAccounts ? ACCOUNT_ROUTES : [])];
  for (const [path, { type, text }] of Object.entries(ASSETS)) {
    app.get(`${parts.base}${path}`, () => asset(type, text));
  }
  for (const route of routes) {
    app.on(route.method, `${parts.base}${route.path}`, (c) =>
      answer(parts, route, { request: c.req.raw, params: c.req.param(), address: c.env.address }),
    );
  }
  app.all('*', (c) => answer(parts, NOWHERE, { request: c.req.raw, params: {}, address: c.env.address }));
  return async (request, connection = {}) => app.fetch(request, connection);
}

// --- internal ---

/** Whoever is not signed in learns nothing of which pages there are. */
const NOWHERE: Route = {
  method: 'GET',
  path: '*',
  who: 'viewer',
  handle: (ctx) => answerWith(ctx, refusalPage(ctx, 'NOT_FOUND'), 404),
};

async function answer(parts: Parts, route: Route, arrival: Parameters<typeof guard>[2]): Promise<Response> {
  const ctx = await guard(parts, route, arrival);
  if (ctx instanceof Response) return ctx;
  try {
    return await route.handle(ctx);
  } catch (error) {
    return failure(ctx, error);
  }
}

/** An error of ours with its fix; of any other only that it happened. */
function failure(ctx: Ctx, error: unknown): Response | Promise<Response> {
  if (!(error instanceof CasehardError)) {
    ctx.parts.report(error);
    return answerWith(ctx, refusalPage(ctx, 'BUG'), 500);
  }
  const status = STATUS[error.code] ?? 500;
  const back =
    ctx.request.method === 'POST'
      ? html`<p>Nothing more was changed. Go back with your browser to correct the form.</p>`
      : '';
  const keys = DIAGNOSED.has(error.code)
    ? html`<p><a href="${ctx.href('/diagnosis')}">What happened to the key, and what to do</a></p>`
    : '';
  if (ctx.request.headers.get('accept') === 'application/json') return jsonFailure(ctx, error, status);
  return answerWith(ctx, { title: 'That did not work', body: html`${trouble(error)}${keys}${back}` }, status);
}

/** For the script of a form that stays on its page. */
function jsonFailure(ctx: Ctx, { message, hint }: CasehardError, status: number): Response {
  const text = `${sentence(message)} ${hint ? sentence(hint) : ''}`;
  const headers = { ...headersFor(ctx), 'content-type': 'application/json; charset=utf-8' };
  return new Response(JSON.stringify({ ok: false, text }), { status, headers });
}

/** What the diagnosis page has words for. */
const DIAGNOSED: ReadonlySet<string> = new Set([
  'KEY_MISSING',
  'KEY_NOT_KNOWN_HERE',
  'KEY_IN_WRONG_SETTING',
  'PREVIOUS_KEY_MISSING',
]);

const STATUS: Readonly<Partial<Record<CasehardError['code'], number>>> = {
  USAGE: 400,
  REFUSED: 409,
  NOT_FOUND: 404,
  UNKNOWN_FIELD: 404,
  BAD_ROW: 400,
  TOO_LONG: 400,
  NOT_WELL_FORMED: 400,
  BACKUP: 400,
  KEY_IN_USE: 409,
  AUDIT: 409,
  SECRET_NEEDED: 409,
  CHANGED_MEANWHILE: 409,
  KEY_MISSING: 409,
  KEY_NOT_KNOWN_HERE: 409,
  UPGRADE_PENDING: 409,
  READ_ONLY: 503,
  DATABASE: 503,
};

function asset(type: string, text: string): Response {
  return new Response(text, {
    headers: {
      'content-type': type,
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    },
  });
}
