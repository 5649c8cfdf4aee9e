import { generateKey } from '@casehard/core';
import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Trail } from '../../src/audit/trail.ts';
import { loadStateKey } from '../../src/config/state-key-file.ts';
import { type Office, openOffice, PASSWORD, until } from '../console/office.ts';
import type { Visitor } from '../console/visitor.ts';
import { ENGINES } from '../engines.ts';

const MARK = 'MARKED-console-5d1';
const ENTRY = '/entry/user.smtp.password%231';

const trailOf = (office: Office): Trail =>
  new Trail(office.test.db, loadStateKey({ folder: office.folder, env: {} }).key);

/** The newest acts, the oldest of them first, as one line each. */
async function acts(office: Office, limit = 100): Promise<readonly string[]> {
  const rows = await trailOf(office).list(limit);
  return rows.map(({ actor, act, subject, outcome }) => `${actor}: ${act} ${subject}: ${outcome}`).reverse();
}

async function version(visitor: Visitor, path: string): Promise<string> {
  return /name="version" value="([^"]+)"/.exec((await visitor.get(path)).text)?.[1] ?? '';
}

async function upgrade(office: Office, operator: Visitor): Promise<void> {
  await until(async () => (await operator.get('/upgrade')).text.includes('Run upgrade'));
  await operator.post('/upgrade');
  await until(async () => (await operator.get('/upgrade')).text.includes('The upgrade has run'));
  expect(office.warnings).toEqual([]);
}

