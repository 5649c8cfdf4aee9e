import { be32, padded } from '../reference-token.ts';
import type { BadToken } from './token.ts';
import { crafted } from './token-damage.ts';

/** Claims that no maker writes, under an honest tag: made with the key, as only a faulty implementation would. */
export function badClaims(): BadToken[] {
  return [...fields(), ...uvarints(), ...bounds(), ...texts(), ...paddings()];
}

// --- internal ---

const IAT = be32(1_800_000_000);

function fields(): BadToken[] {
  const unknown = [7, 9, 11, 12, 13, 15, 16, 20, 30, 31].map((tag): [string, string] => {
    return [`tag ${tag} is not known`, `0201${hexOf(tag)}01${tag % 2 === 1 ? 'aa' : ''}`];
  });
  const large = [32, 33, 64, 127, 128, 130, 255].map((tag): [string, string] => {
    return [`tag ${tag} is above 31`, `0201${hexOf(tag)}01${tag % 2 === 1 ? 'aa' : ''}`];
  });
  const cases: [name: string, fields: string][] = [
    ...unknown,
    ...large,
    ['an unknown tag alone', '0c01'],
    ['campaign twice', '02010202'],
    ['campaign twice, the same', '02010201'],
    ['URL twice', '050161050162'],
    ['link before campaign', '06010201'],
    ['recipient before tenant', '04010101aa'],
    ['send before list', '0a010801'],
    ['campaign again at the end', '0201040106010201'],
  ];
  return cases.map(([name, hex]) => claims(name, 'FIELDS', hex));
}

function uvarints(): BadToken[] {
  const cases: [name: string, fields: string][] = [
    ['0 in two bytes: 0x80 0x00', '028000'],
    ['1 in two bytes', '028100'],
    ['127 in two bytes', '02ff00'],
    ['128 in three bytes', '02808100'],
    ['0 in seven bytes', '0280808080808000'],
    ['0 in eight bytes', '028080808080808000'],
    ['0 in ten bytes', '0280808080808080808000'],
    ['0 in eleven bytes', '028080808080808080808000'],
    ['1 in eleven bytes', '028180808080808080808000'],
    ['2^70 in eleven bytes', '028080808080808080808001'],
    ['2^64', '0280808080808080808002'],
    ['2^64 and one', '0281808080808080808002'],
    ['2^70-1 in ten bytes', '02ffffffffffffffffff7f'],
    ['2^64-1 and a bit more', '02ffffffffffffffffff03'],
    ['the length of a tenant in two bytes', '018100aa'],
    ['the length 0 of a tenant in two bytes', '018000'],
    ['the length of a URL in three bytes', '0581800061'],
  ];
  const cut: [name: string, fields: string][] = [
    ['a number that the end cuts off', filled(11, '0a')],
    ['a number of which the end leaves one byte', filled(10, '0aff')],
    ['a number of which the end leaves seven bytes', filled(4, `0a${'ff'.repeat(7)}`)],
    ['a length that the end cuts off', filled(11, '05')],
    ['a length of which the end leaves one byte', filled(10, '05ff')],
  ];
  return [...cases, ...cut].map(([name, hex]) => claims(name, 'UVARINT', hex));
}

function bounds(): BadToken[] {
  const cases: [name: string, fields: string][] = [
    ['a tenant one byte past the end', `010b${'aa'.repeat(10)}`],
    ['a tenant of 16 bytes in a token with 10 left', `0110${'aa'.repeat(10)}`],
    ['a recipient key of 127 bytes, past the end', `037f${'aa'.repeat(10)}`],
    ['a URL past the end', `0520${'61'.repeat(10)}`],
    ['a length of 2^31', '018080808008'],
    ['a length of 2^32-1', '01ffffffff0f'],
    ['a length of 2^32', '018080808010'],
    ['a length of 2^53', '018080808080808010'],
    ['a length of 2^63', '0180808080808080808001'],
    ['a length of 2^64-1', '01ffffffffffffffffff01'],
    ['a length at the last byte, with no bytes left', filled(10, '0501')],
  ];
  return cases.map(([name, hex]) => claims(name, 'BOUNDS', hex));
}

function texts(): BadToken[] {
  const cases: [name: string, url: string][] = [
    ['0xff is no UTF-8', '61ff'],
    ['a UTF-8 sequence cut short', '61c3'],
    ['a lone continuation byte', '80'],
    ['an overlong NUL', 'c080'],
    ['an overlong slash', 'c0af'],
    ['a surrogate', 'eda080'],
    ['a surrogate pair in CESU-8', 'eda0bdedb490'],
    ['beyond the last code point', 'f4908080'],
  ];
  return cases.map(([name, url]) => claims(`URL: ${name}`, 'TEXT', `05${hexOf(url.length / 2)}${url}`));
}

function paddings(): BadToken[] {
  const raw = (name: string, bytes: Uint8Array): BadToken => {
    return { name, bug: 'PADDING', code: 'CLAIMS', token: crafted(name, { claims: bytes }) };
  };
  const whole = (length: number) => Buffer.concat([IAT, Buffer.alloc(length - 4)]);
  return [
    claims('a byte behind the first zero', 'PADDING', '02010001'),
    claims('the last byte not zero', 'PADDING', `0201${'00'.repeat(9)}01`),
    claims('a whole field behind the first zero', 'PADDING', '0201000401'),
    claims('a field behind a zero where the first tag stands', 'PADDING', '000201'),
    claims('padding of 0x80 and zeros', 'PADDING', '020180'),
    claims('padding of PKCS#7', 'PADDING', `0201${'0a'.repeat(10)}`),
    claims('a byte in a further block of zeros', 'PADDING', `0201${'00'.repeat(20)}01`),
    raw('17 bytes, which is no multiple of 16', whole(17)),
    raw(
      '14 bytes of fields and 4 of padding',
      Buffer.concat([IAT, Buffer.from('02010401060108010a01', 'hex'), Buffer.alloc(4)]),
    ),
    raw('24 bytes, which is no multiple of 16', whole(24)),
    raw('31 bytes, which is no multiple of 16', whole(31)),
    raw('33 bytes, which is no multiple of 16', whole(33)),
    raw('1007 bytes, which is no multiple of 16', whole(1007)),
  ];
}

function claims(name: string, bug: BadToken['bug'], fields: string): BadToken {
  const token = crafted(name, { claims: padded(Buffer.concat([IAT, Buffer.from(fields, 'hex')])) });
  return { name, bug, code: 'CLAIMS', token };
}

/** Fields that fill a block to its last byte: a tenant of so many bytes with its tag and length, then these. */
function filled(bytes: number, fields: string): string {
  return `01${hexOf(bytes - 2)}${'bb'.repeat(bytes - 2)}${fields}`;
}

function hexOf(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
