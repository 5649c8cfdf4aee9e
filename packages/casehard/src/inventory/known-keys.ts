import { countByPrefix, countInDocuments } from '../database/count.ts';
import type { Session } from '../database/session.ts';
import type { ResolvedField } from './resolve.ts';
import { scan } from './scan.ts';

/** Sealed values of a database by key id, and whether this process knows the keys. */
export interface KnownKeys {
  readonly kids: ReadonlyMap<string, number>;
  readonly sealed: number;
}

/** The same for one field. */
export interface KidsOfField extends KnownKeys {
  readonly name: string;
}

export interface CountOptions {
  /** Read every document, for the credential that the field names: another in the same document may be under another key. */
  readonly exact?: boolean;
  readonly signal?: AbortSignal;
}

/** Counts sealed values by key id, without opening any; documents as `countKidsByField` does. */
export async function countKids(
  session: Session,
  fields: readonly ResolvedField[],
  options: CountOptions = {},
): Promise<KnownKeys> {
  const kids = new Map<string, number>();
  let sealed = 0;
  for (const field of await countKidsByField(session, fields, options)) {
    sealed += field.sealed;
    for (const [kid, rows] of field.kids) kids.set(kid, (kids.get(kid) ?? 0) + rows);
  }
  return { kids, sealed };
}

/**
 * Counts sealed values by field and key id. Columns are counted inside the database. A document is counted by its first
 * sealed value, unless `exact` asks for every document to be read: only then the figures are those of the field.
 */
export async function countKidsByField(
  session: Session,
  fields: readonly ResolvedField[],
  options: CountOptions = {},
): Promise<readonly KidsOfField[]> {
  const counted: KidsOfField[] = [];
  for (const field of fields) {
    const kids = new Map<string, number>();
    let sealed = 0;
    for (const { kid, rows } of await (field.document
      ? inDocuments(session, field, options)
      : inColumn(session, field))) {
      sealed += rows;
      if (/^[a-z2-7]{8}$/.test(kid)) kids.set(kid, (kids.get(kid) ?? 0) + rows);
    }
    counted.push({ name: field.name, kids, sealed });
  }
  return counted;
}

// --- internal ---

type KidRows = readonly { readonly kid: string; readonly rows: number }[];

async function inColumn(session: Session, { place, definition }: ResolvedField): Promise<KidRows> {
  const counts = await countByPrefix(session, place, definition.scheme?.name);
  return counts.flatMap(({ shape, kid, rows }) => (shape === 'sealed' ? [{ kid: kid ?? '', rows }] : []));
}

async function inDocuments(
  session: Session,
  field: ResolvedField,
  { exact = false, signal }: CountOptions,
): Promise<KidRows> {
  if (!exact) return countInDocuments(session, field.place);
  const found: { kid: string; rows: number }[] = [];
  await scan(session, field, {
    ...(signal ? { signal } : {}),
    onRow: (_value, verdict) => {
      if ('kid' in verdict && verdict.kid !== undefined) found.push({ kid: verdict.kid, rows: 1 });
    },
  });
  return found;
}
