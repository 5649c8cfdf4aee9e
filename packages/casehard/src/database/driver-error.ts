import { CasehardError, type ErrorCode } from '@casehard/core';

/**
 * A driver's error in our words. Drivers quote rows ("Duplicate entry 'hunter2'", `detail`, `where`, the statement), so
 * nothing of the original survives but its SQLSTATE or number; it is not chained as `cause` either.
 */
export function databaseError(error: unknown): CasehardError {
  if (error instanceof CasehardError) return error;
  const fault = readFault(error);
  const known = explain(fault);
  const code = fault.sqlState ?? fault.errno ?? fault.code;
  return new CasehardError(known.code, `database: ${known.message}${code === undefined ? '' : ` (${code})`}`, {
    hint: known.hint,
  });
}

/** Whether an error comes from a database driver, as opposed to our own code. */
export function isDriverError(error: unknown): boolean {
  const { sqlState, errno, code } = readFault(error);
  return sqlState !== undefined || errno !== undefined || code !== undefined;
}

/** Whether the engine asks for the transaction to be tried again: a deadlock, a lost serialization race, a lock timeout. */
export function isRetryable(error: unknown): boolean {
  return isLost(readFault(error));
}

/** Whether a constraint of the table refused a row: another try would end the same way. */
export function isConstraint(error: unknown): boolean {
  return explain(readFault(error)) === CONSTRAINT;
}

/** Whether the user lacks a privilege for what was asked. */
export function isDenied(error: unknown): boolean {
  return explain(readFault(error)) === DENIED;
}

/** Whether row-level security would keep rows from the user. */
export function isHidden(error: unknown): boolean {
  return explain(readFault(error)) === HIDDEN;
}

/** Whether a wait for a row lock has used up its time on MySQL. */
export function isLockTimeout(error: unknown): boolean {
  const { engine, errno } = readFault(error);
  return engine === 'mysql' && errno === 1205;
}

/** Runs work on the database; a driver's error comes out as a CasehardError. */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isDriverError(error) ? databaseError(error) : error;
  }
}

// --- internal ---

interface Fault {
  readonly engine?: 'postgres' | 'mysql' | 'sqlite';
  readonly sqlState?: string;
  readonly errno?: number;
  /** A symbolic code of the network or the driver. */
  readonly code?: string;
  /** The C function that raised a PostgreSQL error: the one part that says more than SQLSTATE and is never translated. */
  readonly routine?: string;
  /** Only ever compared, never printed. */
  readonly message: string;
}

