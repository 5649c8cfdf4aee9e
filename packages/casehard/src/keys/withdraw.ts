import { CasehardError, type KeyKind } from '@casehard/core';
import type { Database } from '../database/connect.ts';
import { type KeptCanary, putCanaryBack, readCanaries, takeCanary } from '../database/evidence.ts';
import { searchColumns } from '../database/search-columns.ts';
import { type Session, withSession } from '../database/session.ts';
import { checkKeys } from '../inventory/belonging.ts';
import { canaryOf, keepCanary } from '../inventory/canary.ts';
import { type ResolvedField, resolveFields } from '../inventory/resolve.ts';
import { type KeysProject, kindOfKid, type Timing } from './live.ts';
import { withdrawLines } from './paste.ts';
import { readRotation } from './read-rotation.ts';
import { liveProcesses, type RotationFacts } from './rotation.ts';
import { unsettled } from './settle.ts';
import { type FindOptions, findUnder, markOf } from './values-under.ts';

export interface WithdrawOptions extends Timing, Pick<FindOptions, 'signal' | 'onPage'> {}

/** A key that nothing stands in the way of withdrawing, as far as the database can tell. */
export interface Withdrawable {
  readonly kid: string;
  readonly kind: KeyKind;
  /** Lines of settings, by the ids of keys. */
  readonly lines: readonly string[];
  /** Tables and columns that could not be searched for forgotten values. */
  readonly unread: readonly string[];
  /** False where the transactions of others could not be seen. */
  readonly transactionsVisible: boolean;
}

/**
 * Checks that a key can be withdrawn: nobody has it active or had it a moment ago, nothing was opened with it for
 * `keys.quietDays`, and a scan that begins now finds no value under it, in declared fields and elsewhere. Reads only.
 * Throws KEY_IN_USE with everything that stands against it, NOT_FOUND for a key that nobody knows, and what `checkKeys`
 * throws: keys of another environment decide nothing here.
 */
export async function checkWithdrawal(
  project: KeysProject,
  db: Database,
  kid: string,
  options: WithdrawOptions = {},
): Promise<Withdrawable> {
  const kind = kindOf(kid);
  const { facts, against, unread } = await look(project, db, { kid, kind, options });
  refuse(kid, against);
  const known = facts.keys.some((key) => key.kid === kid) || facts.canaries.includes(kid);
  if (!known && !facts.opened.has(kid) && !facts.sealed.has(kid)) {
    throw new CasehardError('NOT_FOUND', `no key ${kid} is known here`, {
      hint: '`casehard keys list` shows the keys',
    });
  }
  return { kid, kind, lines: withdrawLines(facts, kid), unread, transactionsVisible: facts.transactionsVisible };
}

/**
 * Takes the evidence of a key away, once a person has confirmed that no unattached process has it: its canary goes, so
 * that nobody asks for the key any more. Asking takes time, so everything is looked at once more, after the canary is
 * gone. Whoever seals with the key is listed first, looks at the canaries after that, and keeps one before it seals: so
 * it is seen here, or refused there, or its value is found, or its canary is there again. Then the canary is put back.
 * Throws KEY_IN_USE, and what `checkKeys` throws.
 */
export async function withdrawKey(
  project: KeysProject,
  db: Database,
  { kid, kind }: Pick<Withdrawable, 'kid' | 'kind'>,
  options: WithdrawOptions = {},
): Promise<void> {
  const facts = await readRotation(project, db, { ...options, kind, fields: [] });
  refuse(kid, inTheWay(facts, kid).slice(0, 1));
  // Written before the old one goes: without any canary, a forgotten process with the old key would not be noticed.
  if (kind === 'enc') {
    const fields = await resolveAll(project, db);
    await withSession(db, (session) => refuseStrangers(project, session, fields));
    await keepSuccessor(project, db, kid);
  }
  const taken = await takeCanary(db, kid);
  try {
    const { against } = await look(project, db, { kid, kind, options });
    refuse(kid, against);
    // Looking for values takes long: who has begun meanwhile, and who has come and gone?
    const after = await readRotation(project, db, { ...options, kind, fields: [] });
    const back = after.canaries.includes(kid) ? [begunMeanwhile()] : [];
    refuse(kid, [...inTheWay(after, kid), ...back]);
  } catch (error) {
    // A withdrawal that was killed may have taken it already: where the key is in use, it is made anew.
    const inUse = error instanceof CasehardError && error.code === 'KEY_IN_USE';
    const canary = taken ?? (inUse && kind === 'enc' ? canaryOf(project.keyring, kid) : undefined);
    throw canary ? await restored(db, canary, error) : error;
  }
}

