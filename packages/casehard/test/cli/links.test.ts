import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { generateKey, type LinkSettings } from '@casehard/core';
import { createLinks, createTrackingKeyring, type Links, mailerShapes } from '@casehard/core/links';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { askBaseUrl } from '../../src/checks/base-url.ts';
import { loadProject } from '../../src/config/load.ts';
import { printConfig } from '../../src/inventory/print-config.ts';
import { temporaryFolder } from '../engines.ts';
import { type CommandOptions, type CommandResult, casehard } from './command.ts';

const DAY = 86_400_000;
const ACTIVE = generateKey('trk');
const PREVIOUS = generateKey('trk');
const STAGED = generateKey('trk');
const OTHER = generateKey('trk');
const idOf = (key: string): string => key.split('.')[2] ?? '';

const SETTINGS: LinkSettings = {
  baseUrl: 'https://example.com/m',
  purposes: { open: 'open.php', click: 'link.php', unsubscribe: 'unsubscribe.php' },
  legacy: { until: '2099-12-31', shapes: mailerShapes() },
};
const KEYS = { CASEHARD_TRACKING_KEY: ACTIVE, CASEHARD_PREVIOUS_TRACKING_KEYS: PREVIOUS };

/** Texts that no output may hold: every key, and every token that a test has made. */
const marks = [ACTIVE, PREVIOUS, STAGED, OTHER].map((key) => key.split('.')[3] ?? '');
const outputs: string[] = [];
const folders: string[] = [];
const servers: Server[] = [];

function newFolder(settings?: object): string {
  const folder = temporaryFolder('links');
  folders.push(folder);
  if (settings) writeFileSync(join(folder, 'casehard.config.json'), JSON.stringify({ fields: {}, links: settings }));
  return folder;
}

/** Runs a command of the group; what it prints must hold no token and no key. */
async function links(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const result = await casehard(['links', ...args], { env: KEYS, ...options });
  outputs.push(result.stdout, result.stderr);
  return result;
}

/** Links as another process makes them. */
function linksUnder(key: string, more: object = {}): Links {
  return createLinks({ ...SETTINGS, keyring: createTrackingKeyring({ active: key }), ...more });
}

/** A link and its token, which is marked. */
function made(key: string, more: object = {}): string {
  const url = linksUnder(key, more).url('click', { campaign: 789, recipient: 12345, link: 42 });
  marks.push(url.slice(url.indexOf('t=') + 2));
  return url;
}

