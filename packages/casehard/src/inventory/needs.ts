import type { VerdictKind } from '@casehard/core';

/** Whether values of this verdict are left alone by harden. */
export function isQuarantinedKind(kind: VerdictKind): boolean {
  return kind === 'foreign' || kind === 'unexpected' || kind === 'unreadable';
}

/** What a person can do about a value of this verdict, in a few words. */
export function needsOf(kind: VerdictKind, printed: string): string {
  const why = printed.split(' ')[1] ?? '';
  switch (kind) {
    case 'current':
      return 'its content looks sealed: find out who saved it, then set it anew';
    case 'stale':
      return 'harden reseals it';
    case 'legacy':
      return 'harden seals it';
    case 'empty':
      return 'nothing';
    case 'foreign':
      return 'set it anew, or harden --as-plaintext if it is an ordinary credential';
    case 'unexpected':
      return UNEXPECTED[why] ?? 'set it anew';
    case 'unreadable':
      return UNREADABLE[why] ?? 'set it anew';
  }
}

// --- internal ---

const UNEXPECTED: Readonly<Record<string, string>> = {
  NOT_LEGACY: 'not of the declared scheme: set it anew, or harden --as-plaintext',
  LEGACY_NOT_ACCEPTED: 'the field is strict: set it anew, or accept legacy for a while',
  LOOKS_SEALED: 'an old process saved over a sealed value: set it anew',
  ENCODING: 'the column is not UTF-8: declare `encoding` for the field',
  AMBIGUOUS: 'the document has the key twice: let the application save it once',
  SPELLING: 'soften could not spell it so again: set it anew, or let the application save the document once',
  NOT_A_STRING: 'not a text: check the pointer of a path, or set it anew',
  NOT_A_DOCUMENT: 'the column holds no such document: repair it in the application',
  TOO_LONG: 'its sealed form does not fit: run upgrade',
};

const AS_PLAINTEXT = 'set it anew, or harden --as-plaintext if it is a plaintext';

const UNREADABLE: Readonly<Record<string, string>> = {
  UNKNOWN_KEY: 'configure its key as a previous key, or set it anew',
  WITHDRAWN_KEY: 'its key is withdrawn: set it anew',
  MAC: 'altered, or moved from another row: set it anew',
  CONTEXT_POLICY: 'bound otherwise than declared: add the older context, or set it anew',
  TRUNCATED: `cut by a narrower column: restore it; ${AS_PLAINTEXT}`,
  CASE_DAMAGED: 'its letters were changed to one case: restore it or set it anew',
  MALFORMED: AS_PLAINTEXT,
  UNKNOWN_VERSION: AS_PLAINTEXT,
  NOT_SEALED: AS_PLAINTEXT,
  TOO_LARGE: 'longer than `maxSecret`: raise it, or set it anew',
  CORRUPT_FRAME: 'made by other software with this key: set it anew',
};
