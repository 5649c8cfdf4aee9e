import { describe, expect, test } from 'vitest';
import { bucketBlocks, capacity, fit, sealedLength, tightBlocks } from '../../src/sealed/length.ts';
import { openContent } from '../../src/sealed/open.ts';
import { sealContent } from '../../src/sealed/seal.ts';
import { contextIn, keysOf, sealingKey } from '../make.ts';
import * as reference from '../reference.ts';

describe('lengths', () => {
  test.each([
    [1, 14, 104],
    [2, 30, 125],
    [3, 46, 146],
    [4, 62, 168],
    [5, 78, 189],
    [6, 94, 210],
    [8, 126, 253],
    [16, 254, 424],
    [32, 510, 765],
    [64, 1022, 1448],
    [3068, 49_086, 65_533],
  ])('%i blocks hold %i bytes in %i characters', (n, bytes, chars) => {
    expect(capacity(n)).toBe(bytes);
    expect(sealedLength(n)).toBe(chars);
    expect(tightBlocks(bytes)).toBe(n);
    expect(tightBlocks(bytes + 1)).toBe(n + 1);
  });

  test('the bucket is the one of the format, for every length to 5000', () => {
    for (let bytes = 0; bytes <= 5000; bytes++) expect(bucketBlocks(bytes)).toBe(reference.bucketOf(bytes));
  });

  test('a column gets the bucket, else the tight form, else nothing', () => {
    expect(fit(14, 125)).toEqual({ n: 2, padding: 'bucket' });
    expect(fit(14, 124)).toEqual({ n: 1, padding: 'tight' });
    expect(fit(14, 104)).toEqual({ n: 1, padding: 'tight' });
    expect(fit(14, 103)).toBeUndefined();
    expect(fit(15, 124)).toBeUndefined();
    expect(fit(126, 255)).toEqual({ n: 8, padding: 'bucket' });
    expect(fit(127, 255)).toBeUndefined();
    expect(fit(49_086, 65_535)).toEqual({ n: 3068, padding: 'tight' });
    expect(fit(49_087, 65_535)).toBeUndefined();
  });

  test('a column of 255 characters holds secrets of 126 bytes', () => {
    for (let bytes = 0; bytes <= 126; bytes++) expect(fit(bytes, 255)).toBeDefined();
  });

  test('the format ends at 65535 blocks', () => {
    expect(fit(capacity(65_535), Number.POSITIVE_INFINITY)).toEqual({ n: 65_535, padding: 'tight' });
    expect(fit(capacity(65_535) + 1, Number.POSITIVE_INFINITY)).toBeUndefined();
  });
});

describe('the longest secret', () => {
  const context = contextIn({ binding: 'none', scope: '', row: [] });
  const roundTrip = (bytes: number, n: number, maxSecret?: number) => {
    const sealed = sealContent(sealingKey('counting'), context, { row: [], content: 'x'.repeat(bytes), n });
    const options = { row: [], ...(maxSecret === undefined ? {} : { maxSecret }) };
    const opened = openContent(keysOf(['counting']), [context], sealed, options);
    return opened.ok ? 'opens' : opened.failure;
  };

  test('is 65534 bytes unless configured', () => {
    expect(roundTrip(65_534, 4096)).toBe('opens');
    expect(roundTrip(65_535, 4097)).toBe('TOO_LARGE');
    expect(roundTrip(1, 4097)).toBe('TOO_LARGE');
  });

  test('what may be sealed may be opened, whatever the configured maximum', () => {
    for (const max of [1, 10, 29, 30, 31, 100, 126, 127, 1000, 1023, 5000]) {
      expect(roundTrip(max, bucketBlocks(max), max)).toBe('opens');
      expect(roundTrip(max, tightBlocks(max), max)).toBe('opens');
      expect(roundTrip(1, bucketBlocks(max) + 1, max)).toBe('TOO_LARGE');
    }
  });

  test('can be as long as the format allows', () => {
    expect(roundTrip(capacity(65_535), 65_535, capacity(65_535))).toBe('opens');
  });
});
