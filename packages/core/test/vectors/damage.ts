import { type ReferenceContext, seal } from '../reference.ts';
import { keyOf } from './masters.ts';

/** The value that rejected ones are made from, and the tools to damage it. */
export const KEY = keyOf('counting');
export const ROW: ReferenceContext = { binding: 'row', scope: 'mailer.smtp.password', row: ['42'] };
export const GOOD = make('the known answer', ROW, Buffer.from('030a11181f262d343b424950575e656c', 'hex'));
export const KID = KEY.kid;

export function make(content: string, context: ReferenceContext, iv: Buffer, n = 2): string {
  return seal(KEY, context, { content: content === 'the known answer' ? 'hunter2' : content, n, iv });
}

export function decode(sealed: string): Buffer {
  return Buffer.from(sealed.slice(14), 'base64url');
}

export function encode(body: Uint8Array, kid = KID): string {
  return `chd1.${kid}.${Buffer.from(body).toString('base64url')}`;
}

export function edit(sealed: string, change: (body: Buffer) => void): string {
  const body = decode(sealed);
  change(body);
  return encode(body, sealed.slice(5, 13));
}

export function flip(sealed: string, index: number, mask: number): string {
  return edit(sealed, (body) => {
    body[index] = (body[index] as number) ^ mask;
  });
}
