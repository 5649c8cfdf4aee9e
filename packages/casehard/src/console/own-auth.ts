import { equalTexts } from '@casehard/core/state';
import type { Auth } from './auth.ts';
import type { Accounts } from './state/accounts.ts';
import type { Sessions } from './state/sessions.ts';
import { type Throttle, throttleKeys } from './state/throttle.ts';

/** Sign-in with the console's own accounts and sessions. */
export function ownAuth(state: {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly throttle: Throttle;
}): Auth {
  const { accounts, sessions, throttle } = state;
  return {
    signInPath: '/sign-in',
    ownAccounts: true,
    async identify(_request, token) {
      const found = token === undefined ? undefined : await sessions.find(token);
      if (!found) return { who: undefined, csrf: '' };
      const { id, name, role } = found.account;
      return { who: { id, name, role }, csrf: found.csrf };
    },
    isToken: (expected, given) => expected !== '' && equalTexts(expected, given),
    async confirm({ who, address }, form) {
      if (!who) return 'refused';
      const keys = throttleKeys(who.name, address);
      if ((await throttle.attempt(keys)) > 0) return 'throttled';
      const account = await accounts.verify(who.name, form.get('password') ?? '');
      if (account?.id !== who.id) {
        return 'refused';
      }
      await throttle.succeed(keys);
      return true;
    },
  };
}
