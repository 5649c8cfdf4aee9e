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
  /** Every statement, or the slow ones alone; or every change, with what a row held before. */
  readonly which: 'all' | 'slow' | 'changes';
}

/** Says whether the database answers at all. Throws DATABASE with the reason. */
export async function ping(db: Database): Promise<void> {
  await guarded(() => sql`select 1`.execute(db.kysely));
}

/**
 * Reads the settings of the server, and those that it has for single users and databases; not those of our own connections,
 * as far as the server tells them apart.
 */
export function readServerSettings(db: Database): Promise<ServerSettings> {
  return guarded(() => READERS[db.engine](db));
}

// --- internal ---

const READERS: Readonly<Record<Database['engine'], (db: Database) => Promise<ServerSettings>>> = {
  async postgres({ kysely }) {
    const { rows } = await sql<{ name: string; setting: string }>`
      select name, reset_val as setting from pg_settings where name in
        ('log_statement', 'log_min_duration_statement', 'log_min_duration_sample', 'log_transaction_sample_rate',
          'default_transaction_read_only')
        and (source not in ('database', 'user', 'database user', 'global') or name = 'default_transaction_read_only')`.execute(
      kysely,
    );
    const single = await sql<{ role: string | null; everywhere: boolean; line: string }>`
      select rolname as role, setdatabase = 0 as everywhere, unnest(setconfig) as line from pg_db_role_setting
      left join pg_roles on pg_roles.oid = setrole
      where setdatabase = 0 or setdatabase = (select oid from pg_database where datname = current_database())
      order by 1, 2, 3`.execute(kysely);
    const replica = await sql<{ replica: boolean }>`select pg_is_in_recovery() as replica`.execute(kysely);
    const settings = new Map(rows.map(({ name, setting }) => [name, setting]));
    const logs = [...settings].flatMap(([name, setting]) => postgresLog(name, setting, ''));
    for (const { role, everywhere, line } of single.rows) {
      const [name = '', setting = ''] = line.split(/=(.*)/s);
      const whom = role !== null ? `user ${role}` : everywhere ? 'all users' : 'this database';
      logs.push(...postgresLog(name, setting, ` (set for ${whom})`));
    }
    const off =
      settings.get('default_transaction_read_only') === 'on' ? 'default_transaction_read_only = on' : undefined;
    return { readOnly: replica.rows[0]?.replica ? 'it is a replica (in recovery)' : off, sqlMode: undefined, logs };
  },

  async mysql({ kysely }) {
    const { rows } = await sql<
      Readonly<Record<'mode' | 'general' | 'slow' | 'closed' | 'bin' | 'format', string | number>>
    >`
      select @@global.sql_mode as mode, @@global.general_log as general, @@global.slow_query_log as slow,
        @@global.read_only as closed, @@global.log_bin as bin, @@global.binlog_format as format`.execute(kysely);
    const row = rows[0];
    const isOn = (value: string | number | undefined): boolean => /^(1|on)$/i.test(String(value));
    return {
      readOnly: isOn(row?.closed) ? 'read_only is on: it is a replica' : undefined,
      sqlMode: String(row?.mode ?? ''),
      logs: [
        ...(isOn(row?.general) ? [{ setting: 'general_log = ON', which: 'all' as const }] : []),
        ...(isOn(row?.slow) ? [{ setting: 'slow_query_log = ON', which: 'slow' as const }] : []),
        ...(isOn(row?.bin)
          ? [{ setting: `log_bin = ON, binlog_format = ${row?.format}`, which: 'changes' as const }]
          : []),
      ],
    };
  },

  async sqlite({ kysely }) {
    const { rows } = await sql<{ query_only: bigint | number }>`pragma query_only`.execute(kysely);
    const closed = Number(rows[0]?.query_only ?? 0) === 1;
    return { readOnly: closed ? 'query_only is on' : undefined, sqlMode: undefined, logs: [] };
  },
};

function postgresLog(name: string, setting: string, where: string): readonly StatementLog[] {
  const written = `${name} = ${setting}${where}`;
  if (name === 'log_statement') return /^(?:all|mod)$/i.test(setting) ? [{ setting: written, which: 'all' }] : [];
  if (name === 'log_transaction_sample_rate') return Number(setting) > 0 ? [{ setting: written, which: 'all' }] : [];
  if (name !== 'log_min_duration_statement' && name !== 'log_min_duration_sample') return [];
  // A number of milliseconds, or with a unit behind it: below zero, it is off.
  const least = Number.parseFloat(setting);
  return least >= 0 ? [{ setting: written, which: least === 0 ? 'all' : 'slow' }] : [];
}
