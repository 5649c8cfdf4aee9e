import { userInfo } from 'node:os';
import { CasehardError } from '@casehard/core';
import type { StateKey } from '@casehard/core/state';
import {
  type AuditEntry,
  type AuditRow,
  appendAudit,
  auditPieces,
  readAudit,
  strayAudit,
} from '../database/audit-rows.ts';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';

export type { AuditEntry, AuditRow } from '../database/audit-rows.ts';

/** What is recorded. */
export type Act =
  | 'reveal'
  | 'set'
  | 'clear'
  | 'harden'
  | 'soften'
  | 'upgrade'
  | 'rotate'
  | 'backup'
  | 'drill'
  | 'withdraw'
  | 'strict'
  | 'recover'
  | 'account';

/** The end of the trail at a moment, to be kept elsewhere: against it, a removed tail shows. */
export interface AuditHead {
  readonly seq: number;
  readonly mac: string;
}

/** What verifying found: the first row that is wrong, and how. */
export type AuditVerdict =
  | { readonly ok: true; readonly rows: number; readonly head: AuditHead }
  | { readonly ok: false; readonly rows: number; readonly seq: number; readonly why: AuditFault };

/**
 * `altered`: the row's tag does not hold, since it was changed, moved, inserted or written under another state key.
 * `missing`: a row was removed. `cut`: the end that the head names is not there any more.
 */
export type AuditFault = 'altered' | 'missing' | 'cut';

/**
 * The audit trail of a database: rows that are chained and carry a tag under the state key. Nobody without that key can
 * add, change, remove or reorder a row unnoticed; removed rows at the end show against a head that was exported before.
 */
export class Trail {
  readonly #db: Database;
  readonly #key: StateKey;

  constructor(db: Database, key: StateKey) {
    this.#db = db;
    this.#key = key;
  }

  /** Records an act, committed when this resolves. Throws AUDIT or DATABASE. */
  async record(entry: Omit<AuditEntry, 'act'> & { readonly act: Act }): Promise<void> {
    await appendAudit(this.#db, shortened(entry), (pieces) => this.#key.auditTag(pieces));
  }

  /** Whether the table is there: an upgrade makes it. */
  async isReady(): Promise<boolean> {
    return (await describeTable(this.#db, 'casehard_audit')) !== undefined;
  }

  /** The newest rows first. */
  list(limit: number): Promise<readonly AuditRow[]> {
    return readAudit(this.#db, { limit, descending: true });
  }

  /** Every row in order, whether its tag holds or not. */
  async *rows(): AsyncGenerator<AuditRow, void> {
    let after = 0;
    for (;;) {
      const page = await readAudit(this.#db, { after, limit: PAGE });
      yield* page;
      after = page.at(-1)?.seq ?? after;
      if (page.length < PAGE) return;
    }
  }

  /** Checks every row, and that the trail goes on from `head` where one is given. `onRow` hears how many rows hold. */
  async verify(
    options: { readonly head?: AuditHead; readonly onRow?: (rows: number) => void } = {},
  ): Promise<AuditVerdict> {
    const { head } = options;
    let last: AuditHead = { seq: 0, mac: '' };
    const wrong = (seq: number, why: AuditFault): AuditVerdict => ({ ok: false, rows: last.seq, seq, why });
    const stray = await strayAudit(this.#db);
    if (stray !== undefined) return wrong(stray, 'altered');
    for await (const row of this.rows()) {
      if (row.seq !== last.seq + 1) return wrong(last.seq + 1, 'missing');
      if (!this.#key.holdsAudit(row.mac, auditPieces(row, last.mac))) return wrong(row.seq, 'altered');
      // The chain holds, and is another one: the end was removed, and acts were recorded since.
      if (row.seq === head?.seq && row.mac !== head.mac) return wrong(row.seq, 'cut');
      last = { seq: row.seq, mac: row.mac };
      options.onRow?.(last.seq);
    }
    return head !== undefined && head.seq > last.seq
      ? wrong(last.seq + 1, 'cut')
      : { ok: true, rows: last.seq, head: last };
  }
}

/** The head in a text that `audit export` printed: its last line. Undefined: there is none. */
export function parseHead(text: string): AuditHead | undefined {
  try {
    const parsed: unknown = JSON.parse(text.trim().split('\n').at(-1) ?? '');
    const { seq, mac } = (parsed as { readonly head?: Partial<AuditHead> } | null)?.head ?? {};
    return Number.isSafeInteger(seq) && typeof seq === 'number' && seq >= 0 && typeof mac === 'string'
      ? { seq, mac }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Who runs a command, as the trail names them. */
export function systemActor(): string {
  try {
    return `system user ${userInfo().username}`;
  } catch {
    return 'system user without a name';
  }
}

/** Throws UPGRADE_PENDING where acts cannot be recorded yet. */
export async function requireTrail(trail: Trail): Promise<void> {
  if (!(await trail.isReady())) throw trailMissing();
}

/** What `requireTrail` throws. */
export function trailMissing(): CasehardError {
  return new CasehardError('UPGRADE_PENDING', 'the table casehard_audit is missing: this act would not be recorded', {
    hint: 'run `casehard upgrade` first',
  });
}

// --- internal ---

const PAGE = 1000;
const LONGEST = 2000;

/** A text that is too long for its column would be cut by somebody else, and fail its tag. */
function shortened(entry: Omit<AuditEntry, 'act'> & { readonly act: Act }): AuditEntry {
  const cut = (text: string): string =>
    (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text).toWellFormed().replaceAll('\0', '');
  return {
    actor: cut(entry.actor),
    act: entry.act,
    subject: cut(entry.subject),
    reason: cut(entry.reason),
    outcome: cut(entry.outcome),
  };
}
