import { describe, expect, it } from 'vitest';
import { type Desk, openDesk, SHOP } from './desk.ts';

const READER = { campaign: 789, recipient: 7, list: 5 };
const NOWHERE = [404, null];
const EVIL = encodeURIComponent('https://evil.example/');

describe('a click leads nowhere but where the mailer said', () => {
  it.each([
    `url=${EVIL}`,
    `to=${EVIL}`,
    'url=//evil.example',
    'to=https://evil.example/',
    `redirect=${EVIL}&next=${EVIL}&u=${EVIL}&link=${EVIL}&destination=${EVIL}`,
  ])('whatever else the link asks for: %s', async (more) => {
    const desk = openDesk();
    const link = desk.links.url('click', { ...READER, link: 42 });
    const legacy = 'https://example.com/link.php?M=7&L=5&N=789&l=42';
    for (const clicked of [`${link}&${more}`, link.replace('?', `?${more}&`), `${legacy}&${more}`]) {
      expect(await redirectOf(desk, clicked)).toEqual([302, SHOP]);
    }
    expect(await redirectOf(desk, `https://example.com/link.php?${more}`)).toEqual(NOWHERE);
    const unknown = desk.links.url('click', { ...READER, link: 43 });
    expect(await redirectOf(desk, `${unknown}&${more}`)).toEqual(NOWHERE);
  });

  it.each([
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'file:///etc/passwd',
    'https://shop.example@evil.example/',
    'https://user:secret@shop.example/',
    '//evil.example/',
    '/\\evil.example/',
    '',
  ])('not to %j: looked up it is refused and reported, and no token is made with it', async (url) => {
    const desk = openDesk({ destination: () => url });
    expect(await redirectOf(desk, desk.links.url('click', { ...READER, link: 42 }))).toEqual(NOWHERE);
    expect(desk.errors.map(([, place]) => place)).toEqual(['destination']);
    const refusal = new TypeError('"url" must be an http or https address without a login in it');
    expect(() => desk.links.url('click', { ...READER, url })).toThrow(refusal);
    expect(() => desk.links.mintMany('click', [{ ...READER, url }])).toThrow(refusal);
    expect(desk.events).toEqual([]);
  });

  it.each(['\r\n', '\n', '\r'])('and a line break in a destination breaks no header: %j', async (end) => {
    const url = `https://shop.example/a${end}Set-Cookie: session=stolen${end}${end}<h1>`;
    const desk = openDesk({ destination: () => url });
    for (const claims of [{ link: 42 }, { url }]) {
      const { status, headers } = await desk.ask(desk.links.url('click', { ...READER, ...claims }));
      expect(status).toBe(302);
      expect(headers.get('location')).toBe('https://shop.example/aSet-Cookie:%20session=stolen%3Ch1%3E');
      expect(headers.get('set-cookie')).toBeNull();
    }
  });
});

// --- internal ---

async function redirectOf({ ask }: Desk, url: string): Promise<readonly unknown[]> {
  const { status, headers } = await ask(url);
  return [status, headers.get('location')];
}
