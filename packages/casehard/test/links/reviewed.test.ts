import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DAY, openDesk } from './desk.ts';

/* What reviews found, each with what it would have done. */
const READER = { campaign: 789, recipient: 7, list: 5 };

describe('an address that asks for a fresh link', () => {
  it.each([
    'ada@example.com,eve@evil.example',
    'ada@example.com;eve@evil.example',
    'ada@b@example.com',
    'Ada <ada@example.com>',
    'ada\0@example.com',
    'ada@example.com\r\nBcc: eve@evil.example',
    '(ada)@example.com',
    '"ada"@example.com',
    'ada',
    `${'a'.repeat(65)}@example.com`,
  ])('is one address and no list: %j reaches nobody, and the answer is the same', async (address) => {
    const desk = openDesk({ lifetimes: { unsubscribe: 60 }, now: () => Date.now() });
    const late = openDesk({ onAddress: undefined as never });
    const link = `${desk.links.addresses.get('unsubscribe')}?t=invented`;
    const known = await desk.post(link, { address: 'ada@example.com' });
    const answer = await desk.post(link, { address });
    expect([answer.status, answer.body]).toEqual([known.status, known.body]);
    expect(desk.addresses.map((asked) => asked.address)).toEqual(['ada@example.com']);
    expect((await late.post(link, { address })).body).not.toContain('mailbox');
  });
});

describe('an error callback that fails itself', () => {
  const rejections: unknown[] = [];
  const note = (error: unknown): void => void rejections.push(error);
  beforeEach(() => void process.on('unhandledRejection', note));
  afterEach(() => void process.off('unhandledRejection', note));

  it.each([
    ['rejects', async (): Promise<void> => Promise.reject(new Error('the log is full'))],
    [
      'throws',
      (): void => {
        throw new Error('the log is full');
      },
    ],
  ])('%s, and neither the answer nor the process minds', async (_, onError) => {
    const desk = openDesk({ onError, onEvent: () => Promise.reject(new Error('no database')) });
    const { status } = await desk.ask(desk.links.url('click', { ...READER, link: 42 }));
    expect(status).toBe(302);
    await new Promise((done) => setTimeout(done, 20));
    expect(rejections).toEqual([]);
  });
});

describe('the end of a process', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('waits ten seconds at most for a callback that hangs, and reports what is lost', async () => {
    const desk = openDesk({ onEvent: () => new Promise(() => {}) });
    const asked = desk.ask(desk.links.url('open', READER));
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await asked).status).toBe(200);
    let drained = false;
    const draining = desk.handlers.drain().then(() => {
      drained = true;
    });
    await vi.advanceTimersByTimeAsync(9_000);
    expect(drained).toBe(false);
    await vi.advanceTimersByTimeAsync(2_000);
    await draining;
    expect(desk.errors.map(([, place, event]) => [place, event?.kind])).toEqual([['lost', 'open']]);
  });

  it('leaves pauses between the tries, as long as there is time', async () => {
    let tries = 0;
    const desk = openDesk({
      onEvent: async () => {
        tries++;
        if (tries < 12) throw new Error('starting again');
      },
    });
    await desk.ask(desk.links.url('open', READER));
    const draining = desk.handlers.drain();
    await vi.advanceTimersByTimeAsync(9_000);
    await draining;
    expect(tries).toBe(12);
    expect(desk.errors.some(([, place]) => place === 'lost')).toBe(false);
  });
});

it('an expired link of a day long gone still redirects, and its pixel is the same', async () => {
  let now = Date.now();
  const desk = openDesk({ now: () => now });
  const [click, open] = [desk.links.url('click', { ...READER, link: 42 }), desk.links.url('open', READER)];
  now += 400 * DAY;
  expect((await desk.ask(click)).status).toBe(302);
  expect((await desk.ask(open)).status).toBe(200);
  expect(desk.events).toEqual([]);
});
