import { generateKey } from '@casehard/core';
import { sql } from 'kysely';
import { afterAll, expect, it } from 'vitest';
import { ENGINES } from '../engines.ts';
import { type Office, openOffice, PASSWORD, until } from './office.ts';

const [sqlite] = ENGINES;
let office: Office;
afterAll(() => office?.drop());

it('no secret, key, token or sealed value is in any page, header or warning', async () => {
  if (!sqlite) throw new Error('no sqlite');
  const marks = { legacy: 'MARKED-legacy-9f3', typed: 'MARKED-typed-1c7', other: 'MARKED-other-5d2' };
  const key = generateKey('enc');
  office = await openOffice(sqlite, { keys: { CASEHARD_ENC_KEY: key } });
  const { kysely } = office.test.db;
  await sql`update users set smtp_password = ${Buffer.from(marks.legacy).toString('base64')} where user_id = 1`.execute(
    kysely,
  );
  await sql`update users set smtp_password = ${`${marks.other} is no base64`} where user_id = 4`.execute(kysely);
  const operator = await office.operator();
  const seen: string[] = [];
  const look = async (page: Promise<{ text: string; headers: Headers; path: string }>): Promise<string> => {
    const { text, headers, path } = await page;
    seen.push(text, path, JSON.stringify([...headers]));
    return text;
  };
  const entry = '/entry/user.smtp.password%231';
  const version = async (): Promise<string> =>
    /name="version" value="([^"]+)"/.exec(await look(operator.get(entry)))?.[1] ?? '';
  await look(operator.post('/upgrade'));
  await until(async () => (await operator.get('/upgrade')).text.includes('The upgrade has run'));
  await look(operator.post(entry, { secret: marks.typed, 'n.port': 'no number', version: await version() }));
  await look(operator.post(entry, { secret: marks.typed, 'n.host': 'x', version: 'stale' }));
  await look(operator.post(`${entry}/test`, { secret: marks.typed, 'n.host': '127.0.0.1', version: await version() }));
  await look(
    operator.post(`${entry}/test`, { secret: marks.typed, 'n.host': '127.0.0.1' }, { accept: 'application/json' }),
  );
  await look(operator.post(`${entry}/test`, {}));
  await look(operator.post(entry, { secret: marks.typed, version: await version() }));
  await look(operator.post('/jobs/harden', { field: '' }));
  await until(async () =>
    /: <span[^>]*>done/.test(
      (await operator.get((await operator.get('/jobs')).text.match(/\/jobs\/[0-9a-f-]{36}/)?.[0] ?? '/jobs')).text,
    ),
  );
  const paths = [
    '/',
    '/settings/email-settings',
    '/settings/email-settings/user.smtp.password',
    '/settings/email-settings/user.smtp.password?verdict=quarantined',
    entry,
    '/entry/user.smtp.password%234',
    '/jobs',
    '/quarantine',
    '/keys',
    '/diagnosis',
    '/upgrade',
    '/accounts',
    '/account',
    '/sign-in',
    '/nowhere',
  ];
  for (const path of paths) await look(operator.get(path));
  const { rows } = await sql<{ v: string }>`select smtp_password as v from users where user_id = 1`.execute(kysely);
  const all = [...seen, ...office.warnings].join('\n');
  for (const mark of [
    ...Object.values(marks),
    ...Object.values(marks).map((mark) => Buffer.from(mark).toString('base64')),
    key,
    key.split('.')[3],
    rows[0]?.v,
    PASSWORD,
    operator.cookie?.split('=')[1],
  ]) {
    expect(mark).toBeTruthy();
    expect(all.includes(mark ?? ''), String(mark).slice(0, 9)).toBe(false);
  }
  expect(all).not.toMatch(/chd1\.[a-z2-7]{8}\./);
  expect(all).not.toMatch(/chkey1\./);
  // And the one page that shows keys shows those that it made.
  const made = await operator.post('/keys/generate');
  expect(made.text.match(/chkey1\./g)).toHaveLength(4);
  expect(made.text).not.toContain(key);
}, 60_000);
