/** The cookie that holds a session's token. Its name says where it may come from, where the browser can hold that. */
export function cookieName(https: boolean): string {
  return https ? '__Host-casehard' : 'casehard_session';
}

/** The token of a request, if it has one. */
export function readCookie(request: Request, name: string): string | undefined {
  for (const part of (request.headers.get('cookie') ?? '').split(';')) {
    const [key, ...value] = part.trim().split('=');
    if (key === name) return value.join('=');
  }
  return undefined;
}

/** Set-Cookie for a token; without one, the cookie is taken back. */
export function printCookie(
  name: string,
  token: string | undefined,
  options: { readonly https: boolean; readonly path: string },
): string {
  const life = token === undefined ? '; Max-Age=0' : '';
  const path = options.https ? '/' : options.path || '/';
  return `${name}=${token ?? ''}; Path=${path}; HttpOnly; SameSite=Strict${options.https ? '; Secure' : ''}${life}`;
}
