import { readdirSync, readFileSync } from 'node:fs';
import { sql } from 'kysely';
import type { TestDatabase } from '../engines.ts';

/** What others can see of a run while it goes on. */
export interface Watch {
  /** Stops, and gives everything that was seen, in pieces. */
  stop(): Promise<readonly string[]>;
}

/** Samples what `ps` shows of all processes, and what the server shows of its sessions. */
export function watch(test: TestDatabase): Watch {
  const seen = new Set<string>();
  let stopped = false;
  const own = test.connect();
  const sample = async (): Promise<void> => {
    while (!stopped) {
      for (const line of commandLines()) seen.add(line);
      const rows = (await ACTIVITY[test.engine]?.execute(own.kysely))?.rows ?? [];
      for (const { text } of rows) if (text) seen.add(text);
      await new Promise((done) => setTimeout(done, 10));
    }
    await own.close();
  };
  const sampling = sample();
  return {
    async stop() {
      stopped = true;
      await sampling;
      return [...seen];
    },
  };
}

/** The general log of a MariaDB or MySQL server, on while `work` runs: every statement with its parameters. */
export async function withGeneralLog({ db }: TestDatabase, work: () => Promise<void>): Promise<readonly string[]> {
  const { rows } = await sql<{ log: number; output: string }>`
    select @@global.general_log as log, @@global.log_output as output`.execute(db.kysely);
  const [before] = rows;
  const since = await sql<{ now: string }>`select cast(now(6) as char) as now`.execute(db.kysely);
  try {
    await sql`set global log_output = 'TABLE'`.execute(db.kysely);
    await sql`set global general_log = 1`.execute(db.kysely);
    await work();
  } finally {
    await sql`set global general_log = ${sql.lit(Number(before?.log ?? 0))}`.execute(db.kysely);
    await sql`set global log_output = ${sql.lit(before?.output ?? 'FILE')}`.execute(db.kysely);
  }
  const log = await sql<{ text: string }>`
    select convert(argument using utf8mb4) as text from mysql.general_log
    where event_time >= ${since.rows[0]?.now ?? ''}`.execute(db.kysely);
  if (Number(before?.log ?? 0) === 0) await sql`truncate table mysql.general_log`.execute(db.kysely);
  return log.rows.map(({ text }) => text);
}

// --- internal ---

const ACTIVITY = {
  sqlite: undefined,
  postgres: sql<{ text: string }>`select query as text from pg_stat_activity where pid <> pg_backend_pid()`,
  mysql: sql<{ text: string }>`select info as text from information_schema.processlist where id <> connection_id()`,
} as const;

function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return ''; // it has ended meanwhile
      }
    });
}
