import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mailerShapes } from '../../src/links/legacy.ts';
import { readParameters, redactLink } from '../../src/links/parameters.ts';
import { PURPOSES, type Purpose } from '../../src/links/purpose.ts';
import { CLAIMS, linksOf } from './make.ts';

const links = linksOf({ legacy: { until: '2030-01-01', shapes: mailerShapes() } });
const url = links.url('click', CLAIMS);
const token = url.slice(url.indexOf('=') + 1);

describe('a link is read', () => {
  const forms: [name: string, text: string][] = [
    ['as a whole URL', url],
    ['as a query', `?t=${token}`],
    ['as a query without its question mark', `t=${token}`],
    ['as a token alone', token],
    ['as a path and query', `/click?t=${token}`],
    ['from another host and path', `http://mail.example.net:8080/a/b.php?t=${token}`],
  ];
  const parameters: [name: string, text: string][] = [
    ['with parameters before', url.replace('?', '?utm_source=x&utm_medium=mail&')],
    ['with parameters behind', `${url}&utm_source=x&fbclid=y`],
    ['with parameters around', `${url.replace('?', '?a=1&')}&b=2`],
    ['with a parameter without value', `${url}&x`],
    ['with empty parameters', url.replace('?', '?&&').concat('&&')],
    ['with parameters of its names in upper case', `${url}&T=x`],
    ['with the parameters of a legacy link', `${url}&M=1&N=2&L=3`],
    ['with a second t, which does not count', `${url}&t=x`],
    ['with _ around', `_${url}_`],
    ['with - behind', `${url}-`],
    ['with _. behind', `${url}_.`],
    ['with an empty t before', url.replace('?', '?t=&')],
    ['with a second question mark behind', `${url}?utm_source=x`],
    ['with a second question mark behind, in percent escapes', `${url}%3Futm_source=x`],
    ['with markup behind', `${url}%22%20style=%22x`],
    ['with the end of its element behind', `${url}%3Eclick%3C/a%3E`],
    ['with = spelled as quoted-printable does', url.replace('?t=', '?t=3D')],
    ['with a parameter that is no UTF-8', `${url}&x=%ff%`],
    ['with &amp; before t', `https://example.com/click?a=1&amp;t=${token}`],
    ['with &amp;amp; before t', `https://example.com/click?a=1&amp;amp;t=${token}`],
    ['with &AMP; before t', `https://example.com/click?a=1&AMP;t=${token}`],
    ...['&#38;', '&#038;', '&#x26;', '&#X26;', '&amp;#38;', '&%2338;', '&%23x26;'].flatMap(
      (and): [string, string][] => [
        [`with ${and} before t`, `https://example.com/click?a=1${and}t=${token}`],
        [`with ${and} behind`, `${url}${and}x=1`],
      ],
    ),
    ['with &amp; behind', `${url}&amp;x=1`],
    ['with t behind ?amp;', `https://example.com/click?amp;t=${token}`],
    ['with its name in percent escapes', `https://example.com/click?%74=${token}`],
    [
      'with a character in percent escapes',
      url.replace(token, `%${token.charCodeAt(0).toString(16)}${token.slice(1)}`),
    ],
  ];
  const behind = '.|)|>|,|"|\'|;|:|!|…|”|]|}|*|=|%22|%3E|%29|%2C|%20|%0D%0A|+|).|">|&gt;|&quot;|"&gt;'.split('|');
  const around: [before: string, behind: string][] = [
    ['"', '"'],
    ["'", "'"],
    ['<', '>'],
    ['(', ')'],
    ['[', ']'],
    ['“', '”'],
    ['«', '»'],
    ['<"', '">'],
    [' ', ' '],
    ['\t', '\r\n'],
    ['\n\n', '\n'],
    ['\ufeff', ''],
    ['\u200b', '\u200b'],
    ['\u00a0', '\u00a0'],
    ['=', ''],
  ];
  const fragments = ['#', '#top', '#?t=x', '#t=x', '#a?b&t=c'];
  const table = [
    ...forms,
    ...parameters,
    ...behind.map((sign): [string, string] => [`with ${sign} behind`, url + sign]),
    ...behind
      .filter((sign) => !/[%&]/.test(sign))
      .map((sign): [string, string] => [`a token with ${sign} behind`, token + sign]),
    ...around.flatMap(([left, right]): [string, string][] =>
      [forms[0], forms[1], forms[3]].map((form) => [
        `${form?.[0]} within ${JSON.stringify(left)} and ${JSON.stringify(right)}`,
        left + form?.[1] + right,
      ]),
    ),
    ...fragments.map((fragment): [string, string] => [`with the fragment ${fragment}`, url + fragment]),
    ['with punctuation and a fragment', `${url}).#top`],
  ];

  test.each(table)('%s', (_name, text) => {
    expect(links.verify('click', text)).toMatchObject({ kind: 'valid', claims: CLAIMS });
  });

  test('with all that at once', () => {
    const text = `\n <"https://example.com/click?utm=1&amp;t=${token}&amp;utm_source=mail#top">. `;
    expect(links.verify('click', text)).toMatchObject({ kind: 'valid', claims: CLAIMS });
  });
});

