import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Claims, uuidBytes } from '../../src/links/claims.ts';
import { mailerShapes } from '../../src/links/legacy.ts';
import { createLinks, type LinksOptions } from '../../src/links/links.ts';
import type { Purpose } from '../../src/links/purpose.ts';
import { deriveTokenKey } from '../reference-token.ts';
import { masterOf } from '../vectors/masters.ts';
import { CLAIMS, keyless, linksOf, PATHS, trackingOf } from './make.ts';

/** The longest address that is allowed: 85 characters with the path of a click. */
const LONGEST = `https://${'a'.repeat(60)}.example`;
const uint32 = fc.integer({ min: 0, max: 0xffffffff });

describe('a link', () => {
  test('is the address of its purpose and a token', () => {
    const links = linksOf({
      baseUrl: 'https://example.com/mailer',
      purposes: { click: 'link.php', open: 'a/open.php' },
    });
    expect(links.url('click', CLAIMS)).toMatch(/^https:\/\/example\.com\/mailer\/link\.php\?t=[\w-]{67}[A-Za-z0-9]$/);
    expect(links.url('open', CLAIMS)).toMatch(/^https:\/\/example\.com\/mailer\/a\/open\.php\?t=[\w-]{67}[A-Za-z0-9]$/);
    expect([...links.addresses]).toEqual([
      ['click', 'https://example.com/mailer/link.php'],
      ['open', 'https://example.com/mailer/a/open.php'],
    ]);
  });

  test.each([
    ['https://example.com', 'https://example.com/click'],
    ['https://example.com/', 'https://example.com/click'],
    ['https://example.com/mailer', 'https://example.com/mailer/click'],
    ['https://example.com/mailer/', 'https://example.com/mailer/click'],
    ['http://localhost:3000', 'http://localhost:3000/click'],
    ['HTTPS://Example.COM', 'https://example.com/click'],
    ['https://пример.example', 'https://xn--e1afmkfd.example/click'],
  ])('below %s is at %s', (baseUrl, address) => {
    expect(linksOf({ baseUrl }).addresses.get('click')).toBe(address);
  });

  test('with all five numbers below 2^32 stays under 200 characters, at the longest address', () => {
    const address = `${LONGEST}/${'c'.repeat(85 - LONGEST.length - 1)}`;
    expect(address).toHaveLength(85);
    const links = linksOf({ baseUrl: LONGEST, purposes: { click: address.slice(LONGEST.length + 1) } });
    const most = 0xffffffff;
    const url = links.url('click', { campaign: most, recipient: most, link: most, list: most, send: most });
    expect(url).toHaveLength(199);
    fc.assert(
      fc.property(uint32, uint32, uint32, uint32, uint32, (campaign, recipient, link, list, send) => {
        expect(links.url('click', { campaign, recipient, link, list, send }).length).toBeLessThan(200);
      }),
    );
  });

  test('has at most 900 characters', () => {
    const links = linksOf();
    const urlOf = (length: number) => links.url('click', { url: 'https://e.example/'.padEnd(length, 'x') });
    // 873 characters of token: 27 blocks less the tag hold 4 + 3 + length.
    let longest = 0;
    for (let length = 500; length < 700; length++) {
      try {
        longest = Math.max(longest, urlOf(length).length);
      } catch (error) {
        expect(error).toMatchObject({
          code: 'TOO_LONG',
          message: expect.stringMatching(
            /^a link for click would have 9\d\d characters$|^a link for click would have 1\d{3} characters$/,
          ),
          hint: expect.stringContaining('at most 900'),
        });
        expect(longest).toBeGreaterThan(870);
      }
    }
    expect(longest).toBeLessThanOrEqual(900);
    expect(() => urlOf(699)).toThrow(expect.objectContaining({ code: 'TOO_LONG' }));
  });

  test('for a purpose that has no path is refused, and the hint says what to write', () => {
    const links = linksOf({ purposes: { click: 'click' } });
    expect(() => links.url('open', CLAIMS)).toThrow(
      expect.objectContaining({
        code: 'CONFIG',
        message: 'links: open has no path',
        hint: "write purposes: { open: 'open' }, where the application answers below baseUrl",
      }),
    );
    expect(links.verify('open', links.mint('open', CLAIMS))).toMatchObject({ kind: 'valid' });
  });

  describe.each(['unsubscribe', 'preferences'] as const)('for %s that says not whose it is', (purpose) => {
    const legacy = { until: '2027-11-25', shapes: mailerShapes() };
    test.each<[name: string, claims: Claims]>([
      ['nothing', {}],
      ['a column whose name was mistyped', { recipient: undefined, list: 5, campaign: 789 }],
      ['a send alone', { list: 5, send: 6 }],
      ['an empty key', { recipientKey: new Uint8Array() }],
    ])('is refused, with a key and without: %s', (_name, claims) => {
      const refusal = new TypeError(
        `"recipient" or "recipientKey" must be given: a link for ${purpose} acts for one reader`,
      );
      for (const links of [linksOf(), linksOf({ legacy }), keyless({ legacy })]) {
        expect(() => links.url(purpose, claims, { confirm: 'a1b2c3' })).toThrow(refusal);
      }
      expect(() => linksOf().urlMany(purpose, [CLAIMS, claims])).toThrow(refusal);
      expect(linksOf().verify(purpose, linksOf().mint(purpose, claims))).toMatchObject({ kind: 'valid' });
    });

    test('is made for a recipient whose key is no number', () => {
      const links = linksOf();
      const recipientKey = uuidBytes('0f8fad5b-d9cb-469f-a165-70867728950e');
      expect(links.verify(purpose, links.url(purpose, { recipientKey }))).toMatchObject({ claims: { recipientKey } });
    });
  });

  test('without key and shape is refused, and the hint says what to do', () => {
    for (const make of [(purpose: Purpose) => keyless().url(purpose, CLAIMS)]) {
      expect(() => make('click')).toThrow(
        expect.objectContaining({
          code: 'KEY_MISSING',
          message: 'CASEHARD_TRACKING_KEY not configured, and click has no legacy shape',
          hint: 'make a tracking key with `casehard keys generate`, or declare the legacy shape of these links',
        }),
      );
    }
    const setting = keyless({ keyring: trackingOf({}, { setting: 'SENDSTUDIO_TRACKING_KEY' }) });
    expect(() => setting.url('click', CLAIMS)).toThrow('SENDSTUDIO_TRACKING_KEY not configured');
  });
});

