import { CasehardError } from '@casehard/core';
import { type Kysely, sql } from 'kysely';
import type { Database, Engine, Tables } from './connect.ts';
import { guarded } from './driver-error.ts';

/** One connection for the duration of a piece of work, with the settings that make our reads and writes exact. */
export interface Session {
  readonly engine: Engine;
  /** Bound to one connection. On SQLite it is the only one, so the work must not use `Database.kysely` meanwhile. */
  readonly kysely: Kysely<Tables>;
  readonly mariadb: boolean;
  /** The server can pass over locked rows, and knows JSON_TABLE (MySQL 8, MariaDB 10.6). */
  readonly skipLocked: boolean;
  /** How a SQLite file keeps its texts. */
  readonly encoding: 'utf-8' | 'utf-16le' | 'utf-16be';
}

/** Runs the work on one connection. Errors of the driver come out as CasehardError, without anything they quote. */
export function withSession<T>(db: Database, work: (session: Session) => Promise<T>): Promise<T> {
  return guarded(() =>
    db.kysely.connection().execute(async (kysely) => {
      const session = await SETTINGS[db.engine](kysely);
      try {
        return await work(session);
      } finally {
        if (db.engine === 'sqlite') await busyTimeout(kysely, SQLITE_PATIENCE_MS);
      }
    }),
  );
}

// --- internal ---

const SQLITE_PATIENCE_MS = 5000;
// node:sqlite waits on the event loop's own thread, so a page waits briefly and is tried again.
const SQLITE_PAGE_PATIENCE_MS = 500;

const SETTINGS: Readonly<Record<Engine, (kysely: Kysely<Tables>) => Promise<Session>>> = {
  postgres: preparePostgres,
  mysql: prepareMysql,
  sqlite: prepareSqlite,
};

const POSTGRES_SETTINGS: readonly (readonly [string, string])[] = [
  ['client_encoding', 'UTF8'],
  // A policy that would hide rows becomes an error.
  ['row_security', 'off'],
  // A custom plan may scan the whole table for every page.
  ['plan_cache_mode', 'force_generic_plan'],
  ['lock_timeout', '2000'],
  ['default_transaction_isolation', 'read committed'],
  // The server's log quotes no parameters of a failed statement.
  ['log_parameter_max_length_on_error', '0'],
];

async function preparePostgres(kysely: Kysely<Tables>): Promise<Session> {
  const names = POSTGRES_SETTINGS.map(([name]) => sql.lit(name));
  // Through pg_settings, so that a setting which this version does not know is passed over.
  await sql`
    select set_config(s.name, w.value, false)
    from (values ${sql.join(POSTGRES_SETTINGS.map(([name, value]) => sql`(${sql.lit(name)}, ${sql.lit(value)})`))}) w (name, value)
    join pg_settings s on s.name = w.name where s.name in (${sql.join(names)})`.execute(kysely);
  const { rows } = await sql<{ encoding: string }>`select current_setting('server_encoding') as encoding`.execute(
    kysely,
  );
  if (rows[0]?.encoding === 'SQL_ASCII') {
    throw new CasehardError('REFUSED', 'database: its encoding is SQL_ASCII, so nobody knows what its texts mean', {
      hint: 'dump it and restore it into a database with encoding UTF8',
    });
  }
  return { engine: 'postgres', kysely, mariadb: false, skipLocked: true, encoding: 'utf-8' };
}

async function prepareMysql(kysely: Kysely<Tables>): Promise<Session> {
  const { rows } = await sql<{ version: string; format: string | null; logging: string | number }>`
    select version() as version, @@binlog_format as format, @@log_bin as logging`.execute(kysely);
  const { version = '', format, logging } = rows[0] ?? {};
  await sql`set names utf8mb4`.execute(kysely);
  // A truncation must be an error whatever the server thinks; NO_ZERO_DATE is left out, because columns are restated.
  await sql`
    set session sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', session time_zone = '+00:00',
    session innodb_lock_wait_timeout = 1, session lock_wait_timeout = 2`.execute(kysely);
  // Spares the gaps between our rows; InnoDB refuses it where the binary log keeps statements.
  if (format !== 'STATEMENT' || Number(logging) !== 1) {
    await sql`set session transaction isolation level read committed`.execute(kysely);
  }
  const mariadb = /mariadb/i.test(version);
  return { engine: 'mysql', kysely, mariadb, skipLocked: canSkipLocked(version, mariadb), encoding: 'utf-8' };
}

function canSkipLocked(version: string, mariadb: boolean): boolean {
  if (/tidb/i.test(version)) return false;
  const [major = 0, minor = 0] = version
    .replace(/^5\.5\.5-/, '')
    .split('.')
    .map(Number);
  return mariadb ? major > 10 || (major === 10 && minor >= 6) : major >= 8;
}

async function prepareSqlite(kysely: Kysely<Tables>): Promise<Session> {
  await busyTimeout(kysely, SQLITE_PAGE_PATIENCE_MS);
  await sql`pragma secure_delete = on`.execute(kysely);
  const { rows } = await sql<{ encoding: string }>`pragma encoding`.execute(kysely);
  const encoding = (rows[0]?.encoding ?? 'UTF-8').toLowerCase(); // UTF-8, UTF-16le or UTF-16be
  return { engine: 'sqlite', kysely, mariadb: false, skipLocked: false, encoding: encoding as Session['encoding'] };
}

async function busyTimeout(kysely: Kysely<Tables>, milliseconds: number): Promise<void> {
  await sql`pragma busy_timeout = ${sql.lit(milliseconds)}`.execute(kysely);
}
