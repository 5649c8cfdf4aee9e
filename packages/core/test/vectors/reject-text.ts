import { assemble, encipherRaw, seal } from '../reference.ts';
import { decode, edit, encode, GOOD, KEY, KID, ROW } from './damage.ts';
import { ivFor } from './masters.ts';
import type { Reject } from './reject.ts';

/** What can be refused without a key. */
export function textReject(): Reject[] {
  return [...notSealed(), ...damaged(), ...malformed()];
}

// --- internal ---

function notSealed(): Reject[] {
  const cases: [name: string, sealed: string][] = [
    ['nothing', ''],
    ['plaintext', 'hunter2'],
    ['base64 of a sealed value', Buffer.from(GOOD).toString('base64')],
    ['a space before the marker', ` ${GOOD}`],
    ['a line end before the marker', `\n${GOOD}`],
    ['a byte order mark before the marker', `\ufeff${GOOD}`],
    ['a quote before the marker', `"${GOOD}"`],
    ['no dot after the version', GOOD.replace('chd1.', 'chd1')],
    ['no version', GOOD.replace('chd1.', 'chd.')],
    ['a version of four digits', GOOD.replace('chd1.', 'chd0001.')],
    ['a version that is a letter', GOOD.replace('chd1.', 'chdx.')],
    ['a Cyrillic letter in the marker', GOOD.replace('chd1.', '\u0441hd1.')],
    ['a fullwidth digit as version', GOOD.replace('chd1.', 'chd\uff11.')],
    ['another marker', GOOD.replace('chd1.', 'che1.')],
  ];
  return cases.map(([name, sealed]) => ({
    name,
    defect: 'no marker at the start',
    bug: 'MARKER',
    code: 'NOT_SEALED',
    sealed,
  }));
}

function damaged(): Reject[] {
  const folded: [name: string, sealed: string][] = [
    ['all in upper case', GOOD.toUpperCase()],
    ['the marker in upper case', GOOD.replace('chd1.', 'CHD1.')],
    ['one letter of the marker in upper case', GOOD.replace('chd1.', 'chD1.')],
    ['all in lower case', GOOD.toLowerCase()],
    ['all in lower case, bytes', seal(KEY, ROW, { content: Buffer.of(255), n: 2, iv: ivFor('lower') }).toLowerCase()],
  ];
  const first: [name: string, code: string, sealed: string][] = [
    ['upper case and another version', 'CASE_DAMAGED', GOOD.replace('chd1.', 'CHD2.')],
    ['upper case and cut after the marker', 'CASE_DAMAGED', 'CHD1.'],
    ['lower case and cut', 'CASE_DAMAGED', GOOD.toLowerCase().slice(0, 40)],
    ['lower case and the kid damaged', 'MALFORMED', GOOD.toLowerCase().replace(KID, 'h2zivff0')],
    ['another version and cut after the marker', 'UNKNOWN_VERSION', 'chd2.'],
    ['another version and an impossible kid', 'UNKNOWN_VERSION', GOOD.replace(`chd1.${KID}`, 'chd3.00000000')],
    ['17 characters and an impossible kid', 'TRUNCATED', 'chd1.00000000.AgAC'.slice(0, 17)],
  ];
  const versions = ['chd2.', 'chd0.', 'chd01.', 'chd001.', 'chd10.', 'chd999.'];
  const cuts: [name: string, sealed: string][] = [
    ['the marker alone', 'chd1.'],
    ['cut inside the kid', GOOD.slice(0, 9)],
    ['cut after the kid', GOOD.slice(0, 14)],
    ['cut one character before the end of the header', GOOD.slice(0, 17)],
    ['the header alone', GOOD.slice(0, 18)],
    ['cut to 100 characters, as varchar(100) does', GOOD.slice(0, 100)],
    ['the last character missing', GOOD.slice(0, -1)],
    ['the last character missing and column padding in its place', `${GOOD.slice(0, -1)} `],
    ['the tag missing', encode(decode(GOOD).subarray(0, -32))],
    ['half of the tag missing', encode(decode(GOOD).subarray(0, -16))],
    ['one more block declared than there is', edit(GOOD, (body) => void body.writeUInt16BE(3, 1))],
    ['65535 blocks declared', edit(GOOD, (body) => void body.writeUInt16BE(65_535, 1))],
  ];
  return [
    ...folded.map(
      ([name, sealed]): Reject => ({
        name,
        defect: 'letters lost their case',
        bug: 'CASE',
        code: 'CASE_DAMAGED',
        sealed,
      }),
    ),
    ...first.map(
      ([name, code, sealed]): Reject => ({
        name,
        defect: `two defects: ${code} comes first`,
        bug: 'ORDER',
        code,
        sealed,
      }),
    ),
    ...versions.map(
      (version): Reject => ({
        name: `version ${version}`,
        defect: 'the version is not exactly "1"',
        bug: 'VERSION',
        code: 'UNKNOWN_VERSION',
        sealed: GOOD.replace('chd1.', version),
      }),
    ),
    ...cuts.map(
      ([name, sealed]): Reject => ({
        name,
        defect: 'shorter than it declares',
        bug: 'TRUNCATION',
        code: 'TRUNCATED',
        sealed,
      }),
    ),
  ];
}

