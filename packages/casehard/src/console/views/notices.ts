/** What a page says after something was done. URLs carry the code only, so that no link can put words into a page. */
const NOTICES: Readonly<Record<string, string>> = {
  saved: 'Saved and sealed.',
  'saved-legacy': 'Saved in the existing scheme: no key is configured.',
  'saved-neighbours': 'Saved. The credential is unchanged.',
  nothing: 'Nothing was changed.',
  cleared: 'The credential is cleared.',
  'scan-started': 'A scan has begun. The figures change when it ends.',
  'job-started': 'Started.',
  'job-paused': 'It pauses after the page at work.',
  'job-resumed': 'It goes on.',
  'job-cancelled': 'It stops after the page at work. What was written stays.',
  'sealed-as-is': 'Sealed as it is.',
  'sealed-not': 'It was not sealed: the value has changed meanwhile, or is none that can be sealed as it is.',
  later: 'The upgrade can wait. Everything goes on in the existing scheme.',
  'keys-found': 'The keys were looked up again.',
  'no-keys-found': 'The keys were looked up again: there is still none.',
  refreshed: 'Keys and processes were looked up again; the values are being counted.',
  'signed-out': 'You are signed out.',
  password: 'The password is changed. Other sessions of the account have ended.',
  'totp-on': 'Signing in now asks for a code.',
  'totp-off': 'Signing in no longer asks for a code.',
  'account-changed': 'The account is changed.',
  'account-removed': 'The account is removed.',
};

export function noticeOf(code: string | null): string | undefined {
  return code !== null && Object.hasOwn(NOTICES, code) ? NOTICES[code] : undefined;
}
