import { CompiledQuery, type CreateTableBuilder, type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database, Engine, Tables } from './connect.ts';

/** What a cell of the sample takes. */
export type SampleValue = string | number | null;

export type SampleTable = 'settings' | 'users' | 'lists' | 'addons' | 'oauth_clients';

/** The sample's tables with their columns, in the order in which rows list their values. */
export const SAMPLE_COLUMNS: Readonly<Record<SampleTable, readonly string[]>> = {
  settings: ['name', 'value'],
  users: [
    'user_id',
    'username',
    'email',
    'smtp_server',
    'smtp_port',
    'smtp_username',
    'smtp_password',
    'api_token',
    'deleted',
    'created_at',
    'updated_at',
  ],
  lists: ['list_id', 'name', 'owner', 'bounce_server', 'bounce_username', 'bounce_password'],
  addons: ['addon_id', 'enabled', 'settings'],
  oauth_clients: ['client_id', 'name', 'config'],
};

export const SAMPLE_TABLES = Object.keys(SAMPLE_COLUMNS) as SampleTable[];

/** Creates the empty tables. */
export async function createSampleTables(db: Database): Promise<void> {
  const { kysely, engine } = db;
  await kysely.schema
    .createTable('settings')
    .addColumn('name', 'varchar(100)', (c) => c.notNull())
    .addColumn('value', 'text')
    .execute();
  await numbered(kysely.schema.createTable('users'), 'user_id', engine)
    .addColumn('username', 'varchar(100)', (c) => c.notNull())
    .addColumn('email', 'varchar(255)')
    .addColumn('smtp_server', 'varchar(255)')
    .addColumn('smtp_port', 'integer')
    .addColumn('smtp_username', 'varchar(255)')
    .addColumn('smtp_password', 'varchar(255)')
    .addColumn('api_token', 'char(40)')
    .addColumn('deleted', 'smallint', (c) => c.notNull().defaultTo(0))
    .addColumn('created_at', TIME[engine], (c) => c.notNull().defaultTo(sql`current_timestamp`))
    .addColumn('updated_at', TIME[engine], (c) =>
      c
        .notNull()
        .defaultTo(engine === 'mysql' ? sql`current_timestamp on update current_timestamp` : sql`current_timestamp`),
    )
    .execute();
  await numbered(kysely.schema.createTable('lists'), 'list_id', engine)
    .addColumn('name', 'varchar(255)', (c) => c.notNull())
    .addColumn('owner', 'integer')
    .addColumn('bounce_server', 'varchar(255)')
    .addColumn('bounce_username', 'varchar(255)')
    .addColumn('bounce_password', 'varchar(100)')
    .execute();
  await kysely.schema
    .createTable('addons')
    .addColumn('addon_id', 'varchar(100)', (c) => c.notNull().primaryKey())
    .addColumn('enabled', 'smallint', (c) => c.notNull().defaultTo(1))
    .addColumn('settings', 'text')
    .execute();
  await kysely.schema
    .createTable('oauth_clients')
    .addColumn('client_id', 'varchar(100)', (c) => c.notNull().primaryKey())
    .addColumn('name', 'varchar(255)')
    .addColumn('config', DOCUMENT[engine])
    .execute();
}

/** Inserts rows, however many, in batches. `onRows` hears how many went in since it was last called. */
export async function insertSampleRows(
  db: { readonly engine: Engine; readonly kysely: Kysely<Tables> },
  table: SampleTable,
  rows: Iterable<readonly SampleValue[]>,
  onRows: (count: number) => void,
): Promise<void> {
  const insert = db.engine === 'postgres' ? insertAsJson(db.kysely, table) : insertAsValues(db.kysely, table);
  let batch: (readonly SampleValue[])[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < BATCH_ROWS[db.engine]) continue;
    await insert(batch);
    onRows(batch.length);
    batch = [];
  }
  if (batch.length === 0) return;
  await insert(batch);
  onRows(batch.length);
}

/** Lets the next automatic number follow the highest one; only PostgreSQL's sequences do not see explicit numbers. */
export async function continueNumbering(db: Database): Promise<void> {
  if (db.engine !== 'postgres') return;
  for (const [table, key] of [
    ['users', 'user_id'],
    ['lists', 'list_id'],
  ] as const) {
    await sql`select setval(pg_get_serial_sequence(${table}, ${key}), max(${sql.ref(key)})) from ${sql.table(table)}`.execute(
      db.kysely,
    );
  }
}

/** Stores a user's token as TEXT that is not UTF-8, which only SQLite lets happen. */
export async function breakTokenText(kysely: Kysely<Tables>, userId: number, bytes: Uint8Array): Promise<void> {
  await kysely
    .updateTable('users')
    .set({ api_token: sql`cast(${bytes} as text)` })
    .where('user_id', '=', userId)
    .execute();
}

// --- internal ---

const BATCH_ROWS: Readonly<Record<Engine, number>> = { sqlite: 250, postgres: 2000, mysql: 250 };

type ColumnType = Parameters<CreateTableBuilder<string, never>['addColumn']>[1];

const TIME: Readonly<Record<Engine, ColumnType>> = { sqlite: 'text', postgres: 'timestamp', mysql: 'datetime' };

// Native JSON only where it is another type: MariaDB's is LONGTEXT, and as text it can hold a key twice.
const DOCUMENT: Readonly<Record<Engine, ColumnType | RawBuilder<unknown>>> = {
  sqlite: 'text',
  postgres: 'jsonb',
  mysql: sql`longtext`,
};

function numbered(
  table: CreateTableBuilder<string, never>,
  key: string,
  engine: Engine,
): CreateTableBuilder<string, string> {
  return table.addColumn(key, 'integer', (c) => {
    if (engine === 'postgres') return c.generatedByDefaultAsIdentity().primaryKey();
    return c.notNull().primaryKey().autoIncrement();
  });
}

type Insert = (rows: readonly (readonly SampleValue[])[]) => Promise<unknown>;

/** Compiling a statement of hundreds of rows costs more than running it, so full batches share one text. */
function insertAsValues(kysely: Kysely<Tables>, table: SampleTable): Insert {
  const texts = new Map<number, string>();
  const row = Object.fromEntries(SAMPLE_COLUMNS[table].map((column) => [column, '']));
  return (rows) => {
    let text = texts.get(rows.length);
    if (text === undefined) {
      text = kysely.insertInto(table).values(new Array(rows.length).fill(row)).compile().sql;
      texts.set(rows.length, text);
    }
    return kysely.executeQuery(CompiledQuery.raw(text, rows.flat()));
  };
}

/** PostgreSQL plans every parameter of a VALUES list, so there a batch travels as one. */
function insertAsJson(kysely: Kysely<Tables>, table: SampleTable): Insert {
  const columns = SAMPLE_COLUMNS[table];
  // The document arrives as a JSON string, and means what is in it.
  const read = columns.map((column) => (column === 'config' ? sql`(config #>> '{}')::jsonb` : sql.ref(column)));
  return (rows) => {
    const records = rows.map((row) => Object.fromEntries(row.map((value, i) => [columns[i], value])));
    return sql`
      insert into ${sql.table(table)} (${sql.join(columns.map((column) => sql.ref(column)))})
      select ${sql.join(read)} from json_populate_recordset(null::${sql.table(table)}, ${JSON.stringify(records)}::json)
    `.execute(kysely);
  };
}
