import { createHmac } from 'node:crypto';
import { decode, edit, flip, GOOD, KEY, make, ROW } from './damage.ts';
import { ivFor } from './masters.ts';
import type { Reject } from './reject.ts';

/** Alterations under the tag, and tags made in other ways. */
export function tagReject(): Reject[] {
  const four = make('four', ROW, ivFor('four'), 4);
  const swapped = edit(four, (body) => {
    const second = Buffer.from(body.subarray(35, 51));
    body.copy(body, 35, 51, 67);
    second.copy(body, 51);
  });
  const retag = (make: (body: Buffer) => Uint8Array) => edit(GOOD, (body) => body.set(make(body), 51));
  const hmac = (key: Buffer, message: Uint8Array, hash = 'sha256') =>
    createHmac(hash, key).update(message).digest().subarray(0, 32);
  const aad = pae(['casehard/v1/seal', GOOD.slice(0, 18), ROW.scope, '42']);
  const joined = Buffer.from(['casehard/v1/seal', GOOD.slice(0, 18), ROW.scope, '42'].join(''));
  const message = (front: Uint8Array) => (body: Buffer) => Buffer.concat([front, body.subarray(3, 51)]);
  const own = message(aad);
  const cases: [bug: Reject['bug'], name: string, sealed: string][] = [
    ['TAG', 'the first bit of the IV flipped', flip(GOOD, 3, 0x80)],
    ['TAG', 'the last bit of the IV flipped', flip(GOOD, 18, 1)],
    ['TAG', 'the first bit of the ciphertext flipped', flip(GOOD, 19, 0x80)],
    ['TAG', 'the last bit of the ciphertext flipped', flip(GOOD, 50, 1)],
    ['TAG', 'the first bit of the tag flipped', flip(GOOD, 51, 0x80)],
    ['TAG', 'a bit in the middle of the tag flipped', flip(GOOD, 67, 0x10)],
    ['TAG', 'the last bit of the tag flipped', flip(GOOD, 82, 1)],
    ['TAG', 'a tag of zeros', edit(GOOD, (body) => void body.fill(0, 51))],
    ['TAG', 'the second half of the tag zero', edit(GOOD, (body) => void body.fill(0, 67))],
    ['TAG', 'the first half of the tag zero', edit(GOOD, (body) => void body.fill(0, 51, 67))],
    ['TAG', 'two ciphertext blocks swapped', swapped],
    ['TAG', 'the type bit flipped', flip(GOOD, 0, 4)],
    ['TAG', 'the tag of another value', edit(GOOD, (body) => decode(make('x', ROW, ivFor('x'))).copy(body, 51, 51))],
    [
      'TAG',
      'the ciphertext of another value',
      edit(GOOD, (body) => decode(make('x', ROW, ivFor('x'))).copy(body, 19, 19, 51)),
    ],
    ['COMPOSITION', 'a tag without the context', retag((body) => hmac(KEY.macKey, body.subarray(3, 51)))],
    [
      'COMPOSITION',
      'a tag without the IV',
      retag((body) => hmac(KEY.macKey, Buffer.concat([aad, body.subarray(19, 51)]))),
    ],
    [
      'COMPOSITION',
      'a tag without the ciphertext',
      retag((body) => hmac(KEY.macKey, Buffer.concat([aad, body.subarray(3, 19)]))),
    ],
    [
      'COMPOSITION',
      'a tag over IV and ciphertext first, the context last',
      retag((body) => hmac(KEY.macKey, Buffer.concat([body.subarray(3, 51), aad]))),
    ],
    ['COMPOSITION', 'a tag with lengths left out', retag((body) => hmac(KEY.macKey, message(joined)(body)))],
    [
      'COMPOSITION',
      'a tag with big-endian lengths',
      retag((body) =>
        hmac(KEY.macKey, message(pae(['casehard/v1/seal', GOOD.slice(0, 18), ROW.scope, '42'], true))(body)),
      ),
    ],
    [
      'COMPOSITION',
      'a tag without the label',
      retag((body) => hmac(KEY.macKey, message(pae([GOOD.slice(0, 18), ROW.scope, '42']))(body))),
    ],
    [
      'COMPOSITION',
      'a tag without the header',
      retag((body) => hmac(KEY.macKey, message(pae(['casehard/v1/seal', ROW.scope, '42']))(body))),
    ],
    [
      'COMPOSITION',
      'a tag with the row before the scope',
      retag((body) => hmac(KEY.macKey, message(pae(['casehard/v1/seal', GOOD.slice(0, 18), '42', ROW.scope]))(body))),
    ],
    ['COMPOSITION', 'a tag made with the enciphering key', retag((body) => hmac(KEY.encKey, own(body)))],
    ['COMPOSITION', 'a tag of HMAC-SHA512, cut', retag((body) => hmac(KEY.macKey, own(body), 'sha512'))],
  ];
  return cases.map(([bug, name, sealed]): Reject => ({ name, defect: name, bug, code: 'MAC', sealed }));
}

// --- internal ---

function pae(pieces: readonly string[], bigEndian = false): Buffer {
  const le64 = (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(value);
    return bigEndian ? bytes.reverse() : bytes;
  };
  return Buffer.concat([
    le64(pieces.length),
    ...pieces.flatMap((piece) => [le64(Buffer.byteLength(piece)), Buffer.from(piece)]),
  ]);
}