interface Explanation {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

function readFault(error: unknown): Fault {
  if (typeof error !== 'object' || error === null) return { message: '' };
  const raw = error as Record<string, unknown>;
  const message = typeof raw.message === 'string' ? raw.message : '';
  const code = typeof raw.code === 'string' && /^[A-Z0-9_]{5,60}$/.test(raw.code) ? raw.code : undefined;
  if (code === 'ERR_SQLITE_ERROR' && typeof raw.errcode === 'number') {
    return { engine: 'sqlite', errno: raw.errcode, message };
  }
  if (code?.startsWith('SQLITE_')) return { engine: 'sqlite', errno: sqliteNumber(code), code, message };
  if (code?.length === 5 && typeof raw.severity === 'string') {
    const routine = typeof raw.routine === 'string' ? { routine: raw.routine } : {};
    return { engine: 'postgres', sqlState: code, message, ...routine };
  }
  if (typeof raw.errno === 'number' && (typeof raw.sqlState === 'string' || code?.startsWith('ER_'))) {
    return { engine: 'mysql', errno: raw.errno, message };
  }
  if (code !== undefined && /^(E[A-Z]{3,}|PROTOCOL_)/.test(code) && !code.startsWith('ERR_')) return { code, message };
  return { message };
}

function sqliteNumber(code: string): number {
  if (code.startsWith('SQLITE_BUSY')) return 5;
  if (code.startsWith('SQLITE_LOCKED')) return 6;
  if (code.startsWith('SQLITE_READONLY')) return 8;
  return 1;
}

// SQLite's extended codes keep the primary one in the low byte.
const isBusy = (errno: number): boolean => (errno & 0xff) === 5 || (errno & 0xff) === 6;

function explain(fault: Fault): Explanation {
  const { engine, sqlState = '', errno = 0, message } = fault;
  if (isReadOnly(fault)) return READ_ONLY;
  if (isLost(fault)) return BUSY;
  if (engine === 'postgres') {
    if (fault.routine === 'check_enable_rls' || (sqlState === '42501' && /row-level security/.test(message)))
      return HIDDEN;
    if (sqlState === '22001') return TOO_LONG;
    if (sqlState === '42P01' || sqlState === '42703') return NOT_FOUND;
    if (sqlState === '42501') return DENIED;
    if (sqlState.startsWith('28')) return LOGIN;
    if (sqlState.startsWith('23')) return CONSTRAINT;
  }
  if (engine === 'mysql') {
    if (errno === 1406 || errno === 1265) return TOO_LONG;
    if (errno === 1146 || errno === 1054) return NOT_FOUND;
    if ([1142, 1143, 1044, 1227].includes(errno)) return DENIED;
    if (errno === 1045 || errno === 1698) return LOGIN;
    if ([1062, 1048, 3819, 4025, 1451, 1452].includes(errno)) return CONSTRAINT;
    if (errno === 1366) return NOT_STORABLE;
  }
  if (engine === 'sqlite') {
    if ((errno & 0xff) === 19) return CONSTRAINT;
    if ((errno & 0xff) === 18) return TOO_LONG;
    if (/^no such (table|column)/.test(message)) return NOT_FOUND;
  }
  if (engine === undefined && fault.code !== undefined) return AWAY;
  return OTHER;
}

function isReadOnly({ engine, sqlState, errno = 0, message }: Fault): boolean {
  if (engine === 'postgres') return sqlState === '25006';
  // 1290 names whatever option forbids the statement; only read_only and its kin concern us.
  if (engine === 'mysql') return [1792, 1836].includes(errno) || (errno === 1290 && /read[-_ ]only/i.test(message));
  return engine === 'sqlite' && (errno & 0xff) === 8;
}

function isLost({ engine, sqlState = '', errno = 0 }: Fault): boolean {
  if (engine === 'postgres') return ['40001', '40P01', '55P03'].includes(sqlState);
  if (engine === 'mysql') return [1020, 1205, 1213, 3572].includes(errno);
  return engine === 'sqlite' && isBusy(errno);
}

const READ_ONLY: Explanation = {
  code: 'READ_ONLY',
  message: 'it is read-only here',
  hint: 'connect to the primary server, not to a replica, as a user who may write',
};
const BUSY: Explanation = {
  code: 'DATABASE',
  message: 'a lock was not granted in time',
  hint: 'run it again; it goes on where it stopped',
};
const HIDDEN: Explanation = {
  code: 'ROWS_HIDDEN',
  message: 'row-level security hides rows from this user',
  hint: 'connect as the owner of the table, or as a user with BYPASSRLS',
};
const TOO_LONG: Explanation = {
  code: 'TOO_LONG',
  message: 'a value does not fit its column',
  hint: 'run casehard upgrade, which widens the column',
};
const NOT_FOUND: Explanation = {
  code: 'NOT_FOUND',
  message: 'no such table or column',
  hint: 'compare the field with the schema, or run casehard init',
};
const DENIED: Explanation = {
  code: 'DATABASE',
  message: 'the user lacks a privilege',
  hint: 'docs/operations.md section 4 lists the grants that each command needs',
};
const LOGIN: Explanation = {
  code: 'DATABASE',
  message: 'the login was refused',
  hint: 'check user and password in the database URL',
};
const CONSTRAINT: Explanation = {
  code: 'DATABASE',
  message: 'a constraint of the table refuses the value',
  hint: 'look for a CHECK, NOT NULL, unique or foreign key constraint on the column',
};
const NOT_STORABLE: Explanation = {
  code: 'DATABASE',
  message: 'a value cannot be stored in the character set of its column',
  hint: 'convert the column to utf8mb4',
};
const AWAY: Explanation = {
  code: 'DATABASE',
  message: 'the server does not answer',
  hint: 'check that it runs, and the host and port of the database URL',
};
const OTHER: Explanation = {
  code: 'DATABASE',
  message: 'the database refused a statement',
  hint: 'look the code up in the manual of the database, or in its log',
};
