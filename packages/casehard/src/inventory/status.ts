import {
  type Casehard,
  CasehardError,
  type Fields,
  type Keyring,
  type KeyState,
  printLocator,
  printVerdict,
  type Verdict,
} from '@casehard/core';
import type { Database } from '../database/connect.ts';
import { withSession } from '../database/session.ts';
import { findOrigins, type Misplaced } from './origin.ts';
import { type Resolved, type ResolvedField, resolveFields } from './resolve.ts';
import { notHardened, type Tally, tally } from './tally.ts';
import type { Value } from './value.ts';

/** A value that needs a person, or a look. Never its content. */
export interface Listed {
  readonly locator: string;
  readonly verdict: string;
  readonly kind: Verdict['kind'];
  /** Of a value that fails its MAC: the locator where it opens. */
  readonly from?: string;
}

/** What `status` says of one field. */
export interface FieldStatus {
  readonly name: string;
  readonly tally: Tally;
  readonly accepts: 'sealed values only' | 'legacy values' | `legacy values until ${string}`;
}

export interface Status {
  readonly database: string;
  readonly keys: readonly { readonly kid: string; readonly state: KeyState }[];
  /** Every value was opened. */
  readonly deep: boolean;
  readonly fields: readonly FieldStatus[];
  readonly problems: readonly CasehardError[];
  /** Values that are neither current nor empty. */
  readonly notHardened: number;
  /** With `deep`: every value that is not current, empty or plainly legacy, and every nested one. */
  readonly listed: readonly Listed[];
  /** How many there are, those beyond `maxListed` included. */
  readonly listedInAll: number;
  readonly resolved: Resolved;
}

export interface StatusOptions {
  readonly keyring: Keyring;
  readonly deep?: boolean;
  readonly only?: readonly string[];
  /** More are counted and not listed; default: every one is. */
  readonly maxListed?: number;
  readonly signal?: AbortSignal;
  readonly onPage?: (field: string, rows: number) => void;
  /** Of every value that was read; with `deep`, of every one that has content. */
  readonly onVerdict?: (field: string, value: Value, verdict: Verdict) => void;
}

/** Counts every field by verdict. Reads only. */
export async function readStatus(db: Database, hard: Casehard<Fields>, options: StatusOptions): Promise<Status> {
  const resolved = await resolveFields(db, hard, options);
  const problems: CasehardError[] = [...resolved.problems];
  return withSession(db, async (session) => {
    const fields: FieldStatus[] = [];
    const listed: Listed[] = [];
    let listedInAll = 0;
    const misplaced: Misplaced[] = [];
    const pending: { one: Misplaced; at: number }[] = [];
    for (const field of resolved.fields) {
      const onRow = (value: Value, verdict: Verdict): void => {
        options.onVerdict?.(field.name, value, verdict);
        if (!options.deep || !isListed(verdict)) return;
        listedInAll++;
        if (listed.length >= (options.maxListed ?? Infinity)) return;
        if (verdict.kind === 'unreadable' && verdict.why === 'MAC' && misplaced.length < MAX_MISPLACED) {
          const one = { resolved: field, value };
          misplaced.push(one);
          pending.push({ one, at: listed.length });
        }
        listed.push({
          locator: printLocator(field.name, value.key),
          verdict: printVerdict(verdict),
          kind: verdict.kind,
        });
      };
      try {
        const counted = await tally(session, field, {
          deep: options.deep ?? false,
          keyring: options.keyring,
          onRow,
          ...(options.signal ? { signal: options.signal } : {}),
          ...(options.onPage ? { onPage: (rows) => options.onPage?.(field.name, rows) } : {}),
        });
        fields.push({ name: field.name, tally: counted, accepts: acceptsOf(field) });
      } catch (error) {
        if (!(error instanceof CasehardError) || error.code === 'CANCELLED') throw error;
        problems.push(error);
      }
    }
    const origins = misplaced.length > 0 ? await findOrigins(session, resolved.fields, misplaced) : new Map();
    for (const { one, at } of pending) {
      const from = origins.get(one);
      const entry = listed[at];
      if (from !== undefined && entry) listed[at] = { ...entry, from };
    }
    return {
      database: db.label,
      keys: options.keyring.list(),
      deep: options.deep ?? false,
      fields,
      problems,
      notHardened: fields.reduce((sum, field) => sum + notHardened(field.tally), 0),
      listed,
      listedInAll,
      resolved,
    };
  });
}

// --- internal ---

const MAX_MISPLACED = 200;

function isListed(verdict: Verdict): boolean {
  if (verdict.kind === 'empty' || verdict.kind === 'legacy') return false;
  return verdict.kind !== 'current' || verdict.nested;
}

function acceptsOf({ field, definition }: ResolvedField): FieldStatus['accepts'] {
  if (field.strict) return 'sealed values only';
  const until = definition.spec.legacyUntil;
  return until === undefined ? 'legacy values' : `legacy values until ${until}`;
}
