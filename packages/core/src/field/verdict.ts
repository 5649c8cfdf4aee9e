import type { OpenFailure } from '../errors.ts';
import type { SchemeName } from '../schemes/scheme.ts';

/** Why a stored value fits no declared scheme. */
export type Unexpected =
  | 'NOT_LEGACY' // it is not what the legacy scheme would have written
  | 'LEGACY_NOT_ACCEPTED' // the field is strict
  | 'LOOKS_SEALED' // legacy content that, decoded, looks sealed: an old process saved over a sealed value
  | 'ENCODING' // non-ASCII text in a column that is not UTF-8, and no declared encoding
  | 'AMBIGUOUS' // the path occurs more than once in its document
  | 'NOT_A_STRING' // the path leads to something other than text
  | 'SPELLING' // its document spells it as nothing would print it again: soften could not give back the bytes
  | 'NOT_A_DOCUMENT' // the column does not hold the declared kind of document
  | 'TOO_LONG'; // its sealed form does not fit the column or the format

/** The one exact verdict on a stored value. */
export type Verdict =
  | { readonly kind: 'empty' }
  | { readonly kind: 'legacy'; readonly scheme: SchemeName }
  | {
      readonly kind: 'current';
      readonly kid: string;
      /** The content itself looks sealed: a warning, not an error. */
      readonly nested: boolean;
    }
  | {
      readonly kind: 'stale';
      readonly kid: string;
      /** Sealed under an older key, in an older context, or both. */
      readonly because: 'key' | 'context' | 'both';
      readonly nested: boolean;
    }
  | { readonly kind: 'foreign'; readonly product: string }
  | { readonly kind: 'unexpected'; readonly why: Unexpected }
  | { readonly kind: 'unreadable'; readonly why: OpenFailure; readonly kid: string | undefined };

export type VerdictKind = Verdict['kind'];

/** All kinds, in the order in which they are shown. */
export const VERDICT_KINDS: readonly VerdictKind[] = [
  'current',
  'empty',
  'legacy',
  'stale',
  'foreign',
  'unexpected',
  'unreadable',
];

/** Says whether `harden` must leave the value alone: nobody knows for certain what it is. */
export function isQuarantined(verdict: Verdict): boolean {
  return verdict.kind === 'foreign' || verdict.kind === 'unexpected' || verdict.kind === 'unreadable';
}

/** One word, or two with the reason: `unreadable UNKNOWN_KEY`, `foreign laravel`. */
export function printVerdict(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'empty':
      return 'empty';
    case 'current':
      return verdict.nested ? 'current (nested)' : 'current';
    case 'legacy':
      return `legacy ${verdict.scheme}`;
    case 'stale':
      return `stale ${verdict.because}${verdict.nested ? ' (nested)' : ''}`;
    case 'foreign':
      return `foreign ${verdict.product}`;
    case 'unexpected':
    case 'unreadable':
      return `${verdict.kind} ${verdict.why}`;
  }
}
