import { CasehardError } from '@casehard/core';

/** How a JSON string is spelled: as `JSON.stringify` does, or as PHP's `json_encode` does without flags. */
export type JsonStyle = 'json' | 'php';

/** A string inside a document. */
export interface Located {
  readonly value: string;
  /** The range of the whole token in UTF-16 units: with its quotes, and in PHP with type, length and semicolon. */
  readonly start: number;
  readonly end: number;
  /** Whether printing `value` gives the token back, byte for byte. */
  readonly exact: boolean;
  /** Of an exact JSON token: the style that spells it so. */
  readonly style: JsonStyle | undefined;
}

/** What stands at a pointer. `nothing` is an absent path or a null; a problem is never a reason to write. */
export type Lookup =
  | { readonly found: 'value'; readonly located: Located }
  | { readonly found: 'nothing' }
  | { readonly found: 'problem'; readonly why: 'NOT_A_STRING' | 'AMBIGUOUS' | 'NOT_JSON' | 'NOT_SERIALIZED' };

export const NOTHING: Lookup = { found: 'nothing' };
export const NOT_A_STRING: Lookup = { found: 'problem', why: 'NOT_A_STRING' };
/** A name on the path occurs twice: programs differ in which of the two they read. */
export const AMBIGUOUS: Lookup = { found: 'problem', why: 'AMBIGUOUS' };

/** The names that a JSON pointer (RFC 6901) consists of; none for the whole document. */
export function parsePointer(pointer: string): string[] {
  if (pointer !== '' && !pointer.startsWith('/')) throw malformed(pointer, 'does not begin with /');
  if (/~(?![01])/.test(pointer)) throw malformed(pointer, 'has a ~ that is neither ~0 nor ~1');
  const names = pointer.split('/').slice(1);
  return names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

// --- internal ---

function malformed(pointer: string, problem: string): CasehardError {
  return new CasehardError('CONFIG', `the pointer ${JSON.stringify(pointer)} ${problem}`, {
    hint: 'write a JSON pointer such as /client_secret; ~1 stands for a slash inside a name and ~0 for ~',
  });
}
