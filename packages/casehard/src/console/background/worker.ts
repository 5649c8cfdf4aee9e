import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { CasehardError, createCasehard, receiveKeyring } from '@casehard/core';
import { receiveTrackingKeyring } from '@casehard/core/state';
import { type LoadedProject, loadConfig } from '../../config/load.ts';
import { type Database, openDatabase } from '../../database/connect.ts';
import { guarded } from '../../database/driver-error.ts';
import { perform } from './perform.ts';
import type { Message, Order, Progress, Trouble } from './task.ts';

// The entry of the thread that background.ts starts; nothing else imports it.
if (parentPort) await answer(parentPort, workerData as Order);

// --- internal ---

async function answer(port: NonNullable<typeof parentPort>, order: Order): Promise<void> {
  const controller = new AbortController();
  port.on('message', () => controller.abort());
  let told = 0;
  const tell = (progress: Progress): void => {
    const now = performance.now();
    if (now - told < 200 && progress.kind !== 'upgrade') return;
    told = now;
    port.postMessage({ progress } satisfies Message);
  };
  let db: Database | undefined;
  try {
    const project = await projectOf(order);
    const { database } = project.config;
    if (database === undefined) throw new CasehardError('CONFIG', `${project.path}: \`database\` is missing`);
    const opened = openDatabase(database, { folder: project.folder });
    db = opened;
    const outcome = await guarded(() => perform(order.task, { project, db: opened, signal: controller.signal, tell }));
    port.postMessage({ outcome } satisfies Message);
  } catch (error) {
    port.postMessage({ failed: troubleOf(error) } satisfies Message);
  } finally {
    await db?.close().catch(() => {});
    port.close();
  }
}

/** The configuration, with the keys that the console has: not with what the files say by now. */
async function projectOf({ configPath, keyring: shared, tracking }: Order): Promise<LoadedProject> {
  const config = await loadConfig(configPath);
  const keyring = receiveKeyring(shared);
  const hard = createCasehard({ fields: config.fields, keyring, warn: () => {} });
  return {
    ...{ path: configPath, folder: dirname(configPath), config, keyring, hard },
    tracking: receiveTrackingKeyring(tracking),
    links: undefined, // nothing in the background makes or answers links
  };
}

function troubleOf(error: unknown): Trouble {
  // The message of an unknown error may quote anything, a value too.
  if (!(error instanceof CasehardError))
    return { code: 'BUG', message: `unexpected ${nameOf(error)} in the background` };
  const { code, message, hint, field } = error;
  return { code, message, ...(hint === undefined ? {} : { hint }), ...(field === undefined ? {} : { field }) };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'error';
}
