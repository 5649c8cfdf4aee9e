import { type ReferenceContext, seal } from '../reference.ts';
import { flip, GOOD, KID, make, ROW } from './damage.ts';
import { ivFor, keyOf, type MasterName, publishedMasters } from './masters.ts';
import { contextReject, corruptFrames } from './reject-keyed.ts';
import { tagReject } from './reject-tag.ts';
import { textReject } from './reject-text.ts';

export interface RejectVector {
  readonly name: string;
  /** What is wrong with the value, or with opening it here. */
  readonly defect: string;
  /** The class of bug that the vector catches; see `bugs`. */
  readonly bug: keyof typeof BUGS;
  readonly code: string;
  readonly sealed: string;
  /** Masters whose keys are loaded. */
  readonly keys: readonly MasterName[];
  /** Key ids that are withdrawn. */
  readonly withdrawn: readonly string[];
  /** Accepted contexts, the current one first. */
  readonly contexts: readonly ReferenceContext[];
  readonly maxSecret: number;
}

const BUGS = {
  MARKER: 'the marker is matched loosely: a value that is not sealed is taken for one, or a damaged one for plaintext',
  CASE: 'case damage (a case-folding column, an upper-casing form) is not told apart, and reported as something else',
  VERSION: 'values of another version are read as version 1',
  TRUNCATION: 'a value that was cut by its column is read short, or reported as something else',
  LENIENT_DECODER:
    'the base64url decoder ignores garbage, takes other alphabets or drops spare bits, so that one value has many spellings',
  HEADER: 'reserved bits, kinds or counts of the header are not checked because the tag seems to protect them',
  LENGTH: 'the declared and the real length are not compared',
  ORDER:
    'checks are made in another order, so that two implementations name different causes or work is done before cheap refusals',
  KEY_SELECTION: 'another key than the named one is tried, or a withdrawn one is used',
  CONTEXT: 'a value is accepted in another place than the one it was sealed for',
  AMBIGUITY: 'two different contexts give one message to the MAC',
  TAG: 'the tag is not checked whole, or a part of the value is not under it',
  COMPOSITION: 'the tag is made over the wrong parts or with the wrong key or hash',
  FRAME: 'the frame inside an authentic value is not checked',
} as const;

export type Reject = Omit<RejectVector, 'keys' | 'withdrawn' | 'contexts' | 'maxSecret'> & Partial<RejectVector>;

export function rejectFile(): { vectors: readonly RejectVector[] } & Record<string, unknown> {
  const vectors = [...textReject(), ...policy(), ...contextReject(), ...tagReject(), ...corruptFrames()];
  return {
    description:
      'Values that do not open. Open `sealed` with the keys of the named masters, the withdrawn key ids, the accepted ' +
      'contexts (the current one first) and the longest secret `maxSecret`: the answer is `code`. Values with the code ' +
      'CORRUPT_FRAME carry an honest tag, made with the key. Published test keys: never use them.',
    format: 'docs/format.md',
    bugs: BUGS,
    masters: publishedMasters(),
    vectors: vectors.map(complete),
  };
}

// --- internal ---

function complete(vector: Reject): RejectVector {
  const { name, defect, bug, code, sealed, ...rest } = vector;
  return {
    name,
    defect,
    bug,
    code,
    sealed,
    keys: ['counting'],
    withdrawn: [],
    contexts: [ROW],
    maxSecret: 65_534,
    ...rest,
  };
}

/** Keys, sizes, and the order of these checks. */
function policy(): Reject[] {
  const second = seal(keyOf('second'), ROW, { content: 'hunter2', n: 2, iv: ivFor('policy') });
  const large = make('large', ROW, ivFor('large'), 16);
  const spare = `${GOOD.slice(0, -1)}1`;
  const secondKid = keyOf('second').kid;
  const elsewhere: ReferenceContext[] = [{ binding: 'field', scope: 'mailer.smtp.password', row: [] }];
  const withdrawn = { keys: ['counting', 'second'], withdrawn: [secondKid] } as const;
  const one = (
    bug: Reject['bug'],
    code: string,
    name: string,
    defect: string,
    sealed: string,
    rest: Partial<RejectVector> = {},
  ): Reject => ({
    name,
    defect,
    bug,
    code,
    sealed,
    ...rest,
  });
  return [
    one(
      'LENGTH',
      'TOO_LARGE',
      'above the configured maximum',
      '16 blocks where a secret has 100 bytes at most',
      large,
      { maxSecret: 100 },
    ),
    one(
      'LENGTH',
      'TOO_LARGE',
      'one bucket above the configured maximum',
      '4 blocks where a secret has 30 bytes at most',
      make('l', ROW, ivFor('l'), 4),
      { maxSecret: 30 },
    ),
    one(
      'ORDER',
      'TOO_LARGE',
      'too large and not canonical',
      'two defects: TOO_LARGE comes first',
      `${large.slice(0, -1)}/`,
      { maxSecret: 100 },
    ),
    one('ORDER', 'TOO_LARGE', 'too large and the key unknown', 'two defects: TOO_LARGE comes first', large, {
      maxSecret: 100,
      keys: ['second'],
    }),
    one('ORDER', 'TRUNCATED', 'too large and cut', 'two defects: TRUNCATED comes first', large.slice(0, -1), {
      maxSecret: 100,
    }),
    one('KEY_SELECTION', 'UNKNOWN_KEY', 'no keys at all', 'no key is loaded', GOOD, { keys: [] }),
    one('KEY_SELECTION', 'UNKNOWN_KEY', 'sealed under a key that is not loaded', 'its key is not loaded', second),
    one(
      'KEY_SELECTION',
      'UNKNOWN_KEY',
      'the kid replaced by one that nobody has',
      'no trial of other keys',
      GOOD.replace(KID, 'aaaaaaaa'),
    ),
    one(
      'ORDER',
      'MALFORMED',
      'the key unknown and not canonical',
      'two defects: MALFORMED comes first',
      spare.replace(KID, 'aaaaaaaa'),
    ),
    one('ORDER', 'UNKNOWN_KEY', 'the key unknown and no such context', 'two defects: UNKNOWN_KEY comes first', second, {
      contexts: elsewhere,
    }),
    one(
      'KEY_SELECTION',
      'WITHDRAWN_KEY',
      'sealed under a withdrawn key',
      'its key is loaded and withdrawn',
      second,
      withdrawn,
    ),
    one(
      'ORDER',
      'WITHDRAWN_KEY',
      'the key withdrawn and no such context',
      'two defects: WITHDRAWN_KEY comes first',
      second,
      { ...withdrawn, contexts: elsewhere },
    ),
    one(
      'ORDER',
      'WITHDRAWN_KEY',
      'the key withdrawn and the tag altered',
      'two defects: WITHDRAWN_KEY comes first',
      flip(second, 60, 1),
      withdrawn,
    ),
    one(
      'ORDER',
      'CONTEXT_POLICY',
      'no such context and the tag altered',
      'two defects: CONTEXT_POLICY comes first',
      flip(GOOD, 60, 1),
      { contexts: elsewhere },
    ),
    one(
      'KEY_SELECTION',
      'MAC',
      'the kid replaced by that of another loaded key',
      'the named key did not make it',
      GOOD.replace(KID, secondKid),
      { keys: ['counting', 'second'] },
    ),
  ];
}
