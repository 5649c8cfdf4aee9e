import { generateKey } from '@casehard/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Identity } from '../../src/console/request.ts';
import { ENGINES } from '../engines.ts';
import { type Office, openOffice } from './office.ts';

const [sqlite] = ENGINES;

describe('the console inside another application', () => {
  let office: Office;
  let who: Identity | undefined;
  let confirmed = false;
  beforeAll(async () => {
    if (!sqlite) throw new Error('no sqlite');
    office = await openOffice(sqlite, {
      keys: { CASEHARD_ENC_KEY: generateKey('enc') },
      console: {
        base: '/admin/casehard',
        publicUrl: 'https://mailer.example',
        signIn: { identify: () => who, confirm: () => confirmed },
      },
    });
  });
  afterAll(() => office.drop());

  const send = (path: string, init: RequestInit = {}): Promise<Response> =>
    office.console.fetch(
      new Request(`https://mailer.example${path}`, {
        ...init,
        headers: { host: 'mailer.example', ...(init.headers as Record<string, string>) },
      }),
    );

  it('shows nothing to somebody whom the application does not know, and has no pages of its own for that', async () => {
    who = undefined;
    expect((await send('/admin/casehard/')).status).toBe(401);
    for (const path of ['/sign-in', '/accounts', '/welcome/x']) {
      const response = await send(`/admin/casehard${path}`);
      expect(response.status).toBe(401);
    }
  });

  it('takes the role from the application, and links below its own path', async () => {
    who = { id: '7', name: 'grace', role: 'viewer' };
    const response = await send('/admin/casehard/keys');
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text).toContain('grace');
    for (const [, href = ''] of text.matchAll(/(?:href|src|action)="([^"]+)"/g))
      expect(href).toMatch(/^(\/admin\/casehard\/|#main)/);
    expect(text).not.toContain('Sign out');
    expect(response.headers.get('strict-transport-security')).toContain('max-age');
    expect(
      (
        await send('/admin/casehard/scan', {
          method: 'POST',
          body: 'csrf=x',
          headers: { origin: 'https://mailer.example', 'content-type': 'application/x-www-form-urlencoded' },
        })
      ).status,
    ).toBe(403);
  });

  it('asks the application before soften, and binds its forms to the person', async () => {
    who = { id: '8', name: 'ada', role: 'operator' };
    const token = /name="csrf" value="([^"]+)"/.exec(await (await send('/admin/casehard/jobs')).text())?.[1] ?? '';
    const post = (path: string, csrf: string): Promise<Response> =>
      send(path, {
        method: 'POST',
        body: new URLSearchParams({ csrf, field: '' }),
        headers: { origin: 'https://mailer.example' },
      });
    expect((await post('/admin/casehard/jobs/soften', token)).status).toBe(403);
    who = { ...who, id: '9' };
    expect((await post('/admin/casehard/scan', token)).status).toBe(403);
    who = { ...who, id: '8' };
    expect((await post('/admin/casehard/scan', token)).status).toBe(303);
    confirmed = true;
    expect((await post('/admin/casehard/jobs/soften', token)).status).toBe(303);
  });

  it('answers to the public name alone', async () => {
    expect((await send('/admin/casehard/', { headers: { host: '127.0.0.1:8437' } })).status).toBe(421);
  });
});
