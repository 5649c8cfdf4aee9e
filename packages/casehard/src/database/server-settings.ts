import { sql } from 'kysely';
import type { Database } from './connect.ts';
import { guarded } from './driver-error.ts';

/** What the server is set to, as far as it matters to stored credentials. */
export interface ServerSettings {
  /** Why nothing can be written here; undefined: it can. */
  readonly readOnly: string | undefined;
  /** MySQL: the global sql_mode, which new connections of the application get. */
  readonly sqlMode: string | undefined;
  /** Settings that write statements, and with them values, into a log of the server. */
  readonly logs: readonly StatementLog[];
}

export interface StatementLog {
  /** As an operator would write it: `log_statement = all`. */
  readonly setting: string;
  /** Every statement, or the slow ones alone. */
  readonly which: 'all' | 'slow';
}

/** Says whether the database answers at all. Throws DATABASE with the reason. */
export async function ping(db: Database): Promise<void> {
  await guarded(() => sql`select 1`.execute(db.kysely));
}

/** Reads the settings of the server, not those of our own connections. */
export function readServerSettings(db: Database): Promise<ServerSettings> {
  return guarded(() => READERS[db.engine](db));
}

// --- internal ---

const READERS: Readonly<Record<Database['engine'], (db: Database) => Promise<ServerSettings>>> = {
  async postgres({ kysely }) {
    const { rows } = await sql<{ name: string; setting: string }>`
      select name, setting from pg_settings where name in
        ('log_statement', 'log_min_duration_statement', 'log_min_duration_sample', 'default_transaction_read_only')`.execute(
      kysely,
    );
    const replica = await sql<{ replica: boolean }>`select pg_is_in_recovery() as replica`.execute(kysely);
    const settings = new Map(rows.map(({ name, setting }) => [name, setting]));
    const logs: StatementLog[] = [];
    const statement = settings.get('log_statement') ?? 'none';
    if (statement === 'all' || statement === 'mod')
      logs.push({ setting: `log_statement = ${statement}`, which: 'all' });
    for (const name of ['log_min_duration_statement', 'log_min_duration_sample']) {
      const milliseconds = Number(settings.get(name) ?? -1);
      if (milliseconds >= 0)
        logs.push({ setting: `${name} = ${milliseconds}`, which: milliseconds === 0 ? 'all' : 'slow' });
    }
    const off =
      settings.get('default_transaction_read_only') === 'on' ? 'default_transaction_read_only = on' : undefined;
    return { readOnly: replica.rows[0]?.replica ? 'it is a replica (in recovery)' : off, sqlMode: undefined, logs };
  },

  async mysql({ kysely }) {
    const { rows } = await sql<Readonly<Record<'mode' | 'general' | 'slow' | 'closed', string | number>>>`
      select @@global.sql_mode as mode, @@global.general_log as general, @@global.slow_query_log as slow,
        @@global.read_only as closed`.execute(kysely);
    const row = rows[0];
    const isOn = (value: string | number | undefined): boolean => /^(1|on)$/i.test(String(value));
    return {
      readOnly: isOn(row?.closed) ? 'read_only is on: it is a replica' : undefined,
      sqlMode: String(row?.mode ?? ''),
      logs: [
        ...(isOn(row?.general) ? [{ setting: 'general_log = ON', which: 'all' as const }] : []),
        ...(isOn(row?.slow) ? [{ setting: 'slow_query_log = ON', which: 'slow' as const }] : []),
      ],
    };
  },

  async sqlite({ kysely }) {
    const { rows } = await sql<{ query_only: bigint | number }>`pragma query_only`.execute(kysely);
    const closed = Number(rows[0]?.query_only ?? 0) === 1;
    return { readOnly: closed ? 'query_only is on' : undefined, sqlMode: undefined, logs: [] };
  },
};
