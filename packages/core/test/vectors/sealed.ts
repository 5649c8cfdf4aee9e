import { bucketOf, lengthOf, pieceOf, type ReferenceContext, seal } from '../reference.ts';
import { ivFor, keyOf, type MasterName, publishedMasters } from './masters.ts';

/** A row key as a driver may return it, and the text that it is bound as. */
export interface RowKey {
  readonly type: 'int' | 'uuid' | 'text' | 'binary';
  readonly value: string | number;
  readonly piece: string;
}

export interface SealedVector {
  readonly name: string;
  readonly master: MasterName;
  readonly binding: ReferenceContext['binding'];
  readonly scope: string;
  readonly row: readonly RowKey[];
  readonly type: 'text' | 'bytes';
  /** Text as it is, bytes in hex; repeated `times` times. */
  readonly content: string;
  readonly times: number;
  readonly n: number;
  readonly iv: string;
  readonly sealed: string;
}

export function sealedFile(): { vectors: readonly SealedVector[] } & Record<string, unknown> {
  const vectors = [...plain(), ...borders(), ...rowKeys(), ...texts(), ...bytes()];
  return {
    description:
      'Sealed values of casehard, format version 1, that open. Seal `content` (repeated `times` times; hex where type is ' +
      'bytes) under `master` with the given IV and n, bound to scope and row pieces as `binding` says: the result is ' +
      '`sealed`, byte for byte. Published test keys: never use them.',
    format: 'docs/format.md',
    masters: publishedMasters(),
    vectors,
  };
}

/** The content of a vector, ready to seal. */
export function contentOf(vector: Pick<SealedVector, 'type' | 'content' | 'times'>): string | Uint8Array {
  const all = vector.content.repeat(vector.times);
  return vector.type === 'text' ? all : new Uint8Array(Buffer.from(all, 'hex'));
}

export function contextOf(vector: Pick<SealedVector, 'binding' | 'scope' | 'row'>): ReferenceContext {
  return { binding: vector.binding, scope: vector.scope, row: vector.row.map(({ piece }) => piece) };
}

// --- internal ---

const SCOPE = 'mailer.smtp.password';
const ROW_42 = [key('int', 42)];

function plain(): SealedVector[] {
  return [
    vector('the known answer of the format', { n: 2, iv: '030a11181f262d343b424950575e656c' }),
    vector('bound to the field', { binding: 'field', row: [] }),
    vector('bound to nothing', { binding: 'none', scope: '', row: [] }),
    vector('under another key', { master: 'second' }),
    vector('under a third key, bound to the field', { master: 'third', binding: 'field', row: [] }),
    vector('a scope of one character', { scope: 'a' }),
    vector('a scope of 1024 bytes', { scope: 's'.repeat(1024) }),
    vector('a scope that is not ASCII', { binding: 'field', scope: 'почта.пароль', row: [] }),
    vector('content that looks sealed itself', {
      content:
        'chd1.h2zivffe.AgACAwoRGB8mLTQ7QklQV15lbKPJo4Wuk1XkvbARi0O6LPyf5nAcsk3aXUVQCgx4fbFhMcwj62r1IBzv7xzDLRHv8RVO33EYfB--Ux2OsLsLmi0',
    }),
  ];
}

/** The shortest and longest secret of each small bucket, tight forms, and large ones. */
function borders(): SealedVector[] {
  const lengths = [1, 14, 15, 30, 31, 62, 63, 126, 127, 254, 255, 510, 511, 1022, 1023];
  const buckets = lengths.map((times) => vector(`${times} bytes in their bucket`, { content: 'x', times }));
  const tight = [
    vector('tight: no content in one block', { content: '', n: 1 }),
    vector('tight: 14 bytes fill one block', { content: 'fourteen bytes', n: 1 }),
    vector('tight: 46 bytes fill three blocks', { content: 'y', times: 46, n: 3 }),
    vector('tight: 94 bytes fill six blocks', { content: 'y', times: 94, n: 6 }),
    vector('loose: one byte in 16 blocks', { content: 'z', n: 16 }),
    vector('loose: one byte in 5 blocks, which is no bucket', { content: 'z', n: 5 }),
  ];
  return [...buckets, ...tight, vector('large: 6000 bytes in 384 blocks', { content: '0123456789', times: 600 })];
}

