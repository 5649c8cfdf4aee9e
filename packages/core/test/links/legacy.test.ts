import { describe, expect, test } from 'vitest';
import type { Claims } from '../../src/links/claims.ts';
import { type LegacyHit, mailerShapes } from '../../src/links/legacy.ts';
import type { LinkResult } from '../../src/links/links.ts';
import type { Purpose } from '../../src/links/purpose.ts';
import { keyless, linksOf, NOW, trackingOf } from './make.ts';

const legacy = { until: '2027-11-25', shapes: mailerShapes() };
const links = linksOf({ legacy });
const CODE = '0cc175b9c0f1b6a831c399e269772661';

type Row = [purpose: Purpose, query: string, claims: Claims, confirm: string | undefined];

/** Every shape of the mailer, as it wrote them. */
const SHAPES: Row[] = [
  ['click', 'link.php?M=12345&N=789&L=42&F=H', { recipient: 12345, campaign: 789, link: 42 }, undefined],
  ['click', 'link.php?M=12345&A=6&L=42&F=T', { recipient: 12345, send: 6, link: 42 }, undefined],
  ['click', 'link.php?M=12345&N=789&L=42', { recipient: 12345, campaign: 789, link: 42 }, undefined],
  ['click', 'link.php?M=12345&L=3&N=789&l=42', { recipient: 12345, list: 3, campaign: 789, link: 42 }, undefined],
  ['click', 'link.php?M=12345&L=3&A=6&l=42', { recipient: 12345, list: 3, send: 6, link: 42 }, undefined],
  ['click', 'link.php?l=42&N=789&L=3&M=12345', { recipient: 12345, list: 3, campaign: 789, link: 42 }, undefined],
  ['open', 'open.php?M=12345&N=789&F=H', { recipient: 12345, campaign: 789 }, undefined],
  ['open', 'open.php?M=12345&A=6&F=H', { recipient: 12345, send: 6 }, undefined],
  ['open', 'open.php?M=12345&L=3&N=789&F=H', { recipient: 12345, list: 3, campaign: 789 }, undefined],
  ['open', 'open.php?M=12345&L=3&A=6&F=H', { recipient: 12345, list: 3, send: 6 }, undefined],
  ['unsubscribe', `unsubscribe.php?M=12345&C=${CODE}&L=3&N=789`, { recipient: 12345, list: 3, campaign: 789 }, CODE],
  ['unsubscribe', `unsubscribe.php?M=12345&C=${CODE}&L=3&A=6`, { recipient: 12345, list: 3, send: 6 }, CODE],
  ['unsubscribe', `unsubscribe.php?M=12345&C=${CODE}&L=3`, { recipient: 12345, list: 3 }, CODE],
];

function told(result: LinkResult): object {
  if (result.kind !== 'legacy') return result;
  const { kind, claims, confirm } = result;
  return { kind, claims, confirm };
}

