import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES } from '../../src/console/http/form.ts';
import { ACCOUNT_ROUTES, ROUTES } from '../../src/console/routes.ts';
import { ENGINES } from '../engines.ts';
import { type Office, openOffice, PASSWORD } from './office.ts';
import type { Visitor } from './visitor.ts';

const [sqlite] = ENGINES;
const ALL = [...ROUTES, ...ACCOUNT_ROUTES];
const ORIGIN = 'http://127.0.0.1:8437';
const FORM = 'application/x-www-form-urlencoded';

describe('the guard', () => {
  let office: Office;
  let operator: Visitor;
  let viewer: Visitor;

  beforeAll(async () => {
    if (!sqlite) throw new Error('no sqlite');
    office = await openOffice(sqlite);
    operator = await office.operator();
    viewer = office.visitor();
    await operator.get('/accounts');
    const page = await operator.post('/accounts/invite', { name: 'vera', role: 'viewer', password: PASSWORD });
    const link = /\/invitation\/[\w-]+/.exec(page.text)?.[0] ?? '';
    await viewer.post(link, { password: PASSWORD, again: PASSWORD });
    await viewer.get('/');
    await operator.get('/');
  });
  afterAll(() => office.drop());

  /** A path that the route answers, whatever is behind it. */
  const pathOf = (path: string): string =>
    path
      .replace(':page', 'email-settings')
      .replace(':field', 'user.smtp.password')
      .replace(':locator', encodeURIComponent('user.smtp.password#1'))
      .replace(/:\w+/g, 'x');

  it.each(ALL.filter(({ who }) => who !== 'anyone'))(
    '$method $path lets nobody in who is not signed in',
    async ({ method, path }) => {
      const response = await office
        .visitor()
        .raw(
          pathOf(path),
          method === 'GET' ? { method } : { method, body: 'a=b', headers: { origin: ORIGIN, 'content-type': FORM } },
        );
      expect([303, 401]).toContain(response.status);
      if (response.status === 303) expect(response.headers.get('location')).toMatch(/^\/sign-in/);
    },
  );

  it.each(ALL.filter(({ who }) => who === 'operator'))('$method $path lets no viewer in', async ({ method, path }) => {
    const body = new URLSearchParams({ csrf: viewer.token, password: PASSWORD });
    const response = await viewer.raw(
      pathOf(path),
      method === 'GET' ? { method } : { method, body, headers: { origin: ORIGIN } },
    );
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('signed in as a viewer');
  });

  it.each(ALL.filter(({ method, who }) => method === 'POST' && who !== 'anyone'))(
    'POST $path takes no request without the token of the session',
    async ({ path }) => {
      for (const csrf of ['', 'x', operator.token.slice(1), viewer.token]) {
        const response = await operator.raw(pathOf(path), {
          method: 'POST',
          body: new URLSearchParams({ csrf, password: PASSWORD }),
          headers: { origin: ORIGIN },
        });
        expect(response.status).toBe(403);
        expect(await response.text()).toContain('out of date');
      }
    },
  );

  it.each(ALL.filter(({ method }) => method === 'POST'))(
    'POST $path takes no request of another page',
    async ({ path }) => {
      const headers: readonly Record<string, string>[] = [
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { origin: 'http://127.0.0.1:8438' },
        { origin: 'https://127.0.0.1:8437' },
        { origin: ORIGIN, 'sec-fetch-site': 'cross-site' },
        { origin: ORIGIN, 'sec-fetch-site': 'same-site' },
        {},
      ];
      for (const each of headers) {
        const response = await operator.raw(pathOf(path), {
          method: 'POST',
          body: new URLSearchParams({ csrf: operator.token, password: PASSWORD }),
          headers: each,
        });
        expect(response.status, JSON.stringify(each)).toBe(403);
      }
    },
  );

  it.each(ALL.filter(({ confirm }) => confirm))('$path asks for the password again', async ({ path }) => {
    for (const password of [undefined, '', 'wrong horse battery']) {
      const body = new URLSearchParams({ csrf: operator.token, ...(password === undefined ? {} : { password }) });
      const response = await operator.raw(pathOf(path), { method: 'POST', body, headers: { origin: ORIGIN } });
      expect(response.status).toBe(403);
      // Somebody who guesses is slowed down; both are refusals.
      expect(await response.text()).toMatch(/password is wrong|Too many attempts/);
    }
  });

  it.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x', ''])(
    'takes no content of type %j, so that no foreign page can send JSON as a form',
    async (type) => {
      const body = JSON.stringify({ csrf: operator.token });
      const response = await operator.raw('/scan', {
        method: 'POST',
        body,
        headers: { origin: ORIGIN, 'content-type': type },
      });
      expect(response.status).toBe(415);
    },
  );

  it('takes no body that is larger than a form, declared or not', async () => {
    const declared = await operator.raw('/scan', {
      method: 'POST',
      body: 'x'.repeat(MAX_BODY_BYTES + 1),
      headers: { origin: ORIGIN, 'content-type': FORM },
    });
    expect(declared.status).toBe(413);
    let sent = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        sent += 65_536;
        controller.enqueue(randomBytes(65_536));
      },
    });
    const streamed = await operator.raw('/scan', {
      method: 'POST',
      body: endless,
      headers: { origin: ORIGIN, 'content-type': FORM },
    });
    expect(streamed.status).toBe(413);
    expect(sent).toBeLessThan(4 * MAX_BODY_BYTES);
  });

  it.each(['evil.example', '127.0.0.1', '127.0.0.1:80', 'localhost:8438', 'localhost.evil.example:8437', ''])(
    'answers to no foreign name: %j',
    async (host) => {
      const response = await operator.raw('/', { method: 'GET', headers: { host } });
      expect(response.status).toBe(421);
      expect(await response.text()).not.toContain('Overview');
    },
  );

  it.each(['127.0.0.1:8437', 'localhost:8437', 'LOCALHOST:8437', '[::1]:8437'])(
    'answers to its own name %j',
    async (host) => {
      expect((await operator.raw('/keys', { method: 'GET', headers: { host } })).status).toBe(200);
    },
  );

  it('sends every page with a policy that loads nothing from elsewhere, and a nonce of its own', async () => {
    const policies = new Set<string>();
    for (const path of ['/', '/keys', '/nowhere', '/sign-in']) {
      const { headers } = await operator.get(path);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(/^default-src 'none'; style-src 'nonce-[\w-]{20,}'; script-src 'nonce-/);
      for (const part of ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"])
        expect(policy).toContain(part);
      expect(policy).not.toContain('unsafe');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      policies.add(policy);
    }
    expect(policies.size).toBe(4);
  });

  it('has no style, script or handler inside a page', async () => {
    for (const path of [
      '/',
      '/settings/email-settings',
      '/entry/user.smtp.password%231',
      '/quarantine',
      '/jobs',
      '/upgrade',
      '/accounts',
    ]) {
      const { text } = await operator.get(path);
      expect(text).not.toMatch(/\sstyle=|\son\w+=|javascript:|<style|<script(?![^>]*\ssrc=)/i);
    }
  });

  it('leads nobody to another site after signing in', async () => {
    for (const next of [
      '//evil.example',
      'https://evil.example',
      '/\\evil.example',
      '/x\r\nset-cookie: a=b',
      'javascript:alert(1)',
    ]) {
      // Another person at another place: the tests above have slowed the operator down.
      const visitor = office.visitor('192.0.2.7');
      const response = await visitor.raw('/sign-in', {
        method: 'POST',
        body: new URLSearchParams({ name: 'vera', password: PASSWORD, next }),
        headers: { origin: ORIGIN },
      });
      expect(response.status).toBe(303);
      expect(response.headers.get('location')).toBeOneOf(['/', '/upgrade']);
    }
  });

  it('whoever is not signed in learns nothing of which pages there are', async () => {
    const there = await office.visitor().raw('/keys', { method: 'GET' });
    const nowhere = await office.visitor().raw('/no-such-page', { method: 'GET' });
    expect([there.status, nowhere.status]).toEqual([303, 303]);
  });
});
