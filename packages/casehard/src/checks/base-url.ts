import { stopFor } from './failure.ts';
import { type CheckCode, CheckStop } from './result.ts';

/** What the application's own address answered: a status, or why there was none. No text of the server is part of it. */
export type BaseUrlAnswer =
  | { readonly status: number }
  | { readonly code: Exclude<CheckCode, 'OK'>; readonly says: string };

/** One GET. No redirect is followed, the body is not read, and after 10 s it is over. Never throws. */
export async function askBaseUrl(
  url: string,
  { signal, timeout = 10_000 }: { readonly signal?: AbortSignal; readonly timeout?: number } = {},
): Promise<BaseUrlAnswer> {
  const limit = AbortSignal.timeout(timeout);
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      headers: { 'user-agent': 'casehard', accept: 'text/html, */*;q=0.1' },
    });
    // Only the status is asked for; a body that breaks off changes nothing.
    await response.body?.cancel().catch(() => {});
    return { status: response.status };
  } catch (error) {
    const { code, message } = whyNot(error, limit, signal);
    return { code: code as Exclude<CheckCode, 'OK'>, says: message };
  }
}

// --- internal ---

function whyNot(error: unknown, limit: AbortSignal, signal: AbortSignal | undefined): CheckStop {
  if (signal?.aborted) return new CheckStop('CANCELLED', 'stopped');
  if (limit.aborted) return stopFor({ code: 'ETIMEDOUT' });
  // fetch says "fetch failed" and keeps the reason beside it.
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
  const code: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'code') : undefined;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new CheckStop('NAME_NOT_FOUND', 'the name of the host is not known: check its spelling and the DNS');
  }
  if (typeof code === 'string' && /^UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT$/.test(code)) {
    return stopFor({ code: 'ETIMEDOUT' });
  }
  return stopFor(cause);
}