/** A web server on a free port, and where it is. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((done) => server.once('listening', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Answers as the handlers of links/http do. */
function answering(keyring: ReturnType<typeof createTrackingKeyring>, asked: string[] = []): RequestListener {
  const known = createLinks({ ...SETTINGS, keyring, warn: () => {} });
  return (request, response) => {
    asked.push(`${request.method} ${request.url?.replace(/\?.*/, '')}`);
    const token = /t=([^&]*)/.exec(request.url ?? '')?.[1];
    if (token !== undefined) marks.push(token);
    response.statusCode = known.verify('unsubscribe', request.url ?? '').kind === 'valid' ? 200 : 404;
    response.end(`a page that names ${OTHER}`);
  };
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

describe('links mint and links inspect', () => {
  const folder = newFolder(SETTINGS);
  const mint = (...args: readonly string[]): Promise<CommandResult> =>
    casehard(['links', 'mint', ...args], { cwd: folder, env: KEYS });
  const inspect = async (
    link: string,
    args: readonly string[] = [],
    options: Partial<CommandOptions> = {},
  ): Promise<CommandResult['json']> =>
    (await links(['inspect', ...args, '--json'], { cwd: folder, input: link, ...options })).json;

  it('a link is made without a database, and says again what was put into it', async () => {
    const uuid = '0f8fad5b-d9cb-469f-a165-70867728950e';
    const numbers = ['--recipient', '18446744073709551615', '--campaign', '789', '--link', '42', '--list', '3'];
    const { stdout, stderr, code } = await mint('click', ...numbers, '--send', '9', '--recipient-key', uuid);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^https:\/\/example\.com\/m\/link\.php\?t=[\w-]{68,}\n$/);
    marks.push(stdout.trim().split('t=')[1] ?? '');
    expect(await inspect(stdout)).toMatchObject({
      ok: true,
      purpose: 'click',
      key: { tkid: idOf(ACTIVE), state: 'active' },
      claims: {
        recipient: '18446744073709551615',
        campaign: 789,
        link: 42,
        list: 3,
        send: 9,
        recipientKey: uuid,
      },
      age: 'less than a minute ago',
      verdict: 'valid',
      reason: null,
    });
  });

  it('a token alone is made for any purpose, and names its purpose itself', async () => {
    const { stdout } = await mint('preferences', '--recipient', '5', '--token');
    marks.push(stdout.trim());
    expect(await inspect(stdout)).toMatchObject({ purpose: 'preferences', claims: { recipient: 5 }, verdict: 'valid' });
    const { json } = await mint('click', '--url', 'https://example.org/a?b=c', '--json');
    expect(json).toEqual({ command: 'links mint', ok: true, exit: 0, purpose: 'click', kind: 'token', url: json.url });
    expect(await inspect(String(json.url))).toMatchObject({ claims: { url: 'https://example.org/a?b=c' } });
  });

  it.each(['unsubscribe', 'preferences'])('a link for %s is made for somebody', async (purpose) => {
    for (const more of [[], ['--token'], ['--list', '3', '--send', '9']]) {
      const { code, stdout, stderr } = await mint(purpose, ...more);
      expect([code, stdout, stderr]).toEqual([
        2,
        '',
        `casehard: a link for ${purpose} must say whose it is [USAGE]\n  give --recipient or --recipient-key\n`,
      ]);
    }
    const { code, stdout } = await mint(purpose, '--recipient', '5', '--token');
    marks.push(stdout.trim());
    expect(code).toBe(0);
  });

  it('says the state of the key that a link was made under', async () => {
    const env = {
      ...KEYS,
      CASEHARD_STAGED_TRACKING_KEYS: STAGED,
      CASEHARD_WITHDRAWN_KIDS: idOf(OTHER),
    };
    for (const [key, state, verdict] of [
      [ACTIVE, 'active', 'valid'],
      [PREVIOUS, 'previous', 'valid'],
      [STAGED, 'staged', 'valid'],
      [OTHER, 'withdrawn', 'invalid'],
    ] as const) {
      expect(await inspect(made(key), [], { env })).toMatchObject({ key: { tkid: idOf(key), state }, verdict });
    }
    expect(await inspect(made(OTHER))).toMatchObject({ key: { tkid: idOf(OTHER), state: 'not configured' } });
  });

  it.each([
    [
      'cut',
      (): string => made(ACTIVE).slice(0, -20),
      'LENGTH',
      /has another length, a whole one has 68 to 1391/,
      /copy/,
    ],
    ['of another alphabet', (): string => `t=${'!'.repeat(68)}`, 'LENGTH', /another length/, /copy/],
    ['with a letter more', (): string => `${made(ACTIVE)}a`, 'NOT_CANONICAL', /changed or cut/, /copy/],
    [
      'of a later version',
      (): string => `t=I${made(ACTIVE).split('t=')[1]?.slice(1)}`,
      'UNKNOWN_VERSION',
      /no version/,
      /update/,
    ],
    [
      'for no purpose',
      (): string => `t=Hw${made(ACTIVE).split('t=')[1]?.slice(2)}`,
      'WRONG_PURPOSE',
      /there is not/,
      /copy/,
    ],
    [
      'of another key',
      (): string => made(OTHER),
      'UNKNOWN_KEY',
      /not configured here/,
      /CASEHARD_PREVIOUS_TRACKING_KEYS/,
    ],
    [
      'altered',
      (): string => made(ACTIVE).replace(/.{12}$/, 'AAAAAAAAAAAA'),
      'TAG',
      /does not open/,
      /links\.audience/,
    ],
    [
      'for another audience',
      (): string => made(ACTIVE, { audience: 'b' }),
      'TAG',
      /another audience/,
      /links\.audience/,
    ],
    ['none', (): string => 'https://example.com/', 'NO_TOKEN', /no token/, /links\.legacy/],
  ] as const)('a link that is %s: says why it is not believed, and what to do', async (_, link, reason, why, fix) => {
    const text = link();
    const { code, json } = await links(['inspect', '--json'], { cwd: folder, input: text });
    expect({ code, ...json }).toMatchObject({ code: 1, ok: false, exit: 1, verdict: 'invalid', reason, claims: {} });
    expect(json.why).toMatch(why);
    expect(json.fix).toMatch(fix);
    const { stdout } = await links(['inspect', text], { cwd: folder });
    expect(stdout).toContain(`verdict  invalid ${reason}\nwhy      ${json.why}\nfix      ${json.fix}\n`);
  });

  it('a key that was pasted in the place of the link shows nothing of itself', async () => {
    const key = Buffer.concat([Buffer.of(0x12, 0xab, 0xcd), Buffer.alloc(29, 7)]).toString('base64url');
    for (const text of [key, `t=${key}`, `https://example.com/m/link.php?t=${key}`]) {
      const { code, stdout, json } = await links(['inspect', '--json'], { cwd: folder, input: text });
      expect([code, json.reason, json.key, json.purpose]).toEqual([1, 'LENGTH', null, null]);
      const { stdout: shown } = await links(['inspect', text], { cwd: folder });
      for (const output of [stdout, shown]) expect(output).not.toMatch(/abcd/i);
    }
  });

  it('a link that is too old is shown with its age, and the setting that decides', async () => {
    const { code, stdout } = await links(['inspect', made(ACTIVE, { now: () => Date.now() - 100.5 * DAY })], {
      cwd: folder,
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/claim {4}recipient 12345\n.*\nissued {3}\S+, 3 months ago\nverdict {2}expired\n/s);
    expect(stdout).toMatch(/its lifetime ended 10 days ago\nfix {6}links\.lifetimes .* how long click links live/);
  });

  it('a link from a clock that is wrong is genuine, and says so', async () => {
    expect(await inspect(made(ACTIVE, { now: () => Date.now() + 2.5 * DAY }))).toMatchObject({
      ok: true,
      verdict: 'valid',
      age: 'in 2 days',
      why: expect.stringMatching(/made 2 days in the future: opens and clicks are not recorded/),
      fix: expect.stringMatching(/^set the clock/),
    });
  });

  it('a legacy link shows its claims, and that it has a confirm code, not the code', async () => {
    const { code, stdout } = await links(['inspect', 'https://example.com/m/unsubscribe.php?M=5&C=s3cretcode&L=3'], {
      cwd: folder,
    });
    expect([code, stdout.split('\n').slice(0, 5)]).toEqual([
      0,
      [
        'purpose  unsubscribe',
        'claim    recipient 5',
        'claim    list 3',
        'claim    with confirm code',
        'verdict  legacy',
      ],
    ]);
    expect(stdout).not.toContain('s3cret');
    const ended = newFolder({ ...SETTINGS, legacy: { ...SETTINGS.legacy, until: '2020-01-31' } });
    expect(await inspect('open.php?M=5&L=3&N=7', [], { cwd: ended })).toMatchObject({
      purpose: 'open',
      reason: 'LEGACY_ENDED',
      why: expect.stringMatching(/accepted until 2020-01-31$/),
    });
  });

  it('reads links where there is no configuration, with the keys of the environment', async () => {
    const cwd = newFolder();
    expect(await inspect(made(PREVIOUS), [], { cwd })).toMatchObject({ ok: true, key: { state: 'previous' } });
    expect(await inspect(made(ACTIVE), [], { cwd, env: {} })).toMatchObject({
      reason: 'UNKNOWN_KEY',
      fix: expect.stringMatching(/into CASEHARD_TRACKING_KEY, or add --ask-key/),
    });
  });

  it('asks for a key that is not configured; it never is an argument', async () => {
    const ask = (link: string, key: string, env: Readonly<Record<string, string>> = {}) =>
      links(['inspect', link, '--ask-key', '--json'], { cwd: folder, input: `${key}\n`, env });
    expect((await ask(made(OTHER), OTHER)).json).toMatchObject({ ok: true, key: { state: 'not configured, given' } });
    expect((await ask(made(ACTIVE), ACTIVE, KEYS)).json).toMatchObject({ key: { state: 'active, given' } });
    expect((await ask(made(ACTIVE), OTHER, KEYS)).json).toMatchObject({
      reason: 'UNKNOWN_KEY',
      why: `it was made under key ${idOf(ACTIVE)}; the key given is ${idOf(OTHER)}`,
    });
    const withdrawn = await ask(made(OTHER), OTHER, { CASEHARD_WITHDRAWN_KIDS: idOf(OTHER) });
    expect(withdrawn.json).toMatchObject({ ok: false, reason: 'WITHDRAWN_KEY', claims: {} });
    const sealing = await ask(made(OTHER), generateKey('enc'));
    expect(sealing.json.error).toMatchObject({
      code: 'KEY_IN_WRONG_SETTING',
      message: expect.stringMatching(/^the key given/),
    });
    const { code, stderr } = await links(['inspect', made(OTHER), OTHER, '--ask-key'], { cwd: folder });
    expect([code, stderr]).toMatchObject([
      2,
      expect.stringMatching(/reads one link \[USAGE\]\n {2}.*a key never is one/),
    ]);
  });
});

describe('links check', () => {
  const check = async (baseUrl: string, how: { env?: Record<string, string>; more?: object; args?: string[] } = {}) => {
    const cwd = newFolder({ ...SETTINGS, baseUrl, ...how.more });
    const { code, json } = await links(['check', '--json', ...(how.args ?? [])], { cwd, env: { ...KEYS, ...how.env } });
    const found = json.checks as readonly { name: string; outcome: string; says: string; fix?: string }[];
    return { code, json, found, outcomes: Object.fromEntries(found.map(({ name, outcome }) => [name, outcome])) };
  };
  const both = createTrackingKeyring({ active: ACTIVE, previous: [PREVIOUS] });

  it('passes where the web server has every key, and asks by GET alone', async () => {
    const asked: string[] = [];
    const { code, found, outcomes } = await check(await serve(answering(both, asked)));
    expect(outcomes).toEqual({
      keys: 'ok',
      [`key ${idOf(ACTIVE)}`]: 'ok',
      [`key ${idOf(PREVIOUS)}`]: 'ok',
      length: 'ok',
      'base URL': 'warning',
      legacy: 'ok',
      [`web server, key ${idOf(ACTIVE)}`]: 'ok',
      [`web server, key ${idOf(PREVIOUS)}`]: 'ok',
      'web server, damaged link': 'ok',
    });
    expect(code).toBe(0);
    expect(found[0]?.says).toBe(`${idOf(ACTIVE)} (active), ${idOf(PREVIOUS)} (previous)`);
    expect(asked).toEqual(Array.from({ length: 3 }, () => 'GET /unsubscribe.php'));
  });

  it('says which key the web server does not know', async () => {
    const base = await serve(answering(createTrackingKeyring({ active: ACTIVE })));
    const { code, found, json } = await check(base);
    const failed = found.filter(({ outcome }) => outcome === 'failed');
    expect([code, json.ok, failed.map(({ name }) => name)]).toEqual([1, false, [`web server, key ${idOf(PREVIOUS)}`]]);
    expect(failed[0]?.says).toMatch(/^answers 404: it does not know this key/);
    expect(failed[0]?.fix).toMatch(/give every web process this key/);
  });

  it('a staged key that the web server does not know yet is a warning', async () => {
    const { code, outcomes } = await check(await serve(answering(both)), {
      env: { CASEHARD_STAGED_TRACKING_KEYS: STAGED },
    });
    expect([code, outcomes[`key ${idOf(STAGED)}`], outcomes[`web server, key ${idOf(STAGED)}`]]).toEqual([
      0,
      'ok',
      'warning',
    ]);
  });

  it.each([
    ['answers everything', 200, 'web server, damaged link', /prove nothing/, /links\/http/],
    ['redirects', 301, `web server, key ${idOf(ACTIVE)}`, /^answers 301: it leads elsewhere$/, /baseUrl/],
    ['asks for a login', 401, `web server, key ${idOf(ACTIVE)}`, /^answers 401/, /login or firewall/],
    ['is broken', 503, `web server, key ${idOf(ACTIVE)}`, /^answers 503/, /log of the web server/],
  ] as const)('a web server that %s fails, and no redirect is followed', async (_, status, name, says, fix) => {
    const asked: string[] = [];
    const base = await serve((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(status, { location: '/elsewhere' }).end(OTHER);
    });
    const { code, found } = await check(base);
    const line = found.find((each) => each.name === name);
    expect([code, line?.outcome]).toEqual([1, 'failed']);
    expect(line?.says).toMatch(says);
    expect(line?.fix).toMatch(fix);
    expect(asked).not.toContain('/elsewhere');
  });

  it('a web server that is not there fails once, and is not asked again', async () => {
    const base = await serve(() => {});
    await new Promise((done) => servers.splice(0)[0]?.close(done));
    const { code, found } = await check(base);
    const web = found.filter(({ name }) => name.startsWith('web server'));
    expect([code, web.length, web[0]?.says]).toEqual([1, 1, expect.stringMatching(/^no answer \(DEAD_HOST\)/)]);
  });

  it('asks nobody with --offline, nor where there is no page that may be asked', async () => {
    const base = await serve(() => expect.unreachable());
    const { code, outcomes } = await check(base, { args: ['--offline'] });
    expect([code, outcomes['web server']]).toEqual([0, 'skipped']);
    const { found } = await check(base, { more: { purposes: { click: 'link.php' } } });
    expect(found.at(-1)).toMatchObject({ outcome: 'skipped', says: expect.stringMatching(/^no purpose/) });
  });

  it('https is no warning, and the end of legacy links is seen coming: that of unsubscribe links 60 days before', async () => {
    const { unsubscribe, ...others } = mailerShapes();
    for (const [days, shapes, outcome, code] of [
      [62, mailerShapes(), 'ok', 0],
      [58, mailerShapes(), 'warning', 0],
      [58, { unsubscribe }, 'warning', 0],
      [58, others, 'ok', 0],
      [20, others, 'warning', 0],
      [-2, mailerShapes(), 'failed', 1],
    ] as const) {
      const until = new Date(Date.now() + days * DAY).toISOString();
      const more = { legacy: { until, shapes } };
      const result = await check('https://example.com', { more, args: ['--offline'] });
      expect([result.outcomes.legacy, result.outcomes['base URL'], result.code]).toEqual([outcome, 'ok', code]);
    }
  });

  it('fails without a key', async () => {
    const env = { CASEHARD_TRACKING_KEY: '', CASEHARD_PREVIOUS_TRACKING_KEYS: '' };
    const { code, found, outcomes } = await check('https://example.com', { env });
    expect([code, outcomes]).toMatchObject([1, { keys: 'failed', legacy: 'ok', 'web server': 'skipped' }]);
    expect(found[0]?.fix).toMatch(/casehard keys generate/);
  });

  it('prints one line a check', async () => {
    const cwd = newFolder(SETTINGS);
    const { stdout } = await links(['check', '--offline'], { cwd });
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^result {3}check +what$/);
    expect(lines.slice(1, 7).map((line) => line.split(' ')[0])).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ok']);
    expect(lines.slice(7)).toEqual(['skipped  web server  --offline', '', 'Nothing failed.', '']);
  });
});