describe('a legacy link', () => {
  test.each(SHAPES)('for %s: %s', (purpose, query, claims, confirm) => {
    const wanted = { kind: 'legacy', claims, confirm };
    for (const text of [
      `https://example.com/mailer/${query}`,
      query,
      query.slice(query.indexOf('?')),
      query.slice(query.indexOf('?') + 1),
      query.replaceAll('&', '&amp;'),
      `${query}&utm_source=mail&fbclid=x`,
      query.replace('?', '?utm=1&'),
      `"${query}".`,
      `${query}#top`,
      `${query}&t=`,
    ]) {
      expect(told(links.verify(purpose, text))).toEqual(wanted);
    }
  });

  test.each<[name: string, purpose: Purpose, query: string]>([
    ['m in lower case', 'click', 'm=12345&N=789&L=42'],
    ['n in lower case', 'click', 'M=12345&n=789&L=42'],
    ['l in the place of L', 'click', 'M=12345&N=789&l=42'],
    ['a in lower case', 'open', 'M=12345&a=6'],
    ['c in lower case', 'unsubscribe', `M=12345&c=${CODE}&L=3`],
    ['the recipient missing', 'click', 'N=789&L=42'],
    ['the campaign missing', 'click', 'M=12345&L=42'],
    ['the recipient alone', 'open', 'M=12345'],
    ['nothing', 'open', ''],
    ['both N and A', 'click', 'M=12345&N=789&A=6&L=42'],
    ['both N and A, for unsubscribing', 'unsubscribe', `M=12345&C=${CODE}&L=3&N=789&A=6`],
    ['M twice', 'open', 'M=12345&M=12346&N=789'],
    ['M twice, the same', 'open', 'M=12345&N=789&M=12345'],
    ['M twice, where L is missing', 'open', 'M=12345&M=12345&N=789'],
    ['L twice', 'click', 'M=12345&N=789&L=42&L=43'],
    ['N twice, once with amp;', 'open', 'M=12345&N=789&amp;N=790'],
    ['M as an array of PHP', 'open', 'M[]=12345&N=789'],
    ['an empty number', 'open', 'M=&N=789'],
    ['a leading zero', 'open', 'M=012345&N=789'],
    ['a sign', 'open', 'M=-1&N=789'],
    ['a plus sign', 'open', 'M=%2B1&N=789'],
    ['a space before', 'open', 'M=+1&N=789'],
    ['a fraction', 'open', 'M=1.5&N=789'],
    ['an exponent', 'open', 'M=1e3&N=789'],
    ['hex', 'open', 'M=0x10&N=789'],
    ['letters', 'open', 'M=abc&N=789'],
    ['letters behind a number', 'open', 'M=1abc&N=789'],
    ['an injection', 'open', "M=1'+OR+1=1&N=789"],
    ['2^64', 'open', 'M=18446744073709551616&N=789'],
    ['21 digits', 'open', 'M=100000000000000000000&N=789'],
    ['a line end behind', 'open', 'M=1%0A&N=789'],
    ['no confirm code', 'unsubscribe', 'M=12345&L=3'],
    ['an empty confirm code', 'unsubscribe', 'M=12345&C=&L=3'],
    ['a confirm code of 257 characters', 'unsubscribe', `M=12345&C=${'a'.repeat(257)}&L=3`],
    ['two confirm codes', 'unsubscribe', `M=12345&C=${CODE}&C=x&L=3`],
    ['a purpose that has no shape', 'confirm', `M=12345&C=${CODE}&L=3`],
  ])('is not believed: %s', (_name, purpose, query) => {
    expect(links.verify(purpose, `https://example.com/x.php?${query}`)).toEqual({
      kind: 'invalid',
      reason: 'NO_TOKEN',
    });
  });

  test('may say numbers up to 2^64-1, exactly', () => {
    const read = (number: string) => links.verify('open', `?M=${number}&N=0`);
    expect(read('9007199254740991')).toMatchObject({ claims: { recipient: 9007199254740991, campaign: 0 } });
    expect(read('9007199254740993')).toMatchObject({ claims: { recipient: 9007199254740993n } });
    expect(read('18446744073709551615')).toMatchObject({ claims: { recipient: 2n ** 64n - 1n } });
  });

  test('gives the confirm code as it was sent', () => {
    const code = 'a+b/c= ü&"';
    const query = `?M=1&C=${encodeURIComponent(code)}&L=3`;
    expect(links.verify('unsubscribe', query)).toMatchObject({ kind: 'legacy', confirm: code });
    const long = 'a'.repeat(256);
    expect(links.verify('unsubscribe', `?M=1&C=${long}&L=3`)).toMatchObject({ kind: 'legacy', confirm: long });
  });

  test('has one id, whatever stands around it, and none of it is the confirm code', () => {
    const idOf = (query: string) => (links.verify('unsubscribe', query) as { id?: string }).id;
    const id = idOf(`?M=12345&C=${CODE}&L=3&N=789`);
    expect(id).toBeDefined();
    expect(id).not.toContain(CODE);
    expect(idOf(`?utm=1&N=789&amp;L=3&M=12345&C=other#x`)).toBe(id);
    expect(idOf(`?M=12345&C=${CODE}&L=3&N=790`)).not.toBe(id);
  });

  test('does not count where a token is there as well, nor as a way around a refused one', () => {
    const query = 'M=12345&N=789&F=H';
    expect(links.verify('open', `?${query}&t=${links.mint('open', { recipient: 1 })}`)).toMatchObject({
      kind: 'valid',
    });
    expect(links.verify('open', `?${query}&t=x`)).toEqual({ kind: 'invalid', reason: 'LENGTH' });
  });

  test('is not believed where none is declared', () => {
    expect(linksOf().verify('open', '?M=12345&N=789')).toEqual({ kind: 'invalid', reason: 'NO_TOKEN' });
    expect(linksOf().legacyAddresses('open')).toEqual([]);
  });

  test('may have a longer address than tokens may: it is in mailboxes as it is', () => {
    const script = `mailer/${'x'.repeat(100)}.php`;
    const shapes = { open: [{ script, parameters: { M: 'recipient' } }] } as const;
    const long = linksOf({ legacy: { ...legacy, shapes } });
    expect(long.legacyAddresses('open')).toEqual([`https://example.com/${script}`]);
    expect(long.verify('open', `https://example.com/${script}?M=1`)).toMatchObject({ kind: 'legacy' });
    const old = keyless({ legacy: { ...legacy, shapes } });
    expect(old.url('open', { recipient: 1 })).toBe(`https://example.com/${script}?M=1`);
  });

  test('arrives where its script was', () => {
    const below = linksOf({ legacy, baseUrl: 'https://example.com/mailer' });
    expect(below.legacyAddresses('click')).toEqual(['https://example.com/mailer/link.php']);
    expect(below.legacyAddresses('view')).toEqual([]);
  });
});

