import type { LinkEvent } from '@casehard/core/links/http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ONE_CLICK, openDesk, SHOP } from './desk.ts';

const READER = { campaign: 789, recipient: 7, list: 5 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it.each([
  ['rejects', (): Promise<void> => Promise.reject(new Error('the database is away'))],
  [
    'throws',
    (): void => {
      throw new Error('the database is away');
    },
  ],
])('an event whose callback %s twice is handed over again until it is taken, the same each time', async (_, fail) => {
  const seen: LinkEvent[] = [];
  const desk = openDesk({
    onEvent: (event) => {
      seen.push(structuredClone(event));
      return seen.length <= 2 ? fail() : undefined;
    },
  });
  const { status, headers } = await desk.ask(desk.links.url('click', { ...READER, link: 42 }));
  expect([status, headers.get('location'), seen.length]).toEqual([302, SHOP, 1]);
  await vi.advanceTimersByTimeAsync(400_000);
  expect(seen).toHaveLength(3);
  expect(seen).toEqual(seen.map(() => seen[0]));
  expect(desk.errors.map(([, place, event]) => [place, event?.requestId])).toEqual([
    ['event', seen[0]?.requestId],
    ['event', seen[0]?.requestId],
  ]);
});

it('an event that nobody takes is reported as lost, whole, after six tries', async () => {
  let tries = 0;
  const desk = openDesk({
    onEvent: () => {
      tries++;
      throw new Error('the database is gone');
    },
  });
  await desk.ask(desk.links.url('open', READER));
  await vi.advanceTimersByTimeAsync(400_000);
  expect([tries, desk.errors.map(([, place]) => place)]).toEqual([6, [...Array(5).fill('event'), 'lost']]);
  expect(desk.errors.at(-1)?.[2]).toMatchObject({ kind: 'open', claims: READER });
});

it('drain hands over what waits, before the process ends', async () => {
  const taken: string[] = [];
  let works = false;
  const desk = openDesk({
    onEvent: async ({ requestId }) => {
      if (!works) throw new Error('the database is away');
      await new Promise((resolve) => setTimeout(resolve, 50));
      taken.push(requestId);
    },
  });
  for (let reader = 0; reader < 3; reader++) await desk.ask(desk.links.url('open', READER));
  const waiting = desk.errors.map(([, , event]) => event?.requestId);
  expect([waiting.length, taken]).toEqual([3, []]);
  works = true;
  const drained = desk.handlers.drain();
  await vi.advanceTimersByTimeAsync(60);
  await drained;
  expect(taken).toEqual(waiting);
  await vi.advanceTimersByTimeAsync(400_000);
  expect(taken).toEqual(waiting);
});

it('a reader is not kept waiting for a slow statistic: the answer comes after a second', async () => {
  const desk = openDesk({ onEvent: () => new Promise((resolve) => setTimeout(resolve, 3_000)) });
  let status: number | undefined;
  const answered = desk.ask(desk.links.url('click', { ...READER, link: 42 })).then((answer) => {
    status = answer.status;
  });
  await vi.advanceTimersByTimeAsync(990);
  expect(status).toBeUndefined();
  await vi.advanceTimersByTimeAsync(20);
  await answered;
  expect([status, desk.errors]).toEqual([302, []]);
  await vi.advanceTimersByTimeAsync(3_000);
});

describe('a program is suspected', () => {
  it.each([
    'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)',
    'Slack-ImgProxy (+https://api.slack.com/robots)',
    'Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com',
    'Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)',
    'TelegramBot (like TwitterBot)',
    'WhatsApp/2.23.20.0 A',
    'facebookexternalhit/1.1',
    'Googlebot/2.1',
    'MailScanner bot',
    'curl/8.5.0',
    'Mozilla/5.0',
    '',
  ])('%j', async (agent) => expect(await signOf(agent)).toBe('agent'));
});

describe('a person is not taken for a program', () => {
  it.each([
    [
      'on a CUBOT phone',
      'Mozilla/5.0 (Linux; Android 13; CUBOT KINGKONG 9) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36',
    ],
    ['on a Cubot phone', 'Mozilla/5.0 (Linux; Android 9; Cubot) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36'],
    [
      'in Outlook',
      'Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Microsoft Outlook 16.0.17126; Microsoft Office; ms-office; MSOffice 16)',
    ],
    [
      'in Word, which Outlook shows mails with',
      'Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17126; Pro)',
    ],
    [
      'in the window of Slack',
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Slack_SSB/4.36 Chrome/120.0 Safari/537.36',
    ],
    [
      'in the window of Skype',
      'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Skype/8.110.0.218 Chrome/114.0 Electron/25 Safari/537.36',
    ],
    [
      'in the window of Discord',
      'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 discord/1.0.9030 Chrome/120.0 Electron/28 Safari/537.36',
    ],
    [
      'in the window of Telegram',
      'Mozilla/5.0 (Linux; Android 13; Pixel 7) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36 Telegram-Android/10.3.2',
    ],
  ])('%s', async (_, agent) => expect(await signOf(agent)).toBeUndefined());

  it('whose mail program posts a one-click without saying what it is', async () => {
    const { links, handlers, left } = openDesk();
    const link = links.url('unsubscribe', READER);
    const post = (fields: Readonly<Record<string, string>>) =>
      handlers.unsubscribe(new Request(link, { method: 'POST', body: new URLSearchParams(fields) }));
    expect([(await post(ONE_CLICK)).status, (await post({ confirm: 'yes' })).status]).toEqual([200, 200]);
    expect(left.map(({ prefetch }) => prefetch)).toEqual([undefined, 'agent']);
  });
});

it('the same link has one id and each request one of its own, also when unsubscribing twice', async () => {
  const desk = openDesk();
  const [open, leave] = [desk.links.url('open', READER), desk.links.url('unsubscribe', READER)];
  for (let time = 0; time < 2; time++) {
    await desk.ask(open);
    await desk.post(leave, ONE_CLICK);
  }
  await desk.ask(desk.links.url('open', READER));
  const count = (events: readonly LinkEvent[], name: 'id' | 'requestId') =>
    new Set(events.map((event) => event[name])).size;
  expect([count(desk.events, 'id'), count(desk.events, 'requestId')]).toEqual([2, 3]);
  expect([count(desk.left, 'id'), count(desk.left, 'requestId')]).toEqual([1, 2]);
});

// --- internal ---

async function signOf(agent: string): Promise<LinkEvent['prefetch']> {
  const desk = openDesk();
  await desk.ask(desk.links.url('open', READER), { headers: { 'user-agent': agent } });
  return desk.events[0]?.prefetch;
}