describe('the question to the application', () => {
  it('ends in time, and says so in our words', async () => {
    const base = await serve(() => {});
    expect(await askBaseUrl(base, { timeout: 50 })).toMatchObject({ code: 'TIMEOUT' });
    expect(await askBaseUrl(base, { signal: AbortSignal.abort() })).toMatchObject({ code: 'CANCELLED' });
    expect(await askBaseUrl('http://nowhere.invalid/')).toMatchObject({ code: 'NAME_NOT_FOUND' });
  });

  it('takes an answer that breaks off by its status', async () => {
    const base = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('half');
      setTimeout(() => response.destroy(), 20);
    });
    expect(await askBaseUrl(base)).toEqual({ status: 200 });
  });
});

describe('init --links', () => {
  it('declares links that work, with legacy links accepted for a year', async () => {
    const now = (): number => Date.parse('2026-11-25T23:00:00Z');
    const text = printConfig({ database: 'sqlite:x', fields: [], links: { baseUrl: 'https://example.com/m', now } });
    const cwd = newFolder();
    const file = join(cwd, 'casehard.config.mts');
    writeFileSync(file, text);
    const { config } = await loadProject(file, { env: {}, warn: () => {} });
    expect(config.links).toEqual({
      baseUrl: 'https://example.com/m',
      purposes: SETTINGS.purposes,
      legacy: { until: '2027-11-25', shapes: mailerShapes() },
    });
    expect(printConfig({ database: 'sqlite:x', fields: [] })).not.toMatch(/links/);
  });

  it('writes them for the command, and leaves them out otherwise', async () => {
    const cwd = newFolder();
    const init = (...args: readonly string[]) =>
      casehard(['init', '--database', 'sqlite:./mailer.db', '--dry-run', ...args], { cwd });
    writeFileSync(join(cwd, 'mailer.db'), '');
    expect((await init('--links', 'https://example.com')).stdout).toContain("baseUrl: 'https://example.com',");
    expect((await init()).stdout).not.toMatch(/links/i);
    expect((await init('--links', 'https://u:p@example.com')).code).toBe(2);
  });
});

describe('what was printed', () => {
  it('has no token and no key in it', () => {
    expect([outputs.length > 60, marks.length > 30]).toEqual([true, true]);
    const all = outputs.join('\n');
    expect(marks.filter((mark) => mark.length >= 40 && all.includes(mark))).toEqual([]);
    expect(all).not.toMatch(/chkey1\.\w+\.\w+\.\w/);
    expect(all).not.toMatch(/[\w-]{60,}/);
  });
});

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
