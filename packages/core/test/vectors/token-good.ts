import {
  deriveTokenKey,
  mintToken,
  PURPOSE_NAMES,
  type PublishedClaims,
  type PurposeName,
} from '../reference-token.ts';
import { ivFor, type MasterName, masterOf } from './masters.ts';

export interface TokenVector {
  readonly name: string;
  readonly master: MasterName;
  readonly purpose: PurposeName;
  readonly audience: string;
  readonly iat: number;
  readonly claims: PublishedClaims;
  readonly r: string;
  readonly token: string;
  /** False where a maker draws R again, because of the last character; readers accept it all the same. */
  readonly kept: boolean;
}

/** Tokens that verify; the first one is the known answer of the format. */
export function goodTokens(): TokenVector[] {
  return [...plain(), ...numbers(), ...contents(), ...blocks(), ...surroundings(), ...lastCharacters()];
}

/** R of a vector: it depends on the name only, and is drawn again as a maker does. */
export function rFor(name: string, mint: (r: Buffer) => string): Buffer {
  for (let draw = 0; ; draw++) {
    const r = ivFor(`token ${name}${draw === 0 ? '' : ` ${draw}`}`);
    if (!/[-_]$/.test(mint(r))) return r;
  }
}

// --- internal ---

const THREE = { campaign: '789', recipient: '12345', link: '42' };
const UUID = '0190163d8694739baea5966c26f8ad91';

function plain(): TokenVector[] {
  return [
    vector('the known answer of the format', {
      claims: { campaign: '81234', recipient: '99000123', link: '17' },
      r: '646b727980878e959ca3aab1b8bfc6cd',
    }),
    ...PURPOSE_NAMES.map((purpose) => vector(`purpose ${purpose}`, { purpose })),
    vector('no claims at all', { claims: {} }),
    vector('campaign alone', { claims: { campaign: '789' } }),
    vector('recipient alone', { claims: { recipient: '12345' } }),
    vector('link alone', { claims: { link: '42' } }),
    vector('list alone', { claims: { list: '3' } }),
    vector('send alone', { claims: { send: '6' } }),
    vector('tenant alone', { claims: { tenant: 'c0ffee' } }),
    vector('recipient key alone, a UUID', { claims: { recipientKey: UUID } }),
    vector('URL alone', { claims: { url: 'https://example.com/offer?a=1&b=2#c' } }),
    vector('all claims', {
      claims: { ...THREE, list: '3', send: '6', tenant: '0102', recipientKey: UUID, url: 'https://example.com/' },
    }),
    vector('the five numbers, each 2^32-1: 111 characters', { claims: five('4294967295') }),
    vector('the five numbers, each 2^64-1', { claims: five('18446744073709551615') }),
  ];
}

/** Where the encoding grows by a byte, and where numbers of languages end. */
function numbers(): TokenVector[] {
  const values: [name: string, value: bigint][] = [
    ['0', 0n],
    ['1', 1n],
    ['127', 127n],
    ['128', 128n],
  ];
  for (const bits of [14n, 21n, 28n, 31n, 32n, 35n, 42n, 49n, 53n, 56n, 63n]) {
    values.push([`2^${bits}-1`, (1n << bits) - 1n], [`2^${bits}`, 1n << bits]);
  }
  values.push(['2^64-1', (1n << 64n) - 1n]);
  return values.map(([name, value]) => vector(`number ${name}`, { claims: { recipient: String(value) } }));
}

