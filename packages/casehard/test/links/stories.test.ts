/** docs/links.md, and the stories that users of other mailers told; the handlers are called as functions. */
import { generateKey } from '@casehard/core';
import { expect, it } from 'vitest';
import { CODE, DAY, keyIdOf, ONE_CLICK, openDesk, SHOP } from './desk.ts';

const READER = { campaign: 789, recipient: 7, list: 5 };

it('a scanner that follows every link of a company unsubscribes nobody', async () => {
  const { links, ask, left, events } = openDesk();
  for (let recipient = 1; recipient <= 40; recipient++) {
    const claims = { ...READER, recipient };
    const clicked = links.url('click', { ...claims, link: 42 });
    const old = `https://example.com/unsubscribe.php?M=${recipient}&C=${CODE}&L=5&N=789`;
    for (const link of [links.url('open', claims), clicked, links.url('unsubscribe', claims), old]) {
      for (const method of ['GET', 'HEAD'])
        expect((await ask(link, { method })).status).toBe(link === clicked ? 302 : 200);
    }
  }
  expect(left).toEqual([]);
  expect(events.map(({ kind }) => kind)).toEqual(Array(40).fill(['open', 'open', 'click', 'click']).flat());
});

it('a scanner that runs scripts finds none on a page, and no form that sends itself', async () => {
  const { links, ask, post } = openDesk();
  const link = links.url('unsubscribe', READER);
  const invented = 'https://example.com/unsubscribe.php?t=invented';
  for (const page of [ask(link), ask(invented), post(invented, { address: 'ann@example.com' }), post(link, {})]) {
    const { headers, body } = await page;
    expect(body).toMatch(/^<!doctype html>/);
    expect(body).not.toMatch(/<script|\son\w+\s*=|javascript:|http-equiv|<(?:iframe|object|embed|img|link|svg)/i);
    const policy = headers.get('content-security-policy')?.split('; ') ?? [];
    expect(policy).toContain("default-src 'none'");
    expect(policy.map((rule) => rule.split(' ')[0])).not.toContain('script-src');
    expect(policy).toContain("frame-ancestors 'none'");
  }
});

it('a new key leaves every link that is out alive, unsubscribe links for ever', async () => {
  const [old, fresh] = [generateKey('trk'), generateKey('trk')];
  const before = openDesk({ active: old, now: () => Date.now() - 3650 * DAY });
  const link = before.links.url('unsubscribe', READER);
  const { ask, post, left } = openDesk({ active: fresh, previous: [old] });
  expect((await ask(link)).body).toContain('<button name="confirm"');
  expect((await post(link, ONE_CLICK)).status).toBe(200);
  expect((await post(link, { confirm: 'yes' })).status).toBe(200);
  expect(left.map(({ claims, oneClick }) => [claims, oneClick])).toEqual([
    [READER, true],
    [READER, false],
  ]);
  const click = openDesk({ active: old }).links.url('click', { ...READER, link: 42 });
  expect((await ask(click)).headers.get('location')).toBe(SHOP);
});

it('a stolen key, withdrawn: no redirect, no one-click, and a page that asks for the address', async () => {
  const [stolen, fresh] = [generateKey('trk'), generateKey('trk')];
  const { links } = openDesk({ active: stolen });
  const desk = openDesk({ active: fresh, previous: [stolen], withdrawn: [keyIdOf(stolen)] });
  for (const claims of [{ link: 42 }, { url: 'https://evil.example/' }]) {
    const { status, headers } = await desk.ask(links.url('click', { ...READER, ...claims }));
    expect([status, headers.get('location')]).toEqual([410, null]);
  }
  const link = links.url('unsubscribe', READER);
  expect((await desk.post(link, ONE_CLICK)).status).toBe(410);
  const { status, body } = await desk.ask(link);
  expect([status, body]).toEqual([410, expect.stringContaining('<input id="address" name="address" type="email"')]);
  expect((await desk.post(link, { address: 'ann@example.com' })).status).toBe(200);
  expect(desk.addresses).toStrictEqual([{ address: 'ann@example.com', why: 'withdrawn' }]);
  expect([desk.left, desk.events]).toEqual([[], []]);
});

it('an unsubscribe link older than its lifetime leads to a form, and who it was for goes with no address', async () => {
  let time = Date.parse('2026-01-01');
  const desk = openDesk({ lifetimes: { unsubscribe: 60 }, now: () => time });
  const link = desk.links.url('unsubscribe', READER);
  time += 60 * DAY;
  expect((await desk.ask(link)).body).toContain('<button name="confirm"');
  time += 1000;
  const { status, body } = await desk.ask(link);
  expect([status, body]).toEqual([410, expect.stringContaining('name="address"')]);
  expect((await desk.post(link, ONE_CLICK)).status).toBe(410);
  expect((await desk.post(link, { address: ' ann@example.com ' })).body).toContain('Please look into your mailbox');
  expect(desk.addresses).toStrictEqual([{ address: 'ann@example.com', why: 'expired' }]);
  expect(desk.left).toEqual([]);
});

it('a click that comes too late still leads somewhere, and is not counted', async () => {
  let time = Date.parse('2026-01-01');
  const { links, ask, events } = openDesk({ now: () => time });
  const link = links.url('click', { ...READER, link: 42 });
  time += 91 * DAY;
  const { status, headers } = await ask(link);
  expect([status, headers.get('location'), events]).toEqual([302, SHOP, []]);
});

it('an old link does not cancel a later subscription in a mailer that looks at issuedAt', async () => {
  let time = Date.parse('2026-01-01');
  const subscribed = new Map([[7, new Date(time)]]);
  const { links, post } = openDesk({
    now: () => time,
    onUnsubscribe: ({ claims, issuedAt }) => {
      const since = subscribed.get(Number(claims.recipient));
      if (since && issuedAt && issuedAt < since) return;
      subscribed.delete(Number(claims.recipient));
    },
  });
  const old = links.url('unsubscribe', READER);
  time += DAY;
  await post(old, ONE_CLICK);
  expect(subscribed.has(7)).toBe(false);
  time += DAY;
  subscribed.set(7, new Date(time));
  expect((await post(old, ONE_CLICK)).status).toBe(200);
  expect(subscribed.has(7)).toBe(true);
  time += DAY;
  await post(links.url('unsubscribe', READER), ONE_CLICK);
  expect(subscribed.has(7)).toBe(false);
});
