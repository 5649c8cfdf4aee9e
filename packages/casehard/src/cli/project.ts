import { CasehardError } from '@casehard/core';
import { findConfig } from '../config/find.ts';
import { type LoadedProject, loadProjectAnyway } from '../config/load.ts';
import { type Database, openDatabase } from '../database/connect.ts';
import { guarded } from '../database/driver-error.ts';
import type { Invocation } from './main.ts';

/** Reads the configuration, opens its database, does the work, closes the database. */
export async function withProject<T>(
  invocation: Invocation,
  work: (project: LoadedProject, db: Database) => Promise<T>,
  options: {
    /** Go on without keys that cannot be read, and say so. */
    readonly anyway?: boolean;
  } = {},
): Promise<T> {
  const { folder, config, env, output } = invocation;
  const { project, keysProblem } = await loadProjectAnyway(findConfig(folder, config), { env, warn: output.note });
  if (keysProblem) {
    if (!options.anyway) throw keysProblem;
    output.note(`${keysProblem.message} [${keysProblem.code}]; going on without keys`);
  }
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
