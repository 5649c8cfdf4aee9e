import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CasehardError, readKeySources } from '@casehard/core';
import type { Project } from '../config/load.ts';
import { findStateKey, STATE_KEY_FILE } from '../config/state-key-file.ts';
import type { Database } from '../database/connect.ts';
import { readDrills } from '../database/drills.ts';
import { guarded } from '../database/driver-error.ts';
import { readCanaries, readTrackingCanaries } from '../database/evidence.ts';
import { readUses } from '../database/key-uses.ts';
import type { OwnTable } from '../database/own-tables.ts';
import { listProcesses } from '../database/processes.ts';
import { ping, readServerSettings } from '../database/server-settings.ts';
import { type Session, withSession } from '../database/session.ts';
import { readUpgrades } from '../database/upgrades.ts';
import { countKidsByField, type KidsOfField } from '../inventory/known-keys.ts';
import { type ResolvedField, resolveFields } from '../inventory/resolve.ts';
import { planFor } from '../jobs/pending.ts';
import type { ExamineOptions } from './examine.ts';
import type { Facts, SecretFile } from './facts.ts';
import { type FieldLook, findMoved, lookAt, newLook } from './look.ts';
import { ProgressFile } from './progress-file.ts';

/** Gathers what the checks look at. Reads only, but for the progress file. Never throws for what it cannot have. */
export async function gather(project: Project, db: Database, options: ExamineOptions): Promise<Facts> {
  const now = (options.now ?? Date.now)();
  const base: Facts = {
    ...NOTHING,
    project,
    now,
    tracking: options.tracking,
    keysProblem: options.keysProblem,
    files: secretFiles(project, options.env),
    maxLocators: options.maxLocators ?? MAX_LOCATORS,
  };
  try {
    await ping(db);
  } catch (error) {
    return { ...base, away: asOurs(error) };
  }
  const notLookedAt: { what: string; error: CasehardError }[] = [];
  const attempt = async <T>(what: string, read: () => Promise<T> | T): Promise<T | undefined> => {
    try {
      return await guarded(async () => read());
    } catch (error) {
      notLookedAt.push({ what, error: asOurs(error) });
      return undefined;
    }
  };
  const { keyring, hard, folder } = project;
  const server = await attempt('the settings of the server', () => readServerSettings(db));
  const resolved = await attempt('the fields', () => resolveFields(db, hard, { keyring }));
  const plan = await attempt('what an upgrade needs', () => planFor(db, resolved?.fields ?? []));
  const made = (table: OwnTable): boolean => plan?.steps.every(({ id }) => id !== `create ${table}`) === true;
  const own = async <T>(table: OwnTable, read: () => Promise<T> | T): Promise<T | undefined> =>
    made(table) ? attempt(table, read) : undefined;
  const stateKey = await attempt('the state key', () => findStateKey({ folder, env: options.env }));
  const facts: Facts = {
    ...base,
    server,
    resolved,
    plan,
    upgrades: await own('casehard_upgrades', () => readUpgrades(db)),
    canaries: await own('casehard_keys', () => readCanaries(db)),
    trackingCanaries: await own('casehard_keys', () => readTrackingCanaries(db)),
    uses: await own('casehard_key_uses', () => readUses(db)),
    processes: await own('casehard_processes', () => listProcesses(db, DAY_MS)),
    drills:
      stateKey &&
      (await own('casehard_drills', () =>
        readDrills(db, (tag, pieces) => stateKey.holds(tag, 'casehard_drills', pieces)),
      )),
  };
  const values = await attempt('the values', () =>
    withSession(db, (session) => readValues(session, facts, { ...options, label: db.label }, notLookedAt)),
  );
  return { ...facts, ...values, notLookedAt };
}

// --- internal ---

const DAY_MS = 86_400_000;

