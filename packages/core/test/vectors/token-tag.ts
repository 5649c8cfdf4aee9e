import { createCipheriv } from 'node:crypto';
import {
  aadOf,
  be32,
  deriveTokenKey,
  gcmSeal,
  nonceOf,
  padded,
  type ReferenceTokenKey,
  uvarint,
  xaesKey,
  xaesSeal,
  zeroBlock,
} from '../reference-token.ts';
import { keyOf, masterOf } from './masters.ts';
import type { BadToken } from './token.ts';
import { edit, flip, GOOD_TOKEN, honest, TOKEN_KEY } from './token-damage.ts';

/** Alterations under the tag, other audiences, and tags made in other ways. */
export function wrongTags(): BadToken[] {
  return [...alterations(), ...audiences(), ...compositions()];
}

// --- internal ---

const GOOD = Buffer.from(GOOD_TOKEN, 'base64url');
const HEADER = GOOD.subarray(0, 3);
const R = GOOD.subarray(3, 19);
const NONCE = nonceOf(2, R);
const AAD = aadOf(HEADER, 'click', '');
const PLAIN = padded(
  Buffer.concat([
    be32(1_800_000_000),
    Buffer.of(2),
    uvarint(81234n),
    Buffer.of(4),
    uvarint(99000123n),
    Buffer.of(6, 17),
  ]),
);

function alterations(): BadToken[] {
  const long = honest('long', { claims: { url: 'https://example.com/a/rather/long/path?with=a&query=in&it=1' } });
  const other = Buffer.from(honest('another'), 'base64url');
  const cut = (token: string, bytes: number) =>
    Buffer.from(token, 'base64url').subarray(0, -bytes).toString('base64url');
  const cases: [name: string, token: string][] = [
    ['the first bit of R flipped', flip(GOOD_TOKEN, 3, 0x80)],
    ['the last bit of the four bytes of the batch flipped', flip(GOOD_TOKEN, 6, 1)],
    ['the first bit of the nonce flipped', flip(GOOD_TOKEN, 7, 0x80)],
    ['the last bit of R flipped', flip(GOOD_TOKEN, 18, 1)],
    ['the first bit of the time flipped', flip(GOOD_TOKEN, 19, 0x80)],
    ['a bit of the recipient flipped', flip(GOOD_TOKEN, 28, 1)],
    ['the last bit of the ciphertext flipped', flip(GOOD_TOKEN, 34, 1)],
    ['the first bit of the tag flipped', flip(GOOD_TOKEN, 35, 0x80)],
    ['a bit in the middle of the tag flipped', flip(GOOD_TOKEN, 43, 0x10)],
    ['a bit of the last four bytes of the tag flipped', flip(GOOD_TOKEN, 47, 0x80)],
    ['the last bit of the tag flipped', flip(GOOD_TOKEN, 50, 1)],
    ['a tag of zeros', edit(GOOD_TOKEN, (bytes) => void bytes.fill(0, 35))],
    ['the second half of the tag zero', edit(GOOD_TOKEN, (bytes) => void bytes.fill(0, 43))],
    ['the tag of another token', edit(GOOD_TOKEN, (bytes) => void other.copy(bytes, 35, 35))],
    ['the ciphertext of another token', edit(GOOD_TOKEN, (bytes) => void other.copy(bytes, 19, 19, 35))],
    ['the R of another token', edit(GOOD_TOKEN, (bytes) => void other.copy(bytes, 3, 3, 19))],
    [
      'a block of the ciphertext left out',
      Buffer.concat([bytesOf(long, 0, 19), bytesOf(long, 35)]).toString('base64url'),
    ],
    ['one byte cut from the end', cut(long, 1)],
    ['a tag of 12 bytes', cut(long, 4)],
    ['a tag of 4 bytes', cut(long, 12)],
    ['no tag', cut(long, 16)],
    ['one byte more', Buffer.concat([GOOD, Buffer.alloc(1)]).toString('base64url')],
    ['a block more', Buffer.concat([GOOD, Buffer.alloc(16)]).toString('base64url')],
    ['two tokens in one text', GOOD_TOKEN.repeat(2)],
  ];
  return cases.map(([name, token]) => ({ name, bug: 'TAG', code: 'TAG', token }));
}

function audiences(): BadToken[] {
  const cases: [name: string, made: string, expected: string][] = [
    ['made for an audience, where none is expected', 'mailer-2', ''],
    ['made for no audience, where one is expected', '', 'mailer-2'],
    ['made for another audience', 'mailer-1', 'mailer-2'],
    ['the audience in another case', 'Mailer', 'mailer'],
    ['the audience with a space after it', 'mailer ', 'mailer'],
    ['an audience that ends at a NUL', 'mailer\0x', 'mailer'],
    ['the audience in the other normal form', '\u00e9', 'e\u0301'],
    ['the audience read in latin1', '\u00e9', '\u00c3\u00a9'],
  ];
  return cases.map(([name, made, audience]) => {
    return { name, bug: 'AUDIENCE', code: 'TAG', token: honest(name, { audience: made }), audience };
  });
}

