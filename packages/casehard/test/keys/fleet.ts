import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { KeyringOptions } from '@casehard/core';
import { type RawBuilder, sql } from 'kysely';
import type { TestDatabase } from '../engines.ts';
import { contentOf, legacyOf, STORM_PLACES, STORM_ROWS, type StormField, wrap } from '../robust/storm-credentials.ts';
import type { RotationMessage, RotationOrder } from './rotation-app.ts';

type Ended = Extract<RotationMessage, { readonly kind: 'ended' }>;

/** A fleet of processes that read and save through the library, as an operator restarts them. */
export interface Fleet {
  /** The last acknowledged save of every row, `field/id`. */
  readonly saved: Readonly<Record<string, number>>;
  /** What the processes that have ended in good order have seen. */
  readonly ended: readonly Ended[];
  /** Starts a process of the fleet with these keys, or starts it anew; resolves when it is attached. */
  restart(share: number, keys: KeyringOptions): Promise<void>;
  pid(share: number): number;
  /** SIGKILL: it says goodbye to nobody. */
  kill(share: number): Promise<void>;
  stop(share: number): Promise<void>;
  killAll(): void;
}

export function createFleet(order: Pick<RotationOrder, 'url' | 'shares' | 'heartbeat'>): Fleet {
  const saved: Record<string, number> = {};
  const ended: Ended[] = [];
  const running = new Map<number, { readonly child: ChildProcess; readonly gone: Promise<void> }>();
  const reported = new Set<ChildProcess>();
  const stop = async (share: number): Promise<void> => {
    const process = running.get(share);
    if (!process) return;
    // One that has met a failure has reported it, and ended by itself.
    if (process.child.connected) process.child.send('stop', () => {});
    await process.gone;
    running.delete(share);
    if (!reported.has(process.child)) throw new Error(`process ${share} ended without a report`);
  };
  return {
    saved,
    ended,
    async restart(share, keys) {
      await stop(share);
      const whole: RotationOrder = { ...order, share, keys, saved: { ...saved } };
      const child = fork(join(import.meta.dirname, 'rotation-app.ts'), [], {
        env: { ...process.env, ROTATION: JSON.stringify(whole) },
        execArgv: ['--no-warnings'],
      });
      const gone = new Promise<void>((done) => child.once('exit', () => done()));
      running.set(share, { child, gone });
      await new Promise<void>((done, failed) => {
        gone.then(() => failed(new Error(`process ${share} ended before it was attached`)));
        child.on('message', (message: RotationMessage) => {
          if (message.kind === 'saved') saved[message.row] = message.save;
          if (message.kind === 'ended') {
            ended.push(message);
            reported.add(child);
          }
          if (message.kind !== 'attached') return;
          if (message.problems.length === 0) done();
          else failed(new Error(`process ${share}: ${message.problems.join()}`));
        });
      });
    },
    pid: (share) => running.get(share)?.child.pid ?? 0,
    async kill(share) {
      const process = running.get(share);
      process?.child.kill('SIGKILL');
      await process?.gone;
      running.delete(share);
    },
    stop,
    killAll() {
      for (const { child } of running.values()) child.kill('SIGKILL');
    },
  };
}

/** The tables of the fleet with one legacy credential in every row. */
export async function createStormTables({ db }: TestDatabase): Promise<void> {
  const run = (statement: RawBuilder<unknown>) => statement.execute(db.kysely);
  await run(sql`create table users (id int not null primary key, password varchar(300) not null)`);
  await run(sql`create table settings (name varchar(40) not null, value varchar(400))`);
  await run(sql`create table clients (id int not null primary key, config text not null)`);
  await run(sql`create table addons (id int not null primary key, config text not null)`);
  for (const [field, rows] of Object.entries(STORM_ROWS) as [StormField, number][]) {
    const { table, column } = STORM_PLACES[field];
    const values = Array.from({ length: rows }, (_, i) => {
      const text = wrap(field, legacyOf(field, contentOf(field, i + 1, 0)), 0);
      return sql`(${field === 'smtp' ? 'smtp' : i + 1}, ${text})`;
    });
    const id = sql.id(field === 'smtp' ? 'name' : 'id');
    await run(sql`insert into ${sql.table(table)} (${id}, ${sql.id(column)}) values ${sql.join(values)}`);
  }
}

/** The text of every row's column, by `field/id`. */
export async function readTexts({ db }: TestDatabase): Promise<Readonly<Record<string, string>>> {
  const texts: Record<string, string> = {};
  for (const [field, rows] of Object.entries(STORM_ROWS) as [StormField, number][]) {
    const { table, column, where } = STORM_PLACES[field];
    for (let id = 1; id <= rows; id++) {
      const found = await sql<{
        text: string;
      }>`select ${sql.id(column)} as text from ${sql.table(table)} where ${where(id)}`.execute(db.kysely);
      texts[`${field}/${id}`] = found.rows[0]?.text ?? '';
    }
  }
  return texts;
}
