import { createLinkHandlers } from '@casehard/core/links/http';
import { describe, expect, it, vi } from 'vitest';
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

  describe('whose code stands last', () => {
    const last = (code: string) => `https://example.com/unsubscribe.php?M=7&L=5&N=789&C=${code}`;

    it.each(['.', ')', '?!', '%22%3E', ').', '*', "'", '...,,,;;'])(
      'unsubscribes with %s taken into it',
      async (tail) => {
        const { post, left } = openDesk();
        expect((await post(last(`${CODE}${tail}`), ONE_CLICK)).status).toBe(200);
        expect(left.map(({ claims }) => claims)).toEqual([READER]);
      },
    );

    it('is compared as it was sent, and without what stands behind it only where that is wrong', async () => {
      const asked: string[] = [];
      const desk = openDesk({
        confirmLegacy: (_, code) => {
          asked.push(code);
          return code === 'odd.' || code === CODE;
        },
      });
      const statuses: number[] = [];
      for (const code of ['odd.', `${CODE}.`, 'wrong', 'wrong.', '...', `${CODE}-`]) {
        statuses.push((await desk.post(last(code), ONE_CLICK)).status);
      }
      expect(statuses).toEqual([200, 200, 404, 404, 404, 404]);
      expect(asked).toEqual([...['odd.', `${CODE}.`, CODE, 'wrong', 'wrong.', 'wrong', '...', `${CODE}-`]]);
    });

    it('is answered within five seconds, however often it is compared', async () => {
      vi.useFakeTimers();
      try {
        const slow = () => new Promise<boolean>((resolve) => setTimeout(resolve, 3_000, false));
        const desk = openDesk({ confirmLegacy: slow });
        const answer = desk.post(last(`${CODE}.`), ONE_CLICK);
        await vi.advanceTimersByTimeAsync(5_000);
        expect((await answer).status).toBe(503);
        await vi.advanceTimersByTimeAsync(5_000);
        expect(desk.left).toEqual([]);
      } finally {
        vi.useRealTimers();
      }
    });
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
