import { CasehardError, type Locator, printLocator, printVerdict, type Secret, type Verdict } from '@casehard/core';
import { requireTrail, type Trail } from '../audit/trail.ts';
import type { Project } from '../config/load.ts';
import { type Cell, readCell } from '../database/cells.ts';
import type { Database } from '../database/connect.ts';
import { withSession } from '../database/session.ts';
import { rowKeyOf } from '../inventory/locator.ts';
import { needsOf } from '../inventory/needs.ts';
import { type ResolvedField, resolveFields } from '../inventory/resolve.ts';
import { readValue, rowOf, verdictOf } from '../inventory/value.ts';

export interface RevealOrder {
  readonly locator: Locator;
  /** `system user ada`. */
  readonly actor: string;
  /** Why, in the person's words. */
  readonly reason: string;
}

/** A credential that may be shown: that it is, has been recorded. */
export interface Revealed {
  /** As the database spells it. */
  readonly locator: string;
  readonly verdict: Verdict;
  readonly secret: Secret;
}

/**
 * Opens one credential to be shown. It is handed out only when the trail has it, committed: where the act cannot be
 * recorded, nothing is shown. A value that does not open is recorded as refused. Throws UPGRADE_PENDING, NOT_FOUND,
 * REFUSED, CANNOT_OPEN, USAGE, AUDIT and DATABASE.
 */
export async function revealValue(
  project: Project,
  db: Database,
  options: RevealOrder & { readonly trail: Trail },
): Promise<Revealed> {
  const { locator, actor, reason, trail } = options;
  if (reason.trim() === '') {
    throw new CasehardError('USAGE', 'the reason is empty', { hint: 'say why: it stands in the audit trail' });
  }
  await requireTrail(trail);
  const field = await fieldOf(project, db, locator.field);
  const key = rowKeyOf(field, locator.key);
  const subject = printLocator(field.name, key);
  const cells = await withSession(db, (session) => readCell(session, field.place, key));
  if (cells.length === 0) {
    throw new CasehardError('NOT_FOUND', `there is no row ${subject}`, {
      field: field.name,
      hint: 'check the locator',
    });
  }
  const entry = { actor, act: 'reveal', subject, reason } as const;
  const found = openAll(field, cells, subject);
  if ('refusal' in found) {
    await trail.record({ ...entry, outcome: `refused: ${found.because}` });
    throw found.refusal;
  }
  await trail.record({ ...entry, outcome: `shown: ${printVerdict(found.verdict)}` });
  return { locator: subject, ...found };
}

// --- internal ---

type Found =
  | { readonly secret: Secret; readonly verdict: Verdict }
  | { readonly refusal: CasehardError; readonly because: string };

async function fieldOf({ hard, keyring }: Project, db: Database, name: string): Promise<ResolvedField> {
  hard.definition(name);
  const { fields, problems } = await resolveFields(db, hard, { keyring, only: [name] });
  const [field] = fields;
  if (field) return field;
  throw problems[0] ?? new CasehardError('UNKNOWN_FIELD', `there is no field ${name}`);
}

/** Several rows stand for one setting; then all of them must say the same. */
function openAll(field: ResolvedField, cells: readonly Cell[], name: string): Found {
  const all = cells.map((cell) => openOne(field, cell, name));
  const [first] = all;
  const problem = all.find((each) => 'refusal' in each);
  if (problem) return problem;
  if (first && 'secret' in first && all.every((each) => 'secret' in each && each.secret.equals(first.secret)))
    return first;
  return {
    because: 'rows differ',
    refusal: new CasehardError('REFUSED', `${name} stands for ${cells.length} rows with different values`, {
      field: field.name,
      hint: 'delete the rows that the application does not read',
    }),
  };
}

/** Opened as the application would: what it reads is what is shown. */
function openOne(field: ResolvedField, cell: Cell, name: string): Found {
  const value = readValue(field, cell);
  const verdict = verdictOf(field, value);
  try {
    const secret = value.problem ? null : field.field.open(value.stored, rowOf(field, value.key));
    if (secret !== null) return { secret, verdict };
  } catch (error) {
    if (!(error instanceof CasehardError) || error.code !== 'CANNOT_OPEN') throw error;
  }
  const because = printVerdict(verdict);
  if (verdict.kind === 'empty') {
    const hint = 'the application has none, or it was cleared';
    return {
      because,
      refusal: new CasehardError('NOT_FOUND', `${name} holds no credential`, { field: field.name, hint }),
    };
  }
  const refusal = new CasehardError('CANNOT_OPEN', `${name} cannot be opened: ${because}`, {
    field: field.name,
    hint: needsOf(verdict.kind, because),
  });
  return { because, refusal };
}
