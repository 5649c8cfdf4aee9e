import { generateKey } from '@casehard/core';
import { sql } from 'kysely';
import { afterAll, expect, it } from 'vitest';
import { ENGINES } from '../engines.ts';
import { attachProcess, kidOf, scanned, upload } from './keys-office.ts';
import { type Office, openOffice, PASSWORD, until } from './office.ts';

const [sqlite] = ENGINES;
let office: Office;
afterAll(() => office?.drop());

it('no secret, key, token or sealed value is in any page, header or warning', async () => {
  if (!sqlite) throw new Error('no sqlite');
  const marks = { legacy: 'MARKED-legacy-9f3', typed: 'MARKED-typed-1c7', other: 'MARKED-other-5d2' };
  const [key, previous, tracking] = [generateKey('enc'), generateKey('enc'), generateKey('trk')];
  const passphrases = { right: 'MARKED-passphrase-7b4', wrong: 'MARKED-passphrase-wrong-2a8' };
  const identity = `AGE-SECRET-KEY-1${'Q'.repeat(58)}`;
  const settings = { CASEHARD_ENC_KEY: key, CASEHARD_PREVIOUS_ENC_KEYS: previous, CASEHARD_TRACKING_KEY: tracking };
  office = await openOffice(sqlite, { keys: settings });
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
  const process = await attachProcess(office, { active: previous });
  await keysForLife();
  await process.detach();
  const { rows } = await sql<{ v: string }>`select smtp_password as v from users where user_id = 1`.execute(kysely);
  const all = [...seen, ...office.warnings].join('\n');
  for (const mark of [
    ...Object.values(marks),
    ...Object.values(marks).map((mark) => Buffer.from(mark).toString('base64')),
    ...[key, previous, tracking, key.split('.')[3], previous.split('.')[3], tracking.split('.')[3]],
    ...Object.values(passphrases),
    identity,
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

  /** Every page and button of keys, recovery, doctor and audit, as it should be used and as it should not. */
  async function keysForLife(): Promise<void> {
    const all = [
      '/keys',
      '/keys/rotation',
      '/keys/rotation/tracking',
      '/keys/backup',
      '/recovery',
      '/doctor',
      '/audit',
    ];
    for (const path of all) await look(operator.get(path));
    const right = { passphrase: passphrases.right, again: passphrases.right, password: PASSWORD };
    await look(operator.post('/keys/backup', { ...right, again: passphrases.wrong }));
    await look(operator.post('/keys/backup', { ...right, password: passphrases.wrong }));
    await look(operator.post('/keys/backup', { recipients: identity, password: PASSWORD }));
    await look(operator.post('/keys/backup', { recipients: key, password: PASSWORD }));
    const backup = await look(operator.post('/keys/backup', right));
    expect(backup).toContain('BEGIN AGE ENCRYPTED FILE');
    await look(operator.get('/keys/backup'));
    for (const [secret, content] of [
      [passphrases.wrong, backup],
      [identity, backup],
      [identity, `CASEHARD_ENC_KEY=${key}\n`],
      [passphrases.right, backup],
    ] as const) {
      const response = await upload(operator, '/keys/drill', { secret }, { name: 'keys.age', content });
      seen.push(await response.text(), JSON.stringify([...response.headers]));
      await until(async () => !(await look(operator.get('/keys/backup'))).includes('is under way'));
    }
    await look(operator.post('/keys/withdraw', { kid: key, 'no-others': 'yes', password: PASSWORD }));
    await look(operator.post('/keys/withdraw', { kid: kidOf(previous), 'no-others': 'yes', password: PASSWORD }));
    await until(async () => !(await look(operator.get('/keys/rotation'))).includes('is being checked'));
    await look(operator.post('/keys/rotation/refresh', { kind: 'enc' }));
    await look(operator.post('/audit/verify', { head: key }));
    await look(operator.post('/audit/verify'));
    await until(async () => !(await look(operator.get('/audit'))).includes('is being checked'));
    await look(operator.get('/audit/head'));
    await scanned(operator);
    await look(operator.post('/recovery/csv'));
    for (const path of ['/', ...all]) await look(operator.get(path));
  }
}, 180_000);
