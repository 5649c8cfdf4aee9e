import { CasehardError } from '@casehard/core';
import { findConfig } from '../config/find.ts';
import { type LoadedProject, loadProject } from '../config/load.ts';
import { type Database, openDatabase } from '../database/connect.ts';
import { guarded } from '../database/driver-error.ts';
import type { Invocation } from './main.ts';

/** Reads the configuration, opens its database, does the work, closes the database. */
export async function withProject<T>(
  invocation: Invocation,
  work: (project: LoadedProject, db: Database) => Promise<T>,
): Promise<T> {
  const { folder, config, env, output } = invocation;
  const project = await loadProject(findConfig(folder, config), { env, warn: output.note });
  if (project.config.database === undefined) {
    throw new CasehardError('CONFIG', `${project.path}: \`database\` is missing`, {
      hint: "write database: process.env.DATABASE_URL, or 'sqlite:./file.db'",
    });
  }
  return withDatabase(openDatabase(project.config.database, { folder: project.folder }), (db) => work(project, db));
}

/** Does the work and closes the database, whatever happens. Errors of the driver come out as CasehardError. */
export async function withDatabase<T>(db: Database, work: (db: Database) => Promise<T>): Promise<T> {
  try {
    return await guarded(() => work(db));
  } finally {
    await db.close().catch(() => {});
  }
}
