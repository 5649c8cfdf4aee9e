import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Claims,
  type Id,
  MAX_CLAIMS_BYTES,
  readClaims,
  uuidBytes,
  uuidText,
  writeClaims,
} from '../../src/links/claims.ts';
import { readUvarint as readAt, writeUvarint } from '../../src/links/uvarint.ts';
import * as reference from '../reference-token.ts';
import { claimsIn, linksOf, NOW, published } from './make.ts';

const LIMIT = 1n << 64n;
const bits = fc.integer({ min: 0, max: 64 }).chain((n) => fc.bigInt({ min: 0n, max: (1n << BigInt(n)) - 1n }));

/** The bytes of a number, and the end that the writer gives. */
function written(id: Id): { hex: string; end: number } {
  const target = Buffer.alloc(20, 0xee);
  const end = writeUvarint(target, 3, id, 'campaign');
  expect(target.subarray(0, 3).toString('hex') + target.subarray(end).toString('hex')).toMatch(/^(ee)+$/);
  return { hex: target.toString('hex', 3, end), end };
}

describe('a uvarint', () => {
  test('is written as the second implementation writes it, whatever the number came as', () => {
    fc.assert(
      fc.property(bits, (value) => {
        const { hex } = written(value);
        expect(hex).toBe(reference.uvarint(value).toString('hex'));
        expect(written(String(value)).hex).toBe(hex);
        if (value <= Number.MAX_SAFE_INTEGER) expect(written(Number(value)).hex).toBe(hex);
      }),
    );
  });

  test('is read as what was written, a number where it is exact and a bigint where it is not', () => {
    fc.assert(
      fc.property(bits, fc.uint8Array({ maxLength: 3 }), (value, behind) => {
        const { hex, end } = written(value);
        const read = readUvarint(Buffer.concat([Buffer.alloc(3), Buffer.from(hex, 'hex'), behind]), 3);
        expect(read).toEqual({ value: value <= Number.MAX_SAFE_INTEGER ? Number(value) : value, end });
      }),
    );
  });

  test('has one spelling: whatever is read is written to the same bytes', () => {
    const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 0x7f, 0x80, 0x81, 0xff));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 12 }), (bytes) => {
        const read = readUvarint(Uint8Array.from(bytes), 0);
        if (!read) return;
        expect(BigInt(read.value) < LIMIT && read.end <= 10).toBe(true);
        expect(written(read.value).hex).toBe(Buffer.from(bytes.slice(0, read.end)).toString('hex'));
      }),
      { numRuns: 2000 },
    );
  });

  test('is not read with any of its bytes missing', () => {
    fc.assert(
      fc.property(bits, (value) => {
        const bytes = reference.uvarint(value);
        for (let length = 0; length < bytes.length; length++) {
          expect(readUvarint(bytes.subarray(0, length), 0)).toBeUndefined();
        }
      }),
    );
  });

  test.each(['8000', '8100', 'ff00', '808000', '80808080808000', '8080808080808000', '80808080808080808000'])(
    'that is not minimal is not read: %s',
    (hex) => expect(readUvarint(Buffer.from(hex, 'hex'), 0)).toBeUndefined(),
  );

  test.each(['80808080808080808002', 'ffffffffffffffffff7f', '8080808080808080808001', 'ffffffffffffffffffff'])(
    'of 2^64 and more, or of more than ten bytes, is not read: %s',
    (hex) => expect(readUvarint(Buffer.from(hex, 'hex'), 0)).toBeUndefined(),
  );

  test.each([
    ['a negative number', -1],
    ['a fraction', 1.5],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a number that is not exact', 2 ** 53],
    ['a negative bigint', -1n],
    ['2^64', LIMIT],
    ['2^64 as text', '18446744073709551616'],
    ['21 digits', '100000000000000000000'],
    ['no text', ''],
    ['a leading zero', '007'],
    ['a sign', '+1'],
    ['a minus', '-1'],
    ['a space', '1 '],
    ['an exponent', '1e3'],
    ['hex', '0x10'],
    ['a line end', '1\n'],
    ['digits that are not ASCII', '\u0661'],
    ['null', null],
    ['a boolean', true],
    ['an object', { valueOf: () => 1 }],
    ['bytes', Uint8Array.of(1)],
  ])('refuses %s and names the claim', (_name, value) => {
    for (const name of ['campaign', 'recipient', 'link', 'list', 'send'] as const) {
      expect(() => linksOf().mint('click', { [name]: value } as Claims)).toThrow(
        new TypeError(`"${name}" must be a whole number from 0, below 2^64`),
      );
    }
  });

  test('of minus zero is that of zero', () => expect(written(-0).hex).toBe('00'));
});

