import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../../src/database/connect.ts';

/** Everything that a database holds, line by line: schema and rows, each value byte for byte. */
export type Dump = readonly string[];

/** Reads the whole database; our own tables too, unless told otherwise. */
export async function dump(db: Database, options: { readonly ownTables?: boolean } = {}): Promise<Dump> {
  const lines: string[] = [];
  const tables = (await db.kysely.introspection.getTables()).filter(({ isView }) => !isView);
  for (const { name, columns } of tables) {
    if (options.ownTables === false && name.startsWith('casehard_')) continue;
    const texts = columns.map((column) => BYTES[db.engine](sql`${sql.id(column.name)}`));
    const { rows } = await sql<{ line: string }>`select ${joined(db, texts)} as line from ${sql.table(name)}`.execute(
      db.kysely,
    );
    lines.push(...rows.map(({ line }) => `${name}|${line}`).sort());
  }
  const own = options.ownTables === false;
  const schema = (await SCHEMAS[db.engine].execute(db.kysely)).rows.map(({ line }) => `schema|${line}`).sort();
  return [...lines, ...schema.filter((line) => !own || !line.includes('casehard_'))];
}

/** What is in one dump and not in the other. */
export function changed(before: Dump, after: Dump): Dump {
  const there = new Set(after);
  return before.filter((line) => !there.has(line));
}

/** A SQLite database's files, byte for byte: none of them may appear, vanish or change. */
export function files(url: string): Readonly<Record<string, string>> {
  const folder = dirname(url.slice('sqlite:'.length));
  return Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(`${folder}/${name}`).toString('base64')]),
  );
}

// --- internal ---

type Sql = RawBuilder<unknown>;

/** Bytes, not text: a collation, a character set or a driver would hide differences. */
const BYTES: Readonly<Record<Database['engine'], (column: Sql) => Sql>> = {
  sqlite: (column) => sql`typeof(${column}) || coalesce(hex(${column}), '')`,
  postgres: (column) => sql`coalesce(encode(convert_to(${column}::text, 'UTF8'), 'hex'), 'NULL')`,
  mysql: (column) => sql`coalesce(hex(cast(${column} as binary)), 'NULL')`,
};

function joined({ engine }: Database, texts: readonly Sql[]): Sql {
  return engine === 'mysql' ? sql`concat_ws('|', ${sql.join(texts)})` : sql.join(texts, sql` || '|' || `);
}

const SCHEMAS: Readonly<Record<Database['engine'], RawBuilder<{ line: string }>>> = {
  sqlite: sql`select name || ' ' || coalesce(sql, '') as line from sqlite_master`,
  postgres: sql`
    select concat_ws(' ', table_name, column_name, data_type, character_maximum_length, is_nullable, column_default) as line
    from information_schema.columns where table_schema = current_schema()`,
  mysql: sql`
    select concat_ws(' ', table_name, column_name, column_type, is_nullable, column_default, collation_name) as line
    from information_schema.columns where table_schema = database()`,
};
