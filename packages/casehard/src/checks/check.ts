import type { Secret } from '@casehard/core';
import { stopFor } from './failure.ts';
import { checkHttp } from './http.ts';
import { checkImap } from './imap.ts';
import { checkOAuthClient, checkOAuthRefresh } from './oauth.ts';
import { type CheckPolicy, vetPolicy } from './policy.ts';
import { checkPop3 } from './pop3.ts';
import type { CheckKind, CheckRequest } from './request.ts';
import type { CheckResult, Passed } from './result.ts';
import { Session } from './session.ts';
import { checkSmtp } from './smtp.ts';

export type { CheckPolicy, Lookup } from './policy.ts';
export type * from './request.ts';
export type { CheckCode, CheckResult } from './result.ts';

/**
 * Tests a credential against the server it is for: logs in, or asks for a token, and leaves. What a server does never
 * makes it throw, and nothing that a server writes, no credential and no token is part of the result's words.
 *
 * The host is resolved once, every address is vetted, and exactly these are dialled. No redirect is followed.
 */
export async function runCheck(request: CheckRequest, secret: Secret, policy: CheckPolicy): Promise<CheckResult> {
  vetPolicy(policy);
  if (!Object.hasOwn(CHECKS, request.kind)) {
    throw new TypeError(`"kind" must be one of ${Object.keys(CHECKS).join(', ')}`);
  }
  const session = new Session(policy);
  try {
    // The session's clock beats a library that waits for ever.
    const { says, reply, newToken } = await Promise.race([start(request, secret, session), session.stopped]);
    return { ok: true, code: 'OK', says, ...known({ reply, newToken }), ...connection(session) };
  } catch (error) {
    const { code, message, reply } = stopFor(error);
    if (code === 'CERTIFICATE') session.certificate = 'not verified';
    return { ok: false, code, says: message, ...known({ reply }), ...connection(session) };
  } finally {
    session.close();
  }
}

// --- internal ---

type Check<R extends CheckRequest> = (request: R, secret: Secret, session: Session) => Promise<Passed>;

const CHECKS: { readonly [K in CheckKind]: Check<Extract<CheckRequest, { readonly kind: K }>> } = {
  smtp: checkSmtp,
  imap: checkImap,
  pop3: checkPop3,
  'oauth-client': checkOAuthClient,
  'oauth-refresh': checkOAuthRefresh,
  http: checkHttp,
};

async function start<K extends CheckKind>(
  request: Extract<CheckRequest, { readonly kind: K }>,
  secret: Secret,
  session: Session,
): Promise<Passed> {
  session.throwIfOver();
  const check: Check<typeof request> = CHECKS[request.kind as K];
  return check(request, secret, session);
}

function connection({ address, certificate }: Session): Pick<CheckResult, 'address' | 'certificate'> {
  return known({ address, certificate });
}

/** The object without the properties that are undefined. */
function known<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