const NOTHING: Omit<Facts, 'project' | 'now'> = {
  tracking: undefined,
  keysProblem: undefined,
  files: [],
  away: undefined,
  notLookedAt: [],
  server: undefined,
  resolved: undefined,
  plan: undefined,
  upgrades: undefined,
  canaries: undefined,
  trackingCanaries: undefined,
  uses: undefined,
  processes: undefined,
  drills: undefined,
  kids: undefined,
  looks: undefined,
  complete: false,
  stopped: 'no',
  moved: new Map(),
  maxLocators: 0,
};

function asOurs(error: unknown): CasehardError {
  if (error instanceof CasehardError) return error;
  throw error; // a mistake of ours, not of the database
}

type Values = Pick<Facts, 'kids' | 'looks' | 'complete' | 'stopped' | 'moved'>;

async function readValues(
  session: Session,
  { project, resolved, keysProblem, now, maxLocators }: Facts,
  options: ExamineOptions & { readonly label: string },
  notLookedAt: { what: string; error: CasehardError }[],
): Promise<Values> {
  const all = resolved?.fields ?? [];
  const kids: KidsOfField[] = [];
  const readable: ResolvedField[] = [];
  for (const field of all) {
    try {
      kids.push(...(await countKidsByField(session, [field])));
      readable.push(field);
    } catch (error) {
      notLookedAt.push({ what: `field ${field.name}`, error: asOurs(error) });
    }
  }
  const none: Values = { kids, looks: undefined, complete: false, stopped: 'no', moved: new Map() };
  // Without the keys, every sealed value would be one under an unknown key.
  if (options.quick === true || keysProblem) return none;

  const fields = readable.filter(({ name }) => options.only?.includes(name) ?? true);
  const file = new ProgressFile(project.folder, {
    database: options.label,
    keys: project.keyring.list(),
    fields: fields.map(({ definition }) => definition.spec),
    names: fields.map(({ name }) => name),
  });
  const keeps = options.keepProgress === true;
  const before = options.resume === true ? file.read(now) : undefined;
  const looks = fields.map(({ name }) => before?.find((look) => look.name === name) ?? newLook(name));
  let stopped: Values['stopped'] = 'no';
  for (const [i, field] of fields.entries()) {
    const look = looks[i] as FieldLook;
    if (look.done) continue;
    const onPage = (): void => {
      options.onProgress?.(look.name, look.rows);
      if (keeps) file.keep(looks, now);
    };
    const signal = options.signal ? { signal: options.signal } : {};
    try {
      if (await lookAt(session, field, look, { keep: maxLocators, onPage, ...signal })) continue;
    } catch (error) {
      notLookedAt.push({ what: `field ${field.name}`, error: asOurs(error) });
      continue;
    }
    stopped = keeps && file.save(looks, now) ? 'resumable' : 'anew';
    break;
  }
  if (stopped !== 'no') return { ...none, looks, stopped };
  if (keeps) file.remove();
  const moved = await findMoved(session, readable, looks);
  return { kids, looks, complete: looks.every(({ done }) => done), stopped, moved };
}

/** More are counted and not listed. */
const MAX_LOCATORS = 20;

/** The files that keys are read from, as the key sources themselves open them, and the one of the state key. */
function secretFiles(project: Project, env: ExamineOptions['env']): readonly SecretFile[] {
  const paths = new Set<string>();
  try {
    readKeySources({
      env,
      folder: project.folder,
      ...(project.config.keys ? { settings: project.config.keys } : {}),
      readFile: (path) => {
        const bytes = readFileSync(path);
        paths.add(path);
        return bytes;
      },
    });
  } catch {
    // Sources that contradict each other are a finding of their own; what was opened so far is looked at.
  }
  paths.add(resolve(project.folder, env.CASEHARD_STATE_KEY_FILE ?? STATE_KEY_FILE));
  return [...paths].flatMap((path) => {
    const file = modeOf(path);
    return file === undefined ? [] : [file];
  });
}

function modeOf(path: string): SecretFile | undefined {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return undefined;
    return { path, mode: process.platform === 'win32' ? undefined : stat.mode & 0o777 };
  } catch {
    return undefined;
  }
}
