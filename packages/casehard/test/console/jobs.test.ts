import { generateKey } from '@casehard/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { heardProcesses } from '../../src/keys/live.ts';
import { ENGINES } from '../engines.ts';
import { type Office, openOffice, until } from './office.ts';
import type { Visitor } from './visitor.ts';

describe.each(ENGINES)('jobs of the console, on $engine', (engine) => {
  let office: Office;
  let operator: Visitor;
  const run = it.skipIf(engine.absent);
  const legacy = async (): Promise<number> => {
    const { rows } = await sql<{
      n: unknown;
    }>`select count(*) as n from users where smtp_password is not null and smtp_password <> '' and substr(smtp_password, 1, 5) <> 'chd1.'`.execute(
      office.test.db.kysely,
    );
    return Number(rows[0]?.n);
  };
  const stateOf = async (path: string): Promise<string> =>
    /data-live="state"[^>]*>([a-z]+)/.exec((await operator.get(path)).text)?.[1] ?? '';

  beforeAll(async () => {
    if (engine.absent) return;
    office = await openOffice(engine, { keys: { CASEHARD_ENC_KEY: generateKey('enc') }, rows: 400 });
    operator = await office.operator();
    await operator.post('/upgrade');
    await until(async () => ((await operator.get('/upgrade')).text.includes('The upgrade has run') ? true : undefined));
  }, 60_000);
  afterAll(() => office?.drop());

  run(
    'a job is paused, goes on, and survives a closed browser',
    async () => {
      const { path } = await operator.post('/jobs/harden', { field: 'user.smtp.password', rate: '20' });
      const job = path.split('?')[0] ?? '';
      await until(async () => /[1-9]\d* hardened/.test((await operator.get(job)).text));
      expect((await operator.post('/jobs/harden', { field: '' })).text).toContain('Another job is running');
      await operator.post(`${job}/control`, { do: 'pause' });
      await until(async () => (await stateOf(job)) === 'paused');
      const left = await legacy();
      expect(left).toBeGreaterThan(50);
      await operator.post(`${job}/resume`);
      await until(async () => (await stateOf(job)) === 'running');
      operator = await office.operator('another browser');
      await operator.get(job);
      await operator.post(`${job}/control`, { do: 'cancel' });
      await until(async () => (await stateOf(job)) === 'cancelled');
      expect(await legacy()).toBeLessThanOrEqual(left);
      expect((await operator.post(`${job}/resume`)).status).toBe(404);
    },
    60_000,
  );

  run(
    'a harden goes on by itself after a restart of the server',
    async () => {
      const { path } = await operator.post('/jobs/harden', { field: '', rate: '100' });
      const job = path.split('?')[0] ?? '';
      await until(async () => /[1-9]\d* hardened/.test((await operator.get(job)).text));
      await office.restart();
      operator = await office.operator('after the restart');
      const hosts = (await heardProcesses(office.test.db, 'enc')).map(({ host }) => host);
      expect(hosts.filter((host) => host.endsWith(' console'))).toHaveLength(1); // the one before has taken leave
      await operator.get(job);
      await until(async () => (await stateOf(job)) === 'done', 60);
      const { text } = await operator.get(job);
      expect(text).toContain('What is left to do'); // residue of old plaintext, and the command that cleans up
      await until(async () => /\b0 legacy/.test((await operator.get('/')).text.replace(/<[^>]+>/g, ' ')), 30);
    },
    90_000,
  );

  run(
    'live figures are server-sent events, and end with the job',
    async () => {
      await operator.get('/jobs');
      const { path } = await operator.post('/jobs/harden', { field: 'user.api.token' });
      const job = path.split('?')[0] ?? '';
      const response = await operator.raw(`${job}/events`, { method: 'GET' });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      const text = await response.text();
      const news = text
        .trim()
        .split('\n\n')
        .map((event) => JSON.parse(event.replace(/^data: /, '')) as { ended: boolean; texts: Record<string, string> });
      expect(news.at(-1)).toMatchObject({ ended: true, texts: { state: expect.stringMatching(/done/) } });
    },
    30_000,
  );

  run(
    'a harden that may not run says why, and what to do',
    async () => {
      await operator.get('/jobs');
      await sql`create view watcher as select smtp_password from users`.execute(office.test.db.kysely).catch(() => {});
      office.writeKeys({ CASEHARD_ENC_KEY: generateKey('enc') });
      await operator.post('/keys/look-up');
      const { path } = await operator.post('/jobs/harden', { field: '' });
      const page = await until(async () => {
        const shown = await operator.get(path.split('?')[0] ?? '');
        return shown.text.includes('Why it failed') ? shown : undefined;
      });
      expect(page.text).toContain('[KEY_NOT_KNOWN_HERE]');
    },
    30_000,
  );
});
