import { type CreateTableBuilder, sql } from 'kysely';
import type { Database } from './connect.ts';
import { guarded } from './driver-error.ts';

/**
 * The console's own tables. Every row carries a tag over all its columns (see StateRows), so that writing here gives
 * nobody anything. Numbers are whole: milliseconds since 1970, and counts.
 */
export const CONSOLE_TABLES = {
  casehard_accounts: {
    id: 'id',
    name: 'text',
    name_key: 'text',
    role: 'text',
    state: 'text',
    password: 'text',
    invite_hash: 'text',
    invite_until: 'number',
    totp_nonce: 'text',
    totp_step: 'number',
    generation: 'number',
    created_at: 'number',
  },
  casehard_sessions: {
    id: 'id',
    account: 'text',
    generation: 'number',
    started_at: 'number',
    seen_at: 'number',
  },
  casehard_attempts: { id: 'id', failures: 'number', last_at: 'number', until: 'number' },
  casehard_runs: {
    id: 'id',
    act: 'text',
    fields: 'text',
    rate: 'number',
    state: 'text',
    rows_done: 'number',
    total: 'number',
    changed: 'number',
    quarantined: 'number',
    message: 'text',
    started_by: 'text',
    started_at: 'number',
    updated_at: 'number',
    finished_at: 'number',
    owner: 'text',
  },
  casehard_scans: { id: 'id', taken_at: 'number', not_hardened: 'number', figures: 'text' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, 'id' | 'text' | 'number'>>>>;

export type ConsoleTable = keyof typeof CONSOLE_TABLES;

/** Makes the console's tables where they are missing. Safe to run twice and from two places. */
export async function ensureConsoleTables(db: Database): Promise<void> {
  for (const table of Object.keys(CONSOLE_TABLES) as ConsoleTable[]) {
    await guarded(async () => {
      // Asked first, so that a user without CREATE can open a console whose tables somebody else has made.
      if (await exists(db, table)) return;
      try {
        await create(db, table);
      } catch (error) {
        // PostgreSQL lets two `if not exists` at once run into each other.
        if (!(await exists(db, table))) throw error;
      }
    });
  }
}

// --- internal ---

async function exists(db: Database, table: ConsoleTable): Promise<boolean> {
  try {
    await sql`select 1 from ${sql.table(table)} where 1 = 0`.execute(db.kysely);
    return true;
  } catch {
    return false;
  }
}

async function create(db: Database, table: ConsoleTable): Promise<void> {
  let builder: CreateTableBuilder<string, string> = db.kysely.schema.createTable(table).ifNotExists();
  for (const [column, kind] of Object.entries(CONSOLE_TABLES[table])) {
    if (kind === 'id') builder = builder.addColumn(column, 'varchar(100)', (c) => c.notNull().primaryKey());
    else builder = builder.addColumn(column, kind === 'number' ? 'bigint' : db.engine === 'mysql' ? LONG : 'text');
  }
  builder = builder.addColumn('mac', 'varchar(64)', (c) => c.notNull());
  // The server's defaults may be MyISAM, latin1, and a collation for which two ids are one.
  if (db.engine === 'mysql')
    builder = builder.modifyEnd(sql`engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`);
  await builder.execute();
}

const LONG = sql`mediumtext`;
