import { CasehardError } from '@casehard/core';
import { equalTexts } from '@casehard/core/state';
import { Trail } from '../audit/trail.ts';
import { loadStateKey } from '../config/state-key-file.ts';
import { type Database, openDatabase } from '../database/connect.ts';
import { ensureConsoleTables } from '../database/console-tables.ts';
import { StateRows } from '../database/state-rows.ts';
import { type Connection, createApp } from './app.ts';
import type { Auth } from './auth.ts';
import { Checks } from './checks.ts';
import { Entries } from './entries.ts';
import { Errands } from './errands.ts';
import { originsOf } from './http/origin.ts';
import type { Job } from './job-rows.ts';
import { Jobs } from './jobs.ts';
import { Listing } from './listing.ts';
import { type ConsoleProject, Live } from './live.ts';
import { ownAuth } from './own-auth.ts';
import type { Parts } from './parts.ts';
import { endOf, recordAs } from './record.ts';
import type { Identity } from './request.ts';
import { ScanHistory } from './scan-history.ts';
import { Accounts } from './state/accounts.ts';
import { Sessions } from './state/sessions.ts';
import { Throttle } from './state/throttle.ts';
import { UpgradeRun } from './upgrade-run.ts';
import { Watch } from './watch.ts';
import { Welcome } from './welcome.ts';

/** The sign-in of the application that the console is mounted in. */
export interface HostSignIn {
  /** Who the request comes from; undefined: nobody who may see the console. */
  identify(request: Request): Promise<Identity | undefined> | Identity | undefined;
  /** Asked before soften: whether the person has just shown again who they are. */
  confirm(request: Request): Promise<boolean> | boolean;
}

export interface ConsoleOptions {
  /** A configuration, as `loadProject` gives it. */
  readonly project: ConsoleProject;
  /** The path that the console is mounted at, such as `/admin/casehard`; default: the root. */
  readonly base?: string;
  /** Where it is reached: an address of its own, or the application's public URL. */
  readonly listen?: { readonly host: string; readonly port: number };
  readonly publicUrl?: string;
  /** Sign-in of the application; default: the console's own accounts. */
  readonly signIn?: HostSignIn;
  /** Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds between two reports of the application's processes, where `attach` was given another number than 30 000. */
  readonly heartbeat?: number;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
  /** Takes lines for the operator's log. */
  readonly warn?: (message: string) => void;
}

/** A running console. */
export interface Console {
  /** Answers a request. Mount it at `base`. */
  fetch(request: Request, connection?: Connection): Promise<Response>;
  /** A one-time token for `/welcome/TOKEN`, which makes an operator. Show it to whoever starts the console only. */
  issueWelcome(): string;
  /** How many operators can sign in. */
  operators(): Promise<number>;
  /** Tells the console where it listens, once that is known. */
  listensAt(listen: { readonly host: string; readonly port: number }): void;
  /** The file in which the state key was just made. */
  readonly stateKeyMade: string | undefined;
  close(): Promise<void>;
}

/**
 * The admin console over a configured database. It makes its own tables at its first start, looks at the database in
 * the background, and goes on with a harden that an earlier server left. Throws what opening the database throws.
 *
 * @example
 * const admin = await createConsole({ project: await loadProject(path, { env: process.env, warn: console.warn }) });
 * export default { fetch: admin.fetch };
 */
export async function createConsole(options: ConsoleOptions): Promise<Console> {
  const { project } = options;
  const now = options.now ?? Date.now;
  const env = options.env ?? process.env;
  if (project.config.database === undefined) {
    throw new CasehardError('CONFIG', `${project.path}: \`database\` is missing`, {
      hint: "write database: process.env.DATABASE_URL, or 'sqlite:./file.db'",
    });
  }
  const stateKey = loadStateKey({ folder: project.folder, env });
  const db = openDatabase(project.config.database, { folder: project.folder });
  try {
    await ensureConsoleTables(db);
    const parts = assemble({ options, db, now, env, key: stateKey.key });
    await parts.all.jobs.takeOver();
    await parts.all.listing.update();
    void parts.all.watch.lookNow();
    void parts.all.watch.scanNow();
    const app = createApp(parts.all);
    return {
      fetch: app,
      issueWelcome: () => parts.all.welcome.issue(),
      operators: () => parts.all.accounts.operators(),
      listensAt: parts.listensAt,
      stateKeyMade: stateKey.made,
      close: async () => {
        await parts.all.jobs.close();
        await parts.all.errands.close();
        await parts.all.watch.close();
        await parts.all.listing.close();
        await db.close();
      },
    };
  } catch (error) {
    await db.close().catch(() => {});
    throw error;
  }
}

