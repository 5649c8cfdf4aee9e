import { createLinkHandlers } from '@casehard/core/links/http';
import { describe, expect, it } from 'vitest';
import { CODE, ONE_CLICK, openDesk } from './desk.ts';

const READER = { campaign: 789, recipient: 7, list: 5 };

describe('an old readable link', () => {
  const link = (recipient: number, code = CODE) =>
    `https://example.com/unsubscribe.php?M=${recipient}&C=${code}&L=5&N=789`;

  it('unsubscribes with the right confirm code', async () => {
    const { post, left } = openDesk();
    expect((await post(link(7), ONE_CLICK)).status).toBe(200);
    expect(left.map(({ claims, legacy }) => [claims, legacy])).toEqual([[READER, true]]);
  });

  it('with a wrong code, none, or of an unknown recipient answers all the same, and unsubscribes nobody', async () => {
    const { post, left, addresses } = openDesk();
    const wrong = [
      link(7, 'a1b2c4'),
      link(8),
      link(999_999, 'zzz'),
      'https://example.com/unsubscribe.php?M=7&L=5&N=789',
    ];
    for (const fields of [ONE_CLICK, { confirm: 'yes' }, { address: 'ann@example.com' }]) {
      const answers = await Promise.all(wrong.map((url) => post(url, fields)));
      const told = answers.map(({ status, body, headers }) => ({ status, body, headers: [...headers] }));
      for (const answer of told) expect(answer).toEqual(told[0]);
      expect(told[0]?.status).toBe('address' in fields ? 200 : 404);
    }
    expect(left).toEqual([]);
    const request = { address: 'ann@example.com', why: 'damaged' };
    expect(addresses).toStrictEqual(wrong.map(() => request));
  });

  it('needs somebody who compares the code, found out at the start', () => {
    const { links } = openDesk();
    expect(() => createLinkHandlers({ links, onUnsubscribe: () => {} })).toThrow(
      new TypeError(
        '"confirmLegacy" must be given: legacy unsubscribe links are declared, and none would work without it',
      ),
    );
  });
});
