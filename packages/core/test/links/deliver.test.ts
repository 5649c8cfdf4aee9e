import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Delivery } from '../../src/links/http/deliver.ts';
import type { LinkEvent } from '../../src/links/http/event.ts';

const HELD = 10_000;
const away = new Error('the database is away');

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('an event while 10 000 others wait', () => {
  test('is handed over when the callback works again', async () => {
    const outage = await fill();
    outage.onEvent = (event) => void outage.taken.push(event.requestId);
    await outage.delivery.deliver(eventOf('sync'));
    outage.onEvent = async (event) => void outage.taken.push(event.requestId);
    await outage.delivery.deliver(eventOf('async'));
    expect([outage.taken, outage.lost]).toEqual([['sync', 'async'], []]);
  });

  test.each<[name: string, fail: () => void | Promise<void>]>([
    [
      'throws',
      () => {
        throw away;
      },
    ],
    ['rejects', () => Promise.reject(away)],
  ])('is lost where the callback %s: it was offered, and is not kept', async (_, fail) => {
    const outage = await fill();
    let offered = 0;
    outage.onEvent = () => {
      offered++;
      return fail();
    };
    await outage.delivery.deliver(eventOf('one'));
    expect([offered, outage.lost]).toEqual([1, [['one', 'Error: too many events wait to be handed over', away]]]);
  });

  test('is lost where the callback takes over a second, as long as its answer waits', async () => {
    const outage = await fill();
    outage.onEvent = () => new Promise(() => {});
    let answered = false;
    const answer = outage.delivery.deliver(eventOf('one')).then(() => {
      answered = true;
    });
    await vi.advanceTimersByTimeAsync(90);
    expect([answered, outage.lost]).toEqual([false, []]);
    await vi.advanceTimersByTimeAsync(1_000);
    await answer;
    expect(outage.lost).toEqual([
      ['one', 'Error: too many events wait to be handed over', new Error('the event callback took over 1 s')],
    ]);
  });

  test('takes nothing from those that wait: each is tried again', async () => {
    const outage = await fill();
    await outage.delivery.deliver(eventOf('one'));
    outage.onEvent = (event) => void outage.taken.push(event.requestId);
    await vi.advanceTimersByTimeAsync(100);
    expect([outage.taken.length, outage.lost.length]).toEqual([HELD, 1]);
    await outage.delivery.drain();
  });
});

// --- internal ---

interface Outage {
  readonly delivery: Delivery;
  readonly taken: string[];
  readonly lost: unknown[];
  onEvent: (event: LinkEvent) => void | Promise<void>;
}

/** A delivery whose callback has failed for as many events as are held. */
async function fill(): Promise<Outage> {
  const outage: Outage = {
    delivery: new Delivery({
      onEvent: (event) => outage.onEvent(event),
      onFailure: (error, { requestId }, lost) => {
        if (lost) outage.lost.push([requestId, String(error), (error as Error).cause]);
      },
    }),
    taken: [],
    lost: [],
    onEvent: () => {
      throw away;
    },
  };
  for (let n = 0; n < HELD; n++) await outage.delivery.deliver(eventOf(String(n)));
  expect(outage.lost).toEqual([]);
  return outage;
}

function eventOf(requestId: string): LinkEvent {
  return {
    ...{ kind: 'open', id: 'open:x', requestId, at: new Date(), claims: {}, issuedAt: undefined },
    ...{ legacy: false, prefetch: undefined },
  };
}
