import { setTimeout as sleep } from 'node:timers/promises';
import { CasehardError } from '@casehard/core';
import { sql } from 'kysely';
import { clock } from './clock.ts';
import type { Database } from './connect.ts';
import { guarded, isRetryable } from './driver-error.ts';
import type { Session } from './session.ts';

type Executor = Pick<Database, 'engine' | 'kysely'> | Pick<Session, 'engine' | 'kysely'>;

/** What somebody did. Never a value, never a key. */
export interface AuditEntry {
  /** `system user ada` or `console account ada`. */
  readonly actor: string;
  readonly act: string;
  /** A locator, a field, a key id, an account; empty for none. */
  readonly subject: string;
  /** Why, in the person's words; empty where nobody asked. */
  readonly reason: string;
  readonly outcome: string;
}

/** A row of the trail. */
export interface AuditRow extends AuditEntry {
  /** From 1, without a gap. */
  readonly seq: number;
  /** Milliseconds since 1970 by the database's clock. */
  readonly at: number;
  readonly mac: string;
}

/** The tag of a row: over all its columns and the tag of the row before. */
export type AuditTag = (pieces: readonly string[]) => string;

/** Adds a row behind the last one. Two processes at once: one waits its turn. Throws AUDIT where it cannot be added. */
export async function appendAudit(db: Executor, entry: AuditEntry, tag: AuditTag): Promise<AuditRow> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const [last] = await readAudit(db, { descending: true, limit: 1 });
    if (!Number.isSafeInteger((last?.seq ?? 0) + 1)) throw notOurs();
    const row = await guarded(async () => {
      const { rows } = await sql<{ clock: unknown }>`select ${clock(db.engine)} as clock`.execute(db.kysely);
      const unsigned = { ...entry, seq: (last?.seq ?? 0) + 1, at: Number(rows[0]?.clock) };
      return { ...unsigned, mac: tag(auditPieces(unsigned, last?.mac ?? '')) };
    });
    try {
      await sql`
        insert into ${sql.table(TABLE)} (seq, at, actor, act, subject, reason, outcome, mac)
        values (${row.seq}, ${row.at}, ${row.actor}, ${row.act}, ${row.subject}, ${row.reason}, ${row.outcome}, ${row.mac})`.execute(
        db.kysely,
      );
    } catch (error) {
      // Somebody else took the number: theirs is the row before ours now.
      const [now] = await readAudit(db, { descending: true, limit: 1 });
      if ((now?.seq ?? 0) < row.seq && !isRetryable(error)) await guarded(() => Promise.reject(error));
      await sleep(Math.random() * PAUSE_MS * attempt);
      continue;
    }
    // A trigger or a rule may have thrown it away, or written something else: then nothing is recorded.
    const [kept] = await readAudit(db, { after: row.seq - 1, limit: 1 });
    if (!kept || kept.mac !== row.mac || auditPieces(kept, '').join('\0') !== auditPieces(row, '').join('\0'))
      throw notKept();
    return row;
  }
  throw new CasehardError('AUDIT', 'the audit trail is too busy: the act could not be recorded', { hint: 'try again' });
}

/** Rows of the trail in their order; `after` is the number of the row before the first one. */
export function readAudit(
  db: Executor,
  options: { readonly after?: number; readonly limit: number; readonly descending?: boolean },
): Promise<readonly AuditRow[]> {
  return guarded(async () => {
    const direction = options.descending ? sql`desc` : sql`asc`;
    const { rows } = await sql<Readonly<Record<string, unknown>>>`
      select seq, at, actor, act, subject, reason, outcome, mac from ${sql.table(TABLE)}
      where seq > ${options.after ?? 0} order by seq ${direction} limit ${sql.lit(options.limit)}`.execute(db.kysely);
    return rows.map((row) => ({
      seq: Number(row.seq),
      at: Number(row.at),
      actor: String(row.actor),
      act: String(row.act),
      subject: String(row.subject),
      reason: String(row.reason),
      outcome: String(row.outcome),
      mac: String(row.mac),
    }));
  });
}

/** The number of a row that stands before the first one, if somebody has written any there. */
export function strayAudit(db: Executor): Promise<number | undefined> {
  return guarded(async () => {
    const { rows } = await sql<{ seq: unknown }>`
      select seq from ${sql.table(TABLE)} where seq < 1 order by seq limit 1`.execute(db.kysely);
    return rows[0] === undefined ? undefined : Number(rows[0].seq);
  });
}

/** What the tag of a row is made over. */
export function auditPieces(row: Omit<AuditRow, 'mac'>, before: string): readonly string[] {
  return [before, String(row.seq), String(row.at), row.actor, row.act, row.subject, row.reason, row.outcome];
}

// --- internal ---

function notKept(): CasehardError {
  return new CasehardError('AUDIT', 'the audit trail did not keep the row that was written: the act is not recorded', {
    hint: 'look for a trigger or a rule on casehard_audit, and find out who made it',
  });
}

function notOurs(): CasehardError {
  return new CasehardError('AUDIT', 'the audit trail ends with a row that casehard has not written', {
    hint: '`casehard audit verify` names the first row that is wrong; find out who can write this database',
  });
}

const TABLE = 'casehard_audit';
const ATTEMPTS = 20;
const PAUSE_MS = 20;