function rowKeys(): SealedVector[] {
  const uuid = '0190163D-8694-739B-AEA5-966C26F8AD91';
  return [
    vector('row key int 0', { row: [key('int', 0)] }),
    vector('row key int, negative', { row: [key('int', -7)] }),
    vector('row key int beyond 2^53, as text', { row: [key('int', '18446744073709551615')] }),
    vector('row key int with leading zeros is the same row', { row: [key('int', '0042')] }),
    vector('row key uuid in upper case is the same row', { row: [key('uuid', uuid)] }),
    vector('row key text', { row: [key('text', 'Ärger, "quoted"\n')] }),
    vector('row key text, empty', { row: [key('text', '')] }),
    vector('row key text with NUL and emoji', { row: [key('text', 'a\0b🗝️')] }),
    vector('row key text keeps its case and its spaces', { row: [key('text', ' Key 1 ')] }),
    vector('row key binary', { row: [key('binary', '00FF10')] }),
    vector('composite row key 1, 23', { row: [key('int', 1), key('int', 23)] }),
    vector('composite row key of every type', {
      row: [key('int', 7), key('uuid', uuid), key('text', 'eu-west'), key('binary', 'c0ffee')],
    }),
    vector('composite row key of 16 columns', { row: Array.from({ length: 16 }, (_, i) => key('int', i)) }),
  ];
}

function texts(): SealedVector[] {
  return [
    vector('emoji', { content: 'pa🔑ss👩‍👩‍👧word' }),
    vector('NUL inside and at the end', { content: 'a\0b\0' }),
    vector('spaces at the end are content', { content: 'secret  ' }),
    vector('a byte order mark is content', { content: '\ufeffsecret' }),
    vector('not normalised: e and combining acute', { content: 'e\u0301' }),
    vector('U+0080, whose last UTF-8 byte is the end marker', { content: '\u0080' }),
    vector('the last code point', { content: '\u{10ffff}' }),
    vector('quotes and line ends', { content: 'it\'s "this"\r\n\\' }),
  ];
}

function bytes(): SealedVector[] {
  return [
    vector('bytes that are not UTF-8', { type: 'bytes', content: 'fffe00c0' }),
    vector('bytes that end in 0x80 and zeros', { type: 'bytes', content: '80800000' }),
    vector('all byte values', {
      type: 'bytes',
      content: Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString('hex'),
    }),
    vector('bytes bound to the field', { type: 'bytes', content: '00', binding: 'field', row: [] }),
    vector('bytes bound to nothing', { type: 'bytes', content: '01ff', binding: 'none', scope: '', row: [] }),
    vector('bytes, none of them', { type: 'bytes', content: '', n: 1 }),
  ];
}

function vector(name: string, given: Partial<SealedVector>): SealedVector {
  const value = {
    name,
    master: 'counting',
    binding: 'row',
    scope: SCOPE,
    row: ROW_42,
    type: 'text',
    content: 'hunter2',
    times: 1,
    ...given,
  } as const;
  const content = contentOf(value);
  const n = given.n ?? bucketOf(Buffer.from(content as string).length);
  const iv = given.iv ?? ivFor(name).toString('hex');
  const sealed = seal(keyOf(value.master), contextOf(value), { content, n, iv: Buffer.from(iv, 'hex') });
  if (sealed.length !== lengthOf(n)) throw new Error(`${name}: the length is not L(n)`);
  return { ...value, n, iv, sealed };
}

function key(type: RowKey['type'], value: string | number): RowKey {
  return { type, value, piece: pieceOf(type, value) };
}
