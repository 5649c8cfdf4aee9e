import { be32, padded } from '../reference-token.ts';
import type { BadToken } from './token.ts';
import { crafted, edit, flip, GOOD_TOKEN, honest, TOKEN_KEY } from './token-damage.ts';

/** Refusals that need no key, choices of keys, and the order of checks. */
export function badTokens(): BadToken[] {
  return [...lengths(), ...spellings(), ...headers(), ...keys(), ...order()];
}

// --- internal ---

const PLAIN = padded(be32(1_800_000_000));
const TWO_BLOCKS = honest('two blocks', { claims: { recipientKey: '0190163d8694739baea5966c26f8ad91' } });
const SECOND = honest('under the second key', { master: 'second' });
const SECOND_TKID = Buffer.from(SECOND, 'base64url').toString('hex', 1, 3);

function lengths(): BadToken[] {
  const cases: [name: string, token: string][] = [
    ['nothing', ''],
    ['one character', 'E'],
    ['the last character missing', GOOD_TOKEN.slice(0, -1)],
    ['the first character missing', GOOD_TOKEN.slice(1)],
    ['the first half', GOOD_TOKEN.slice(0, 34)],
    ['no claims, not even a time: 47 characters with an honest tag', crafted('nothing', { claims: Buffer.alloc(0) })],
    ['15 bytes of claims with an honest tag', crafted('15', { claims: PLAIN.subarray(0, 15) })],
    ['one block too long, with an honest tag', crafted('long', { claims: Buffer.concat([PLAIN, Buffer.alloc(1008)]) })],
    ['one byte too long, with an honest tag', crafted('1009', { claims: Buffer.concat([PLAIN, Buffer.alloc(993)]) })],
    ['two tokens in one text, 21 times', GOOD_TOKEN.repeat(21)],
  ];
  return cases.map(([name, token]) => ({ name, bug: 'LENGTH', code: 'LENGTH', token }));
}

function spellings(): BadToken[] {
  const cases: [name: string, token: string][] = [
    ['a padding sign', `${GOOD_TOKEN}=`],
    ['padding signs, as base64 has them', `${TWO_BLOCKS}==`],
    ['the alphabet of base64: a slash', GOOD_TOKEN.replace('_', '/')],
    ['the alphabet of base64: a plus sign', `${GOOD_TOKEN.slice(0, -1)}+`],
    ['a space after it', `${GOOD_TOKEN} `],
    ['a space before it', ` ${GOOD_TOKEN}`],
    ['a line end after it', `${GOOD_TOKEN}\n`],
    ['a line end inside', `${GOOD_TOKEN.slice(0, 60)}\r\n${GOOD_TOKEN.slice(60)}`],
    ['a full stop after it', `${GOOD_TOKEN}.`],
    ['a NUL after it', `${GOOD_TOKEN}\0`],
    ['a percent escape', GOOD_TOKEN.replace('_', '%5F')],
    ['a soft line break of quoted-printable', `${GOOD_TOKEN.slice(0, 40)}=\r\n${GOOD_TOKEN.slice(40)}`],
    ['a letter that is not ASCII', GOOD_TOKEN.replace('E', '\u0415')],
    ['a letter whose low byte is right', GOOD_TOKEN.replace('E', '\u0145')],
    ['spare bits set in the last character', spare(TWO_BLOCKS)],
    ['a length that no bytes have', `${GOOD_TOKEN}A`],
  ];
  return cases.map(([name, token]) => ({ name, bug: 'LENIENT_DECODER', code: 'NOT_CANONICAL', token }));
}

function headers(): BadToken[] {
  const version = (first: number): BadToken => {
    const name = `first byte 0x${first.toString(16).padStart(2, '0')}, with an honest tag`;
    return { name, bug: 'VERSION', code: 'UNKNOWN_VERSION', token: crafted(name, { first, claims: PLAIN }) };
  };
  const purpose = (first: number): BadToken => {
    const name = `purpose ${first & 15}, which is none, with an honest tag`;
    return { name, bug: 'PURPOSE', code: 'WRONG_PURPOSE', token: crafted(name, { first, claims: PLAIN }) };
  };
  return [
    ...[0x02, 0x22, 0x32, 0x52, 0x92, 0xf2].map(version),
    ...[0x10, 0x17, 0x18, 0x1a, 0x1f].map(purpose),
    {
      name: 'a click, where an open is expected',
      bug: 'PURPOSE',
      code: 'WRONG_PURPOSE',
      token: GOOD_TOKEN,
      purpose: 'open',
    },
    {
      name: 'a click, where unsubscribing is expected',
      bug: 'PURPOSE',
      code: 'WRONG_PURPOSE',
      token: GOOD_TOKEN,
      purpose: 'unsubscribe',
    },
    {
      name: 'an open, where a click is expected',
      bug: 'PURPOSE',
      code: 'WRONG_PURPOSE',
      token: honest('an open', { purpose: 'open' }),
    },
    {
      name: 'a click whose purpose was rewritten to unsubscribe',
      bug: 'PURPOSE',
      code: 'TAG',
      token: flip(GOOD_TOKEN, 0, 1),
      purpose: 'unsubscribe',
    },
  ];
}

