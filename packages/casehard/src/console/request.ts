import type { Upload } from './http/form.ts';
import type { Parts } from './parts.ts';

/** Who is signed in. */
export interface Identity {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
}

/** `viewer` sees figures and verdicts; `operator` changes things. */
export type Role = 'viewer' | 'operator';

/** A request that has passed the guard, with what a page needs to answer it. */
export interface Ctx {
  readonly parts: Parts;
  readonly request: Request;
  readonly url: URL;
  /** Of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Of a POST; empty for a GET. */
  readonly form: URLSearchParams;
  /** The file that came with a form, on routes that take one. */
  readonly file: Upload | undefined;
  readonly who: Identity | undefined;
  /** The token of the session's cookie, where our own sign-in is used. */
  readonly token: string | undefined;
  /** The synchronizer token for forms; empty where nobody is signed in. */
  readonly csrf: string;
  readonly nonce: string;
  /** The address that the request came from, for throttling; undefined where a proxy or a host hides it. */
  readonly address: string | undefined;
  /** A path of the console, below where it is mounted. */
  href(path: string): string;
}

export type Handler = (ctx: Ctx) => Promise<Response> | Response;

/** One line of the route table. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** As Hono reads it. */
  readonly path: string;
  /** Who may: anyone, whoever is signed in, or operators only. */
  readonly who: 'anyone' | Role;
  /** The form must carry the account's password again. */
  readonly confirm?: true;
  /** The form may carry a file. */
  readonly upload?: true;
  readonly handle: Handler;
}

/** The person of a request behind the guard. */
export function person(ctx: Ctx): Identity {
  if (!ctx.who) throw new TypeError('"ctx" has nobody: the route table must ask for a role');
  return ctx.who;
}
