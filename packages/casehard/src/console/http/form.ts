import { CasehardError } from '@casehard/core';

/** The most that a form may have: a secret of 48 KiB, percent-encoded, and its neighbours. */
export const MAX_BODY_BYTES = 256 * 1024;

export type FormProblem = 'TOO_LARGE' | 'NOT_A_FORM';

/**
 * The fields of a posted form. Only `application/x-www-form-urlencoded` is read: it is what our forms send, and what a
 * foreign page cannot send with JSON inside. Reading stops at 256 KiB, whatever the request says of its length.
 */
export async function readForm(request: Request): Promise<URLSearchParams | FormProblem> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') return 'NOT_A_FORM';
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) return 'TOO_LARGE';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if (request.body) {
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) return 'TOO_LARGE';
      chunks.push(chunk);
    }
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

/** A field of a form that must be there. Throws USAGE. */
export function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value !== null && value !== '') return value;
  throw new CasehardError('USAGE', `the form has no ${name}`, { hint: 'go back, fill it in, and send it again' });
}
