import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Answered, ONE_CLICK, openDesk } from './desk.ts';

const READER = { campaign: 789, recipient: 7, list: 5 };

describe('unsubscribing', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([
    ['one-click', ONE_CLICK],
    ['the button of the page', { confirm: 'yes' }],
  ])('by %s answers 503 when the mailer fails, so that it is tried again', async (_, fields) => {
    const broken = new Error('the database is away');
    for (const onUnsubscribe of [() => Promise.reject(broken), () => raise(broken)]) {
      const { links, post, errors } = openDesk({ onUnsubscribe });
      const { status, headers } = await post(links.url('unsubscribe', READER), fields);
      expect([status, headers.get('retry-after')]).toEqual([503, '120']);
      expect(errors).toEqual([
        [broken, 'unsubscribe', expect.objectContaining({ kind: 'unsubscribe', claims: READER })],
      ]);
    }
  });

  it('answers 503 when the mailer takes over 5 s', async () => {
    const { links, post, errors } = openDesk({ onUnsubscribe: () => new Promise(() => {}) });
    const answer = watch(post(links.url('unsubscribe', READER), ONE_CLICK));
    await vi.advanceTimersByTimeAsync(4_990);
    expect(answer.status).toBeUndefined();
    await vi.advanceTimersByTimeAsync(20);
    expect(answer.status).toBe(503);
    expect(errors.map(([error, place]) => [`${error}`, place])).toEqual([
      ['Error: unsubscribe took over 5 s', 'unsubscribe'],
    ]);
  });

  it('answers 200 only after the mailer has done it', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { links, post } = openDesk({ onUnsubscribe: () => promise });
    const answer = watch(post(links.url('unsubscribe', READER), ONE_CLICK));
    await vi.advanceTimersByTimeAsync(4_000);
    expect(answer.status).toBeUndefined();
    resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(answer.status).toBe(200);
  });
});

// --- internal ---

function watch(answer: Promise<Answered>): { status?: number } {
  const seen: { status?: number } = {};
  answer.then(({ status }) => {
    seen.status = status;
  });
  return seen;
}

function raise(error: Error): never {
  throw error;
}
