import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sql } from 'kysely';
import { type Database, type Engine, openDatabase } from '../src/database/connect.ts';

/** Temporary files stay inside the clone. */
const TMP = resolve(import.meta.dirname, '../../../.tmp');
const POSTGRES = process.env.CASEHARD_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const MYSQL = process.env.CASEHARD_TEST_MYSQL ?? 'mysql://root@127.0.0.1:3306/test';

/** A database of its own for one test file, on a real server. */
export interface TestDatabase {
  readonly engine: Engine;
  readonly url: string;
  readonly db: Database;
  /** A second, independent connection, as another process would have. */
  connect(): Database;
  drop(): Promise<void>;
}

export interface TestEngine {
  readonly engine: Engine;
  /** Why tests on this engine are skipped, if they are. */
  readonly absent: string | undefined;
  create(): Promise<TestDatabase>;
}

/** A new folder under .tmp, for files of one test. */
export function temporaryFolder(prefix: string): string {
  mkdirSync(TMP, { recursive: true });
  return mkdtempSync(join(TMP, `${prefix}-`));
}

/** The engines, each with the reason why it is skipped. With CASEHARD_REQUIRE_SERVERS=1 an absent one is an error. */
export const ENGINES: readonly TestEngine[] = [
  { engine: 'sqlite', absent: undefined, create: createSqlite },
  await server('postgres', POSTGRES, createPostgres),
  await server('mysql', MYSQL, createMysql),
];

// --- internal ---

async function server(engine: Engine, url: string, create: () => Promise<TestDatabase>): Promise<TestEngine> {
  const db = openDatabase(url, { folder: '.' });
  try {
    await sql`select 1`.execute(db.kysely);
    return { engine, absent: undefined, create };
  } catch (error) {
    if (process.env.CASEHARD_REQUIRE_SERVERS === '1') throw error;
    return { engine, absent: `no ${engine} server answers at ${new URL(url).host}`, create };
  } finally {
    await db.close();
  }
}

async function createSqlite(): Promise<TestDatabase> {
  const folder = temporaryFolder('sqlite');
  const url = `sqlite:${join(folder, 'test.db')}`;
  return made('sqlite', url, async () => rmSync(folder, { recursive: true, force: true }));
}

async function createPostgres(): Promise<TestDatabase> {
  const name = await createOn(POSTGRES, (n) => sql`create database ${sql.id(n)}`);
  const url = new URL(POSTGRES);
  url.pathname = `/${name}`;
  return made('postgres', url.href, () => dropOn(POSTGRES, sql`drop database if exists ${sql.id(name)} with (force)`));
}

async function createMysql(): Promise<TestDatabase> {
  const name = await createOn(MYSQL, (n) => sql`create database ${sql.id(n)} character set utf8mb4`);
  const url = new URL(MYSQL);
  url.pathname = `/${name}`;
  return made('mysql', url.href, () => dropOn(MYSQL, sql`drop database if exists ${sql.id(name)}`));
}

async function createOn(url: string, statement: (name: string) => ReturnType<typeof sql>): Promise<string> {
  const name = `casehard_test_${randomBytes(6).toString('hex')}`;
  await dropOn(url, statement(name));
  return name;
}

async function dropOn(url: string, statement: ReturnType<typeof sql>): Promise<void> {
  const db = openDatabase(url, { folder: '.' });
  try {
    await statement.execute(db.kysely);
  } finally {
    await db.close();
  }
}

function made(engine: Engine, url: string, drop: () => Promise<void>): TestDatabase {
  const connect = () => openDatabase(url, { folder: '.', create: true });
  const db = connect();
  return {
    engine,
    url,
    db,
    connect,
    drop: async () => {
      await db.close();
      await drop();
    },
  };
}
