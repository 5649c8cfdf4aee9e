import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LegacyLinks } from '../../src/field/link-settings.ts';
import type { Claims } from '../../src/links/claims.ts';
import { mailerShapes } from '../../src/links/legacy.ts';
import type { LinksOptions } from '../../src/links/links.ts';
import type { Purpose } from '../../src/links/purpose.ts';
import { keyless, linksOf } from './make.ts';

const legacy = { until: '2027-11-25', shapes: mailerShapes() };
const CODE = '0cc175b9c0f1b6a831c399e269772661';

describe('without a key, url()', () => {
  const old = keyless({ legacy, baseUrl: 'https://example.com/mailer/' });
  const rows: [purpose: Purpose, claims: Claims, confirm: string | undefined, query: string][] = [
    ['click', { recipient: 12345, campaign: 789, link: 42 }, undefined, 'link.php?M=12345&N=789&L=42&F=H'],
    ['click', { recipient: 12345, send: 6, link: 42 }, undefined, 'link.php?M=12345&A=6&L=42&F=H'],
    ['click', { recipient: 1, list: 3, campaign: 2, link: 4 }, undefined, 'link.php?M=1&L=3&N=2&l=4'],
    ['click', { recipient: 1, list: 3, send: 2, link: 4 }, undefined, 'link.php?M=1&L=3&A=2&l=4'],
    ['open', { recipient: 1, campaign: 2 }, undefined, 'open.php?M=1&N=2&F=H'],
    ['open', { recipient: 1, send: 2 }, undefined, 'open.php?M=1&A=2&F=H'],
    ['open', { recipient: 1, campaign: 2, list: 3 }, undefined, 'open.php?M=1&L=3&N=2&F=H'],
    ['open', { recipient: 1, send: 2, list: 3 }, undefined, 'open.php?M=1&L=3&A=2&F=H'],
    ['unsubscribe', { recipient: 1, campaign: 2, list: 3 }, CODE, `unsubscribe.php?M=1&C=${CODE}&L=3&N=2`],
    ['unsubscribe', { recipient: 1, send: 2, list: 3 }, CODE, `unsubscribe.php?M=1&C=${CODE}&L=3&A=2`],
    ['unsubscribe', { recipient: 1, list: 3 }, CODE, `unsubscribe.php?M=1&C=${CODE}&L=3`],
    [
      'unsubscribe',
      { recipient: 2n ** 64n - 1n, list: '0' },
      'a&b=c',
      'unsubscribe.php?M=18446744073709551615&C=a%26b%3Dc&L=0',
    ],
  ];

  test.each(rows)(
    'writes a link for %s of %o with %s as the mailer did, and it is read back',
    (purpose, claims, confirm, query) => {
      const url = old.url(purpose, claims, confirm === undefined ? {} : { confirm });
      expect(url).toBe(`https://example.com/mailer/${query}`);
      const result = old.verify(purpose, url);
      const texts = (of: object) =>
        Object.fromEntries(Object.entries(of).map(([name, value]) => [name, String(value)]));
      if (result.kind !== 'legacy') throw new Error(result.kind);
      expect(texts(result.claims)).toEqual(texts(claims));
      expect(result.confirm).toBe(confirm);
    },
  );

  test('writes what is read back, for all numbers and confirm codes', () => {
    const number = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const code = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(number, number, code, (recipient, list, confirm) => {
        const result = old.verify('unsubscribe', old.url('unsubscribe', { recipient, list }, { confirm }));
        expect(result).toMatchObject({ kind: 'legacy', confirm });
        if (result.kind === 'legacy')
          expect([BigInt(result.claims.recipient ?? -1), BigInt(result.claims.list ?? -1)]).toEqual([recipient, list]);
      }),
    );
  });

  test.each(['abc', 'abc.', 'abc*', 'abc-', '_', '.'])(
    'writes the confirm code %j at the end of a link, and it is read back',
    (confirm) => {
      const shapes: LegacyLinks['shapes'] = {
        unsubscribe: [{ script: 'u.php', parameters: { M: 'recipient', C: 'confirm' } }],
      };
      const last = keyless({ legacy: { until: '2027-11-25', shapes } });
      const result = last.verify('unsubscribe', last.url('unsubscribe', { recipient: 1 }, { confirm }));
      expect(result).toMatchObject({ kind: 'legacy', confirm });
    },
  );

  test('writes many links, each with its own confirm code', () => {
    const claims = [1, 2, 3].map((recipient) => ({ recipient, list: 3 }));
    const page = claims.map((each) => [each, { confirm: `code${each.recipient}` }] as const);
    expect(old.urlMany('unsubscribe', page)).toEqual(
      [1, 2, 3].map((n) => `https://example.com/mailer/unsubscribe.php?M=${n}&C=code${n}&L=3`),
    );
    const open = { recipient: 1, campaign: 2 };
    expect(old.urlMany('open', [open, [open, {}]])).toEqual([old.url('open', open), old.url('open', open)]);
    const read = linksOf()
      .urlMany('unsubscribe', page)
      .map((url) => linksOf().verify('unsubscribe', url));
    expect(read).toMatchObject(claims.map((each) => ({ kind: 'valid', claims: each })));
  });

  test('says which claims are missing', () => {
    const refusal = expect.objectContaining({
      code: 'CONFIG',
      message: 'links: these claims fill no legacy shape of unsubscribe',
      hint: 'give recipient, confirm, list, campaign; or recipient, confirm, list, send; or recipient, confirm, list; or configure CASEHARD_TRACKING_KEY',
    });
    expect(() => old.url('unsubscribe', { recipient: 1, list: 3 })).toThrow(refusal);
    expect(() => old.url('unsubscribe', { recipient: 1 }, { confirm: CODE })).toThrow(refusal);
  });

  test.each(['confirm', 'view', 'preferences'] as const)('has nothing to write for %s', (purpose) => {
    expect(() => old.url(purpose, { recipient: 1 })).toThrow(
      expect.objectContaining({
        code: 'KEY_MISSING',
        message: `CASEHARD_TRACKING_KEY not configured, and ${purpose} has no legacy shape`,
        hint: expect.stringContaining('casehard keys generate'),
      }),
    );
  });

  test.each<[name: string, claims: Claims]>([
    ['a negative number', { recipient: -1, campaign: 2 }],
    ['a fraction', { recipient: 1.5, campaign: 2 }],
    ['NaN', { recipient: Number.NaN, campaign: 2 }],
    ['2^64', { recipient: 2n ** 64n, campaign: 2 }],
    ['text that is no number', { recipient: 'abc', campaign: 2 }],
    ['a leading zero', { recipient: '007', campaign: 2 }],
  ])('refuses the same claims as with a key, because nobody could read them back: %s', (_name, claims) => {
    expect(() => old.url('open', claims)).toThrow(
      new TypeError('"recipient" must be a whole number from 0, below 2^64'),
    );
  });
});

