import { sql } from 'kysely';
import type { Database } from './connect.ts';
import { guarded, isDriverError } from './driver-error.ts';

/** The transactions that other connections have open. */
export interface OpenTransactions {
  /** Milliseconds since the oldest of them began; undefined: there is none. */
  readonly oldest: number | undefined;
  /** False where this user may not see those of others. */
  readonly visible: boolean;
}

/** How long other connections have had a transaction open: what one wrote is seen by nobody until it commits. */
export function openTransactions(db: Database): Promise<OpenTransactions> {
  return guarded(() => READ[db.engine](db));
}

// --- internal ---

const READ: Readonly<Record<Database['engine'], (db: Database) => Promise<OpenTransactions>>> = {
  postgres: readPostgres,
  mysql: readMysql,
  // One writer at a time, and no list of them; a transaction that is open keeps our own writes waiting.
  sqlite: async () => ({ oldest: undefined, visible: true }),
};

async function readPostgres({ kysely }: Database): Promise<OpenTransactions> {
  // Without pg_monitor, the columns of other users' rows are NULL, what kind of backend it is among them. A prepared
  // transaction has no backend at all.
  const { rows } = await sql<{ oldest: unknown; hidden: unknown }>`
    select extract(epoch from clock_timestamp() - least(min(xact_start),
        (select min(prepared) from pg_prepared_xacts where database = current_database()))) * 1000 as oldest,
      count(case when usename is distinct from current_user and state is null then 1 end) as hidden
    from pg_stat_activity
    where datname = current_database() and (backend_type = 'client backend' or backend_type is null) and pid <> pg_backend_pid()`.execute(
    kysely,
  );
  return { oldest: milliseconds(rows[0]?.oldest), visible: Number(rows[0]?.hidden ?? 0) === 0 };
}

async function readMysql({ kysely }: Database): Promise<OpenTransactions> {
  try {
    // Told in whole seconds: one more, so that none is taken for younger than it is. It is in the server's time zone,
    // whatever the session's is. Connections to other databases of the server are somebody else's; a transaction without
    // a connection is prepared (XA), and may be ours.
    const { rows } = await sql<{ oldest: unknown }>`
      select timestampdiff(second, min(trx_started), convert_tz(utc_timestamp(), '+00:00', 'SYSTEM')) * 1000 + 1000 as oldest
      from information_schema.innodb_trx left join information_schema.processlist as p on p.id = trx_mysql_thread_id
      where trx_mysql_thread_id <> connection_id()
        and (trx_mysql_thread_id = 0 or (p.id is not null and (p.db = database() or p.db is null)))`.execute(kysely);
    return { oldest: milliseconds(rows[0]?.oldest), visible: true };
  } catch (error) {
    // It takes the PROCESS privilege.
    if (isDriverError(error) && (error as { errno?: number }).errno === 1227)
      return { oldest: undefined, visible: false };
    throw error;
  }
}

function milliseconds(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Math.max(0, Number(value));
}