/** Claims as vectors publish them, in any combination that fits. */
const someClaims = fc.record(
  {
    campaign: bits.map(String),
    recipient: bits.map(String),
    link: bits.map(String),
    list: bits.map(String),
    send: bits.map(String),
    tenant: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    recipientKey: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    url: fc.string({ unit: 'binary', maxLength: 120 }).filter((text) => text.isWellFormed()),
  },
  { requiredKeys: [] },
);

describe('claims', () => {
  test('are read as they were written, in whole blocks', () => {
    fc.assert(
      fc.property(someClaims, fc.integer({ min: 0, max: 0xffffffff }), (claims, iat) => {
        const target = Buffer.alloc(MAX_CLAIMS_BYTES, 0xee);
        const length = writeClaims(target, iat, claimsIn(claims));
        expect([length % 16, length > 0]).toEqual([0, true]);
        const read = readClaims(target.subarray(0, length));
        expect(read?.iat).toBe(iat);
        expect(read && published(read.claims)).toEqual(claims);
      }),
    );
  });

  test('have one spelling: whatever is read is written to the same bytes', () => {
    const piece = fc.constantFrom(
      '0201',
      '0400',
      '01',
      '0101',
      '03',
      '05',
      '0161',
      '06',
      '08',
      '0a',
      '80',
      '00',
      'ff',
      '7f',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const bytes = reference.padded(Buffer.concat([reference.be32(NOW), Buffer.from(pieces.join(''), 'hex')]));
        const read = readClaims(bytes);
        if (!read) return;
        const target = Buffer.alloc(MAX_CLAIMS_BYTES);
        const length = writeClaims(target, NOW, read.claims);
        // Blocks of zeros behind the fields are allowed; a maker writes none.
        expect(bytes.subarray(0, length).equals(target.subarray(0, length))).toBe(true);
        expect(bytes.subarray(length).every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test('of any bytes never crash the reader', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void readClaims(Buffer.from(bytes))));
  });

  test('that are undefined are left out', () => {
    const links = linksOf();
    const token = links.mint('click', { campaign: 1, link: undefined, url: undefined });
    expect(links.verify('click', token)).toMatchObject({ claims: { campaign: 1 } });
    expect(Object.keys((links.verify('click', token) as { claims: object }).claims)).toEqual(['campaign']);
  });

  test('leave nothing of the token before behind', () => {
    const links = linksOf();
    links.mint('click', { url: 'https://example.com/'.padEnd(300, 'x') });
    const token = links.mint('click', { campaign: 1 });
    expect(token).toHaveLength(68);
    expect(links.verify('click', token)).toMatchObject({ kind: 'valid', claims: { campaign: 1 } });
  });

  test.each([
    ['tenant', 'text', '"tenant" must be bytes'],
    ['tenant', [1, 2], '"tenant" must be bytes'],
    ['tenant', new ArrayBuffer(2), '"tenant" must be bytes'],
    ['tenant', null, '"tenant" must be bytes'],
    ['recipientKey', '0190163d-8694-739b-aea5-966c26f8ad91', '"recipientKey" must be bytes'],
    ['recipientKey', 7, '"recipientKey" must be bytes'],
    ['url', new URL('https://example.com'), '"url" must be well-formed text'],
    ['url', 'a\ud800', '"url" must be an http or https address without a login in it'],
    ['url', 'https://e.example/\ud800', '"url" must be well-formed text'],
    ['url', Buffer.from('https://example.com'), '"url" must be well-formed text'],
    ['url', null, '"url" must be an http or https address without a login in it'],
  ])('refuse a wrong %s: %j', (name, value, message) => {
    expect(() => linksOf().mint('click', { [name]: value } as Claims)).toThrow(new TypeError(message));
  });

  test.each(['campain', 'Campaign', 'iat', 'recipientkey', 'uuid', 'toString'])(
    'refuse the misspelled name %s',
    (name) => {
      const refusal = new TypeError(
        `"${name}" is no claim: tenant, campaign, recipientKey, recipient, url, link, list, send are`,
      );
      expect(() => linksOf().mint('click', { campaign: 1, [name]: 2 } as Claims)).toThrow(refusal);
      expect(() => linksOf().url('click', { [name]: 2 } as Claims)).toThrow(refusal);
    },
  );

  test.each([
    ['a URL of 1010 bytes', { url: `https://e.example/${'x'.repeat(992)}` }],
    ['a URL of many bytes in few characters', { url: `https://e.example/${'🔑'.repeat(260)}` }],
    ['a tenant of 1008 bytes', { tenant: Buffer.alloc(1008) }],
    ['a tenant of a megabyte', { tenant: Buffer.alloc(1 << 20) }],
    ['two that fit alone', { tenant: Buffer.alloc(600), url: `https://e.example/${'x'.repeat(600)}` }],
    ['a number behind a URL that leaves no room', { url: `https://e.example/${'x'.repeat(975)}`, send: 2n ** 63n }],
  ])('that do not fit are refused: %s', (_name, claims) => {
    expect(() => linksOf().mint('click', claims)).toThrow(
      expect.objectContaining({
        code: 'TOO_LONG',
        message: 'these claims do not fit into a link token',
        hint: 'store the URL and put the number of its row into the link instead',
      }),
    );
  });
});

describe('a UUID', () => {
  test('is 16 bytes, and text again in lower case', () => {
    fc.assert(fc.property(fc.uuid(), (uuid) => void expect(uuidText(uuidBytes(uuid.toUpperCase()))).toBe(uuid)));
    expect(Buffer.from(uuidBytes('0190163D-8694-739b-aea5-966c26f8ad91')).toString('hex')).toBe(
      '0190163d8694739baea5966c26f8ad91',
    );
  });

  test('travels in a link', () => {
    const uuid = '0190163d-8694-739b-aea5-966c26f8ad91';
    const links = linksOf();
    const result = links.verify('open', links.url('open', { recipientKey: uuidBytes(uuid) }));
    expect(result.kind === 'valid' && uuidText(result.claims.recipientKey as Uint8Array)).toBe(uuid);
  });

  test.each([
    '',
    '0190163d8694739baea5966c26f8ad91',
    '{0190163d-8694-739b-aea5-966c26f8ad91}',
    '0190163d-8694-739b-aea5-966c26f8ad9g',
  ])('is not %j', (text) =>
    expect(() => uuidBytes(text)).toThrow(new TypeError('"text" must be a UUID of 36 characters')),
  );

  test.each([0, 15, 17])('has not %i bytes', (length) => {
    expect(() => uuidText(new Uint8Array(length))).toThrow(new TypeError('"bytes" must be 16 bytes'));
  });
});

// --- internal ---

/** The number at a place, and where it ends. */
function readUvarint(bytes: Uint8Array, start: number): { value: number | bigint; end: number } | undefined {
  const at = { end: start };
  const value = readAt(bytes, at);
  return value === undefined ? undefined : { value, end: at.end };
}