describe('the date until which legacy links are accepted', () => {
  const end = Date.parse('2027-11-25T23:59:59.999Z');
  const cases: [name: string, until: string, at: number, accepted: boolean][] = [
    ['long before', '2027-11-25', NOW * 1000, true],
    ['at the end of its day in UTC', '2027-11-25', end, true],
    ['a millisecond later', '2027-11-25', end + 1, false],
    ['years later', '2027-11-25', end + 1e11, false],
    ['at a time', '2027-11-25T12:00:00Z', Date.parse('2027-11-25T12:00:00Z'), true],
    ['a millisecond after a time', '2027-11-25T12:00:00Z', Date.parse('2027-11-25T12:00:00.001Z'), false],
    ['at a time with an offset', '2027-11-25T12:00:00+02:00', Date.parse('2027-11-25T10:00:00Z'), true],
    ['after a time with an offset', '2027-11-25T12:00:00+02:00', Date.parse('2027-11-25T10:00:00.001Z'), false],
  ];

  test.each(cases)('%s (%s)', (_name, until, at, accepted) => {
    const hits: LegacyHit[] = [];
    const dated = linksOf({ legacy: { ...legacy, until }, onLegacyHit: (hit) => hits.push(hit), now: () => at });
    const result = dated.verify('open', '?M=1&N=2&F=H');
    const claims = { recipient: 1, campaign: 2 };
    if (accepted) expect(result).toMatchObject({ kind: 'legacy', claims });
    else expect(result).toEqual({ kind: 'invalid', reason: 'LEGACY_ENDED' });
    expect(hits).toEqual([{ purpose: 'open', claims, at: new Date(at), accepted }]);
  });

  const later = { legacy, now: () => end + 1, warn: () => {} };
  test.each([
    ['without any key they are accepted after it: nobody has begun with tokens', {}, 'legacy'],
    ['with a staged key they are, because that is how links are written meanwhile', { staged: ['counting'] }, 'legacy'],
    ['with a previous key alone they are, for the same reason', { previous: ['counting'] }, 'legacy'],
    ['with an active key they are not', { active: 'counting' }, 'invalid'],
  ] as const)('%s', (_name, names, kind) => {
    expect(linksOf({ ...later, keyring: trackingOf(names) }).verify('open', '?M=1&N=2').kind).toBe(kind);
  });

  test('ends no token', () => {
    const dated = linksOf(later);
    expect(dated.verify('open', dated.url('open', { recipient: 1 }))).toMatchObject({ kind: 'valid' });
  });
});

