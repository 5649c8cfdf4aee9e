import { isAbsolute, resolve } from 'node:path';
import { CasehardError, type DatabaseSetting } from '@casehard/core';
import { type Dialect, Kysely, MysqlDialect, PostgresDialect } from 'kysely';
import type { PoolOptions } from 'mysql2';
import { preparedPool } from './mysql-prepared.ts';
import { SqliteDialect } from './sqlite-dialect.ts';

export type Engine = 'sqlite' | 'postgres' | 'mysql';

/** Tables are known at run time only. */
export type Tables = Record<string, Record<string, unknown>>;

/** An open database: Kysely, and what the name of the engine does not say. */
export interface Database {
  readonly engine: Engine;
  readonly kysely: Kysely<Tables>;
  /** For people: engine, host and name, never user or password. */
  readonly label: string;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** The folder that a relative SQLite path counts from. */
  readonly folder: string;
  /** Create a SQLite file that does not exist; default: refuse, because a mistyped path would make an empty database. */
  readonly create?: boolean;
}

const MAX_CONNECTIONS = 4;

/** Opens `postgres://`, `mysql://`, `mariadb://` and `sqlite:` URLs, or a Kysely dialect. Connects at the first query. */
export function openDatabase(setting: DatabaseSetting, options: OpenOptions): Database {
  if (typeof setting !== 'string') {
    // Core describes a dialect by the smallest shape; it is the user's own Kysely dialect.
    return wrap(setting.engine, setting.dialect as unknown as Dialect, `${setting.engine} (own dialect)`);
  }
  const scheme = /^([a-z0-9]+):/i.exec(setting)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'postgres':
    case 'postgresql':
      return openPostgres(setting);
    case 'mysql':
    case 'mariadb':
      return openMysql(setting);
    case 'sqlite':
    case 'file':
      return openSqlite(setting, options);
    default:
      throw new CasehardError('CONFIG', 'database: not a URL that casehard knows', {
        hint: 'write postgres://…, mysql://… or sqlite:./file.db, or hand in a Kysely dialect',
      });
  }
}

// --- internal ---

// Drivers are loaded at the first query: nobody waits for that of another engine.

function wrap(engine: Engine, dialect: Dialect, label: string): Database {
  const kysely = new Kysely<Tables>({ dialect });
  return { engine, kysely, label, close: () => kysely.destroy() };
}

function openPostgres(url: string): Database {
  const parsed = parseUrl(url);
  const pool = async () => {
    const { default: pg } = await import('pg');
    // int8 arrives as text: a row key must not lose digits.
    const made = new pg.Pool({ connectionString: url, max: MAX_CONNECTIONS, application_name: 'casehard' });
    // A connection that dies, idle or held by a session: the next query reports what matters. Unheard, it ends the process.
    made.on('error', () => {});
    made.on('connect', (client) => client.on('error', () => {}));
    return made;
  };
  return wrap('postgres', new PostgresDialect({ pool }), label('postgres', parsed));
}

function openMysql(url: string): Database {
  const parsed = parseUrl(url);
  const options: PoolOptions = {
    host: decodeURIComponent(parsed.hostname),
    port: Number(parsed.port || 3306),
    user: decodeURIComponent(parsed.username),
    password: decodeURIComponent(parsed.password),
    database: decodeURIComponent(parsed.pathname.slice(1)),
    charset: 'utf8mb4',
    connectionLimit: MAX_CONNECTIONS,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    jsonStrings: true, // MariaDB's JSON is a text, whose every byte counts
    ...(parsed.searchParams.get('ssl') === 'true' ? { ssl: {} } : {}),
    ...(parsed.searchParams.has('socketPath') ? { socketPath: parsed.searchParams.get('socketPath') ?? '' } : {}),
  };
  const pool = async () => preparedPool((await import('mysql2')).createPool(options));
  return wrap('mysql', new MysqlDialect({ pool }), label('mysql', parsed));
}

function openSqlite(url: string, options: OpenOptions): Database {
  const name = url.replace(/^(sqlite|file):(\/\/(?=\/))?/i, '');
  const path = name === ':memory:' || isAbsolute(name) ? name : resolve(options.folder, name);
  return wrap('sqlite', new SqliteDialect({ path, create: options.create ?? false }), `sqlite ${path}`);
}

function parseUrl(url: string): URL {
  try {
    return new URL(url);
  } catch {
    throw new CasehardError('CONFIG', 'database: the URL cannot be read', {
      hint: 'percent-encode special characters of the password',
    });
  }
}

function label(engine: string, url: URL): string {
  return `${engine} ${url.host}${url.pathname}`;
}