function contents(): TokenVector[] {
  return [
    vector('a tenant of no bytes', { claims: { tenant: '' } }),
    vector('a recipient key of no bytes', { claims: { recipientKey: '' } }),
    vector('a URL of no bytes', { claims: { url: '' } }),
    vector('a tenant of zero bytes', { claims: { tenant: '000000' } }),
    vector('a tenant that looks like fields', { claims: { tenant: '020104010601' } }),
    vector('bytes that are no UTF-8', { claims: { tenant: 'ff', recipientKey: 'c080' } }),
    vector('a tenant of 127 bytes', { claims: { tenant: 'ab'.repeat(127) } }),
    vector('a tenant of 128 bytes', { claims: { tenant: 'ab'.repeat(128) } }),
    vector('a URL that is not ASCII', { claims: { url: 'https://пример.example/größe?q=🔑' } }),
    vector('a URL in the other normal form', { claims: { url: 'https://example.com/cafe\u0301' } }),
    vector('a URL with a byte order mark, which is content', { claims: { url: '\ufeffhttps://example.com/' } }),
    vector('a URL with NUL inside and at the end', { claims: { url: 'a\0b\0' } }),
  ];
}

function blocks(): TokenVector[] {
  const url = (length: number) => 'https://example.com/'.padEnd(length, '0123456789');
  const million = { campaign: '1000000', recipient: '2000000', link: '1500000' };
  return [
    vector('three numbers fill a block without padding: 68 characters', { claims: million }),
    vector('three numbers, one byte beyond a block', { claims: { ...million, recipient: '2097152' } }),
    vector('a URL fills two blocks without padding', { claims: { url: url(26) } }),
    vector('a URL, one byte beyond two blocks', { claims: { url: url(27) } }),
    vector('a URL, one byte short of two blocks', { claims: { url: url(25) } }),
    vector('a tenant and a number fill three blocks without padding', {
      claims: { tenant: '5a'.repeat(40), campaign: '1' },
    }),
    vector('the longest token: 1391 characters, with padding', { claims: { url: url(993) } }),
    vector('the longest token: 1391 characters, without padding', {
      claims: { url: url(990), send: '18446744073709551615' },
    }),
  ];
}

function surroundings(): TokenVector[] {
  return [
    vector('an audience', { audience: 'mailer-2' }),
    vector('an audience of one character', { audience: 'a' }),
    vector('an audience that is not ASCII', { audience: 'почта 🔑' }),
    vector('a long audience', { audience: 'audience '.repeat(40) }),
    vector('issued in 1970', { iat: 0 }),
    vector('issued at the last second that fits', { iat: 0xffffffff }),
    vector('under another key', { master: 'second' }),
    vector('under a third key, for unsubscribing', { master: 'third', purpose: 'unsubscribe' }),
    vector('an R of zeros', { r: '00'.repeat(16) }),
    vector('an R of ones', { r: 'ff'.repeat(16) }),
    vector('the first of two of one batch', { r: '01020304aaaaaaaaaaaaaaaaaaaaaaaa' }),
    vector('the second of two of one batch', { r: '01020304bbbbbbbbbbbbbbbbbbbbbbbb' }),
  ];
}

/** A maker draws again; a reader takes them. */
function lastCharacters(): TokenVector[] {
  return ['-', '_'].map((last) => {
    const name = `the last character is ${last === '-' ? 'a dash' : 'an underscore'}`;
    for (let draw = 0; ; draw++) {
      const found = vector(name, { r: ivFor(`token ${name} ${draw}`).toString('hex') });
      if (found.token.endsWith(last)) return found;
    }
  });
}

function five(value: string): PublishedClaims {
  return { campaign: value, recipient: value, link: value, list: value, send: value };
}

function vector(name: string, rest: Partial<TokenVector>): TokenVector {
  const said = {
    master: rest.master ?? 'counting',
    purpose: rest.purpose ?? 'click',
    audience: rest.audience ?? '',
    iat: rest.iat ?? 1_800_000_000,
    claims: rest.claims ?? THREE,
  } as const;
  const mint = (r: Buffer) => mintToken(deriveTokenKey(masterOf(said.master)), said, r);
  const r = rest.r === undefined ? rFor(name, mint) : Buffer.from(rest.r, 'hex');
  const token = mint(r);
  return { name, ...said, r: r.toString('hex'), token, kept: !/[-_]$/.test(token) };
}