describe('a declaration is refused', () => {
  const base = 'links: baseUrl is missing or no address';
  const path = 'links: purposes.click is no relative path';
  const cases: [name: string, options: Partial<LinksOptions>, message: string][] = [
    ...[
      '',
      'example.com',
      '/mailer',
      'ftp://example.com',
      'javascript:alert(1)',
      'https://',
      'mailto:a@example.com',
    ].map((baseUrl): [string, Partial<LinksOptions>, string] => [`baseUrl ${baseUrl}`, { baseUrl }, base]),
    ['no baseUrl', { baseUrl: undefined as unknown as string }, base],
    ['a URL object', { baseUrl: new URL('https://example.com') as unknown as string }, base],
    ['a user in baseUrl', { baseUrl: 'https://user@example.com' }, base],
    ['a password in baseUrl', { baseUrl: 'https://user:secret@example.com' }, base],
    ['a query in baseUrl', { baseUrl: 'https://example.com/?a=1' }, base],
    ['an empty query in baseUrl', { baseUrl: 'https://example.com/?' }, base],
    ['an empty fragment in baseUrl', { baseUrl: 'https://example.com/#' }, base],
    ['a fragment in baseUrl', { baseUrl: 'https://example.com/#a' }, base],
    ...[
      '',
      '/click',
      'https://evil.example/',
      '//evil.example',
      'click?a=1',
      'click#a',
      '../click',
      'a/../../click',
      '..',
      'a b',
      'a\\b',
      'a\n',
    ].map((click): [string, Partial<LinksOptions>, string] => [
      `the path ${JSON.stringify(click)}`,
      { purposes: { click } },
      path,
    ]),
    ['a path that is a number', { purposes: { click: 1 as unknown as string } }, path],
    ['two purposes at one path', { purposes: { click: 'x', open: 'x' } }, 'links: click and open have one path'],
    [
      'two purposes at one path, spelled differently',
      { purposes: { click: 'x', open: './x' } },
      'links: click and open have one path',
    ],
    [
      'an address of 86 characters',
      { baseUrl: LONGEST, purposes: { click: 'c'.repeat(86 - LONGEST.length - 1) } },
      'links: baseUrl and purposes.click have 86 characters together, at most 85 keep links under 200',
    ],
  ];

  test.each(cases)('%s', (_name, options, message) => {
    const refusal = expect.objectContaining({ code: 'CONFIG', message, hint: expect.any(String) });
    expect(() => linksOf(options)).toThrow(refusal);
  });

  test('with a purpose that is none', () => {
    expect(() => linksOf({ purposes: { clicks: 'x' } as LinksOptions['purposes'] })).toThrow(
      expect.objectContaining({
        code: 'CONFIG',
        message: 'links: purposes.clicks is no purpose',
        hint: 'there is open, click, unsubscribe, confirm, view, preferences',
      }),
    );
  });

  test('and no password of an address is quoted', () => {
    try {
      linksOf({ baseUrl: 'https://user:Mark3d@example.com' });
    } catch (error) {
      expect(inspect(error)).not.toContain('Mark3d');
    }
    expect.assertions(1);
  });
});

