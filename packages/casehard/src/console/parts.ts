import type { StateKey } from '@casehard/core/state';
import type { Trail } from '../audit/trail.ts';
import type { Database } from '../database/connect.ts';
import type { StateRows } from '../database/state-rows.ts';
import type { Timing } from '../keys/live.ts';
import type { Auth } from './auth.ts';
import type { Checks } from './checks.ts';
import type { Entries } from './entries.ts';
import type { Errands } from './errands.ts';
import type { Origins } from './http/origin.ts';
import type { Jobs } from './jobs.ts';
import type { Listing } from './listing.ts';
import type { Live } from './live.ts';
import type { ScanHistory } from './scan-history.ts';
import type { Accounts } from './state/accounts.ts';
import type { Sessions } from './state/sessions.ts';
import type { Throttle } from './state/throttle.ts';
import type { UpgradeRun } from './upgrade-run.ts';
import type { Watch } from './watch.ts';
import type { Welcome } from './welcome.ts';

/** Everything that pages use, made once by `createConsole`. */
export interface Parts {
  /** The path that the console is mounted at: '' or '/admin/casehard'. */
  readonly base: string;
  readonly origins: (request: Request) => Origins;
  readonly auth: Auth;
  readonly db: Database;
  readonly rows: StateRows;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly throttle: Throttle;
  readonly welcome: Welcome;
  readonly live: Live;
  readonly watch: Watch;
  readonly listing: Listing;
  readonly history: ScanHistory;
  readonly jobs: Jobs;
  readonly upgrade: UpgradeRun;
  readonly entries: Entries;
  readonly checks: Checks;
  readonly errands: Errands;
  /** Who did what; pages write to it through `record`. */
  readonly trail: Trail;
  /** Authenticates what drills have proven. */
  readonly stateKey: StateKey;
  /** How often the application's processes report. */
  readonly timing: Timing;
  /** Takes an unexpected error: its kind and place, never its message. */
  readonly report: (error: unknown) => void;
  /** Sessions that have said *Later* to the pending upgrade. */
  readonly later: Set<string>;
  readonly now: () => number;
}