/** Which kind of key an id belongs to. Throws USAGE, and does not quote it: it may be a key. */
export function kindOf(kid: string): KeyKind {
  const kind = kindOfKid(kid);
  if (kind) return kind;
  throw new CasehardError('USAGE', 'this is no key id', {
    hint: 'a sealing key has 8 characters, a to z and 2 to 7, a tracking key 4 hex digits; never give a key here',
  });
}

// --- internal ---

interface Seen {
  readonly facts: RotationFacts;
  /** What stands against withdrawing the key. */
  readonly against: readonly Against[];
  readonly unread: readonly string[];
}

/** Looks at processes and transactions first, then for values: nobody can add one under the key any more. */
async function look(
  project: KeysProject,
  db: Database,
  { kid, kind, options }: { readonly kid: string; readonly kind: KeyKind; readonly options: WithdrawOptions },
): Promise<Seen> {
  const facts = await readRotation(project, db, { ...options, kind, fields: [] });
  const against = inTheWay(facts, kid);
  if (kind !== 'enc') return { facts, against, unread: [] };
  const fields = await resolveAll(project, db);
  const found = await withSession(db, async (session) => {
    await refuseStrangers(project, session, fields);
    return findUnder(session, fields, { ...options, kid });
  });
  if (found.total > 0) against.push(valuesLeft(found.total, found.locators));
  const elsewhere = await searchColumns(db, markOf(kid), {
    schemas: schemasOf(fields),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const forgotten = elsewhere.found.filter(
    ({ table, column }) => found.total === 0 || !isDeclared(fields, table, column),
  );
  if (forgotten.length > 0) against.push(forgottenColumns(forgotten));
  return { facts, against, unread: elsewhere.unread };
}

/** Puts the canary back, and gives the reason; where that fails too, the reason says so. */
async function restored(db: Database, canary: KeptCanary, reason: unknown): Promise<unknown> {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      await putCanaryBack(db, canary);
      return reason;
    } catch {
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  }
  if (!(reason instanceof CasehardError)) return reason;
  const hint = 'its canary was taken away and could not be put back: run it again once the database can be written';
  return new CasehardError(reason.code, reason.message, { kid: canary.kid, hint });
}

const TRIES = 3;
const PAUSE_MS = 500;

function begunMeanwhile(): Against {
  return {
    problem: 'a process has begun to seal with it while values were looked for',
    hint: 'it has the key active: give every process the new key first, then run it again',
  };
}

function refuse(kid: string, against: readonly Against[]): void {
  const [first] = against;
  if (!first) return;
  const problem = against.map((each) => each.problem).join('; ');
  throw new CasehardError('KEY_IN_USE', `key ${kid} cannot be withdrawn yet: ${problem}`, { kid, hint: first.hint });
}

/** A stranger's canary would make its key one of this database's. */
async function refuseStrangers(
  { keyring, tracking }: KeysProject,
  session: Session,
  fields: readonly ResolvedField[],
): Promise<void> {
  try {
    await checkKeys(session, fields, { keyring, tracking, hasOwnTables: true });
  } catch (error) {
    // Another key that is lost is no reason: its values are none of this one's.
    if (!(error instanceof CasehardError) || error.code !== 'PREVIOUS_KEY_MISSING') throw error;
  }
}

async function keepSuccessor({ keyring }: KeysProject, db: Database, kid: string): Promise<void> {
  await keepCanary(db, keyring);
  const others = (await readCanaries(db)).filter((canary) => canary.kid !== kid);
  if (others.length > 0 || keyring.list().every((key) => key.kid === kid || key.state === 'withdrawn')) return;
  throw new CasehardError(
    'KEY_IN_USE',
    `key ${kid} cannot be withdrawn here: no other key shows whose database this is`,
    {
      kid,
      hint: 'withdraw it where the new key is active; to leave casehard, run `casehard rotate --leave`',
    },
  );
}

interface Against {
  readonly problem: string;
  readonly hint: string;
}

const DAY_MS = 86_400_000;

function inTheWay(facts: RotationFacts, kid: string): Against[] {
  const against: Against[] = [];
  const state = facts.keys.find((key) => key.kid === kid)?.state;
  if (state === 'active' || state === 'staged') {
    against.push({
      problem: `it is ${state} here`,
      hint:
        state === 'active'
          ? 'put another key into its place first: `casehard rotate`'
          : `take it out of ${facts.kind === 'enc' ? 'CASEHARD_STAGED_ENC_KEYS' : 'CASEHARD_STAGED_TRACKING_KEYS'} in every process first`,
    });
  }
  const why = unsettled((other) => other === kid, {
    ...facts,
    heard: facts.kind === 'enc' ? facts.heard : liveProcesses(facts),
  });
  if (why?.because === 'processes') {
    const names = why.processes.map(({ host, version }) => `${host} (${version})`).join(', ');
    against.push({
      problem: `it is active in ${names}`,
      hint: 'give every process the new key first: `casehard rotate`',
    });
  } else if (why?.because === 'time') {
    const seconds = Math.ceil(why.wait / 1000);
    against.push({ problem: `a process had it active a moment ago`, hint: `try again in ${seconds} seconds` });
  } else if (why?.because === 'transaction') {
    const seconds = Math.ceil(why.open / 1000);
    against.push({
      problem: `a transaction has been open for ${seconds} seconds, since before the key came to rest`,
      hint: 'end it, or wait for its end: what it has written cannot be seen yet',
    });
  }
  const ago = facts.opened.get(kid);
  if (ago !== undefined && ago < facts.quiet) {
    const days = Math.ceil((facts.quiet - ago) / DAY_MS);
    against.push({
      problem: `a process opened something with it ${agoText(ago)} ago`,
      hint: `wait until it has been quiet for \`keys.quietDays\` (${facts.quiet / DAY_MS}): ${days === 1 ? 'one more day' : `${days} more days`} at the earliest${facts.kind === 'trk' ? '; if it has leaked, do not wait: list its id in CASEHARD_WITHDRAWN_KIDS now, and no process believes its links any more' : ''}`,
    });
  }
  return against;
}

function valuesLeft(total: number, locators: readonly string[]): Against {
  const more = total > locators.length ? ` and ${total - locators.length} more` : '';
  return {
    problem: `${total} ${total === 1 ? 'value is' : 'values are'} under it: ${locators.join(', ')}${more}`,
    hint: '`casehard rotate` reseals those that open; `casehard status --deep` says what the others need',
  };
}

function forgottenColumns(found: readonly { table: string; column: string; rows: number }[]): Against {
  const places = found.map(({ table, column, rows }) => `${table}.${column} (${rows})`).join(', ');
  return {
    problem: `values under it stand where no field is declared: ${places}`,
    hint: 'declare the field in casehard.config, then `casehard rotate`; or delete what is not needed any more',
  };
}

function agoText(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} seconds`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} minutes`;
  return ms < 2 * DAY_MS ? `${Math.round(ms / 3_600_000)} hours` : `${Math.round(ms / DAY_MS)} days`;
}

async function resolveAll(project: KeysProject, db: Database): Promise<readonly ResolvedField[]> {
  const { fields, problems } = await resolveFields(db, project.hard, { keyring: project.keyring });
  const [problem] = problems;
  if (problem) throw problem; // a field that cannot be found may hold values under the key
  return fields;
}

/** Schemas that fields name: what is forgotten may lie beside what is declared. */
function schemasOf(fields: readonly ResolvedField[]): readonly string[] {
  return [
    ...new Set(fields.flatMap(({ place: { table } }) => (table.includes('.') ? [table.split('.')[0] ?? ''] : []))),
  ];
}

function isDeclared(fields: readonly ResolvedField[], table: string, column: string): boolean {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const names = ({ place }: ResolvedField): readonly string[] => [place.table, place.table.split('.').at(-1) ?? ''];
  return fields.some((field) => names(field).some((name) => same(name, table)) && same(field.place.column, column));
}
