import type { Ctx, Identity } from './request.ts';

/** How the console learns who somebody is: its own accounts, or the sign-in of the application that it is mounted in. */
export interface Auth {
  /** Where nobody is sent who is not signed in; undefined: the application has its own page for that. */
  readonly signInPath: string | undefined;
  /** Our own accounts are used: the console has pages for them. */
  readonly ownAccounts: boolean;
  identify(request: Request, token: string | undefined): Promise<{ who: Identity | undefined; csrf: string }>;
  /** Compares synchronizer tokens in constant time. */
  isToken(expected: string, given: string): boolean;
  /** Whether the person has just shown again who they are. */
  confirm(ctx: Ctx, form: URLSearchParams): Promise<true | 'refused' | 'throttled'>;
}
