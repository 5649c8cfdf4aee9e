import { deriveTokenKey, type PurposeName } from '../reference-token.ts';
import { type MasterName, masterOf } from './masters.ts';
import { badTokens } from './token-bad.ts';
import { badClaims } from './token-claims.ts';
import { goodTokens, type TokenVector } from './token-good.ts';
import { wrongTags } from './token-tag.ts';

export interface BadTokenVector {
  readonly name: string;
  /** What is wrong with the token, or with reading it here. */
  readonly defect: string;
  /** The class of bug that the vector catches; see `bugs`. */
  readonly bug: keyof typeof BUGS;
  readonly code: string;
  readonly token: string;
  /** The purpose and the audience that are expected. */
  readonly purpose: PurposeName;
  readonly audience: string;
  /** Masters whose keys are loaded. */
  readonly keys: readonly MasterName[];
  /** Key ids that are withdrawn. */
  readonly withdrawn: readonly string[];
}

/** A bad vector as the modules beside this one write it. */
export type BadToken = Pick<BadTokenVector, 'name' | 'bug' | 'code' | 'token'> & Partial<BadTokenVector>;

const BUGS = {
  LENGTH: 'the length is not checked first: work is done for texts that can be no token',
  LENIENT_DECODER:
    'the base64url decoder ignores garbage, takes other alphabets or drops spare bits, so that one token has many spellings',
  VERSION: 'tokens of another version are read as version 1',
  PURPOSE: 'a token of one purpose is accepted for another, so that a click unsubscribes',
  KEY_SELECTION: 'another key than the named one is tried, or a withdrawn one is used',
  TAG: 'the tag is not checked whole, or a part of the token is not under it',
  AUDIENCE: 'a token of another deployment under the same key is accepted',
  COMPOSITION: 'the tag is made over the wrong parts, with the wrong nonce or with the wrong key',
  UVARINT: 'numbers have several spellings, or are cut to what a language can hold',
  FIELDS: 'unknown, repeated or unordered fields are skipped, and two readers see different claims',
  BOUNDS: 'a length leads past the end',
  TEXT: 'a URL that is no UTF-8 is repaired, and leads elsewhere',
  PADDING: 'bytes behind the fields are not looked at',
  ORDER:
    'checks are made in another order, so that two implementations name different causes or work is done before cheap refusals',
} as const;

export function tokenFile(): { good: readonly TokenVector[]; bad: readonly BadTokenVector[] } & Record<
  string,
  unknown
> {
  const names = ['counting', 'second', 'third'] as const;
  return {
    description:
      'Link tokens of casehard. `good` ones verify for their purpose and audience and say `iat` and `claims` (numbers in ' +
      'decimal, bytes in hex); made with R they are the same text, where `kept` is true. `bad` ones, read with the keys of ' +
      'the named masters, the withdrawn key ids and the expected purpose and audience, are refused with `code`. Those with ' +
      'the code CLAIMS carry an honest tag, made with the key. Published test keys: never use them.',
    format: 'docs/format.md',
    bugs: BUGS,
    masters: Object.fromEntries(
      names.map((name) => [name, { master: masterOf(name).toString('hex'), tkid: tkidOf(name) }]),
    ),
    good: goodTokens(),
    bad: [...badTokens(), ...wrongTags(), ...badClaims()].map(complete),
  };
}

/** The key id of a published tracking key. */
export function tkidOf(name: MasterName): string {
  return deriveTokenKey(masterOf(name)).tkid.toString('hex');
}

// --- internal ---

function complete(vector: BadToken): BadTokenVector {
  const { name, bug, code, token, defect = name, ...rest } = vector;
  return { name, defect, bug, code, token, purpose: 'click', audience: '', keys: ['counting'], withdrawn: [], ...rest };
}
