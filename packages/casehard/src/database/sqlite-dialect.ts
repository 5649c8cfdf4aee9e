import { existsSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { CasehardError } from '@casehard/core';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { isRetryable } from './driver-error.ts';
import type { BulkConnection } from './execute-many.ts';

export interface SqliteDialectConfig {
  readonly path: string;
  readonly create: boolean;
}

/** Kysely on Node's own node:sqlite: one connection, handed to one user at a time. */
export class SqliteDialect implements Dialect {
  readonly #config: SqliteDialectConfig;
  constructor(config: SqliteDialectConfig) {
    this.#config = config;
  }
  createAdapter = () => new SqliteAdapter();
  createDriver = () => new SqliteDriver(this.#config);
  createIntrospector = (db: Kysely<never>) => new SqliteIntrospector(db);
  createQueryCompiler = () => new SqliteQueryCompiler();
}

// --- internal ---

class SqliteDriver implements Driver {
  readonly #config: SqliteDialectConfig;
  #connection: SqliteConnection | undefined;
  #last: Promise<void> = Promise.resolve();
  #release: () => void = () => {};

  constructor(config: SqliteDialectConfig) {
    this.#config = config;
  }

  async init(): Promise<void> {
    const { path, create } = this.#config;
    if (!create && path !== ':memory:' && !existsSync(path)) {
      throw new CasehardError('DATABASE', `sqlite: there is no file ${path}`, {
        hint: 'check the path; a relative one counts from the configuration file',
      });
    }
    const db = new DatabaseSync(path, { timeout: 5000 });
    // Freed pages would keep the old plaintext.
    db.exec('PRAGMA secure_delete = ON');
    this.#connection = new SqliteConnection(db);
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#last;
    let release = (): void => {};
    this.#last = new Promise((done) => {
      release = done;
    });
    await before;
    this.#release = release;
    if (!this.#connection) throw new CasehardError('DATABASE', 'sqlite: the database is closed');
    return this.#connection;
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    // IMMEDIATE takes the write lock now; a deferred transaction could fail at its first write, after its reads.
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'));
  }
  async releaseConnection(): Promise<void> {
    this.#release();
  }
  async destroy(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
  }
}

const MAX_STATEMENTS = 100;
const PATIENCE_MS = 5000;

class SqliteConnection implements BulkConnection {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Outside a transaction a statement that finds the file locked is tried again: nothing depends on it yet. */
  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return this.#execute<R>(query);
      } catch (error) {
        // Who begins a transaction tries the whole of it again.
        const alone = !this.#db.isTransaction && !/^begin/i.test(query.sql);
        if (!alone || !isRetryable(error) || performance.now() > deadline) throw error;
        await sleep(20 + 30 * Math.random());
      }
    }
  }

  #execute<R>(query: CompiledQuery): QueryResult<R> {
    const statement = this.#prepare(query.sql);
    const parameters = query.parameters as readonly SQLInputValue[];
    if (statement.columns().length > 0) {
      return { rows: statement.all(...parameters) as R[] };
    }
    const { changes, lastInsertRowid } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  /** One statement for many rows, in one go. */
  executeMany<R>(text: string, parameters: readonly (readonly unknown[])[]): R[][] {
    const statement = this.#prepare(text);
    const reads = statement.columns().length > 0;
    return parameters.map((row) => {
      const values = row as readonly SQLInputValue[];
      if (reads) return statement.all(...values) as R[];
      statement.run(...values);
      return [];
    });
  }

  // biome-ignore lint/correctness/useYield: nothing here streams; Kysely's interface wants the method
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new CasehardError('DATABASE', 'sqlite: streaming is not used');
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement) return statement;
    if (this.#statements.size >= MAX_STATEMENTS) this.#statements.clear();
    statement = this.#db.prepare(sql);
    statement.setReadBigInts(true); // a row key must not lose digits
    this.#statements.set(sql, statement);
    return statement;
  }
}
