import { deriveKeys, trackingId } from '../reference.ts';
import { keyOf, masterOf, publishedMasters } from './masters.ts';

/** Key texts: those that are read, those that are refused, and two different keys with one kid. */
export function keyFile() {
  const master = masterOf('counting');
  const { kid } = keyOf('counting');
  const tkid = trackingId(master);
  const body = master.toString('base64url');
  const tagged = `chkey1.enc.${kid}.${body}`;
  const tracking = `chkey1.trk.${tkid}.${body}`;
  const padded = master.toString('base64');
  const good = [
    ['the chkey1 form', 'enc', tagged],
    ['the chkey1 form of a tracking key', 'trk', tracking],
    ['base64 with padding', 'enc', padded],
    ['base64 without padding', 'enc', padded.replace('=', '')],
    ['base64url', 'enc', masterOf('second').toString('base64url')],
    ['base64, whose alphabet differs from base64url', 'enc', masterOf('second').toString('base64')],
    ['hex', 'enc', master.toString('hex')],
    ['hex in upper case', 'enc', masterOf('third').toString('hex').toUpperCase()],
    ['double quotes around it', 'enc', `"${tagged}"`],
    ['single quotes around it', 'enc', `'${tagged}'`],
    ['spaces around it', 'enc', `  ${tagged}\t `],
    ['a line end after it', 'enc', `${tagged}\r\n`],
    ['quotes and line ends around base64', 'enc', `"${padded}"\n`],
    ['a byte order mark before it', 'enc', `\ufeff${tagged}`],
  ] as const;
  const bad = [
    ['nothing', 'enc', 'KEY_FORMAT', ''],
    ['quotes around nothing', 'enc', 'KEY_FORMAT', '""'],
    ['a passphrase', 'enc', 'KEY_FORMAT', 'correct horse battery staple'],
    ['31 bytes in base64', 'enc', 'KEY_FORMAT', master.subarray(1).toString('base64')],
    ['33 bytes in base64', 'enc', 'KEY_FORMAT', Buffer.concat([master, Buffer.of(1)]).toString('base64')],
    ['16 bytes in hex', 'enc', 'KEY_FORMAT', master.subarray(16).toString('hex')],
    ['hex with a character missing', 'enc', 'KEY_FORMAT', master.toString('hex').slice(1)],
    ['hex with a letter that is none', 'enc', 'KEY_FORMAT', `${master.toString('hex').slice(1)}g`],
    ['two keys in one paste', 'enc', 'KEY_FORMAT', `${tagged}\n${tagged}`],
    ['the line with the name of its setting', 'enc', 'KEY_FORMAT', `CASEHARD_ENC_KEY=${tagged}`],
    ['a space inside', 'enc', 'KEY_FORMAT', `${tagged.slice(0, 40)} ${tagged.slice(40)}`],
    ['a line end inside', 'enc', 'KEY_FORMAT', `${tagged.slice(0, 40)}\n${tagged.slice(40)}`],
    ['64 zeros', 'enc', 'KEY_FORMAT', '0'.repeat(64)],
    [
      'zeros in the chkey1 form',
      'enc',
      'KEY_FORMAT',
      `chkey1.enc.${deriveKeys(ZEROS).kid}.${ZEROS.toString('base64url')}`,
    ],
    ['a version that is not known', 'enc', 'KEY_FORMAT', tagged.replace('chkey1', 'chkey2')],
    ['upper case', 'enc', 'KEY_FORMAT', tagged.toUpperCase()],
    ['a kind that is not known', 'enc', 'KEY_FORMAT', tagged.replace('.enc.', '.mac.')],
    ['the last character missing', 'enc', 'KEY_FORMAT', tagged.slice(0, -1)],
    ['a character added', 'enc', 'KEY_FORMAT', `${tagged}A`],
    ['spare bits set in the last character', 'enc', 'KEY_FORMAT', `${tagged.slice(0, -1)}9`],
    ['the key id missing', 'enc', 'KEY_FORMAT', `chkey1.enc.${body}`],
    ['the key missing', 'enc', 'KEY_FORMAT', `chkey1.enc.${kid}.`],
    ['a fifth part', 'enc', 'KEY_FORMAT', `${tagged}.x`],
    ['one character changed', 'enc', 'KEY_CHECKSUM', tagged.replace('AAECAw', 'AAECAx')],
    ['two characters transposed', 'enc', 'KEY_CHECKSUM', tagged.replace('AAECAw', 'AAEACw')],
    ['the key id of another key', 'enc', 'KEY_CHECKSUM', tagged.replace(kid, keyOf('second').kid)],
    ['the key id in upper case', 'enc', 'KEY_CHECKSUM', tagged.replace(kid, kid.toUpperCase())],
    ['a tracking key, one character changed', 'trk', 'KEY_CHECKSUM', tracking.replace('AAECAw', 'AAECAx')],
    ['a tracking key where a sealing key belongs', 'enc', 'KEY_IN_WRONG_SETTING', tracking],
    ['a sealing key where a tracking key belongs', 'trk', 'KEY_IN_WRONG_SETTING', tagged],
  ] as const;
  return {
    description:
      'Key texts of casehard: `good` ones give the master (hex) and its id; `bad` ones are refused with `code`. `kind` is the ' +
      'setting: enc for sealing keys, trk for tracking keys. `collision` has two different masters with one kid: loading ' +
      'both must fail at start-up. Published test keys: never use them.',
    format: 'docs/format.md',
    masters: publishedMasters(),
    good: good.map(([name, kind, text]) => ({ name, kind, text, ...meaning(text, kind) })),
    bad: bad.map(([name, kind, code, text]) => ({ name, kind, code, text })),
    collision: {
      kid: COLLISION_KID,
      // SHA-256 of "casehard test master 969612" and "… 1819615": the first pair of that sequence.
      masters: [
        '7818dfd9f0f42256377fdf7272bcddd2b8ffa35f89fbf28614c51ce5d18f5e9c',
        '1fa43fa5e94bef940b93824d8c14ff99e0f0af68ab1703b0729dc1bedd547e08',
      ],
    },
  };
}

// --- internal ---

const COLLISION_KID = 'yaxwncty';
const ZEROS = Buffer.alloc(32);

/** Which of the published masters a good text means, found by name rather than by decoding. */
function meaning(text: string, kind: 'enc' | 'trk'): { master: string; id: string } {
  for (const name of ['counting', 'second', 'third'] as const) {
    const master = masterOf(name);
    const forms = [master.toString('base64').replace('=', ''), master.toString('base64url'), master.toString('hex')];
    if (forms.some((form) => text.includes(form) || text.includes(form.toUpperCase()))) {
      return { master: master.toString('hex'), id: kind === 'enc' ? keyOf(name).kid : trackingId(master) };
    }
  }
  throw new Error('a good key text of no published master');
}
