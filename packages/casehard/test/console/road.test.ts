import { createHash } from 'node:crypto';
import { generateKey } from '@casehard/core';
import { sql } from 'kysely';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Served, serve } from '../../src/console/serve.ts';
import { ENGINES } from '../engines.ts';
import { NO_BROWSER, openBrowser, picture, violations } from './browser.ts';
import { type Office, openOffice, PASSWORD } from './office.ts';

const TIMEOUT = 120_000;

describe.each(ENGINES)("the operator's road on $engine, in a browser", (engine) => {
  const skipped = engine.absent ?? NO_BROWSER;
  let office: Office;
  let served: Served;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  const keys = { CASEHARD_ENC_KEY: generateKey('enc') };
  const problems: string[] = [];

  beforeAll(async () => {
    if (skipped) return;
    office = await openOffice(engine, { rows: 60 });
    await start();
    browser = await openBrowser();
    context = await browser.newContext();
    page = await context.newPage();
    // A blocked script, style or request, and an error of our own script: none may happen on the road.
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(String(error)));
  }, TIMEOUT);
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await office?.drop();
  });

  const start = async (port = 0): Promise<void> => {
    served = await serve(office.console, { host: '127.0.0.1', port });
    office.console.listensAt({ host: '127.0.0.1', port: served.port });
  };
  const go = (path: string) => page.goto(`${served.url}${path}`);
  const main = (): Promise<string> => page.innerText('main');
  const accessible = async (name: string): Promise<void> => {
    await picture(page, `${engine.engine}-${name}`);
    expect(await violations(page), name).toEqual([]);
  };
  const step = it.skipIf(skipped);

  step(
    'the link of the terminal makes the first account, once',
    async () => {
      const link = `/welcome/${office.console.issueWelcome()}`;
      await go(link);
      await accessible('welcome');
      await page.fill('#name', 'ada');
      await page.fill('#password', PASSWORD);
      await page.fill('#again', `${PASSWORD}!`);
      await page.click('button.primary');
      expect(await main()).toContain('The two passwords differ.');
      await page.fill('#name', 'ada');
      await page.fill('#password', PASSWORD);
      await page.fill('#again', PASSWORD);
      await page.click('button.primary');
      expect(await page.title()).toContain('A code at sign-in');
      await accessible('code');
      const other = await browser.newPage();
      await other.goto(`${served.url}${link}`);
      expect(await other.title()).toContain('This link does not work');
      await other.close();
    },
    TIMEOUT,
  );

  step(
    'while an upgrade is pending, signing in lands on it; it runs without a key',
    async () => {
      await page.click('text=Sign out');
      await expect.poll(() => page.title()).toContain('Sign in');
      await accessible('sign-in');
      await page.fill('#name', 'ada');
      await page.fill('#password', PASSWORD);
      await page.click('button.primary');
      expect(page.url()).toMatch(/\/upgrade$/);
      expect(await main()).toContain('Back the database up first');
      if (engine.engine !== 'sqlite') expect(await main()).toContain('widen lists.bounce_password');
      await page.click('details summary');
      await accessible('upgrade');
      await page.click('text=Later');
      expect(page.url()).toMatch(/\/\?did=later$/);
      expect(await page.innerText('body')).toContain('An upgrade is pending.');
      await page.click('text=See what will change');
      await page.click('text=Run upgrade');
      await page.waitForSelector('text=The upgrade has run', { timeout: 30_000 });
      expect(await main()).toContain('No upgrade is pending');
      await accessible('upgraded');
    },
    TIMEOUT,
  );

  step(
    'without a key every page says so, and the existing scheme goes on',
    async () => {
      for (const path of ['/', '/settings/email-settings', '/jobs', '/quarantine', '/keys']) {
        await go(path);
        expect(await page.innerText('body')).toContain('CASEHARD_ENC_KEY not configured.');
      }
      await go('/entry/user.smtp.password%23101');
      expect(await main()).toContain('legacy base64');
      await page.fill('input[name=secret]', 'a new password');
      await page.click('text=Save');
      expect(await page.innerText('[role=status].notice')).toBe('Saved in the existing scheme: no key is configured.');
      expect(await page.inputValue('input[name=secret]')).toBe('');
    },
    TIMEOUT,
  );

  step(
    'two keys are made and shown once, and stored nowhere',
    async () => {
      await go('/keys');
      await accessible('keys');
      await page.click('button:has-text("Generate keys")');
      const lines = await page.locator('pre.keyline').allInnerTexts();
      expect(lines).toEqual([
        expect.stringMatching(/^CASEHARD_ENC_KEY=chkey1\.enc\.[a-z2-7]{8}\.[\w-]{43}$/),
        expect.stringMatching(/^CASEHARD_TRACKING_KEY=chkey1\.trk\.[0-9a-f]{4}\.[\w-]{43}$/),
        expect.stringMatching(/^define\('SENDSTUDIO_ENC_KEY', 'chkey1\.enc\./),
        expect.stringMatching(/^define\('SENDSTUDIO_TRACKING_KEY', 'chkey1\.trk\./),
      ]);
      expect(await violations(page)).toEqual([]);
      await go('/keys');
      expect(await page.content()).not.toContain('chkey1.');
    },
    TIMEOUT,
  );

  step(
    'a key that is configured later is found, needs no further upgrade, and hardens what is saved',
    async () => {
      office.writeKeys(keys);
      await page.click('text=Look the keys up again');
      expect(await main()).toMatch(/active: seals and opens/);
      expect(await page.innerText('body')).not.toContain('not configured.');
      await go('/upgrade');
      expect(await main()).toContain('No upgrade is pending');
      await go('/entry/user.smtp.password%23101');
      await page.fill('input[name=secret]', 'a newer password');
      await page.click('text=Save');
      expect(await page.innerText('[role=status].notice')).toBe('Saved and sealed.');
      expect(await main()).toContain('current');
      await accessible('entry');
    },
    TIMEOUT,
  );

  step(
    'an untouched secret is unchanged, and one that would go elsewhere must be typed again',
    async () => {
      const stored = await fingerprint();
      await page.fill('input[name="n.host"]', 'smtp.elsewhere.example');
      await page.click('text=Save');
      expect(await main()).toContain('type it again');
      expect(await page.inputValue('input[name="n.host"]')).toBe('smtp.elsewhere.example');
      expect(await fingerprint()).toBe(stored);
      await go('/entry/user.smtp.password%23101');
      await page.fill('input[name="n.name"]', 'another name');
      await page.click('text=Save');
      expect(await page.innerText('[role=status].notice')).toBe('Saved. The credential is unchanged.');
      expect(await fingerprint()).toBe(stored);
      await page.fill('input[name="n.host"]', 'smtp.elsewhere.example');
      await page.click('text=Test connection');
      await expect.poll(() => page.innerText('output')).toContain('You changed where the credential goes');
      expect(page.url()).not.toContain('/test');
    },
    TIMEOUT,
  );

  step(
    'lists are searched and filtered',
    async () => {
      await go('/settings/email-settings');
      await accessible('settings');
      await page.click('text=Open the list');
      await accessible('list');
      await page.selectOption('#verdict', 'current');
      await page.click('text=Show');
      expect(await page.locator('tbody tr').count()).toBe(1);
      await page.selectOption('#verdict', '');
      await page.fill('#search', 'ELSEWHERE');
      await page.click('text=Show');
      expect(await main()).toContain('No row here fits.');
      await page.fill('#search', 'another name');
      await page.click('text=Show');
      await page.click('tbody a');
      expect(page.url()).toContain('user.smtp.password%23101');
    },
    TIMEOUT,
  );

  step(
    'Harden now runs in the background, and the last legacy value disappears',
    async () => {
      await go('/jobs');
      await accessible('jobs');
      await page.click('text=Harden now');
      await expect.poll(main, { timeout: 30_000 }).toMatch(/: done/);
      await accessible('job');
      await go('/');
      await expect
        .poll(
          async () => {
            await page.reload();
            return main();
          },
          { timeout: 30_000 },
        )
        .toMatch(/\b0 legacy/);
      expect(await main()).toMatch(/\d+ credentials are not hardened/);
      await accessible('overview');
    },
    TIMEOUT,
  );

  step(
    'the quarantine names each row; one is sealed as it is, and one is replaced',
    async () => {
      await go('/quarantine');
      await accessible('quarantine');
      const row = page.locator('tr', { hasText: 'user.smtp.password#11' });
      expect(await row.innerText()).toContain('unexpected NOT_LEGACY');
      await row.locator('text=Seal as it is').click();
      expect(await page.innerText('[role=status].notice')).toBe('Sealed as it is.');
      await go('/entry/user.smtp.password%2312');
      await page.fill('input[name=secret]', 'replaced');
      await page.click('text=Save');
      expect(await main()).toContain('current');
      await go('/quarantine');
      await expect
        .poll(
          async () => {
            await page.reload();
            return main();
          },
          { timeout: 30_000 },
        )
        .not.toMatch(/user\.smtp\.password#1[12]\b/);
    },
    TIMEOUT,
  );

  step(
    'clearing is a button of its own',
    async () => {
      await go('/entry/user.smtp.password%2312');
      await page.click('text=Clear SMTP password');
      await page.click('text=Clear it');
      expect(await main()).toContain('No credential is stored.');
    },
    TIMEOUT,
  );

  step(
    'with the key gone, the diagnosis says what happened, and nothing is written',
    async () => {
      office.writeKeys({});
      await go('/keys');
      await page.click('text=Look the keys up again');
      const body = await page.innerText('body');
      expect(body).toContain('fail together');
      await page.click('text=What happened, and what to do');
      expect(await main()).toContain('Put the key back');
      await accessible('diagnosis');
      await go('/entry/user.smtp.password%23101');
      await page.fill('input[name=secret]', 'must not be written');
      await page.click('text=Save');
      expect(await main()).toContain('KEY_MISSING');
      office.writeKeys({ CASEHARD_ENC_KEY: generateKey('enc') });
      await go('/diagnosis');
      await page.click('text=Look the keys up again');
      await go('/diagnosis');
      expect(await main()).toContain('does not belong here');
      office.writeKeys(keys);
      await page.click('text=Look the keys up again');
      expect(await page.innerText('body')).not.toContain('fail together');
    },
    TIMEOUT,
  );

  step(
    'soften asks for the password, and brings the legacy values back',
    async () => {
      await go('/jobs');
      await page.click('summary:has-text("previous scheme")');
      await page.fill('#s-password', 'wrong horse battery');
      await page.click('button:has-text("Soften")');
      expect(await main()).toContain('The password is wrong.');
      await go('/jobs');
      await page.click('summary:has-text("previous scheme")');
      await page.fill('#s-password', PASSWORD);
      await page.click('button:has-text("Soften")');
      await expect.poll(main, { timeout: 30_000 }).toMatch(/: done/);
      await go('/');
      await expect
        .poll(
          async () => {
            await page.reload();
            return main();
          },
          { timeout: 30_000 },
        )
        .toMatch(/\b0 hardened/);
    },
    TIMEOUT,
  );

  step(
    'accounts: a viewer is invited, sees figures and changes nothing',
    async () => {
      await go('/accounts');
      await accessible('accounts');
      await page.fill('#i-name', '<b>vera</b>');
      await page.fill('#i-password', PASSWORD);
      await page.click('text=Make an invitation');
      const link = await page.innerText('pre.keyline');
      const other = await (await browser.newContext()).newPage();
      await other.goto(link);
      expect(await violations(other)).toEqual([]);
      await other.fill('#password', PASSWORD);
      await other.fill('#again', PASSWORD);
      await other.click('button.primary');
      await other.goto(`${served.url}/`);
      expect(await other.innerText('header')).toContain('<b>vera</b>');
      expect(await other.innerText('body')).not.toContain('Accounts');
      expect(await other.locator('main button').count()).toBe(0);
      await other.goto(`${served.url}/entry/user.smtp.password%23101`);
      expect(await violations(other)).toEqual([]);
      expect(await other.locator('main button').count()).toBe(0);
      await other.goto(`${served.url}/accounts`);
      expect(await other.innerText('main')).toContain('signed in as a viewer');
      await other.context().close();
    },
    TIMEOUT,
  );

  step(
    'every page is readable at 320 pixels, and works without script',
    async () => {
      const narrow = await browser.newContext({
        viewport: { width: 320, height: 640 },
        javaScriptEnabled: false,
        storageState: await context.storageState(),
      });
      const phone = await narrow.newPage();
      for (const path of [
        '/',
        '/settings/email-settings',
        '/settings/email-settings/user.smtp.password',
        '/entry/user.smtp.password%23101',
        '/jobs',
        '/quarantine',
        '/keys',
        '/upgrade',
        '/accounts',
        '/account',
      ]) {
        await phone.goto(`${served.url}${path}`);
        // Playwright reads the page through the debugger, which needs no script of the page.
        const wide = await phone.evaluate('document.documentElement.scrollWidth');
        expect(wide, path).toBeLessThanOrEqual(320);
      }
      await phone.goto(`${served.url}/entry/user.smtp.password%23101`);
      await phone.fill('input[name="n.name"]', 'without script');
      await phone.click('text=Save');
      expect(await phone.innerText('[role=status].notice')).toBe('Saved. The credential is unchanged.');
      await phone.click('text=Test connection');
      expect(await phone.innerText('output')).not.toBe('');
      await narrow.close();
    },
    TIMEOUT,
  );

  step('nothing was blocked by the policy of the pages, and no script failed', () => {
    // A refused form is an answer of 403 or 409 on purpose; the browser notes it.
    expect(problems.filter((text) => !/status of (401|403|409|410|400)/.test(text))).toEqual([]);
  });

  /** The stored value, without showing it. */
  async function fingerprint(): Promise<string> {
    const { rows } = await sql<{ v: string }>`select smtp_password as v from users where user_id = 101`.execute(
      office.test.db.kysely,
    );
    return createHash('sha256').update(String(rows[0]?.v)).digest('hex');
  }
});
