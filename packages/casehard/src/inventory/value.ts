import { type Content, looksSealed, type Stored, type Unexpected, type Verdict } from '@casehard/core';
import type { Cell } from '../database/cells.ts';
import type { RowKey } from '../database/place.ts';
import type { Change } from '../database/swap.ts';
import { type Located, type Lookup, locate, printToken } from '../document/document.ts';
import type { ResolvedField } from './resolve.ts';
import { decodeText, encodeText } from './text-encoding.ts';

/** One stored value of a field, taken out of the cell and the document that hold it. */
export interface Value {
  readonly key: RowKey;
  readonly cell: Cell;
  readonly stored: Stored;
  /** Why there is no value to speak of; a verdict of its own. */
  readonly problem?: Unexpected;
  readonly located?: Located;
  /** How the lengths of the PHP document around it count. */
  readonly encoding?: 'utf-8' | 'latin1';
}

/** Takes the field's value out of a cell. Never throws for what is stored. */
export function readValue(resolved: ResolvedField, cell: Cell): Value {
  const { document, place } = resolved;
  const base = { key: cell.key, cell };
  if (cell.stored === null || cell.stored.length === 0) return { ...base, stored: null };
  if (cell.alien) return { ...base, stored: null, problem: 'NOT_A_STRING' };
  if (!document && place.storage !== 'json') return withText(resolved, base, cell.stored);
  if (typeof cell.stored !== 'string') return { ...base, stored: null, problem: 'NOT_A_DOCUMENT' };
  const { lookup, encoding } = lookUp(resolved, cell.stored);
  switch (lookup.found) {
    case 'nothing':
      return { ...base, stored: null };
    case 'problem':
      return { ...base, stored: null, problem: PROBLEMS[lookup.why] };
    case 'value':
      // The rule for legacy values, applied to the spelling around them: printed again it must be the same bytes.
      if (!lookup.located.exact && document?.in === 'json' && !looksSealed(lookup.located.value)) {
        return { ...base, stored: null, problem: 'SPELLING', located: lookup.located, encoding };
      }
      return withText(resolved, { ...base, located: lookup.located, encoding }, lookup.located.value);
  }
}

/** The row object that `seal` and `open` take, from the row key's pieces. */
export function rowOf(
  resolved: { readonly place: Pick<ResolvedField['place'], 'keys'> },
  key: RowKey,
): Readonly<Record<string, string>> {
  return Object.fromEntries(resolved.place.keys.map(({ column }, i) => [column, key[i] ?? '']));
}

/** The verdict on a value. */
export function verdictOf(resolved: ResolvedField, value: Value): Verdict {
  if (value.problem !== undefined) return { kind: 'unexpected', why: value.problem };
  return resolved.field.verdict(value.stored, rowOf(resolved, value.key));
}

/** The verdicts on the values of a page: what `verdictOf` says of each, in less time. */
export function verdictsOf(resolved: ResolvedField, values: readonly Value[]): readonly Verdict[] {
  const whole = values.filter(({ problem }) => problem === undefined);
  const verdicts = resolved.field.verdictMany(whole.map(({ stored, key }) => ({ stored, row: rowOf(resolved, key) })));
  let next = 0;
  return values.map(({ problem }) =>
    problem === undefined ? (verdicts[next++] as Verdict) : { kind: 'unexpected', why: problem },
  );
}

/** The swap that stores `write` in the value's place; the problem where its column cannot hold it. */
export function changeOf(resolved: ResolvedField, value: Value, write: Content): Change | Unexpected {
  const { cell, key, located } = value;
  if (cell.stored === null) throw new TypeError('"value" is empty: there is nothing to swap');
  const expected = cell.stored;
  const encoded = encodeText(resolved, write);
  if (encoded === undefined) return 'ENCODING';
  if (!located) return { key, expected, write: { kind: 'whole', value: encoded } };
  if (typeof encoded !== 'string' || typeof expected !== 'string') return 'ENCODING';
  const token = tokenOf(resolved, value, encoded);
  if (resolved.place.storage === 'json') return { key, expected, write: { kind: 'whole', value: token } };
  const { maxChars, maxBytes } = resolved.column;
  const rest = expected.slice(0, located.start) + expected.slice(located.end);
  if ([...rest].length + token.length > (maxChars ?? Infinity)) return 'TOO_LONG';
  if (Buffer.byteLength(rest) + Buffer.byteLength(token) > (maxBytes ?? Infinity)) return 'TOO_LONG';
  return { key, expected, write: { kind: 'splice', start: located.start, end: located.end, value: token } };
}

// --- internal ---

/** A PHP document in a column that is not UTF-8 counts its lengths in whatever the application wrote; only one way fits. */
function lookUp(resolved: ResolvedField, text: string): { lookup: Lookup; encoding: 'utf-8' | 'latin1' } {
  const document = resolved.document ?? { in: 'json', pointer: '' };
  const lookup = locate(text, document);
  if (lookup.found !== 'problem' || lookup.why !== 'NOT_SERIALIZED' || resolved.column.utf8) {
    return { lookup, encoding: 'utf-8' };
  }
  return { lookup: locate(text, { ...document, encoding: 'latin1' }), encoding: 'latin1' };
}

/** "c" of `chd1.`, spelled so that soften knows that the token it replaces was written by PHP. */
const PHP_MARK = '"\\u0063hd1.';

/**
 * A JSON string can be spelled in several ways, and soften must give back the very bytes. Where the spelling of PHP's
 * json_encode made a difference, the sealed token carries a mark that every JSON parser reads as an ordinary letter.
 */
function tokenOf(resolved: ResolvedField, { cell, located, encoding }: Value, text: string): string {
  const format = resolved.document?.in ?? 'json';
  if (format === 'php-serialize') return printToken(text, format, { encoding: encoding ?? 'utf-8' });
  const before = typeof cell.stored === 'string' && located ? cell.stored.slice(located.start, located.end) : '';
  const php = located?.style === 'php' || before.startsWith(PHP_MARK);
  const token = printToken(text, format, { style: php ? 'php' : 'json' });
  const marked = php && looksSealed(text) && resolved.place.storage !== 'json';
  return marked ? token.replace('"c', '"\\u0063') : token;
}

const PROBLEMS = {
  NOT_A_STRING: 'NOT_A_STRING',
  AMBIGUOUS: 'AMBIGUOUS',
  NOT_JSON: 'NOT_A_DOCUMENT',
  NOT_SERIALIZED: 'NOT_A_DOCUMENT',
} as const;

function withText(resolved: ResolvedField, base: Omit<Value, 'stored'>, stored: Content): Value {
  const text = decodeText(resolved, stored);
  return text === undefined ? { ...base, stored: null, problem: 'ENCODING' } : { ...base, stored: text };
}
