import type { Engine } from './connect.ts';

/** Where old plaintext still lies after a run, and what removes it. */
export interface Residue {
  readonly where: string;
  readonly commands: readonly string[];
}

/** The old plaintext that a run leaves behind in freed space, for the tables it wrote. Logs, replicas and backups always keep it. */
export function residueOf(engine: Engine, tables: readonly string[]): Residue {
  switch (engine) {
    case 'postgres':
      return {
        where:
          'Old plaintext stays in dead rows until the table is rewritten (this locks it), and in the WAL, replicas and backups:',
        commands: tables.map((table) => `VACUUM FULL ${quote(table, '"')};`),
      };
    case 'mysql':
      return {
        where:
          'Old plaintext stays in freed pages until the table is rebuilt, and in the binary log, replicas and backups:',
        commands: tables.map((table) => `OPTIMIZE TABLE ${quote(table, '`')};`),
      };
    case 'sqlite':
      return {
        where:
          'Old plaintext was overwritten where casehard wrote (secure_delete); it may stay in pages freed earlier, the -wal file and backups:',
        commands: ['VACUUM;', 'PRAGMA wal_checkpoint(TRUNCATE);'],
      };
  }
}

// --- internal ---

function quote(table: string, mark: string): string {
  return table
    .split('.')
    .map((part) => `${mark}${part.replaceAll(mark, mark + mark)}${mark}`)
    .join('.');
}
