import { describe, expect, test } from 'vitest';
import { Minter } from '../../src/links/mint.ts';
import type { Purpose } from '../../src/links/purpose.ts';
import { CLAIMS, linksOf, NOW, trackingKey } from './make.ts';

const DAY = 86_400;

/** What a token says that was issued at `iat`, read at `now` (both in seconds). */
function read(purpose: Purpose, iat: number, now: number, lifetimes = {}) {
  const token = new Minter(trackingKey('counting'), purpose, '').mint(CLAIMS, iat);
  return linksOf({ now: () => now * 1000, lifetimes }).verify(purpose, token);
}

describe('a clock that is wrong', () => {
  test.each([
    ['in the same second', 0, false],
    ['a minute in the future', 60, false],
    ['a second less than five minutes in the future', 299, false],
    ['exactly five minutes in the future', 300, false],
    ['a second more than five minutes in the future', 301, true],
    ['a day in the future', DAY, true],
    ['ten years in the future', 3650 * DAY, true],
    ['a minute in the past', -60, false],
    ['five minutes and a second in the past', -301, false],
  ])('%s: clockWrong is told for every purpose, and claims are read', (_name, ahead, clockWrong) => {
    for (const purpose of ['open', 'click', 'unsubscribe', 'confirm', 'view', 'preferences'] as const) {
      expect(read(purpose, NOW + ahead, NOW)).toMatchObject({ kind: 'valid', claims: CLAIMS, clockWrong });
    }
  });

  test('is found by the millisecond', () => {
    expect(read('click', NOW + 300, NOW - 0.001)).toMatchObject({ kind: 'valid', clockWrong: true });
    expect(read('click', NOW + 300, NOW + 0.001)).toMatchObject({ kind: 'valid', clockWrong: false });
  });

  test('at the ends of what a token can say does not crash', () => {
    expect(read('unsubscribe', 0, NOW)).toMatchObject({ kind: 'valid', issuedAt: new Date(0) });
    expect(read('unsubscribe', 0xffffffff, NOW)).toMatchObject({ kind: 'valid', clockWrong: true });
    expect(read('click', 0, NOW)).toMatchObject({ kind: 'expired', expiredAt: new Date(90 * DAY * 1000) });
  });
});

describe('a lifetime', () => {
  test.each([
    ['open', 90],
    ['click', 90],
    ['view', 90],
    ['confirm', 7],
  ] as const)('of %s is %i days by default, to the second', (purpose, days) => {
    const end = NOW + days * DAY;
    expect(read(purpose, NOW, end)).toMatchObject({ kind: 'valid', issuedAt: new Date(NOW * 1000) });
    expect(read(purpose, NOW, end + 0.001)).toMatchObject({
      kind: 'expired',
      claims: CLAIMS,
      issuedAt: new Date(NOW * 1000),
      expiredAt: new Date(end * 1000),
      tkid: 'f927',
    });
  });

  test.each(['unsubscribe', 'preferences'] as const)('of %s never ends by default', (purpose) => {
    expect(read(purpose, 0, 0xffffffff)).toMatchObject({ kind: 'valid', claims: CLAIMS });
  });

  test.each([
    ['a shorter one ends old links', 'click', { click: 30 }, 31, 'expired'],
    ['a longer one revives old links', 'click', { click: 365 }, 91, 'valid'],
    ['never', 'click', { click: 'never' }, 9000, 'valid'],
    ['half a day', 'confirm', { confirm: 0.5 }, 0.6, 'expired'],
    ['that of another purpose does not count', 'click', { open: 1 }, 31, 'valid'],
    ['60 days for unsubscribing', 'unsubscribe', { unsubscribe: 60 }, 61, 'expired'],
  ] as const)('that is changed later acts on tokens that are out: %s', (_name, purpose, lifetimes, days, kind) => {
    expect(read(purpose, NOW, NOW + days * DAY, lifetimes).kind).toBe(kind);
  });

  test.each([
    ['unsubscribe', 59],
    ['unsubscribe', 59.9],
    ['unsubscribe', 1],
    ['preferences', 59],
    ['preferences', 30],
  ] as const)('of %s may not be %d days, and the refusal says why', (purpose, days) => {
    expect(() => linksOf({ lifetimes: { [purpose]: days } })).toThrow(
      expect.objectContaining({
        code: 'CONFIG',
        message: `links: lifetimes.${purpose} is ${days} days: a way to unsubscribe must work for 30 days by CAN-SPAM and for 60 by CASL`,
        hint: 'leave it out (it then never expires), or write 60 and more',
      }),
    );
  });

  test.each([60, 60.5, 365, 'never'] as const)('of unsubscribe and preferences may be %s', (days) => {
    expect(() => linksOf({ lifetimes: { unsubscribe: days, preferences: days } })).not.toThrow();
  });

  test.each([0, -1, Number.NaN, '90', 'forever', true, {}])('of %j is refused', (days) => {
    for (const purpose of ['click', 'unsubscribe'] as const) {
      expect(() => linksOf({ lifetimes: { [purpose]: days as number } })).toThrow(
        expect.objectContaining({
          code: 'CONFIG',
          message: `links: lifetimes.${purpose} must be a number of days or 'never'`,
          hint: "write 90, or 'never'",
        }),
      );
    }
  });

  test.each(['clicks', 'Click', 'constructor'])('of %s is refused: there is no such purpose', (name) => {
    expect(() => linksOf({ lifetimes: { [name]: 90 } })).toThrow(
      expect.objectContaining({
        code: 'CONFIG',
        message: `links: lifetimes.${name} is no purpose`,
        hint: 'there is open, click, unsubscribe, confirm, view, preferences',
      }),
    );
  });
});