describe('onLegacyHit', () => {
  test('hears of legacy links that are followed, and of nothing else', () => {
    const hits: LegacyHit[] = [];
    const heard = linksOf({ legacy, onLegacyHit: (hit) => hits.push(hit) });
    for (const text of ['', '?M=1', '?m=1&N=2', heard.url('open', { recipient: 1 }), '?t=x&M=1&N=2'])
      heard.verify('open', text);
    expect(hits).toEqual([]);
    heard.verify('unsubscribe', `?M=1&C=${CODE}&L=2`);
    const claims = { recipient: 1, list: 2 };
    expect(hits).toEqual([{ purpose: 'unsubscribe', claims, at: new Date(NOW * 1000), accepted: true }]);
    expect(JSON.stringify(hits)).not.toContain(CODE);
  });

  test('that throws does not fail the reader, and a warning says so without the error', () => {
    const warnings: string[] = [];
    const onLegacyHit = () => {
      throw new Error('secret of the database');
    };
    const broken = linksOf({ legacy, onLegacyHit, warn: (message) => warnings.push(message) });
    expect(broken.verify('open', '?M=1&N=2')).toMatchObject({ kind: 'legacy' });
    expect(warnings).toEqual(['onLegacyHit threw an error: this hit is not recorded']);
  });
});

describe('a declaration that reviews found to pass', () => {
  const shape = { script: 'p.php', parameters: { M: 'recipient' } } as const;
  test.each([
    [
      'without a code for preferences',
      { preferences: [shape] },
      'links: a legacy shape for preferences has no confirm code',
    ],
    ['without a code for confirm', { confirm: [shape] }, 'links: a legacy shape for confirm has no confirm code'],
    ...(['unsubscribe', 'preferences', 'confirm'] as const).map((purpose): [string, object, string] => [
      `without a recipient for ${purpose}`,
      { [purpose]: [{ script: 'p.php', parameters: { code: 'confirm', L: 'list', A: 'send' } }] },
      `links: a legacy shape for ${purpose} (p.php) has no parameter for the recipient`,
    ]),
    [
      'with a constant t',
      { open: [{ ...shape, constants: { t: 'x' } }] },
      'links: a legacy shape for open (p.php) has a constant t',
    ],
    [
      'with a constant that another shape reads',
      {
        open: [
          { ...shape, constants: { N: '9' } },
          { script: 'p.php', parameters: { M: 'recipient', N: 'campaign' } },
        ],
      },
      'links: a legacy shape for open (p.php) has a constant N',
    ],
    [
      'with a script of another purpose',
      { open: [{ ...shape, script: 'click' }] },
      'links: legacy.shapes.open and click share the path /click',
    ],
    [
      'with one script for two purposes',
      { open: [shape], view: [shape] },
      'links: legacy.shapes.view and open share the path /p.php',
    ],
    [
      'without parameters',
      { open: [{ script: 'p.php' }] },
      'links: a legacy shape for open has no parameters, or two with one meaning',
    ],
    ['with nothing', { open: [null] }, 'links: a legacy shape for open has no parameters, or two with one meaning'],
    ['with no list', { open: shape }, 'links: legacy.shapes.open is no list'],
  ])('%s is refused', (_name, shapes, message) => {
    expect(() => linksOf({ legacy: { until: '2030-01-01', shapes: shapes as never } })).toThrow(
      expect.objectContaining({ code: 'CONFIG', message }),
    );
  });
});
