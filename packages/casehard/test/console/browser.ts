import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Debian's; another one may be named. */
const CHROMIUM = process.env.CASEHARD_TEST_CHROMIUM ?? '/usr/bin/chromium';

/** Why tests in a browser are skipped, if they are. With CASEHARD_REQUIRE_SERVERS=1 an absent browser is an error. */
export const NO_BROWSER = existsSync(CHROMIUM) ? undefined : `there is no ${CHROMIUM}`;
if (NO_BROWSER && process.env.CASEHARD_REQUIRE_SERVERS === '1') throw new Error(NO_BROWSER);

export function openBrowser(): Promise<Browser> {
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  return chromium.launch({ executablePath: CHROMIUM, args });
}

/** What axe-core finds on a page, in both themes: each violation with its place. */
export async function violations(page: Page): Promise<readonly string[]> {
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    // Through the debugger, so that the page's own policy stays in force.
    const results = (await page.evaluate(`${AXE}; axe.run()`)) as AxeResults;
    for (const { id, nodes } of results.violations) {
      for (const { target } of nodes) found.push(`${colorScheme}: ${id} at ${target.join(' ')}`);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  return found;
}

/** Keeps a picture of a page for people to look at, where CASEHARD_TEST_PICTURES names a folder. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.CASEHARD_TEST_PICTURES;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(resolve(folder), `${name}.png`), fullPage: true });
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly target: readonly string[] }[];
  }[];
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
