import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Attachment, generateKey } from '@casehard/core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Served, serve } from '../../src/console/serve.ts';
import { AGE_ABSENT, type AgePair, age, makeAgePair } from '../backups/age.ts';
import { ENGINES } from '../engines.ts';
import { NO_BROWSER, openBrowser, picture, violations } from './browser.ts';
import { attachProcess, hardenAll, kidOf, openKeysOffice, saveUnder } from './keys-office.ts';
import { type Office, PASSWORD } from './office.ts';
import type { Visitor } from './visitor.ts';

const TIMEOUT = 180_000;
const PATIENT = { timeout: 60_000 };
const [sqlite] = ENGINES;

describe('the road of a key, in a browser', () => {
  const skipped = NO_BROWSER ?? AGE_ABSENT;
  const step = it.skipIf(skipped);
  const first = generateKey('enc');
  let key = '';
  let office: Office;
  let served: Served;
  let ada: Visitor;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let pair: AgePair;
  const attached: Attachment[] = [];
  const problems: string[] = [];

  beforeAll(async () => {
    if (skipped || !sqlite) return;
    office = await openKeysOffice(sqlite, { CASEHARD_ENC_KEY: first });
    ada = await office.operator('ada');
    await hardenAll(office, ada);
    served = await serve(office.console, { host: '127.0.0.1', port: 0 });
    office.console.listensAt({ host: '127.0.0.1', port: served.port });
    browser = await openBrowser();
    context = await browser.newContext();
    page = await context.newPage();
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(String(error)));
    await go('/sign-in');
    await page.fill('#name', 'ada');
    await page.fill('#password', PASSWORD);
    await page.click('button.primary');
  }, TIMEOUT);
  afterAll(async () => {
    for (const process of attached) await process.detach();
    await browser?.close();
    await served?.close();
    await office?.drop();
  });

  const go = (path: string) => page.goto(`${served.url}${path}`);
  const main = (): Promise<string> => page.innerText('main');
  const accessible = async (name: string): Promise<void> => {
    await picture(page, `keys-${name}`);
    expect(await looked(), name).toEqual([]);
  };
  /** A page that comes again by itself may do so while it is looked at. */
  const looked = async (attempts = 5): Promise<readonly string[]> => {
    try {
      return await violations(page);
    } catch (error) {
      if (attempts === 0 || !String(error).includes('navigation')) throw error;
      return looked(attempts - 1);
    }
  };
  const restartAll = async (options: Parameters<typeof attachProcess>[1]): Promise<void> => {
    for (const process of attached.splice(0)) await process.detach();
    for (let i = 0; i < 2; i++) attached.push(await attachProcess(office, options));
  };
  /** Pastes settings for the console, and lets it look them up. */
  const paste = async (settings: Readonly<Record<string, string>>): Promise<void> => {
    office.writeKeys(settings);
    const answered = page.waitForResponse(
      (response) => response.request().method() === 'POST' && response.url().endsWith('/keys/rotation/refresh'),
    );
    await page.click('button:has-text("Refresh")');
    expect((await answered).status()).toBe(303);
  };
  /** Loads the page again until it says something. */
  const says = async (path: string, text: string | RegExp): Promise<void> => {
    await expect
      .poll(async () => {
        await go(path);
        return main();
      }, PATIENT)
      .toMatch(text);
  };

  step(
    'a backup for a recipient is downloaded, and the age command opens it',
    async () => {
      await restartAll({ active: first });
      await go('/keys');
      expect(await page.innerText('body')).toContain(`No backup of key ${kidOf(first)} was proven.`);
      expect(await main()).toContain('3 active, 3 can open'); // the console is one of them
      await accessible('list');
      await page.click('text=Make a backup, and prove it >> nth=0');
      await accessible('backup');
      pair = makeAgePair(office.folder);
      await page.fill('#b-recipients', pair.recipient);
      await page.fill('#b-password', PASSWORD);
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Download a backup')]);
      expect(download.suggestedFilename()).toMatch(/^casehard-keys-.*\.age$/);
      await download.saveAs(join(office.folder, 'keys.age'));
      const opened = age('age', ['-d', '-i', pair.file, join(office.folder, 'keys.age')]);
      expect(opened.includes(`CASEHARD_ENC_KEY=${first}\n`)).toBe(true);
    },
    TIMEOUT,
  );

  step(
    'a drill by upload proves it, and the nagging ends',
    async () => {
      await go('/keys/backup');
      await page.setInputFiles('#d-file', join(office.folder, 'keys.age'));
      await page.fill('#d-secret', readFileSync(pair.file, 'utf8'));
      await page.click('text=Prove it');
      await expect.poll(main, PATIENT).toContain('keys.age is proven');
      await accessible('drill');
      await go('/');
      expect(await page.innerText('body')).not.toContain('No backup of key');
    },
    TIMEOUT,
  );

  step(
    'the wizard is walked through to the withdrawal, with two processes attached',
    async () => {
      await go('/keys/rotation');
      await accessible('rotation-begin');
      await page.click('text=Make a new key and begin');
      const line = await page.innerText('pre.keyline');
      expect(line).toMatch(/^CASEHARD_STAGED_ENC_KEYS=chkey1\.enc\./);
      expect(await violations(page)).toEqual([]);
      key = line.split('=')[1] ?? '';
      await page.click('text=Go on with the rotation');
      expect(await page.content()).not.toContain('chkey1.');
      await paste({ CASEHARD_ENC_KEY: first, CASEHARD_STAGED_ENC_KEYS: key });
      await says('/keys/rotation', `2 live processes cannot open with key ${kidOf(key)} yet.`);
      await accessible('rotation-stage');
      await restartAll({ active: first, staged: [key] });
      await says('/keys/rotation', /Make key \S+ active/);
      await accessible('rotation-activate');
      await paste({ CASEHARD_ENC_KEY: key, CASEHARD_PREVIOUS_ENC_KEYS: first });
      await says('/keys/rotation', '2 live processes have an older key active.');
      await restartAll({ active: key, previous: [first] });
      await says('/keys/rotation', /values are under older keys/);
      await accessible('rotation-reseal');
      await page.click('text=Reseal now');
      await expect.poll(main, PATIENT).toMatch(/: done/);
      await says('/keys/rotation', /can be withdrawn now/);
      await accessible('rotation-withdraw');
      await page.check('[name=no-others]');
      await page.fill('#w-password', PASSWORD);
      await page.click('button:has-text("Withdraw it")');
      await expect.poll(main, PATIENT).toContain(`Key ${kidOf(first)} is withdrawn from this database.`);
      await accessible('rotation-withdrawn');
      await restartAll({ active: key });
      await paste({ CASEHARD_ENC_KEY: key, CASEHARD_WITHDRAWN_KIDS: kidOf(first) });
      await says('/keys/rotation', /No rotation is under way/);
    },
    TIMEOUT,
  );

  step(
    'the queue of recovery shrinks when a value is entered again',
    async () => {
      await saveUnder(office, generateKey('enc'), [3, 7]);
      await go('/');
      await page.click('text=Scan now');
      await says('/recovery', /user\.smtp\.password#7/);
      await accessible('recovery');
      await page.locator('tr', { hasText: 'user.smtp.password#7' }).locator('text=Enter it again').click();
      await page.fill('input[name=secret]', 'entered again');
      await page.click('text=Save');
      expect(await page.innerText('.notice')).toBe('Saved and sealed.');
      await says('/recovery', /1 of \d+ open again/);
      expect(await main()).not.toContain('user.smtp.password#7');
    },
    TIMEOUT,
  );

  step(
    'the trail shows who did it, and holds',
    async () => {
      await go('/audit');
      const text = await main();
      for (const act of ['backup', 'drill', 'rotate', 'withdraw', 'set', 'harden']) {
        expect(text).toMatch(new RegExp(`console account ada\\s+${act}\\s`));
      }
      await page.click('text=Check every row');
      await expect.poll(main, PATIENT).toMatch(/rows are as recorded/);
      await accessible('audit');
    },
    TIMEOUT,
  );

  step(
    'the doctor names the classic',
    async () => {
      office.writeKeys({ CASEHARD_ENC_KEY: generateKey('enc') });
      await go('/keys');
      await page.click('text=Look the keys up again');
      await says('/doctor', /SMTP, bounces and OAuth all fail at once/);
      await accessible('doctor');
      await go('/');
      expect(await main()).toContain('What the doctor says');
      expect(await violations(page)).toEqual([]);
    },
    TIMEOUT,
  );

  step(
    'every page is readable at 320 pixels, without script',
    async () => {
      const narrow = await browser.newContext({
        viewport: { width: 320, height: 640 },
        javaScriptEnabled: false,
        storageState: await context.storageState(),
      });
      const phone = await narrow.newPage();
      office.writeKeys({ CASEHARD_ENC_KEY: key, CASEHARD_PREVIOUS_ENC_KEYS: first });
      await phone.goto(`${served.url}/keys`);
      await phone.click('text=Look the keys up again');
      const paths = [
        '/keys',
        '/keys/rotation',
        '/keys/rotation/tracking',
        '/keys/backup',
        '/recovery',
        '/doctor',
        '/audit',
      ];
      for (const path of paths) {
        await phone.goto(`${served.url}${path}`);
        expect(await phone.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(320);
      }
      await phone.click('text=Check every row');
      expect(await phone.innerText('main')).toMatch(/is being checked|rows are as recorded/);
      await narrow.close();
    },
    TIMEOUT,
  );

  step('nothing was blocked by the policy of the pages, and no script failed', () => {
    expect(problems.filter((text) => !/status of (401|403|409|410|400)/.test(text))).toEqual([]);
  });
});