describe('a link is not read', () => {
  test.each([
    ['nothing', '', 'NO_TOKEN'],
    ['signs alone', '"<>".', 'NO_TOKEN'],
    ['a URL without a query', 'https://example.com/click', 'NO_TOKEN'],
    ['an empty t', 'https://example.com/click?t=', 'NO_TOKEN'],
    ['a t of signs', 'https://example.com/click?t=...', 'NO_TOKEN'],
    ['no t', 'https://example.com/click?x=1', 'NO_TOKEN'],
    ['the token under another name', `https://example.com/click?token=${token}`, 'NO_TOKEN'],
    ['the token under T', `https://example.com/click?T=${token}`, 'NO_TOKEN'],
    ['the token in the path', `https://example.com/${token}`, 'NO_TOKEN'],
    ['a second t alone is right', `https://example.com/click?t=x&t=${token}`, 'LENGTH'],
    ['a word', 'hello', 'LENGTH'],
    ['cut', url.slice(0, -1), 'LENGTH'],
    ['in lower case', url.toLowerCase(), undefined],
    ['with a letter behind', `${url}A`, 'NOT_CANONICAL'],
    ['with a space inside', `${url.slice(0, -30)} ${url.slice(-30)}`, undefined],
    ['with a line end inside', `${url.slice(0, -30)}\r\n${url.slice(-30)}`, undefined],
  ])('%s', (_name, text, reason) => {
    const result = links.verify('click', text);
    // Which check refuses the last ones depends on what is taken for the token.
    expect(result).toEqual({ kind: 'invalid', reason: reason ?? expect.any(String) });
  });

  test.each([undefined, null, 1, true, {}, [], [url], Symbol('x'), () => url, new URL(url), Buffer.from(url)])(
    'and nothing is thrown, from what is no text: %s',
    (value) => {
      for (const purpose of Object.keys(PURPOSES) as Purpose[]) {
        expect(links.verify(purpose, value as string)).toEqual({ kind: 'invalid', reason: 'NO_TOKEN' });
      }
    },
  );
});

describe('no text makes reading throw', () => {
  const piece = fc.constantFrom(
    '?',
    '&',
    '=',
    '#',
    '%',
    '%2',
    '%ff',
    't',
    'amp;',
    'M=1',
    'N=2',
    'L=',
    'l',
    'C=x',
    '.',
    '"',
    token,
    url,
    ' ',
    '/',
    '+',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc.string().map((rest) => token + rest),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes)),
  );
  const purpose = fc.constantFrom(...(Object.keys(PURPOSES) as Purpose[]));

  test('of any kind', () => {
    fc.assert(
      fc.property(purpose, text, (asked, given) => {
        const { kind } = links.verify(asked, given);
        expect(['valid', 'legacy', 'invalid']).toContain(kind);
        if (kind === 'valid') expect([asked, given.includes(token)]).toEqual(['click', true]);
      }),
      { numRuns: 3000 },
    );
  });

  test('of any value', () => {
    fc.assert(fc.property(purpose, fc.anything(), (asked, given) => void links.verify(asked, given as string)));
  });

  // The longest request line that Node takes is 16 KB.
  test.each([
    ['signs', '.'.repeat(16_000)],
    ['signs between letters', `a${'.'.repeat(16_000)}a`],
    ['signs and letters in turn', '.a'.repeat(8_000)],
    ['question marks', `a${'?'.repeat(16_000)}a`],
    ['signs inside t', `?t=a${'.'.repeat(16_000)}a`],
    ['parameters', '&t'.repeat(8_000)],
    ['amp;', `?${'amp;'.repeat(4_000)}`],
    ['&amp;', `?${'&amp;'.repeat(1_600)}`],
    ['&#0', `?${'&#0'.repeat(2_700)}`],
    ['zeros', `?&#${'0'.repeat(8_000)}`],
    ['#38;', `?${'%2338;'.repeat(1_300)}`],
    ['letters', 'a'.repeat(16_000)],
  ])('and a long one takes no longer than its length asks for: %s', (_name, long) => {
    const start = performance.now();
    links.verify('click', long);
    expect(performance.now() - start).toBeLessThan(200);
  });
});

describe('parameters', () => {
  test('that stand beside t are read without their amp;', () => {
    const { others } = readParameters('https://example.com/x?a=1&amp;b=2&amp;amp;c=3&AMP;d=4&#38;e=5&#x26;f=6');
    expect([...others]).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
      ['d', '4'],
      ['e', '5'],
      ['f', '6'],
    ]);
  });

  test.each([
    ['https://example.com/x?t=abc', 'https://example.com/x?…'],
    ['https://example.com/x#t=abc', 'https://example.com/x?…'],
    ['https://example.com/x?a=1\nt=abc', 'https://example.com/x?…'],
    ['https://example.com/x', 'https://example.com/x'],
    ['', ''],
  ])('are left out of a URL for a log: %j', (given, shown) => expect(redactLink(given)).toBe(shown));
});