describe.each(ENGINES)('acts of the console on $engine', (engine) => {
  const run = it.skipIf(engine.absent);
  let office: Office;
  let ada: Visitor;
  beforeAll(async () => {
    if (engine.absent) return;
    office = await openOffice(engine, { keys: { CASEHARD_ENC_KEY: generateKey('enc') } });
    ada = await office.operator('ada'); // there is no table to record this in yet, and it works
  }, 60_000);
  afterAll(() => office?.drop());

  run('an upgrade is recorded, by whoever ran it, in the table that it has just made', async () => {
    await upgrade(office, ada);
    expect(await acts(office)).toEqual([
      expect.stringMatching(
        /^console account ada: upgrade create casehard_upgrades, .*casehard_audit.*: done: \d+ steps$/,
      ),
    ]);
  });

  run('saving and clearing are recorded with locator and result; what was not saved is not', async () => {
    await ada.post(ENTRY, { secret: MARK, version: await version(ada, ENTRY) });
    await ada.post(ENTRY, { 'n.host': 'mail.example.org', secret: MARK, version: 'stale' });
    await ada.post(ENTRY, { secret: '', version: await version(ada, ENTRY) });
    await ada.post(`${ENTRY}/clear`, { version: await version(ada, ENTRY) });
    expect((await acts(office)).slice(1)).toEqual([
      'console account ada: set user.smtp.password#1: done: sealed',
      'console account ada: clear user.smtp.password#1: done',
    ]);
  });

  run(
    'jobs are recorded where they start and where they end, with their figures',
    async () => {
      await ada.get('/jobs');
      await ada.post('/jobs/harden', { field: 'user.api.token' });
      const harden = 'console account ada: harden user.api.token';
      await until(async () => (await acts(office, 1))[0]?.startsWith(`${harden}: done: `));
      const hardened = await acts(office, 2);
      expect(hardened).toEqual([
        `${harden}: started`,
        expect.stringMatching(/: done: [1-9]\d* changed, \d+ quarantined, \d+ busy$/),
      ]);
      await ada.get('/jobs');
      await ada.post('/jobs/soften', { field: 'user.api.token', password: PASSWORD });
      const soften = 'console account ada: soften user.api.token';
      await until(async () => (await acts(office, 1))[0]?.startsWith(`${soften}: done: `));
      await ada.get('/jobs');
      const { path } = await ada.post('/jobs/harden', { field: 'user.smtp.password', rate: '5' });
      const job = path.split('?')[0] ?? '';
      await ada.get(job);
      await ada.post(`${job}/control`, { do: 'cancel' });
      await until(async () => (await acts(office, 1))[0]?.includes(': cancelled: '));
      expect((await acts(office, 3)).slice(0, 2)).toEqual([
        'console account ada: harden user.smtp.password: started',
        'console account ada: harden user.smtp.password: asked to cancel',
      ]);
    },
    60_000,
  );

  run('sealing one value as it is is recorded as a harden of that value', async () => {
    await ada.get('/quarantine');
    await ada.post('/quarantine/seal', { locator: 'user.smtp.password#11' });
    expect(await acts(office, 1)).toEqual([
      'console account ada: harden user.smtp.password#11: done, as plaintext: 1 changed',
    ]);
  });

  run(
    'accounts: made, invited, accepted, made an operator, removed; passwords and codes',
    async () => {
      const before = (await acts(office)).length;
      await ada.get('/accounts');
      const invited = await ada.post('/accounts/invite', { name: 'grace', role: 'viewer', password: PASSWORD });
      const token = /\/invitation\/([\w-]+)/.exec(invited.text)?.[1] ?? '';
      const grace = office.visitor();
      await grace.post(`/invitation/${token}`, { password: PASSWORD, again: PASSWORD });
      await grace.get('/account');
      await grace.post('/account/password', { password: PASSWORD, new: `${PASSWORD}2`, again: `${PASSWORD}2` });
      const page = (await grace.get('/account/code')).text;
      const secret = /<code>([A-Z2-7 ]+)<\/code>/.exec(page)?.[1]?.replaceAll(' ', '') ?? '';
      const nonce = /name="nonce" value="([^"]+)"/.exec(page)?.[1] ?? '';
      const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate();
      await grace.post('/account/code', { nonce, code, password: `${PASSWORD}2` });
      await grace.get('/account');
      await grace.post('/account/code/off', { password: `${PASSWORD}2` });
      const page2 = (await ada.get('/accounts')).text;
      const id = /name="id" value="([^"]+)"/g;
      const ids = [...page2.matchAll(id)].map(([, one = '']) => one);
      const of = ids[1] ?? '';
      for (const what of ['operator', 'code-off', 'remove']) {
        await ada.post('/accounts/change', { id: of, do: what, password: PASSWORD });
      }
      await office.operator('alan');
      expect((await acts(office)).slice(before)).toEqual([
        'console account ada: account grace: invited, as viewer',
        'console account grace: account grace: invitation accepted, as viewer',
        'console account grace: account grace: password changed',
        'console account grace: account grace: code at sign-in on',
        'console account grace: account grace: code at sign-in off',
        'console account ada: account grace: made operator',
        'console account ada: account grace: code at sign-in taken away',
        'console account ada: account grace: removed',
        'console account alan: account alan: made by the link of the terminal, as operator',
      ]);
    },
    60_000,
  );

  run('the chain holds, goes on over a restart, and has no secret in it', async () => {
    await office.restart();
    ada = await office.operator('after the restart');
    expect((await trailOf(office).verify()).ok).toBe(true);
    const text = JSON.stringify(await trailOf(office).list(1000));
    for (const mark of [MARK, PASSWORD, Buffer.from(MARK).toString('base64'), 'chd1.', 'chkey1.']) {
      expect(text.includes(mark), mark).toBe(false);
    }
    expect(office.warnings).toEqual([]);
  });

  run('where it cannot be recorded, the act is done all the same, and the log is told', async () => {
    const { kysely } = office.test.db;
    await kysely.schema.alterTable('casehard_audit').renameTo('audit_gone').execute();
    await ada.post(ENTRY, { secret: MARK, version: await version(ada, ENTRY) });
    expect(office.warnings).toEqual([]); // no table: nothing to record it in
    await kysely.schema.createTable('casehard_audit').addColumn('seq', 'integer').execute();
    const saved = await ada.post(ENTRY, { secret: `${MARK}2`, version: await version(ada, ENTRY) });
    expect(saved.path).toContain('did=saved');
    expect(office.warnings).toEqual([expect.stringMatching(/^console: unexpected CasehardError /)]);
    await kysely.schema.dropTable('casehard_audit').execute();
    await kysely.schema.alterTable('audit_gone').renameTo('casehard_audit').execute();
  });
});

describe('with the sign-in of an application', () => {
  const [sqlite] = ENGINES;
  let office: Office;
  afterAll(() => office?.drop());

  it('people are recorded as persons of that application', async () => {
    if (!sqlite) throw new Error('no sqlite');
    const signIn = {
      identify: () => ({ id: '7', name: 'Ada of the host', role: 'operator' as const }),
      confirm: () => true,
    };
    office = await openOffice(sqlite, { keys: { CASEHARD_ENC_KEY: generateKey('enc') }, console: { signIn } });
    const visitor = office.visitor();
    await upgrade(office, visitor);
    await visitor.post(ENTRY, { secret: MARK, version: await version(visitor, ENTRY) });
    expect(await acts(office)).toEqual([
      expect.stringMatching(/^console person Ada of the host: upgrade /),
      'console person Ada of the host: set user.smtp.password#1: done: sealed',
    ]);
  }, 60_000);
});
