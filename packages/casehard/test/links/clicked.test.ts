import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DOVECOT_ABSENT } from '../checks/dovecot.ts';
import { NO_BROWSER, openBrowser, violations } from '../console/browser.ts';
import { ANN, BEN, type Campaign, CLEO, got, prepareCampaign } from './campaign.ts';
import { CARRIED, type Recipient, STORED } from './mailer.ts';
import { BROWSER } from './reader.ts';
import { clicked, opened, reported, unsubscribed } from './told.ts';

const SCANNER = 'Mozilla/5.0 (compatible; Barracuda Sentinel EE; MailScanner)';
const ONE_CLICK = { 'List-Unsubscribe': 'One-Click' };

const title = `a mail out of its mailbox is${DOVECOT_ABSENT === undefined ? '' : ` (skipped: ${DOVECOT_ABSENT})`}`;
describe.skipIf(DOVECOT_ABSENT !== undefined)(title, () => {
  const send = prepareCampaign();
  let campaign: Campaign;
  let browser: Browser | undefined;
  beforeAll(async () => {
    campaign = await send();
    browser = NO_BROWSER ? undefined : await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await campaign?.close();
  });
  const isSubscribed = ({ id }: Recipient): boolean => campaign.mailer.subscribed.has(id);

  it('opened and clicked by a person: an image, and redirects to exactly where the links lead', async () => {
    const links = campaign.found(ANN);
    const { status, headers, body } = await campaign.ask(links.open);
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([200, 'image/gif', 'no-store']);
    expect(body.toString('latin1', 0, 6)).toMatch(/^GIF8[79]a$/);
    for (const [link, destination] of [
      [links.stored, STORED.url],
      [links.carried, CARRIED],
    ] as const) {
      const { status, headers } = await campaign.ask(link);
      expect([status, headers.location]).toEqual([302, destination]);
    }
    expect(reported(campaign)).toStrictEqual([opened(ANN), clicked(ANN, 'stored'), clicked(ANN, 'carried')]);
  });

  it.each([
    ['the HEAD of a scanner', 'method', { method: 'HEAD', headers: { 'user-agent': SCANNER } }],
    ['the GET of a scanner', 'agent', { headers: { 'user-agent': SCANNER } }],
    ['a prefetching browser', 'header', { headers: { 'sec-purpose': 'prefetch;prerender' } }],
  ] as const)('followed link by link by %s: flagged, and nobody is unsubscribed', async (_, prefetch, asked) => {
    for (const [name, link] of Object.entries(campaign.found(ANN))) {
      const { status, headers, body } = await campaign.ask(link, asked);
      expect(status).toBe(['stored', 'carried'].includes(name) ? 302 : 200);
      expect(headers['set-cookie']).toBeUndefined();
      expect(body.length > 0).toBe(prefetch !== 'method' && status === 200);
    }
    const seen = [opened(ANN), clicked(ANN, 'stored'), clicked(ANN, 'carried')];
    expect(reported(campaign)).toStrictEqual(seen.map((event) => ({ ...event, prefetch })));
    expect(isSubscribed(ANN)).toBe(true);
  });

  it('found beside an old one, whose readable link still leads there', async () => {
    const old = `${campaign.mailer.url}/link.php?M=${ANN.id}&L=5&N=789&l=${STORED.id}`;
    const { status, headers } = await campaign.ask(old);
    expect([status, headers.location]).toEqual([302, STORED.url]);
    const claims = { recipient: ANN.id, list: 5, campaign: 789, link: STORED.id };
    expect(reported(campaign)).toStrictEqual([{ ...clicked(ANN, 'stored'), claims, legacy: true }]);
  });

  describe.skipIf(NO_BROWSER)('unsubscribed in Chromium', () => {
    const openPage = async (javaScriptEnabled: boolean) => {
      const context = await got(browser).newContext({ ignoreHTTPSErrors: true, javaScriptEnabled, userAgent: BROWSER });
      const page = await context.newPage();
      const asked: string[] = [];
      const complaints: string[] = [];
      page.on('request', (request) => asked.push(`${request.method()} ${request.url()}`));
      page.on('console', (message) => complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      return { page, asked, complaints, cookies: () => context.cookies() };
    };

    it('on a page without a fault in light and dark, that runs nothing and asks nothing of anybody', async () => {
      const { page, asked, complaints, cookies } = await openPage(true);
      const { unsubscribe } = campaign.found(ANN);
      await page.goto(unsubscribe, { waitUntil: 'networkidle' });
      expect(await violations(page)).toEqual([]);
      expect(await page.locator('script, link, img, iframe, [onload], [onclick]').count()).toBe(0);
      await page.waitForTimeout(500);
      expect([asked, complaints, await cookies()]).toEqual([[`GET ${unsubscribe}`], [], []]);
      expect([reported(campaign), isSubscribed(ANN)]).toEqual([[], true]);
    });

    it('by the button of the page, without JavaScript', async () => {
      const { page, asked, cookies } = await openPage(false);
      const { unsubscribe } = campaign.found(ANN);
      await page.goto(unsubscribe);
      await page.getByRole('button', { name: 'Unsubscribe' }).click();
      await page.getByRole('heading', { name: 'You are unsubscribed' }).waitFor({ timeout: 5_000 });
      expect([asked, await cookies()]).toEqual([[`GET ${unsubscribe}`, `POST ${unsubscribe}`], []]);
      expect(reported(campaign)).toStrictEqual([unsubscribed(ANN, false)]);
      expect(isSubscribed(ANN)).toBe(false);
    });
  });

  it.each([
    ['urlencoded', BEN, () => new URLSearchParams(ONE_CLICK)],
    ['multipart', CLEO, () => multipart(ONE_CLICK)],
  ] as const)('unsubscribed by one-click, %s, without cookies, and once more: the same link', async (_, who, form) => {
    const { button } = campaign.found(who);
    const ids: string[] = [];
    for (let time = 0; time < 2; time++) {
      const { status, headers } = await campaign.ask(button, { method: 'POST', body: form() });
      expect([status, headers['set-cookie'], headers.location]).toEqual([200, undefined, undefined]);
      ids.push(...campaign.mailer.events.map(({ id }) => id));
      expect(reported(campaign)).toStrictEqual([unsubscribed(who, true)]);
      expect(isSubscribed(who)).toBe(false);
    }
    expect(ids).toEqual([ids[0], ids[0]]);
  });
});

// --- internal ---

function multipart(fields: Readonly<Record<string, string>>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}
