import { randomToken } from '@casehard/core/state';
import { cookieName, readCookie } from './http/cookie.ts';
import { readForm, readUpload } from './http/form.ts';
import { isOurHost, isOurPage, type Origins } from './http/origin.ts';
import type { Parts } from './parts.ts';
import type { Ctx, Identity, Route } from './request.ts';
import { answerWith } from './views/answer.ts';
import { refusalPage } from './views/refusal.ts';

/** What stands around a request: where it came from, and the parameters of its path. */
export interface Arrival {
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  readonly address: string | undefined;
}

/**
 * The one place where requests are let in: our own host name, our own page and its token for everything that changes
 * something, a role, and the password again where the route asks for it. Everything else is answered here.
 */
export async function guard(parts: Parts, route: Route, arrival: Arrival): Promise<Ctx | Response> {
  const { request, params, address } = arrival;
  const url = new URL(request.url);
  const nobody: Ctx = {
    ...{
      parts,
      request,
      url,
      params,
      address,
      form: new URLSearchParams(),
      file: undefined,
      who: undefined,
      token: undefined,
      csrf: '',
    },
    nonce: randomToken(16),
    href: (path) => `${parts.base}${path}`,
  };
  const origins = parts.origins(request);
  if (!isOurHost(request, origins)) return refuse(nobody, 421, 'HOST');

  const { who, token, csrf } = await identify(parts, request);
  const ctx: Ctx = { ...nobody, who, token, csrf };
  if (route.method === 'GET') return mayEnter(ctx, route) ?? ctx;
  return letPost(ctx, route, origins);
}

// --- internal ---

async function letPost(ctx: Ctx, route: Route, origins: Origins): Promise<Ctx | Response> {
  const { request, parts } = ctx;
  if (!isOurPage(request, origins)) return refuse(ctx, 403, 'ORIGIN');
  const refused = mayEnter(ctx, route);
  if (refused) return refused;
  const read = route.upload ? await readUpload(request) : await readForm(request);
  if (read === 'TOO_LARGE') return refuse(ctx, 413, 'BODY');
  if (read === 'NOT_A_FORM') return refuse(ctx, 415, 'FORM');
  const { form, file } = read instanceof URLSearchParams ? { form: read, file: undefined } : read;
  if (ctx.who && !parts.auth.isToken(ctx.csrf, form.get('csrf') ?? '')) return refuse(ctx, 403, 'TOKEN');
  if (route.confirm) {
    const confirmed = await parts.auth.confirm(ctx, form);
    if (confirmed !== true) return refuse(ctx, 403, confirmed === 'throttled' ? 'THROTTLED' : 'CONFIRM');
  }
  return { ...ctx, form, file };
}

/** Undefined where the route's role is there. */
function mayEnter(ctx: Ctx, { who, method }: Route): Response | Promise<Response> | undefined {
  if (who === 'anyone') return undefined;
  if (!ctx.who) {
    if (method === 'GET' && ctx.parts.auth.signInPath !== undefined) return toSignIn(ctx, ctx.parts.auth.signInPath);
    return refuse(ctx, 401, 'SIGN_IN');
  }
  return who === 'viewer' || ctx.who.role === 'operator' ? undefined : refuse(ctx, 403, 'ROLE');
}

function toSignIn({ href, url, parts }: Ctx, path: string): Response {
  const next = url.pathname.slice(parts.base.length) + url.search;
  const query = next === '/' || next.length > 500 ? '' : `?next=${encodeURIComponent(next)}`;
  return new Response(null, {
    status: 303,
    headers: { location: `${href(path)}${query}`, 'cache-control': 'no-store' },
  });
}

async function identify(
  parts: Parts,
  request: Request,
): Promise<{ who: Identity | undefined; token: string | undefined; csrf: string }> {
  const token = readCookie(request, cookieName(parts.origins(request).scheme === 'https'));
  return { token, ...(await parts.auth.identify(request, token)) };
}

function refuse(ctx: Ctx, status: number, why: Parameters<typeof refusalPage>[1]): Promise<Response> {
  return answerWith(ctx, refusalPage(ctx, why), status);
}
