import { CasehardError, loadKeyrings, readKeySources } from '@casehard/core';
import { Trail } from '../../audit/trail.ts';
import { loadStateKey } from '../../config/state-key-file.ts';
import { examine } from '../../doctor/examine.ts';
import { printSettings } from '../../keys/backup-text.ts';
import { drill } from '../../keys/drill.ts';
import { checkWithdrawal, withdrawKey } from '../../keys/withdraw.ts';
import type { Work } from './perform.ts';
import type { BackedUp, Diagnosed, Drilled, Task, Verified, Withdrawn } from './task.ts';

/*
 * The work on keys that no page waits for, by the very functions that the command calls. The thread has the environment of
 * the console, so that key sources and the state key are found where the console finds them. What opens and makes backups
 * is loaded where it is needed: every look and scan starts a thread.
 */

type Of<Kind extends Task['kind']> = Extract<Task, { readonly kind: Kind }>;

/** What is wrong with the database, its keys and its values. */
export async function diagnose({ quick }: Of<'doctor'>, { project, db, signal, tell }: Work): Promise<Diagnosed> {
  const options = { env: process.env, tracking: project.tracking, quick, signal };
  const onProgress = (field: string, rows: number): void => tell({ kind: 'doctor', field, rows });
  return { kind: 'doctor', ...(await examine(project, db, { ...options, onProgress })) };
}

/** Checks that nothing needs a key, and takes its evidence away. */
export async function withdraw(task: Of<'withdraw'>, { project, db, signal, tell }: Work): Promise<Withdrawn> {
  const timing = task.heartbeat === undefined ? {} : { heartbeat: task.heartbeat };
  let rows = 0;
  const onPage = (field: string, count: number): void => {
    rows += count;
    tell({ kind: 'withdraw', field, rows });
  };
  const checked = await checkWithdrawal(project, db, task.kid, { ...timing, signal, onPage });
  await withdrawKey(project, db, checked, { ...timing, signal, onPage });
  const { kind: of, ...rest } = checked;
  return { kind: 'withdraw', of, ...rest };
}

/** The keys that are configured, sealed. Their texts leave this thread in no other form. */
export async function backUp({ to }: Of<'backup'>, { project, db }: Work): Promise<BackedUp> {
  const { folder, config, keyring, tracking } = project;
  const sources = { env: process.env, folder, ...(config.keys ? { settings: config.keys } : {}) };
  const texts = readKeySources(sources);
  const there = loadKeyrings(sources);
  const ids = (keys: Pick<typeof there, 'keyring' | 'tracking'>): string =>
    JSON.stringify([keys.keyring.list(), keys.tracking.list()]);
  if (ids(there) !== ids(project)) {
    throw new CasehardError('REFUSED', 'the settings have other keys by now than the console', {
      hint: 'look the keys up again on the page of the keys, then make the backup',
    });
  }
  const { makeBackup, openBackup } = await import('../../keys/backup.ts');
  const sealed = await makeBackup(texts, to, { database: db.label, madeAt: new Date() });
  if ('passphrase' in to) {
    const back = await openBackup(Buffer.from(sealed), to, 'the backup');
    if (printSettings(back.texts) !== printSettings(texts)) {
      throw new CasehardError('BACKUP', 'the backup does not hold what was put into it', { hint: 'make it again' });
    }
  }
  const open = (state: string): boolean => state !== 'withdrawn';
  return {
    kind: 'backup',
    sealed,
    kids: [
      ...keyring.list().flatMap(({ kid, state }) => (open(state) ? [kid] : [])),
      ...tracking.list().flatMap(({ tkid, state }) => (open(state) ? [tkid] : [])),
    ],
  };
}

/** Proves a backup: restored in this thread's memory, it opens what this database holds. */
export async function drillBackup({ bytes, name, how }: Of<'drill'>, { project, db, signal }: Work): Promise<Drilled> {
  const { openBackup } = await import('../../keys/backup.ts');
  const backup = await openBackup(bytes, how, name);
  return { kind: 'drill', name, ...(await drill(project, db, { backup, signal })) };
}

/** Checks every row of the audit trail. */
export async function verifyTrail({ head }: Of<'verify'>, { project, db, tell }: Work): Promise<Verified> {
  const { key } = loadStateKey({ folder: project.folder, env: process.env, existing: true });
  const trail = new Trail(db, key);
  if (!(await trail.isReady())) {
    throw new CasehardError('UPGRADE_PENDING', 'the table casehard_audit is missing: nothing has been recorded', {
      hint: 'run the upgrade first; where that has run already, somebody has removed the table',
    });
  }
  const verdict = await trail.verify({
    ...(head ? { head } : {}),
    onRow: (rows) => tell({ kind: 'verify', field: '', rows }),
  });
  return { kind: 'verify', verdict, against: head !== undefined };
}
