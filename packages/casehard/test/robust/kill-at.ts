/*
 * Loaded into a child by NODE_OPTIONS=--import. Counts the statements that reach the driver of KILL_ENGINE, and kills the process at the
 * KILL_AT-th: `before` it is sent, or right `after` it was sent, when nobody has read the answer. Without KILL_AT it
 * writes what it counted to KILL_LOG.
 */
import { writeFileSync } from 'node:fs';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { isMainThread } from 'node:worker_threads';

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Sender = (self: unknown, send: () => unknown, die: () => void) => unknown;

const at = Number(process.env.KILL_AT ?? 0);
const after = process.env.KILL_WHEN === 'after';
const seen: string[] = [];
const HOOKS = { sqlite: hookSqlite, postgres: hookPostgres, mysql: hookMysql };

if (isMainThread) {
  // The others are not loaded: this file runs a thousand times.
  await HOOKS[process.env.KILL_ENGINE as keyof typeof HOOKS]();
  const log = process.env.KILL_LOG;
  if (log) process.on('exit', () => writeFileSync(log, JSON.stringify(seen)));
}

// --- internal ---

async function hookPostgres(): Promise<void> {
  const { default: pg } = await import('pg');
  hook(pg.Client.prototype, 'query', (_self, [query]) => textOf(query), sendSoonDie);
}

async function hookMysql(): Promise<void> {
  const { default: mysql } = await import('mysql2');
  const { prototype } = (mysql as unknown as { Connection: { prototype: object } }).Connection;
  const connection = ownerOf(prototype, 'execute');
  for (const method of ['query', 'execute']) hook(connection, method, (_self, [query]) => textOf(query), writeAndDie);
}

async function hookSqlite(): Promise<void> {
  const sqlText = (self: unknown): string => (self as StatementSync).sourceSQL;
  for (const method of ['all', 'get', 'run']) hook(StatementSync.prototype, method, sqlText, sendAndDie);
  hook(DatabaseSync.prototype, 'exec', (_self, [text]) => String(text), sendAndDie);
}

function hook(prototype: object, method: string, text: (self: unknown, args: unknown[]) => string, send: Sender): void {
  const methods = prototype as Record<string, Method>;
  const original = methods[method];
  if (!original) throw new Error(`the driver has no ${method}`);
  methods[method] = function (...args) {
    seen.push(text(this, args).replace(/\s+/g, ' ').trim());
    if (seen.length === at && !after) die();
    const call = (): unknown => original.apply(this, args);
    return seen.length === at ? send(this, call, die) : call();
  };
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000); // the signal is on its way
}

/** node:sqlite is done when it returns. */
function sendAndDie(_self: unknown, send: () => unknown, die: () => void): unknown {
  send();
  die();
  return undefined;
}

/** pg writes the whole statement at once. */
function sendSoonDie(_self: unknown, send: () => unknown, die: () => void): unknown {
  setImmediate(die);
  return send();
}

/** mysql2 may prepare first: what counts is the packet that executes. */
function writeAndDie(self: unknown, send: () => unknown, die: () => void): unknown {
  const { stream } = self as { stream: { write: (chunk: Buffer, ...rest: unknown[]) => unknown } };
  const write = stream.write.bind(stream);
  stream.write = (chunk, ...rest) => {
    if (chunk[4] === 0x17 || chunk[4] === 0x03) setImmediate(die); // COM_STMT_EXECUTE, COM_QUERY
    return write(chunk, ...rest);
  };
  return send();
}

function textOf(query: unknown): string {
  if (typeof query === 'string') return query;
  const { text, sql } = query as { text?: string; sql?: string };
  return text ?? sql ?? '';
}

function ownerOf(prototype: object, method: string): object {
  for (let at: object | null = prototype; at; at = Object.getPrototypeOf(at)) if (Object.hasOwn(at, method)) return at;
  throw new Error(`no ${method}`);
}