function compositions(): BadToken[] {
  const put = (sealed: Uint8Array) => Buffer.concat([HEADER, R, sealed]).toString('base64url');
  const nonce = (other: Uint8Array) => put(xaesSeal(TOKEN_KEY.tokKey, other, PLAIN, AAD));
  const aad = (other: Uint8Array) => put(xaesSeal(TOKEN_KEY.tokKey, NONCE, PLAIN, other));
  const derived = (key: Uint8Array) => put(gcmSeal(key, NONCE.subarray(12), PLAIN, AAD));
  const master = (key: ReferenceTokenKey['tokKey']) => put(xaesSeal(key, NONCE, PLAIN, AAD));
  const label = Buffer.from('chtok1');
  const pieces = [Buffer.from('casehard/v1/token'), HEADER, Buffer.from('click'), Buffer.alloc(0)];
  const whole = xaesKey(TOKEN_KEY.tokKey, NONCE);
  const block = zeroBlock(TOKEN_KEY.tokKey);
  const cases: [name: string, token: string][] = [
    ['the nonce with R first', nonce(Buffer.concat([R, label, Buffer.of(2, 0)]))],
    ['the nonce without the purpose', nonce(nonceOf(0, R))],
    ['the nonce with the purpose in ASCII', nonce(nonceOf(0x32, R))],
    ['the nonce with the first byte of the token as purpose', nonce(nonceOf(0x12, R))],
    ['the nonce with another label', nonce(Buffer.concat([Buffer.from('chtok2'), Buffer.of(2, 0), R]))],
    ['no additional data', aad(Buffer.alloc(0))],
    ['additional data without the header', aad(aadOf(Buffer.alloc(0), 'click', ''))],
    ['additional data without the tkid', aad(aadOf(HEADER.subarray(0, 1), 'click', ''))],
    ['additional data without the name of the purpose', aad(aadOf(HEADER, '', ''))],
    ['additional data with the name of the purpose in upper case', aad(aadOf(HEADER, 'CLICK', ''))],
    [
      'additional data with the label of sealed values',
      aad(encoded([Buffer.from('casehard/v1/seal'), ...pieces.slice(1)])),
    ],
    ['additional data without the audience', aad(encoded(pieces.slice(0, 3)))],
    ['additional data with lengths left out', aad(Buffer.concat(pieces))],
    ['additional data with big-endian lengths', aad(encoded(pieces, true))],
    [
      'AES-256-GCM with the key itself and the first half of the nonce',
      put(gcmSeal(TOKEN_KEY.tokKey, NONCE.subarray(0, 12), PLAIN, AAD)),
    ],
    [
      'AES-256-GCM with the key itself and the second half of the nonce',
      put(gcmSeal(TOKEN_KEY.tokKey, NONCE.subarray(12), PLAIN, AAD)),
    ],
    ['AES-256-GCM with the whole nonce of 24 bytes', put(gcmSeal(TOKEN_KEY.tokKey, NONCE, PLAIN, AAD))],
    ['the derived key without K1', derived(xaesKey(TOKEN_KEY.tokKey, NONCE, 0n))],
    ['the derived key with K1 not shifted', derived(xaesKey(TOKEN_KEY.tokKey, NONCE, block))],
    [
      'the halves of the derived key changed places',
      derived(Buffer.concat([whole.subarray(16), whole.subarray(0, 16)])),
    ],
    ['the derived key with both halves alike', derived(Buffer.concat([whole.subarray(0, 16), whole.subarray(0, 16)]))],
    ['the derived key, then the first half of the nonce', put(gcmSeal(whole, NONCE.subarray(0, 12), PLAIN, AAD))],
    ['the master as the key', master(masterOf('counting'))],
    ['the key of sealed values', master(keyOf('counting').encKey)],
    [
      'the tag before the ciphertext',
      edit(GOOD_TOKEN, (bytes) => bytes.set([...GOOD.subarray(35), ...GOOD.subarray(19, 35)], 19)),
    ],
    ['AES-256-CTR, the tag left alone', edit(GOOD_TOKEN, (bytes) => bytes.set(counted(whole), 19))],
  ];
  return [
    ...cases.map(([name, token]): BadToken => ({ name, bug: 'COMPOSITION', code: 'TAG', token })),
    ...unreduced(),
  ];
}

/** K1 without its 0x87: shown with a key for which it matters. */
function unreduced(): BadToken[] {
  return (['counting', 'second', 'third'] as const)
    .filter((name) => zeroBlock(deriveTokenKey(masterOf(name)).tokKey) >> 127n === 1n)
    .map((name) => {
      const { tokKey, tkid } = deriveTokenKey(masterOf(name));
      const header = Buffer.concat([Buffer.of(0x12), tkid]);
      const subkey = (zeroBlock(tokKey) << 1n) & ((1n << 128n) - 1n);
      const sealed = gcmSeal(xaesKey(tokKey, NONCE, subkey), R.subarray(4), PLAIN, aadOf(header, 'click', ''));
      const token = Buffer.concat([header, R, sealed]).toString('base64url');
      const title = `the derived key with K1 not reduced, under the key ${name}`;
      return { name: title, bug: 'COMPOSITION', code: 'TAG', token, keys: [name] };
    });
}

function bytesOf(token: string, from: number, to?: number): Buffer {
  return Buffer.from(token, 'base64url').subarray(from, to);
}

function encoded(pieces: readonly Uint8Array[], big = false): Buffer {
  const length = (value: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return big ? bytes.reverse() : bytes;
  };
  return Buffer.concat([length(pieces.length), ...pieces.flatMap((piece) => [length(piece.length), piece])]);
}

/** Counter mode from 1 instead of 2, as those write it who take GCM's first counter for the data. */
function counted(key: Uint8Array): Buffer {
  return createCipheriv('aes-256-ctr', key, Buffer.concat([R.subarray(4), Buffer.of(0, 0, 0, 1)])).update(PLAIN);
}
