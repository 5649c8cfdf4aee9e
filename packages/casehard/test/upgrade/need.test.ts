import { describe, expect, it } from 'vitest';
import type { ColumnInfo } from '../../src/database/catalogue.ts';
import { needOf, widthFor, widthOf } from '../../src/upgrade/need.ts';

const COLUMN: ColumnInfo = {
  name: 'v',
  type: 'varchar(100)',
  kind: 'varchar',
  maxChars: 100,
  maxBytes: 400,
  charset: 'utf8mb4',
  nullable: true,
  utf8: true,
  generated: false,
  onUpdate: false,
  invisible: false,
  dependents: [],
};
const NOTHING = { sealed: 0, legacyChars: 0, legacyBytes: 0, chars: 0, bytes: 0 };
const legacy = (chars: number, bytes = chars) => ({ ...NOTHING, legacyChars: chars, legacyBytes: bytes, chars, bytes });

describe('what a column needs', () => {
  it.each([
    // was, chars, bytes, least: the tight form of the longest, and never less than an ordinary password takes
    ['plaintext', 0, 0, 253],
    ['plaintext', 126, 126, 253],
    ['plaintext', 127, 127, 274],
    ['plaintext', 64, 256, 445],
    ['base64', 172, 172, 274], // 129 bytes
    ['base64', 168, 168, 253], // 126 bytes
    ['hex', 252, 252, 253],
    ['hex', 256, 256, 274],
    [undefined, 4000, 4000, 253], // nothing legacy is accepted, so nothing legacy is ever sealed
  ] as const)('%s of %i characters, %i bytes: %i', (was, chars, bytes, least) => {
    const options = { inDocument: 0, ...(was === undefined ? {} : { was }) };
    expect(needOf(COLUMN, legacy(chars, bytes), options).least).toBe(least);
  });

  it('counts values that are sealed already with their own length', () => {
    expect(needOf(COLUMN, { ...NOTHING, sealed: 765 }, { was: 'base64', inDocument: 0 })).toMatchObject({ least: 765 });
  });

  it.each([
    ['base64', 255], // 75 bytes: 8 blocks
    ['hex', 255], // 50 bytes
    ['plaintext', 1024], // 100 characters of four bytes: 32 blocks, 765 characters
  ] as const)('%s in varchar(100) becomes varchar(%i): what fitted before still fits', (was, width) => {
    expect(widthFor(needOf(COLUMN, legacy(10), { was, inDocument: 0 }).ample)).toBe(width);
  });

  it('a document grows by a sealed value, twice where it holds two; having grown, it is not pending again', () => {
    const column = { ...COLUMN, maxChars: 1000 };
    const one = needOf(column, legacy(900), { was: 'plaintext', inDocument: 1 });
    expect(one.least).toBe(900 + 261);
    expect(needOf(column, legacy(900), { was: 'plaintext', inDocument: 2 }).least).toBe(900 + 522);
    const after = needOf(column, legacy(900 + 253), { was: 'plaintext', inDocument: 1 });
    expect(after.least).toBeLessThanOrEqual(one.ample);
  });

  it('a text type is limited in bytes, and its characters may take two or four', () => {
    const { maxChars: _, ...text } = { ...COLUMN, kind: 'text' as const, maxBytes: 65_535 };
    expect(widthOf(text)).toBe(65_535);
    expect(widthOf({ ...text, charset: 'utf16' })).toBe(32_767);
    expect(widthOf({ ...text, charset: 'utf32' })).toBe(16_383);
    expect(widthFor(4097)).toBeUndefined();
  });
});
