import type { Claims } from '@casehard/core/links';
import { listUnsubscribeHeaders } from '@casehard/core/links/http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DAY, ONE_CLICK, openDesk } from './desk.ts';

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
    '-oQ/tmp@example.com',
    '=?utf-8?q?a?=@example.com',
    'ada\u202e@example.com',
    `${'a'.repeat(65)}@example.com`,
    `ada@${'a'.repeat(190)}`,
    'ada@example.com&&id',
    'ada@example.com|id',
    'ada@$(id)',
    'ada@`id`',
    'ada@example..com',
    'ada@.example.com',
    'ada@example.com.',
    'ada@-example.com',
    'ada@example-.com',
    'ada@example.com/x',
    "ada@exam'ple.com",
    'ada@ex_ample.com',
    '`id`@example.com',
    '$HOME@example.com',
    '|id@example.com',
    'ada&id&@example.com',
    '/tmp/ada@example.com',
    'ada!host@example.com',
    'a*@example.com',
    '{ada}@example.com',
    'ada=?utf-8?q?a?=@example.com',
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

describe('an address of many kinds', () => {
  it.each([
    'ada@example.com',
    'ada+news@example.com',
    'ada.b-c_d@mail.example.co.uk',
    "o'brien@example.com",
    'bounce=ada=example.org@example.com',
    '#1~x%y^z@example.com',
    'jörg@exämple.com',
    'अदा@उदाहरण.भारत',
    'ada@xn--exmple-cua.com',
    'ada@4.example',
    'ada@localhost',
    `${'a'.repeat(64)}@${'b.'.repeat(94)}c`,
  ])('is one: %j gets its link', async (address) => {
    const desk = openDesk();
    await desk.post(`${desk.links.addresses.get('unsubscribe')}?t=invented`, { address });
    expect(desk.addresses).toEqual([{ address, why: 'damaged' }]);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('no such reader'))],
    [
      'throws',
      (): void => {
        throw new Error('no such reader');
      },
    ],
  ])('is answered all the same where the callback %s, so that nobody learns who is known', async (_, onAddress) => {
    const known = openDesk();
    const unknown = openDesk({ onAddress });
    const link = 'https://example.com/unsubscribe.php?t=invented';
    const answers = await Promise.all([known, unknown].map((desk) => desk.post(link, { address: 'ada@example.com' })));
    const told = answers.map(({ status, headers, body }) => ({ status, headers: [...headers], body }));
    expect(told).toEqual([told[0], told[0]]);
    expect(told[0]).toMatchObject({ status: 200, body: expect.stringContaining('Please look into your mailbox') });
    expect(unknown.errors).toEqual([[new Error('no such reader'), 'address', undefined]]);
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

describe('an event callback that hangs', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is a failed one after 30 seconds: reported, and tried again', async () => {
    let calls = 0;
    const desk = openDesk({ onEvent: () => (calls++ === 0 ? new Promise(() => {}) : undefined) });
    const asked = desk.ask(desk.links.url('open', READER));
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await asked).status).toBe(200);
    await vi.advanceTimersByTimeAsync(29_500);
    expect(desk.errors.map(([error, place]) => [String(error), place])).toEqual([
      ['Error: the event callback took over 30 s', 'event'],
    ]);
    await vi.advanceTimersByTimeAsync(500);
    expect(calls).toBe(2);
  });
});

describe('an unsubscribe link for nobody that is out already', () => {
  it.each<[name: string, claims: Claims]>([
    ['the canary of `links check`', {}],
    ['a column whose name was mistyped', { recipient: undefined, list: 5, campaign: 789 }],
    ['a send alone', { list: 5, send: 6 }],
  ])('such as %s unsubscribes nobody, says so to the reader, and is reported', async (_, claims) => {
    const desk = openDesk();
    const link = `${desk.links.addresses.get('unsubscribe')}?t=${desk.links.mint('unsubscribe', claims)}`;
    const { status, body } = await desk.ask(link);
    expect([status, body, desk.errors]).toEqual([200, expect.stringContaining('<button name="confirm"'), []]);
    const oneClick = await desk.post(link, ONE_CLICK);
    expect([oneClick.status, oneClick.body]).toEqual([404, 'this link does not work any more\n']);
    const pressed = await desk.post(link, { confirm: 'yes' });
    expect([pressed.status, pressed.body]).toEqual([404, expect.stringContaining('name="address"')]);
    expect((await desk.post(link, { address: 'ada@example.com' })).body).toContain('Please look into your mailbox');
    expect([desk.left, desk.addresses]).toEqual([[], [{ address: 'ada@example.com', why: 'damaged' }]]);
    const heard = desk.errors.map(([error, place, event]) => [String(error), place, event?.claims]);
    const { recipient, ...wanted } = claims;
    const told = 'Error: an unsubscribe link names no recipient: nobody was unsubscribed';
    expect(heard.slice(0, 2)).toEqual(Array(2).fill([told, 'unsubscribe', wanted]));
  });

  it('is one that has neither a recipient nor a key of one', async () => {
    const desk = openDesk();
    for (const claims of [{ recipient: 0 }, { recipientKey: Buffer.from('ada') }]) {
      expect((await desk.post(desk.links.url('unsubscribe', claims), ONE_CLICK)).status).toBe(200);
    }
    expect([desk.left.length, desk.errors]).toEqual([2, []]);
  });
});

describe('the address for unsubscribe mails', () => {
  it.each(['löschen@exämple.com', 'a@b@c', 'a;b@example.com', 'a@example.com&subject=x', 'a@example.com?x', 'ada'])(
    'is plain ASCII without parameters: not %j',
    (mailto) => {
      const { links } = openDesk();
      expect(() => listUnsubscribeHeaders(links, READER, { mailto })).toThrow(
        new TypeError('"mailto" must be an address alone, such as leave@example.com'),
      );
    },
  );

  it('must leave the header below 998 characters', () => {
    const { links } = openDesk();
    const mailto = `${'a'.repeat(60)}@${'b'.repeat(180)}`;
    const claims = { ...READER, tenant: new Uint8Array(530) };
    expect(() => listUnsubscribeHeaders(links, claims, { mailto })).toThrow(
      expect.objectContaining({
        code: 'TOO_LONG',
        message: expect.stringMatching(/^List-Unsubscribe would have \d+ char/),
      }),
    );
    expect(listUnsubscribeHeaders(links, READER, { mailto })['List-Unsubscribe']).toContain(`<mailto:${mailto}>`);
  });
});

describe('a callback that returns a strange promise', () => {
  it('does not make the handler reject', async () => {
    // biome-ignore lint/suspicious/noThenProperty: the test is about one
    const strange = { then: () => undefined } as unknown as Promise<string>;
    vi.useFakeTimers();
    try {
      const desk = openDesk({ destination: () => strange, texts: { later: undefined as never } });
      const asked = desk.ask(desk.links.url('click', { ...READER, link: 42 }));
      await vi.advanceTimersByTimeAsync(5_000);
      expect((await asked).status).toBe(503);
    } finally {
      vi.useRealTimers();
    }
  });
});
