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
  const body = await readBounded(request, MAX_BODY_BYTES);
  return body === 'TOO_LARGE' ? body : new URLSearchParams(body.toString('utf8'));
}

/** The most that a form with a file may have: a backup is a few kilobytes, and some hundred at the very most. */
export const MAX_UPLOAD_BYTES = 1024 * 1024;

/** A file that came with a form. */
export interface Upload {
  /** Without folders and control characters, for people. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The fields of a form that may carry one file, named `file`. Reading stops at 1 MiB, whatever the request says of its
 * length. Only for routes that ask for it: a foreign page can send this type too, so that token and origin count.
 */
export async function readUpload(
  request: Request,
): Promise<{ readonly form: URLSearchParams; readonly file: Upload | undefined } | FormProblem> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^multipart\/form-data\s*;/i.test(type)) {
    const form = await readForm(request);
    return typeof form === 'string' ? form : { form, file: undefined };
  }
  const body = await readBounded(request, MAX_UPLOAD_BYTES);
  if (body === 'TOO_LARGE') return body;
  const form = new URLSearchParams();
  let file: Upload | undefined;
  try {
    for (const [name, value] of await new Response(body, { headers: { 'content-type': type } }).formData()) {
      if (typeof value === 'string') form.append(name, value);
      else if (name === 'file' && value.size > 0) {
        file = { name: fileName(value.name), bytes: new Uint8Array(await value.arrayBuffer()) };
      }
    }
  } catch {
    return 'NOT_A_FORM'; // the message of the parser may quote what was sent
  }
  return { form, file };
}

/** A field of a form that must be there. Throws USAGE. */
export function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value !== null && value !== '') return value;
  throw new CasehardError('USAGE', `the form has no ${name}`, { hint: 'go back, fill it in, and send it again' });
}

// --- internal ---

async function readBounded(request: Request, most: number): Promise<Buffer | 'TOO_LARGE'> {
  if (Number(request.headers.get('content-length') ?? 0) > most) return 'TOO_LARGE';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if (request.body) {
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > most) return 'TOO_LARGE';
      chunks.push(chunk);
    }
  }
  return Buffer.concat(chunks);
}

/** The name as people know it: it goes into a table and into the audit trail. */
function fileName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? '';
  return last.replace(/\p{C}+/gu, '').slice(0, 100) || 'a file without a name';
}
