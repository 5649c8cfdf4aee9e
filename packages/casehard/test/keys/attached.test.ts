import { createCasehard, createKeyring, generateKey, type KeyringOptions } from '@casehard/core';
import { createTrackingKeyring } from '@casehard/core/links';
import {
  type KyselyPlugin,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type QueryResult,
  type RootOperationNode,
  sql,
  type UnknownRow,
} from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCanaries, readTrackingCanaries } from '../../src/database/evidence.ts';
import { readUses } from '../../src/database/key-uses.ts';
import { listProcesses, reportProcess } from '../../src/database/processes.ts';
import { searchColumns } from '../../src/database/search-columns.ts';
import { createDriver } from '../../src/inventory/driver.ts';
import { setValue } from '../../src/jobs/set.ts';
import { checkWithdrawal, withdrawKey } from '../../src/keys/withdraw.ts';
import { ENGINES } from '../engines.ts';
import { makeWork, type Work } from '../jobs/project.ts';
import { kidOf, vaultFields } from './vault.ts';

/* Found by review: an attached process with a wrong key never writes anything, however the database came to its values. */
const row = { id: 1 };

describe.each(ENGINES)('an attached process on $engine', (engine) => {
  let work: Work;
  const [right, wrong] = [generateKey('enc'), generateKey('enc')];
  beforeEach(async () => {
    if (engine.absent) return;
    work = await makeWork(engine, [
      'create table users (id int not null primary key, password varchar(400))',
      'create table clients (id int not null primary key, config text not null)',
      'insert into users (id, password) values (1, null), (2, null)',
    ]);
    await work.upgrade(vaultFields);
  });
  afterEach(() => work?.drop());

  const attach = async (keys: KeyringOptions, tracking?: Parameters<typeof createTrackingKeyring>[0]) => {
    const hard = createCasehard({ fields: vaultFields, keyring: createKeyring(keys), warn: () => {} });
    const more = tracking ? { tracking: createTrackingKeyring(tracking) } : {};
    const attachment = await hard.attach(createDriver(work.test.db, vaultFields), more);
    await attachment.detach();
    return { codes: attachment.problems.map(({ code }) => code), password: hard.field('password') };
  };
  const save = (value: string) =>
    sql`update users set password = ${value} where id = 1`.execute(work.test.db.kysely).then(() => {});
  const canaries = async () => (await readCanaries(work.test.db)).map(({ kid }) => kid);
  const refused = expect.objectContaining({ code: 'KEY_NOT_KNOWN_HERE' });

  it.skipIf(engine.absent)(
    'leaves a canary of its key, so that a stranger is refused before and after the first save',
    async () => {
      const app = await attach({ active: right });
      expect([app.codes, await canaries()]).toEqual([[], [kidOf(right)]]);
      const early = await attach({ active: wrong });
      expect(early.codes).toEqual(['KEY_NOT_KNOWN_HERE']);
      await save(app.password.seal('hunter2', row));
      const late = await attach({ active: wrong });
      for (const { password } of [early, late]) expect(() => password.seal('stolen', row)).toThrow(refused);
      expect(await canaries()).toEqual([kidOf(right)]);
    },
  );

  it.skipIf(engine.absent)('with a wrong key is refused where values are there and no canary is', async () => {
    const unattached = createCasehard({ fields: vaultFields, keyring: createKeyring({ active: right }) });
    await save(unattached.field('password').seal('hunter2', row));
    const { codes, password } = await attach({ active: wrong });
    expect([codes, await canaries()]).toEqual([['KEY_NOT_KNOWN_HERE'], []]);
    expect(() => password.seal('stolen', row)).toThrow(refused);
    expect((await attach({ active: right })).codes).toEqual([]);
    expect(await canaries()).toEqual([kidOf(right)]);
  });

  it.skipIf(engine.absent)('with a strange active key is refused, although a previous one belongs here', async () => {
    const older = generateKey('enc');
    await attach({ active: older });
    await attach({ active: right, previous: [older] });
    const { codes, password } = await attach({ active: wrong, previous: [older] });
    expect(codes).toEqual(['KEY_NOT_KNOWN_HERE']);
    expect(() => password.seal('stolen', row)).toThrow(refused);
    // A first activation, with every older key at hand, is nothing strange.
    expect((await attach({ active: wrong, previous: [right, older] })).codes).toEqual([]);
  });

  it.skipIf(engine.absent)(
    'under a new key beside a lost one goes on once the lost one is listed as withdrawn',
    async () => {
      await attach({ active: right });
      expect((await attach({ active: wrong })).codes).toEqual(['KEY_NOT_KNOWN_HERE']);
      const { codes, password } = await attach({ active: wrong, withdrawn: [kidOf(right)] });
      expect(codes).toEqual(['KEY_WITHDRAWN']);
      expect(password.seal('entered anew', row)).toMatch(/^chd1\./);
      expect((await canaries()).toSorted()).toEqual([kidOf(right), kidOf(wrong)].toSorted());
    },
  );

  it.skipIf(engine.absent)('with wrong keys writes nothing to our tables but that it is there', async () => {
    await attach({ active: right });
    await attach({ active: wrong }, { active: generateKey('trk') });
    expect(await readTrackingCanaries(work.test.db)).toEqual([]);
    expect(await canaries()).toEqual([kidOf(right)]);
  });

  it.skipIf(engine.absent)('clears nothing either: null is a write too', async () => {
    await attach({ active: right });
    const { password } = await attach({ active: wrong });
    for (const nothing of [null, undefined, '']) expect(() => password.seal(nothing, row)).toThrow(refused);
  });

  it.skipIf(engine.absent)('of a forgotten replica is refused under a key that was withdrawn', async () => {
    const old = await attach({ active: right });
    await save(old.password.seal('hunter2', row));
    const keys = { active: wrong, previous: [right] };
    const fresh = await attach(keys);
    await save(fresh.password.seal('hunter2', row)); // by the application alone: no reseal is needed
    await sql`delete from casehard_keys where kid = ${kidOf(wrong)}`.execute(work.test.db.kysely);
    await sql`update casehard_key_uses set sealed_at = 0, opened_at = 0`.execute(work.test.db.kysely);
    const keyring = createKeyring(keys);
    const config = { fields: vaultFields, adopted: true, keys: { quietDays: 0 } };
    const hard = createCasehard({ fields: vaultFields, keyring, warn: () => {} });
    const project = { path: '', folder: '.', config, keyring, hard };
    const checked = await checkWithdrawal(project, work.test.db, kidOf(right));
    await withdrawKey(project, work.test.db, checked);
    expect(await canaries()).toEqual([kidOf(wrong)]);
    const replica = await attach({ active: right });
    expect(replica.codes).toEqual(['KEY_NOT_KNOWN_HERE']);
    expect(() => replica.password.seal('lost', row)).toThrow(refused);
  });

  it.skipIf(engine.absent)('finds the canary that `casehard set` has left', async () => {
    const keyring = createKeyring({ active: right });
    const hard = createCasehard({ fields: vaultFields, keyring, warn: () => {} });
    const project = { path: '', folder: '.', config: { fields: vaultFields }, keyring, hard };
    await setValue(project, work.test.db, { field: 'password', key: ['1'] }, 'hunter2');
    expect(await canaries()).toEqual([kidOf(right)]);
    expect((await attach({ active: wrong })).codes).toEqual(['KEY_NOT_KNOWN_HERE']);
  });

  it.skipIf(engine.absent)('that somebody else has written down says nothing in lines of its own', async () => {
    const host = 'web1\n\n  CASEHARD_ENC_KEY=chkey1.enc.attacker\u001b[31m\u202e';
    await reportProcess(work.test.db, {
      id: 'x',
      version: '9\r\n9',
      host: `${host}${'x'.repeat(500)}`,
      activeKid: 'PASTE\nTHIS',
      kids: [kidOf(right), 'PASTE=THIS'],
      trackingKid: undefined,
      trackingKids: ['f927', 'zzzz'],
      heartbeat: 30_000,
      sealed: [],
      opened: ['no\nkid'],
    });
    const [listed] = await listProcesses(work.test.db, 60_000);
    expect(listed?.host).toMatch(/^web1\ufffd\ufffd {2}CASEHARD_ENC_KEY=chkey1\.enc\.attacker\ufffd\[31m\ufffdx+$/);
    expect(listed?.host.length).toBe(200);
    expect([listed?.version, listed?.activeKid]).toEqual(['9\ufffd\ufffd9', undefined]);
    expect([listed?.kids, listed?.trackingKids]).toEqual([[kidOf(right)], ['f927']]);
    expect(await readUses(work.test.db)).toEqual([]);
    await sql`insert into casehard_keys (kid, canary, created_at) values ('a\nb', 'x', 'y')`.execute(
      work.test.db.kysely,
    );
    expect(await canaries()).toEqual([]);
  });

  it.skipIf(engine.absent)('that reports seldom is not taken for gone between two reports', async () => {
    const report = {
      version: '1',
      activeKid: undefined,
      kids: [],
      trackingKid: undefined,
      trackingKids: [],
      sealed: [],
      opened: [],
    };
    await reportProcess(work.test.db, { ...report, id: 'usual', host: 'usual', heartbeat: 30_000 });
    await reportProcess(work.test.db, { ...report, id: 'slow', host: 'slow', heartbeat: 300_000 });
    await reportProcess(work.test.db, { ...report, id: 'odd', host: 'odd', heartbeat: 9e12 });
    const live = async (): Promise<readonly string[]> =>
      (await listProcesses(work.test.db, 75_000)).map(({ host }) => host).toSorted();
    const age = (ms: number) =>
      sql`update casehard_processes set beat_at = beat_at - ${ms}`.execute(work.test.db.kysely);
    expect(await live()).toEqual(['odd', 'slow', 'usual']);
    await age(200_000);
    expect(await live()).toEqual(['odd', 'slow']);
    await age(600_000);
    expect(await live()).toEqual(['odd']);
    await age(9_000_000);
    expect(await live()).toEqual([]);
  });

  it.skipIf(engine.absent)('tells a search that failed from one that found nothing', async () => {
    const stopped = { ...work.test.db, kysely: work.test.db.kysely.withPlugin(new Broken()) };
    await expect(searchColumns(stopped, 'chd1.x')).rejects.toMatchObject({ code: expect.stringMatching(/^[A-Z_]+$/) });
    expect(await searchColumns(work.test.db, 'chd1.x')).toEqual({ found: [], unread: [] });
  });
});

// --- internal ---

/** Makes every counting statement name a function that there is not, as a server error in the middle would. */
class Broken implements KyselyPlugin {
  transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
    if (node.kind !== 'RawNode' || !node.sqlFragments.some((text) => text.includes('select '))) return node;
    const isCount = JSON.stringify(node).includes('count(case when');
    return isCount ? { ...node, sqlFragments: ['select no_such_function()', ...node.sqlFragments.slice(1)] } : node;
  }
  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return result;
  }
}
