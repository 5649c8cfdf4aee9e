import { randomId } from '@casehard/core/state';
import { type CompiledQuery, type CreateTableBuilder, sql } from 'kysely';
import type { Database } from './connect.ts';

/** Our own tables, in the order in which they are made. They hold evidence, never policy and never key state. */
export const OWN_TABLES = [
  'casehard_upgrades',
  'casehard_keys',
  'casehard_jobs',
  'casehard_processes',
  'casehard_key_uses',
  'casehard_drills',
  'casehard_audit',
] as const;

export type OwnTable = (typeof OWN_TABLES)[number];

/** The statement that makes one of our tables; harmless where it exists. */
export function createOwnTable(db: Database, table: OwnTable): CompiledQuery {
  return COLUMNS[table](tableOf(db, table)).compile();
}

/** Notes an upgrade that was made. */
export async function recordUpgrade(
  db: Database,
  what: string,
  statements: readonly string[],
  at: Date,
): Promise<void> {
  await db.kysely
    .insertInto('casehard_upgrades')
    .values({ id: randomId(), applied_at: at.toISOString(), what, sql: statements.join(';\n') })
    .execute();
}

// --- internal ---

type Table = CreateTableBuilder<string>;

function tableOf(db: Database, table: OwnTable): Table {
  const builder = db.kysely.schema.createTable(table).ifNotExists();
  // The server's defaults may be MyISAM and latin1.
  return db.engine === 'mysql' ? builder.modifyEnd(sql`engine = InnoDB default character set utf8mb4`) : builder;
}

// Times are UTC in ISO 8601: the same text on every engine, in every driver.
const TIME = 'varchar(32)';

const COLUMNS: Readonly<Record<OwnTable, (table: Table) => CreateTableBuilder<string, string>>> = {
  casehard_upgrades: (table) =>
    table
      .addColumn('id', 'varchar(64)', (c) => c.notNull().primaryKey())
      .addColumn('applied_at', TIME, (c) => c.notNull())
      .addColumn('what', 'text', (c) => c.notNull())
      .addColumn('sql', 'text', (c) => c.notNull()),
  casehard_keys: (table) =>
    table
      .addColumn('kid', 'varchar(16)', (c) => c.notNull().primaryKey())
      .addColumn('canary', 'text', (c) => c.notNull())
      .addColumn('created_at', TIME, (c) => c.notNull()),
  casehard_jobs: (table) =>
    table
      .addColumn('id', 'varchar(64)', (c) => c.notNull().primaryKey())
      .addColumn('kind', 'varchar(32)', (c) => c.notNull())
      .addColumn('field', 'text', (c) => c.notNull())
      .addColumn('state', 'varchar(32)', (c) => c.notNull())
      .addColumn('rows_done', 'bigint', (c) => c.notNull().defaultTo(0))
      .addColumn('changed', 'bigint', (c) => c.notNull().defaultTo(0))
      .addColumn('quarantined', 'bigint', (c) => c.notNull().defaultTo(0))
      .addColumn('cursor_key', 'text')
      .addColumn('started_at', TIME, (c) => c.notNull())
      .addColumn('updated_at', TIME, (c) => c.notNull())
      .addColumn('finished_at', TIME)
      .addColumn('worker', 'text'),
  // From here on, times are milliseconds since 1970 by the database's own clock.
  casehard_processes: (table) =>
    table
      .addColumn('id', 'varchar(64)', (c) => c.notNull().primaryKey())
      .addColumn('version', 'varchar(32)', (c) => c.notNull())
      .addColumn('host', 'text', (c) => c.notNull())
      .addColumn('active_kid', 'varchar(16)')
      .addColumn('kids', 'text', (c) => c.notNull())
      .addColumn('tracking_kid', 'varchar(16)')
      .addColumn('tracking_kids', 'text', (c) => c.notNull())
      .addColumn('heartbeat', 'bigint', (c) => c.notNull())
      .addColumn('started_at', 'bigint', (c) => c.notNull())
      .addColumn('beat_at', 'bigint', (c) => c.notNull()),
  casehard_key_uses: (table) =>
    table
      .addColumn('kid', 'varchar(16)', (c) => c.notNull().primaryKey())
      .addColumn('sealed_at', 'bigint')
      .addColumn('opened_at', 'bigint'),
  casehard_drills: (table) =>
    table
      .addColumn('id', 'varchar(64)', (c) => c.notNull().primaryKey())
      .addColumn('kid', 'varchar(16)', (c) => c.notNull())
      .addColumn('proven', 'bigint', (c) => c.notNull())
      .addColumn('opened', 'bigint', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('file', 'text', (c) => c.notNull())
      .addColumn('mac', 'varchar(64)'),
  casehard_audit: (table) =>
    table
      .addColumn('seq', 'bigint', (c) => c.notNull().primaryKey())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('actor', 'text', (c) => c.notNull())
      .addColumn('act', 'varchar(64)', (c) => c.notNull())
      .addColumn('subject', 'text', (c) => c.notNull())
      .addColumn('reason', 'text', (c) => c.notNull())
      .addColumn('outcome', 'text', (c) => c.notNull())
      .addColumn('mac', 'varchar(64)', (c) => c.notNull()),
};