describe('the warning that no key is configured', () => {
  afterEach(() => void vi.restoreAllMocks());
  const plain = { baseUrl: 'https://example.com', purposes: PATHS };
  const message = 'CASEHARD_TRACKING_KEY not configured: links in mails show readable numbers';

  test.each([
    ['no keyring', undefined],
    ['no key', trackingOf({})],
    ['only a staged key', trackingOf({ staged: ['counting'] })],
    ['only a previous key', trackingOf({ previous: ['counting'] })],
  ])('comes once, with %s', (_name, keyring) => {
    const warnings: string[] = [];
    const links = createLinks({ ...plain, ...(keyring ? { keyring } : {}), warn: (text) => warnings.push(text) });
    for (let i = 0; i < 3; i++) links.verify('click', '');
    expect(warnings).toEqual([message]);
  });

  test('does not come where there is one', () => {
    const warnings: string[] = [];
    createLinks({ ...plain, keyring: trackingOf({ active: 'counting' }), warn: (text) => warnings.push(text) });
    expect(warnings).toEqual([]);
  });

  test('goes to the process unless the application takes it', () => {
    const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    createLinks(plain);
    expect(emit.mock.calls).toEqual([[message, { code: 'CASEHARD_LINKS' }]]);
  });
});

describe('what it holds', () => {
  test('shows nothing of a key, nor of the claims that went through', () => {
    const links = linksOf();
    const marked: Claims = { tenant: Buffer.from('Mark3dT3nant'), url: 'https://example.com/Mark3dUrl' };
    links.verify('click', links.url('click', marked));
    const secrets = [masterOf('counting'), deriveTokenKey(masterOf('counting')).tokKey];
    const shown = [
      inspect(links, { depth: Infinity, showHidden: true }),
      inspect(links, { depth: Infinity, showHidden: true, customInspect: false, getters: true }),
      inspect(links.keyring, { depth: Infinity, showHidden: true, customInspect: false }),
      JSON.stringify(links),
      JSON.stringify(links.keyring),
      JSON.stringify({ ...links }),
      String(links),
    ].map((text) => text.replace(/\s/g, ''));
    const marks = ['Mark3d', Buffer.from('Mark3d').toString('hex')];
    for (const secret of secrets) {
      for (const form of ['hex', 'base64', 'base64url'] as const) marks.push(secret.toString(form).slice(0, 10));
      marks.push([...secret.subarray(0, 5)].join(','));
    }
    for (const text of shown) for (const mark of marks) expect([mark, text.includes(mark)]).toEqual([mark, false]);
    expect(JSON.stringify(links.keyring)).toBe('[{"tkid":"f927","state":"active"}]');
  });

  test('shows no token and no claim in a refusal', () => {
    const links = linksOf();
    const url = links.url('click', CLAIMS);
    expect(JSON.stringify(links.verify('open', url))).toBe('{"kind":"invalid","reason":"WRONG_PURPOSE"}');
    try {
      links.url('click', { url: `https://example.com/Mark3d${'x'.repeat(800)}` });
    } catch (error) {
      expect(inspect(error)).not.toContain('Mark3d');
    }
    expect.assertions(2);
  });
});