function keys(): BadToken[] {
  const unknown = { bug: 'KEY_SELECTION', code: 'UNKNOWN_KEY' } as const;
  const withdrawn = { bug: 'KEY_SELECTION', code: 'WITHDRAWN_KEY' } as const;
  const renamed = (token: string, tkid: Uint8Array) => edit(token, (bytes) => bytes.set(tkid, 1));
  return [
    { ...unknown, name: 'no keys at all', token: GOOD_TOKEN, keys: [] },
    { ...unknown, name: 'made with a key that is not loaded', token: SECOND },
    {
      ...unknown,
      name: 'the tkid replaced by one that nobody has',
      defect: 'no trial of other keys',
      token: renamed(GOOD_TOKEN, Buffer.of(0, 0)),
    },
    {
      ...withdrawn,
      name: 'made with a withdrawn key that is at hand',
      token: SECOND,
      keys: ['counting', 'second'],
      withdrawn: [SECOND_TKID],
    },
    { ...withdrawn, name: 'made with a withdrawn key that is not at hand', token: SECOND, withdrawn: [SECOND_TKID] },
    {
      name: 'the tkid replaced by that of another loaded key',
      defect: 'the named key did not make it',
      bug: 'KEY_SELECTION',
      code: 'TAG',
      token: renamed(GOOD_TOKEN, Buffer.from(SECOND_TKID, 'hex')),
      keys: ['counting', 'second'],
    },
    {
      name: 'made with another key under the tkid of a loaded one',
      defect: 'the named key did not make it',
      bug: 'KEY_SELECTION',
      code: 'TAG',
      token: renamed(SECOND, TOKEN_KEY.tkid),
      keys: ['counting', 'second'],
    },
  ];
}

/** Tokens with two defects. */
function order(): BadToken[] {
  const second = { withdrawn: [SECOND_TKID] };
  const unordered = crafted('unordered', {
    claims: padded(Buffer.concat([be32(1_800_000_000), Buffer.of(4, 1, 2, 1)])),
  });
  const cases: [code: string, name: string, token: string, rest?: Partial<BadToken>][] = [
    ['LENGTH', 'too short and not canonical', `${GOOD_TOKEN.slice(0, -2)}+`],
    ['LENGTH', 'too long and not canonical', `${GOOD_TOKEN.repeat(21)}=`],
    ['LENGTH', 'too short and of another version', `I${GOOD_TOKEN.slice(1, -1)}`],
    ['NOT_CANONICAL', 'not canonical and of another version', `${flip(GOOD_TOKEN, 0, 0x30)}=`],
    ['NOT_CANONICAL', 'not canonical and for another purpose', `${GOOD_TOKEN}=`, { purpose: 'open' }],
    ['NOT_CANONICAL', 'not canonical and the key unknown', `${GOOD_TOKEN}=`, { keys: [] }],
    ['UNKNOWN_VERSION', 'of another version and for another purpose', flip(GOOD_TOKEN, 0, 0x30), { purpose: 'open' }],
    ['UNKNOWN_VERSION', 'of another version and the key unknown', flip(GOOD_TOKEN, 0, 0x30), { keys: [] }],
    ['UNKNOWN_VERSION', 'of another version and the key withdrawn', flip(SECOND, 0, 0x30), second],
    ['WRONG_PURPOSE', 'for another purpose and the key unknown', GOOD_TOKEN, { purpose: 'open', keys: [] }],
    ['WRONG_PURPOSE', 'for another purpose and the key withdrawn', SECOND, { purpose: 'open', ...second }],
    ['WRONG_PURPOSE', 'for another purpose and the tag altered', flip(GOOD_TOKEN, -1, 1), { purpose: 'open' }],
    ['UNKNOWN_KEY', 'the key unknown and the tag altered', flip(GOOD_TOKEN, -1, 1), { keys: [] }],
    ['WITHDRAWN_KEY', 'the key withdrawn and the tag altered', flip(SECOND, -1, 1), second],
    ['WITHDRAWN_KEY', 'the key withdrawn and another audience', SECOND, { ...second, audience: 'mailer-2' }],
    ['TAG', 'the tag altered and the claims unordered', flip(unordered, -1, 1)],
    ['TAG', 'another audience and the claims unordered', unordered, { audience: 'mailer-2' }],
  ];
  return cases.map(([code, name, token, rest = {}]) => {
    return { name, defect: `two defects: ${code} comes first`, bug: 'ORDER', code, token, ...rest };
  });
}

/** The same bytes with the unused bits of the last character set. */
function spare(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.slice(-1)) + 1];
}