// --- internal ---

interface Assembly {
  readonly options: ConsoleOptions;
  readonly db: Database;
  readonly now: () => number;
  readonly env: NonNullable<ConsoleOptions['env']>;
  readonly key: ReturnType<typeof loadStateKey>['key'];
}

function assemble({ options, db, now, env, key }: Assembly): {
  readonly all: Parts;
  readonly listensAt: Console['listensAt'];
} {
  const rows = new StateRows(db, key);
  const accounts = new Accounts({ rows, key, now });
  const sessions = new Sessions({ rows, key, accounts, now });
  const throttle = new Throttle({ rows, now });
  const live = new Live(options.project, env);
  const history = new ScanHistory(rows);
  const errands = new Errands({ live, now });
  const onScan = (took: number): void => errands.examine('', took > LONG_SCAN_MS);
  const watch = new Watch({ live, history, now, onScan });
  const isStrange = (): boolean => watch.look?.found.keys !== undefined;
  const listing = new Listing({ db, live, heartbeat: options.heartbeat, isStrange });
  const upgrade = new UpgradeRun({
    ...{ live, watch, now },
    onEnd: async (by, deed) => {
      await recordAs(all, by, deed);
      await listing.update(); // the table for it is there now
    },
  });
  const onEnd = (job: Job): void => {
    void recordAs(all, job.startedBy, endOf(job));
    void watch.lookNow();
    void watch.scanNow();
  };
  const publicUrl = options.publicUrl ?? options.project.config.console?.publicUrl;
  let origins = originsOf({
    ...(options.listen ?? { host: '127.0.0.1', port: 0 }),
    ...(publicUrl ? { publicUrl } : {}),
  });
  const own = ownAuth({ accounts, sessions, throttle });
  const all: Parts = {
    base: (options.base ?? '').replace(/\/$/, ''),
    origins: () => origins,
    auth: options.signIn ? hostAuth(options.signIn, key) : own,
    ...{ db, rows, accounts, sessions, throttle, live, watch, listing, history, upgrade, errands, now },
    welcome: new Welcome(now),
    jobs: new Jobs({ live, rows, now, onEnd }),
    entries: new Entries({ db, live, key, watch }),
    checks: new Checks({ live, now }),
    trail: new Trail(db, key),
    stateKey: key,
    timing: options.heartbeat === undefined ? {} : { heartbeat: options.heartbeat },
    later: new Set(),
    report: (error) => options.warn?.(`console: unexpected ${placeOf(error)}`),
  };
  return {
    all,
    listensAt: (listen) => {
      if (!publicUrl) origins = originsOf(listen);
    },
  };
}

/** After a scan that took longer, the doctor does not open every value once more unless somebody asks him to. */
const LONG_SCAN_MS = 60_000;

/** People of another application: no sessions of ours, so the synchronizer token is bound to the person. */
function hostAuth(signIn: HostSignIn, key: Assembly['key']): Auth {
  return {
    signInPath: undefined,
    ownAccounts: false,
    async identify(request) {
      const who = await signIn.identify(request);
      return { who, csrf: who ? key.tag('csrf of a person', [who.id]) : '' };
    },
    isToken: (expected, given) => expected !== '' && equalTexts(expected, given),
    confirm: async ({ request }) => ((await signIn.confirm(request)) ? true : 'refused'),
  };
}

/** An error's kind and place. Its message is left out: it may quote a value. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'error';
  return `${error.name} ${/^\s+at .*$/m.exec(error.stack ?? '')?.[0]?.trim() ?? ''}`;
}