function malformed(): Reject[] {
  const at = (index: number, text: string) => GOOD.slice(0, index) + text + GOOD.slice(index + 1);
  const forged = (flags: number, n: number) => {
    const iv = ivFor('forged');
    const blocks =
      n === 0
        ? Buffer.alloc(0)
        : encipherRaw(KEY, iv, Buffer.concat([Buffer.from('x\x80', 'latin1'), Buffer.alloc(13), Buffer.of(1)]));
    return assemble(KEY, ROW, { flags, n, iv, blocks });
  };
  const cases: [bug: Reject['bug'], name: string, defect: string, sealed: string][] = [
    ['HEADER', 'a digit 0 in the kid', 'not in the kid alphabet', at(6, '0')],
    ['HEADER', 'a digit 1 in the kid', 'not in the kid alphabet', at(6, '1')],
    ['HEADER', 'a digit 8 in the kid', 'not in the kid alphabet', at(6, '8')],
    ['CASE', 'an upper-case letter in the kid', 'not in the kid alphabet', at(5, 'H')],
    ['HEADER', 'a kid of 7 characters', 'no dot at index 13', GOOD.replace(KID, KID.slice(1))],
    ['HEADER', 'a kid of 9 characters', 'no dot at index 13', GOOD.replace(KID, `${KID}a`)],
    ['HEADER', 'no dot after the kid', 'no dot at index 13', at(13, '-')],
    ['HEADER', 'reserved bit 3 set', 'a reserved bit, under an honest tag', forged(0b0000_1010, 1)],
    ['HEADER', 'reserved bit 7 set', 'a reserved bit, under an honest tag', forged(0b1000_0010, 1)],
    ['HEADER', 'binding 3', 'a binding that is not defined, under an honest tag', forged(3, 1)],
    ['HEADER', 'binding 3, bytes', 'a binding that is not defined, under an honest tag', forged(7, 1)],
    ['HEADER', 'no blocks', 'n is 0, under an honest tag', forged(2, 0)],
    [
      'CASE',
      'only the first character of the body in lower case',
      'reserved bits; upper case follows, so no case damage',
      at(14, 'a'),
    ],
    ['LENIENT_DECODER', 'a plus sign in the header', 'not base64url', at(15, '+')],
    ['LENIENT_DECODER', 'an equals sign in the header', 'not base64url', at(17, '=')],
    ['LENGTH', 'one character too many', 'longer than it declares', `${GOOD}A`],
    ['LENGTH', 'a line end at the end', 'only spaces and NULs are column padding', `${GOOD}\n`],
    ['LENGTH', 'a tab at the end', 'only spaces and NULs are column padding', `${GOOD}\t`],
    ['LENGTH', 'a no-break space at the end', 'only spaces and NULs are column padding', `${GOOD}\u00a0`],
    ['LENGTH', 'an equals sign at the end', 'no base64 padding', `${GOOD}=`],
    ['LENGTH', 'a quote at the end', 'longer than it declares', `${GOOD}"`],
    ['LENGTH', 'the value twice', 'longer than it declares', GOOD + GOOD],
    ['LENGTH', 'a fourth part', 'longer than it declares', `${GOOD}.x`],
    ['LENGTH', 'wrapped after 76 characters', 'longer than it declares', `${GOOD.slice(0, 76)}\n${GOOD.slice(76)}`],
    [
      'LENGTH',
      'fewer blocks declared than there are',
      'longer than it declares',
      edit(GOOD, (body) => void body.writeUInt16BE(1, 1)),
    ],
    ['LENIENT_DECODER', 'spare bits set in the last character', 'not canonical', `${GOOD.slice(0, -1)}1`],
    ['LENIENT_DECODER', 'all spare bits set in the last character', 'not canonical', `${GOOD.slice(0, -1)}3`],
    ['LENIENT_DECODER', 'standard base64 in place of base64url', 'not base64url', GOOD.replaceAll('-', '+')],
    ['LENIENT_DECODER', 'a slash in the body', 'not base64url', at(40, '/')],
    ['LENIENT_DECODER', 'a space inside the body', 'not base64url', at(40, ' ')],
    ['LENIENT_DECODER', 'a NUL inside the body', 'not base64url', at(40, '\0')],
    ['LENIENT_DECODER', 'a line end inside the body', 'not base64url', at(40, '\n')],
    ['LENIENT_DECODER', 'an equals sign inside the body', 'not base64url', at(40, '=')],
    ['LENIENT_DECODER', 'an equals sign as the last character', 'not base64url', `${GOOD.slice(0, -1)}=`],
    ['LENIENT_DECODER', 'a dot inside the body', 'not base64url', at(40, '.')],
    ['LENIENT_DECODER', 'a letter that is not ASCII inside the body', 'not base64url', at(40, '\u00e9')],
    [
      'LENIENT_DECODER',
      'a character whose low byte is a letter',
      'not base64url: U+0141 cut to 0x41 is A',
      at(40, '\u0141'),
    ],
    ['LENIENT_DECODER', 'a percent sign inside the body', 'not base64url', at(40, '%')],
  ];
  return cases.map(([bug, name, defect, sealed]): Reject => ({ name, defect, bug, code: 'MALFORMED', sealed }));
}
