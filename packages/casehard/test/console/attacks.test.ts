import { randomBytes } from 'node:crypto';
import { generateKey } from '@casehard/core';
import { sql } from 'kysely';
import { TOTP } from 'otpauth';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadStateKey } from '../../src/config/state-key-file.ts';
import { StateRows } from '../../src/database/state-rows.ts';
import { ENGINES } from '../engines.ts';
import { type Office, openOffice, PASSWORD, until } from './office.ts';
import type { Visitor } from './visitor.ts';

const XSS = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`;
const ORIGIN = 'http://127.0.0.1:8437';

describe.each(ENGINES)('attacks on the console, on $engine', (engine) => {
  let office: Office;
  let operator: Visitor;
  const run = it.skipIf(engine.absent);
  const raw = (text: string) => sql.raw(text).execute(office.test.db.kysely);

  beforeAll(async () => {
    if (engine.absent) return;
    office = await openOffice(engine, { keys: { CASEHARD_ENC_KEY: generateKey('enc') } });
    operator = await office.operator();
    await operator.post('/upgrade');
    await until(async () => (await operator.get('/upgrade')).text.includes('The upgrade has run'));
  });
  afterAll(() => office?.drop());
  beforeEach(async () => {
    if (!engine.absent) await operator.get('/account');
  });

  run('an account that somebody writes into the database cannot sign in, and a raised role is none', async () => {
    const viewer = await invited('vera', 'viewer');
    await raw("update casehard_accounts set role = 'operator' where name_key = 'vera'");
    expect((await viewer.raw('/accounts', { method: 'GET' })).status).toBe(303); // the account is gone
    await sql`insert into casehard_accounts (id, name, name_key, role, state, password, generation, created_at, mac)
      select 'forged', 'eve', 'eve', 'operator', 'active', password, 1, 1, mac from casehard_accounts where name_key = 'ada'`.execute(
      office.test.db.kysely,
    );
    const eve = office.visitor('192.0.2.9');
    const page = await eve.post('/sign-in', { name: 'eve', password: PASSWORD });
    expect(page.status).toBe(401);
    expect(page.text).toContain('Name, password or code is wrong.');
  });

  run('a session that somebody writes into the database is none', async () => {
    const before = operator.cookie;
    await raw('update casehard_sessions set started_at = started_at + 1000000000, seen_at = seen_at + 1000000000');
    expect((await operator.raw('/accounts', { method: 'GET' })).status).toBe(303);
    await raw('update casehard_sessions set started_at = started_at - 1000000000, seen_at = seen_at - 1000000000');
    operator.cookie = before;
    expect((await operator.raw('/accounts', { method: 'GET' })).status).toBe(200);
  });

  run('a job that somebody writes into the database is not run, nor shown', async () => {
    await raw(`insert into casehard_runs (id, act, fields, state, rows_done, total, changed, quarantined, message, started_by, started_at, updated_at, owner, mac)
      values ('forged', 'soften', '[]', 'running', 0, 0, 0, 0, '', 'ada', 1, 1, 'left x', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')`);
    await office.restart();
    operator = await again();
    expect((await operator.get('/jobs')).text).not.toContain('Soften all');
    expect((await operator.post('/jobs/forged/control', { do: 'cancel' })).status).toBe(404);
  });

  run('a soften that a dead server left does not go on by itself: its row may be an old one', async () => {
    await operator.post('/jobs/soften', { field: 'user.api.token', password: PASSWORD });
    // By its own row: the page says "done" of earlier jobs too, and what ends late would write over the row put back.
    const rows = await until(async () => {
      const softens = await sql<
        Record<string, unknown>
      >`select * from casehard_runs where act = 'soften' and id <> 'forged'`.execute(office.test.db.kysely);
      return softens.rows.every(({ state }) => state === 'done') && softens.rows.length > 0 ? softens.rows : undefined;
    });
    expect(rows).toHaveLength(1);
    // As it was while it ran: a row of our own, put back by whoever kept it.
    const own = new StateRows(office.test.db, loadStateKey({ folder: office.folder, env: {} }).key);
    const jobs = await own.find('casehard_runs', { id: String(rows[0]?.id) });
    if (!jobs[0]) throw new Error('no job');
    await own.update('casehard_runs', jobs[0], { state: 'running', owner: 'left x', updated_at: 1 });
    await office.restart();
    operator = await again();
    const page = await until(async () => {
      const shown = await operator.get('/jobs');
      return shown.text.includes('interrupted') ? shown : undefined;
    });
    expect(page.text).not.toContain('data-events');
  });

  run('forged rows do not push the true ones out of a list', async () => {
    await operator.post('/jobs/harden', { field: 'user.smtp.password' });
    await until(async () => (await operator.get('/jobs')).text.includes('Harden user.smtp.password'));
    for (let i = 0; i < 30; i++) {
      await raw(
        `insert into casehard_runs (id, act, fields, state, started_at, mac) values ('junk${i}', 'harden', '[]', 'done', 99999999999999, 'x')`,
      );
    }
    expect((await operator.get('/jobs')).text).toContain('Harden user.smtp.password');
  });

  run('switching codes on ends every other session, and one that is on is not replaced', async () => {
    const [one, other] = [await invited('totp', 'viewer'), office.visitor('198.51.100.251')];
    await other.post('/sign-in', { name: 'totp', password: PASSWORD });
    const page = await one.get('/account/code');
    const secret = (/<code>([A-Z2-7 ]+)<\/code>/.exec(page.text)?.[1] ?? '').replaceAll(' ', '');
    const nonce = /name="nonce" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const code = new TOTP({ secret }).generate();
    const done = await one.post('/account/code', { nonce, code, password: PASSWORD });
    expect(done.text).toContain('Signing in now asks for a code.');
    expect((await other.raw('/account', { method: 'GET' })).status).toBe(303);
    const again = await one.post('/account/code', { nonce, code: new TOTP({ secret }).generate(), password: PASSWORD });
    expect(again.text).toContain('Codes are asked for already.');
    const without = await office.visitor('198.51.100.252').post('/sign-in', { name: 'totp', password: PASSWORD });
    expect(without.status).toBe(401);
  });

  run('signing in gives a new token, whatever the browser brought along', async () => {
    const victim = office.visitor('192.0.2.20');
    const planted = `casehard_session=${randomBytes(32).toString('base64url')}`;
    victim.cookie = planted;
    await victim.post('/sign-in', { name: 'ada', password: PASSWORD });
    expect(victim.cookie).not.toBe(planted);
    const attacker = office.visitor('192.0.2.21');
    attacker.cookie = planted;
    expect((await attacker.raw('/accounts', { method: 'GET' })).status).toBe(303);
    const first = victim.cookie;
    await victim.post('/sign-in', { name: 'ada', password: PASSWORD });
    expect(victim.cookie).not.toBe(first);
    attacker.cookie = first;
    expect((await attacker.raw('/accounts', { method: 'GET' })).status).toBe(303); // the older session has ended
  });

  run('the cookie is for this site and for no script', async () => {
    const visitor = office.visitor('192.0.2.22');
    const response = await visitor.raw('/sign-in', {
      method: 'POST',
      body: new URLSearchParams({ name: 'ada', password: PASSWORD }),
      headers: { origin: ORIGIN },
    });
    expect(response.headers.get('set-cookie')).toMatch(
      /^casehard_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
    );
  });

  run('guessing a password is slowed down, per account and per address, and a restart forgives nothing', async () => {
    await invited('brute', 'viewer');
    const attacker = office.visitor('192.0.2.30');
    const guess = (who: Visitor) => who.post('/sign-in', { name: 'brute', password: 'wrong horse battery' });
    const statuses = [];
    for (let i = 0; i < 7; i++) statuses.push((await guess(attacker)).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect((await guess(office.visitor('192.0.2.31'))).status).toBe(429); // from elsewhere too
    await office.restart();
    operator = await again();
    // The wait of a second may be over by now; five free attempts are not back.
    const after = [await guess(attacker), await guess(attacker)];
    expect([after[1]?.status, after[1]?.text.includes('Too many attempts')]).toEqual([429, true]);
    expect((await office.visitor('192.0.2.30').post('/sign-in', { name: 'ada', password: PASSWORD })).status).toBe(429);
  });

  run('texts that a database can hold are texts in every page', async () => {
    const evil = `x${XSS}`;
    await sql`update users set username = ${evil}, smtp_server = ${evil}, smtp_username = ${evil} where user_id = 1`.execute(
      office.test.db.kysely,
    );
    await sql`update settings set value = ${evil} where name = 'smtp_server'`.execute(office.test.db.kysely);
    await sql`insert into oauth_clients (client_id, name, config) values (${`id${XSS}`}, ${evil}, ${JSON.stringify({ client_secret: 'x', a: evil })})`.execute(
      office.test.db.kysely,
    );
    const paths = [
      '/settings/email-settings',
      '/settings/email-settings/user.smtp.password',
      '/entry/user.smtp.password%231',
      '/settings/oauth-clients/oauth.client.secret',
      `/settings/email-settings/user.smtp.password?search=${encodeURIComponent(XSS)}`,
      `/nowhere/${encodeURIComponent(XSS)}`,
      `/?did=${encodeURIComponent(XSS)}`,
      `/sign-in?next=${encodeURIComponent(XSS)}`,
    ];
    for (const path of paths) {
      const { text } = await operator.get(path);
      expect(text, path).not.toMatch(/<script>alert|<img|onerror=alert\(1\)>/);
    }
    const list = await operator.get('/settings/oauth-clients/oauth.client.secret');
    const link = /href="(\/entry\/oauth\.client\.secret%23id[^"]*)"/.exec(list.text)?.[1] ?? '';
    const entry = await operator.get(link.replaceAll('&amp;', '&'));
    expect(entry.status).toBe(200);
    expect(entry.text).not.toMatch(/<script>alert|<img/);
    // What was typed comes back in the form, as a text.
    const refused = await operator.post('/entry/user.smtp.password%232', {
      'n.host': XSS,
      'n.port': 'no number',
      version: 'x',
      secret: XSS,
    });
    expect(refused.text).not.toMatch(/<script>alert|<img/);
  });

  run('no header is made of what somebody typed', async () => {
    for (const path of [
      '/entry/user.smtp.password%2399\r\nx-evil: 1',
      '/settings/x%0d%0ax-evil:%201',
      '/jobs/x%0d%0ax-evil:1',
    ]) {
      const response = await operator.raw(encodeURI(path).replaceAll('%25', '%'), { method: 'GET' });
      expect([...response.headers.keys()]).not.toContain('x-evil');
    }
    const page = await operator.post('/entry/user.smtp.password%231', {
      'n.host': 'a\r\nx-evil: 1',
      secret: 'x',
      version: versionIn((await operator.get('/entry/user.smtp.password%231')).text),
    });
    expect(page.text).toContain('must be one line');
  });

  run('a test goes to no address that nobody vetted, and says nothing of what it found there', async () => {
    for (const host of [
      '169.254.169.254',
      '[fd00:ec2::254]',
      '127.0.0.1',
      'localhost',
      '10.0.0.1',
      '0x7f000001',
      '2130706433',
      '::ffff:127.0.0.1',
    ]) {
      const page = await operator.post(
        '/entry/user.smtp.password%231/test',
        { 'n.host': host, 'n.port': '25', secret: 'typed', version: 'x' },
        { accept: 'application/json' },
      );
      const { ok, text } = JSON.parse(page.text) as { ok: boolean; text: string };
      expect(ok, host).toBe(false);
      expect(text, host).toMatch(/address|resolve|host/i);
    }
  });

  /** Somebody with an account of their own. */
  async function invited(name: string, role: string): Promise<Visitor> {
    await operator.get('/accounts');
    const page = await operator.post('/accounts/invite', { name, role, password: PASSWORD });
    const visitor = office.visitor(`198.51.100.${1 + Math.floor(Math.random() * 250)}`);
    await visitor.post(/\/invitation\/[\w-]+/.exec(page.text)?.[0] ?? '', { password: PASSWORD, again: PASSWORD });
    await visitor.get('/account');
    return visitor;
  }

  async function again(): Promise<Visitor> {
    const visitor = office.visitor('203.0.113.5');
    await visitor.post('/sign-in', { name: 'ada', password: PASSWORD });
    await visitor.get('/account');
    return visitor;
  }
});

function versionIn(text: string): string {
  return /name="version" value="([^"]+)"/.exec(text)?.[1] ?? '';
}
