import { pageHeaders } from '../http/headers.ts';
import type { Ctx } from '../request.ts';
import type { Html } from './html.ts';
import { layout } from './layout.ts';

/** A page without its frame. */
export interface Page {
  readonly title: string;
  readonly body: Html;
  /** Seconds after which a browser without script asks again, while something is under way. */
  readonly refresh?: number;
  /** No menu: nobody is signed in, or nothing else is to be done. */
  readonly bare?: true;
}

/** The answer that holds a page. */
export async function answerWith(ctx: Ctx, page: Page, status = 200): Promise<Response> {
  const text = String(await layout(ctx, page));
  return new Response(`<!doctype html>\n${text}`, {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8', ...headersFor(ctx) },
  });
}

/** The answer that is a file to keep. `name` is ours, never what somebody typed. */
export function download(
  ctx: Ctx,
  file: { readonly name: string; readonly type: string; readonly text: string },
): Response {
  const headers = {
    ...headersFor(ctx),
    'content-type': file.type,
    'content-disposition': `attachment; filename="${file.name}"`,
  };
  return new Response(file.text, { headers });
}

/** Sends the browser to another page of the console, with the code of a notice to show there. */
export function goTo(ctx: Ctx, path: string, notice?: string): Response {
  const [before, after] = [path, notice === undefined ? '' : `${path.includes('?') ? '&' : '?'}did=${notice}`];
  return new Response(null, { status: 303, headers: { location: ctx.href(`${before}${after}`), ...headersFor(ctx) } });
}

export function headersFor(ctx: Ctx): Record<string, string> {
  return pageHeaders(ctx.nonce, { https: ctx.parts.origins(ctx.request).scheme === 'https' });
}