describe('a declaration of legacy links is refused', () => {
  const declare = (rest: Partial<LegacyLinks>): Partial<LinksOptions> => ({ legacy: { ...legacy, ...rest } });
  const open = (...parameters: Record<string, never>[]) => ({
    open: parameters.map((each) => ({ script: 'open.php', parameters: each })),
  });
  const until = { message: 'links: legacy.until is missing or no date', hint: expect.stringContaining('2027-11-25') };
  const cases: [name: string, options: Partial<LinksOptions>, message: string][] = [
    ...['', 'soon', '25.11.2027', '2027-13-01', '2027-11-32', '2027-11-25T25:00:00Z'].map(
      (date): [string, Partial<LinksOptions>, string] => [`the date ${date}`, declare({ until: date }), until.message],
    ),
    ['no date', declare({ until: undefined as unknown as string }), until.message],
    ['a number as date', declare({ until: 2027 as unknown as string }), until.message],
    [
      'no parameters',
      declare({ shapes: open({}) }),
      'links: a legacy shape for open has no parameters, or two with one meaning',
    ],
    [
      'two parameters of one meaning',
      declare({ shapes: { open: [{ script: 'o.php', parameters: { M: 'recipient', R: 'recipient' } }] } }),
      'links: a legacy shape for open has no parameters, or two with one meaning',
    ],
    [
      'unsubscribing without a confirm code',
      declare({ shapes: { unsubscribe: [{ script: 'u.php', parameters: { M: 'recipient', L: 'list' } }] } }),
      'links: a legacy shape for unsubscribe has no confirm code',
    ],
    [
      'two shapes with the same parameters',
      declare({
        shapes: {
          open: [
            { script: 'a.php', parameters: { M: 'recipient', N: 'campaign' } },
            { script: 'b.php', parameters: { N: 'send', M: 'recipient' } },
          ],
        },
      }),
      'links: two legacy shapes for open have the parameters M N',
    ],
    ...['/open.php', 'https://example.com/open.php', '../open.php', 'open.php?a=1', 'open.php#a', 'a b', ''].map(
      (script): [string, Partial<LinksOptions>, string] => [
        `the script ${JSON.stringify(script)}`,
        declare({ shapes: { open: [{ script, parameters: { M: 'recipient' } }] } }),
        'links: legacy.shapes.open is no relative path',
      ],
    ),
  ];

  test.each(cases)('%s', (_name, options, message) => {
    expect(() => linksOf(options)).toThrow(
      expect.objectContaining({ code: 'CONFIG', message, hint: expect.any(String) }),
    );
  });

  test('with a purpose that is none', () => {
    const shapes = { opens: [{ script: 'o.php', parameters: { M: 'recipient' } }] } as LegacyLinks['shapes'];
    expect(() => linksOf(declare({ shapes }))).toThrow(
      expect.objectContaining({
        code: 'CONFIG',
        message: 'links: legacy.shapes.opens is no purpose',
        hint: 'there is open, click, unsubscribe, confirm, view, preferences',
      }),
    );
  });

  // Date.parse takes more than ISO 8601: these would be days in 2001, or in local time.
  test.each(['12', 'november 25', 'until 5', '2027', '11/25/2027', '2027-02-31'])(
    'the date %s, which is not ISO 8601',
    (date) => {
      expect(() => linksOf(declare({ until: date }))).toThrow(
        expect.objectContaining({ code: 'CONFIG', message: until.message }),
      );
    },
  );
});
