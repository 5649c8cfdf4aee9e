import { describe, expect, it } from 'vitest';
import { ONE_CLICK, openDesk, SHOP, tokenOf } from './desk.ts';

const READER = { campaign: 789, recipient: 7, list: 5 };

describe('a link that was mangled on its way answers as the clean one', () => {
  it.each<[string, (link: string) => string]>([
    ['parameters appended', (link) => `${link}&utm_source=mail&fbclid=x&mc_eid=1`],
    ['parameters put first', (link) => link.replace('?', '?utm_source=mail&')],
    ['&amp; for &', (link) => link.replace('?', '?x=1&amp;')],
    ['&amp;amp; for &', (link) => link.replace('?', '?x=1&amp;amp;')],
    ['a dot', (link) => `${link}.`],
    ['a bracket', (link) => `${link})`],
    ['a bracket and a dot', (link) => `${link}).`],
    ['an encoded bracket', (link) => `${link}%29`],
    ['> and a quote', (link) => `${link}%22%3E`],
    ['a fragment', (link) => `${link}#top`],
    ['padding', (link) => `${link}==`],
    ['a second token', (link) => `${link}&t=invented`],
  ])('%s', async (_, mangle) => {
    const desk = openDesk();
    const click = desk.links.url('click', { ...READER, link: 42 });
    const leave = desk.links.url('unsubscribe', READER);
    const open = desk.links.url('open', READER);
    for (const link of [click, mangle(click), open, mangle(open)]) await desk.ask(link);
    const [clean, mangled, opened, openedMangled] = desk.events.map(({ id, kind, claims, destination }) => ({
      ...{ id, kind, claims, destination },
    }));
    expect([mangled, openedMangled]).toEqual([clean, opened]);
    expect([clean?.destination, opened?.kind]).toEqual([SHOP, 'open']);
    expect((await desk.ask(mangle(leave))).body).toBe((await desk.ask(leave)).body);
    for (const link of [leave, mangle(leave)]) expect((await desk.post(link, ONE_CLICK)).status).toBe(200);
    expect(new Set(desk.left.map(({ id }) => id)).size).toBe(1);
    expect(desk.left).toHaveLength(2);
  });

  it('but with one character changed or dropped it is no link', async () => {
    const desk = openDesk();
    const link = desk.links.url('click', { ...READER, link: 42 });
    const token = tokenOf(link);
    const changed = `${token.slice(0, 30)}${token[30] === 'A' ? 'B' : 'A'}${token.slice(31)}`;
    for (const other of [changed, token.slice(0, -1), token.slice(1), token.toLowerCase()]) {
      expect((await desk.ask(link.replace(token, other))).status).toBe(404);
    }
  });
});
