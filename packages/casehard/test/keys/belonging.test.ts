import { type Attachment, createCasehard, createKeyring, generateKey, type KeyringOptions } from '@casehard/core';
import { createTrackingKeyring, type TrackingKeyringOptions } from '@casehard/core/links';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/connect.ts';
import { readCanaries, readTrackingCanaries, removeCanary } from '../../src/database/evidence.ts';
import { readUses } from '../../src/database/key-uses.ts';
import { withSession } from '../../src/database/session.ts';
import { createDriver } from '../../src/inventory/driver.ts';
import { resolveFields } from '../../src/inventory/resolve.ts';
import { run as harden } from '../../src/jobs/run.ts';
import { setValue } from '../../src/jobs/set.ts';
import { walk } from '../../src/jobs/walk.ts';
import { readRotation } from '../../src/keys/read-rotation.ts';
import { resealFields } from '../../src/keys/reseal.ts';
import { rotationStep } from '../../src/keys/rotation.ts';
import { checkWithdrawal, withdrawKey } from '../../src/keys/withdraw.ts';
import { ENGINES } from '../engines.ts';
import { kidOf, openVault, type Vault, vaultFields } from './vault.ts';

/* Found by review: whose database it is, asked by attach and by the commands alike. */
describe.each(ENGINES)('whose database it is, on $engine', (engine) => {
  const run = it.skipIf(engine.absent);
  let vault: Vault;
  beforeEach(async () => {
    if (!engine.absent) vault = await openVault(engine);
  });
  afterEach(() => vault?.drop());

  const attach = async (keys: KeyringOptions, tracking?: TrackingKeyringOptions, db: Database = vault.test.db) => {
    const warnings: string[] = [];
    const warn = (message: string): void => void warnings.push(message);
    const hard = createCasehard({ fields: vaultFields, keyring: createKeyring(keys), warn });
    const more = tracking ? { tracking: createTrackingKeyring(tracking) } : {};
    const attachment = await hard.attach(createDriver(db, vaultFields), more);
    await attachment.detach();
    const save = (): string => hard.field('password').seal('x', { id: 1 });
    const { problems } = attachment;
    return { codes: problems.map(({ code }) => code), said: problems.map(({ message }) => message), warnings, save };
  };
  const reseal = async (): Promise<void> => {
    const project = vault.rotating();
    const { fields } = await readRotation(project, vault.test.db);
    await resealFields(project, vault.test.db, { fields, kids: [vault.oldKid] });
  };
  const canaries = async () => (await readCanaries(vault.test.db)).map(({ kid }) => kid).toSorted();
  const strange = expect.objectContaining({ code: 'KEY_NOT_KNOWN_HERE' });

  run('keys of another environment withdraw nothing, and leave no canary that would let them in', async () => {
    await reseal();
    const wrong = generateKey('enc');
    const before = await canaries();
    const stranger = vault.project({ active: wrong });
    await expect(checkWithdrawal(stranger, vault.test.db, vault.oldKid)).rejects.toEqual(strange);
    const checked = await checkWithdrawal(vault.rotating(), vault.test.db, vault.oldKid);
    await expect(withdrawKey(stranger, vault.test.db, checked)).rejects.toEqual(strange);
    expect(await canaries()).toEqual(before);
    expect((await attach({ active: wrong })).save).toThrow(strange);
  });

  run('a forgotten host that has the new key staged does not go on with the withdrawn one', async () => {
    await reseal();
    const project = vault.rotating();
    await withdrawKey(project, vault.test.db, await checkWithdrawal(project, vault.test.db, vault.oldKid));
    const keys = { active: vault.oldKey, staged: [vault.newKey] };
    const typed = setValue(vault.project(keys), vault.test.db, { field: 'password', key: ['3'] }, 'typed');
    await expect(typed).rejects.toMatchObject({
      code: 'KEY_NOT_KNOWN_HERE',
      message: `this database is already hardened under key ${vault.newKid}, which is only staged here; the active key ${vault.oldKid} has no canary`,
      hint: expect.stringContaining(`make ${vault.newKid} active here too`),
    });
    const host = await attach(keys);
    expect([host.codes, host.warnings.length]).toEqual([['KEY_NOT_KNOWN_HERE'], 1]);
    expect(host.save).toThrow(strange);
    expect(await canaries()).toEqual([vault.newKid]);
  });

  run('while a rotation is under way, old and new hosts go on side by side', async () => {
    expect((await attach({ active: vault.newKey, previous: [vault.oldKey] })).codes).toEqual([]);
    const old = await attach({ active: vault.oldKey, staged: [vault.newKey] });
    expect([old.codes, old.save().slice(0, 13)]).toEqual([[], `chd1.${vault.oldKid}`]);
  });

  run('the canary of a key that left the settings after everything was resealed stops no later rotation', async () => {
    await vault.execute(`update casehard_keys set created_at = '2026-01-01 00:00:00'`);
    await reseal();
    await vault.execute(`update casehard_keys set created_at = '2026-02-01 00:00:00' where kid = '${vault.newKid}'`);
    const next = generateKey('enc');
    const warned = await attach({ active: vault.newKey });
    expect(warned.codes).toEqual(['PREVIOUS_KEY_MISSING']);
    expect(warned.said[0]).toContain(`this database may have values under key ${vault.oldKid}`);
    const activated = await attach({ active: next, previous: [vault.newKey] });
    expect(activated.save()).toContain(`chd1.${kidOf(next)}.`);
  });

  run('a lost key that still has values does', async () => {
    const wrong = await attach({ active: generateKey('enc'), previous: [generateKey('enc')] });
    expect(wrong.save).toThrow(strange);
    await vault.execute(`update casehard_keys set created_at = '2026-01-01 00:00:00'`);
    await attach({ active: vault.newKey, previous: [vault.oldKey] });
    const activated = await attach({ active: generateKey('enc'), previous: [vault.newKey] });
    expect(activated.save).toThrow(strange);
  });

  run('a staged key that is wrong saves no plaintext beside sealed values; no key at all is said', async () => {
    await removeCanary(vault.test.db, vault.oldKid);
    const staged = await attach({ staged: [generateKey('enc')] });
    expect(staged.codes).toEqual(['KEY_NOT_KNOWN_HERE']);
    expect(staged.save).toThrow(strange);
    const none = await attach({});
    expect(none.codes).toEqual(['KEY_MISSING']);
    expect(none.said[0]).toMatch(/but this database holds 32 sealed values$/);
    expect(none.save).toThrow(expect.objectContaining({ code: 'KEY_MISSING' }));
    expect((await attach({ staged: [vault.oldKey] })).codes).toEqual([]); // leaving casehard
    expect((await attach({ active: vault.oldKey })).codes).toEqual([]);
  });

  run('of two different keys that start at once on an empty database, one is refused', async () => {
    await vault.execute('update users set password = null', `update clients set config = '{}'`);
    await removeCanary(vault.test.db, vault.oldKid);
    const other = vault.test.connect();
    try {
      const [one, two] = [generateKey('enc'), generateKey('enc')];
      const both = await Promise.all([attach({ active: one }), attach({ active: two }, undefined, other)]);
      expect(both.map(({ codes }) => codes).toSorted()).toEqual([[], ['KEY_NOT_KNOWN_HERE']]);
      expect(await canaries()).toHaveLength(1);
    } finally {
      await other.close();
    }
  });

  run('a damaged canary of the right key is no reason to refuse it, and lets no other one in', async () => {
    await vault.execute('update casehard_keys set canary = substr(canary, 1, 60)');
    const right = await attach({ active: vault.oldKey });
    expect([right.codes, right.save().slice(0, 13)]).toEqual([[], `chd1.${vault.oldKid}`]);
    expect((await attach({ active: generateKey('enc') })).save).toThrow(strange);
  });

  run('a field that cannot be found yet is said, and keeps no application from starting', async () => {
    await removeCanary(vault.test.db, vault.oldKid);
    await vault.execute('alter table users rename to users_away');
    const early = await attach({ active: vault.oldKey });
    expect(early.codes).toEqual(['NOT_FOUND']);
    expect(await canaries()).toEqual([]);
    await vault.execute('alter table users_away rename to users');
    expect((await attach({ active: vault.oldKey })).codes).toEqual([]);
    expect(await canaries()).toEqual([vault.oldKid]);
  });

  run('a wrong tracking key leaves no canary that would accuse the right one', async () => {
    const [right, wrong] = [generateKey('trk'), generateKey('trk')];
    const keys = { active: vault.oldKey };
    await attach(keys, { active: right });
    expect((await attach(keys, { active: wrong })).codes).toEqual(['PREVIOUS_KEY_MISSING']);
    expect((await attach(keys, { active: right })).codes).toEqual([]);
    const kept = async () => (await readTrackingCanaries(vault.test.db)).map(({ kid }) => kid).toSorted();
    expect(await kept()).toEqual([kidOf(right)]);
    expect((await attach(keys, { active: wrong, previous: [right] })).codes).toEqual([]);
    expect(await kept()).toEqual([kidOf(right), kidOf(wrong)].toSorted());
  });

  run('a look at the canaries of tracking keys is no use of them', async () => {
    const [older, newer] = [generateKey('trk'), generateKey('trk')];
    const keys = { active: vault.oldKey };
    await attach(keys, { active: older });
    const tracking = createTrackingKeyring({ active: newer, previous: [older] });
    const hards = [1, 2].map(() =>
      createCasehard({ fields: vaultFields, keyring: createKeyring(keys), warn: () => {} }),
    );
    const attached: Attachment[] = [];
    for (const hard of hards) {
      attached.push(await hard.attach(createDriver(vault.test.db, vaultFields), { tracking }));
    }
    for (const { detach } of attached) await detach();
    expect((await readUses(vault.test.db)).filter(({ kid }) => kid.length === 4)).toEqual([]);
  });

  run(
    'what a command sealed while a person thought about the withdrawal is noticed, and the canary stays',
    async () => {
      await reseal();
      const project = vault.rotating();
      const stale = vault.project({ active: vault.oldKey, staged: [vault.newKey] });
      for (const seal of [
        () => setValue(stale, vault.test.db, { field: 'password', key: ['5'] }, 'MARKED new'),
        () => harden(stale, vault.test.db, { act: 'harden', only: ['password'] }),
      ]) {
        const checked = await checkWithdrawal(project, vault.test.db, vault.oldKid);
        const before = (await readCanaries(vault.test.db)).find(({ kid }) => kid === vault.oldKid);
        await vault.execute(`update users set password = 'b2xk' where id = 6`);
        await seal();
        await expect(withdrawKey(project, vault.test.db, checked)).rejects.toMatchObject({
          code: 'KEY_IN_USE',
          message: expect.stringMatching(/cannot be withdrawn yet: \d+ values? (is|are) under it: password#\d/),
        });
        expect((await readCanaries(vault.test.db)).find(({ kid }) => kid === vault.oldKid)).toEqual(before);
        expect((await attach({ active: vault.oldKey, staged: [vault.newKey] })).codes).toEqual([]);
        await vault.age(61_000);
        await reseal();
      }
      await withdrawKey(project, vault.test.db, await checkWithdrawal(project, vault.test.db, vault.oldKid));
      expect(await canaries()).toEqual([vault.newKid]);
      await expect(setValue(stale, vault.test.db, { field: 'password', key: ['5'] }, 'MARKED late')).rejects.toEqual(
        strange,
      );
      expect((await vault.read('select count(*) from casehard_processes')).map(Number)).toEqual([0]);
    },
  );

  run(
    'who begins while a key is being withdrawn is seen by the withdrawal, or refused by the missing canary',
    async () => {
      await reseal();
      const project = vault.rotating();
      const checked = await checkWithdrawal(project, vault.test.db, vault.oldKid);
      // A process that has been listed, and is not asked for its keys yet.
      await vault.report({ id: 'starting', host: 'web-9:1', activeKid: vault.oldKid, kids: [vault.oldKid] });
      await expect(withdrawKey(project, vault.test.db, checked)).rejects.toMatchObject({
        message: expect.stringContaining('it is active in web-9:1'),
      });
      expect(await canaries()).toContain(vault.oldKid);
      await vault.execute(`delete from casehard_processes where id = 'starting'`);
      const seen: string[] = [];
      const driver = createDriver(vault.test.db, vaultFields);
      const stale = createCasehard({
        fields: vaultFields,
        keyring: createKeyring({ active: vault.oldKey, staged: [vault.newKey] }),
        warn: () => {},
      });
      const { problems, detach } = await stale.attach({
        ...driver,
        checkKeys: async (...keys) => {
          seen.push(...(await vault.read('select active_kid from casehard_processes')).map(String));
          await expect(withdrawKey(project, vault.test.db, checked)).rejects.toMatchObject({ code: 'KEY_IN_USE' });
          return driver.checkKeys?.(...keys) ?? [];
        },
      });
      expect([seen, problems]).toEqual([[vault.oldKid], []]);
      await detach();
      // What its last request was still sealing has two heartbeats to arrive.
      await expect(checkWithdrawal(project, vault.test.db, vault.oldKid)).rejects.toMatchObject({
        message: expect.stringContaining('a process had it active a moment ago'),
      });
    },
  );

  // SQLite has one connection: there, whoever begins waits for the search.
  it.skipIf(engine.absent || engine.engine === 'sqlite')(
    'who turned the two keys round and begins while values are looked for is noticed, and so is who has gone again',
    async () => {
      await reseal();
      const project = vault.rotating();
      await vault.execute(
        'create table zz (id int not null primary key, t varchar(10))',
        "insert into zz values (1, 'x')",
      );
      // After a rollback of the settings: this host opens everything, and goes on as if its key were new here.
      const keys = { active: vault.oldKey, previous: [vault.newKey] };
      let attachment: Attachment | undefined;
      const attachIt = async (): Promise<void> => {
        const hard = createCasehard({ fields: vaultFields, keyring: createKeyring(keys), warn: () => {} });
        attachment = await hard.attach(createDriver(vault.test.db, vaultFields));
      };
      const setIt = async (): Promise<void> => {
        await setValue(vault.project(keys), vault.test.db, { field: 'password', key: ['5'] }, 'MARKED new');
      };
      for (const begin of [attachIt, setIt]) {
        const checked = await checkWithdrawal(project, vault.test.db, vault.oldKid);
        const gate = await heldBack('zz');
        let begun: Promise<void> | undefined;
        const withdrawn = withdrawKey(project, vault.test.db, checked, {
          onPage: () => {
            begun ??= begin().finally(() => gate.open());
          },
        });
        await expect(withdrawn, begin.name).rejects.toMatchObject({ code: 'KEY_IN_USE' });
        await begun;
        expect(await canaries()).toContain(vault.oldKid);
        await attachment?.detach();
        attachment = undefined;
        await vault.age(61_000);
        await reseal();
      }
    },
  );

  /** Keeps a table from being read until the gate is opened. */
  const heldBack = async (table: string): Promise<{ readonly open: () => void }> => {
    const other = vault.test.connect();
    const ready = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    void other.kysely
      .connection()
      .execute(async (connection) => {
        const [lock, unlock] =
          engine.engine === 'postgres'
            ? [[`begin`, `lock table ${table} in access exclusive mode`], 'rollback']
            : [[`lock tables ${table} write`], 'unlock tables'];
        for (const statement of lock) await sql.raw(statement).execute(connection);
        ready.resolve();
        await opened.promise;
        await sql.raw(unlock).execute(connection);
      })
      .finally(() => other.close());
    await ready.promise;
    return { open: opened.resolve };
  };

  run('a withdrawal that was killed has taken the canary: the next one that is refused makes it anew', async () => {
    await reseal();
    await removeCanary(vault.test.db, vault.oldKid);
    await vault.report({ id: 'late', activeKid: vault.oldKid, kids: [vault.oldKid] });
    const project = vault.rotating();
    const early = { kid: vault.oldKid, kind: 'enc' } as const;
    await expect(withdrawKey(project, vault.test.db, early)).rejects.toMatchObject({ code: 'KEY_IN_USE' });
    await vault.execute(`delete from casehard_processes where id = 'late'`);
    await vault.execute(`update users set note = (select password from users where id = 1) where id = 1`);
    await setValue(
      vault.project({ active: vault.oldKey, previous: [vault.newKey] }),
      vault.test.db,
      { field: 'password', key: ['5'] },
      'x',
    );
    await removeCanary(vault.test.db, vault.oldKid);
    await expect(withdrawKey(project, vault.test.db, early)).rejects.toMatchObject({ code: 'KEY_IN_USE' });
    expect(await canaries()).toContain(vault.oldKid);
    expect((await attach({ active: vault.newKey })).codes).toEqual(['PREVIOUS_KEY_MISSING']);
  });

  run('a run whose canary is taken away after its keys were checked seals nothing', async () => {
    await reseal();
    await vault.execute(`update users set password = 'b2xk' where id = 6`);
    const keys = { active: vault.oldKey, previous: [vault.newKey] };
    const onBegin = (): Promise<void> => removeCanary(vault.test.db, vault.oldKid);
    await expect(
      harden(vault.project(keys), vault.test.db, { act: 'harden', only: ['password'], onBegin }),
    ).rejects.toMatchObject({
      code: 'KEY_NOT_KNOWN_HERE',
      message: expect.stringContaining('was taken away a moment ago'),
    });
    expect(await vault.read('select password from users where id = 6')).toEqual(['b2xk']);
    expect(await canaries()).toEqual([vault.newKid]);
  });

  run('links that are made hold up no rotation of the sealing key, and none of the road out', async () => {
    const tkid = kidOf(generateKey('trk'));
    const { newKid, oldKid } = vault;
    const kids = [newKid, oldKid];
    const mailer = { id: 'mailer', trackingKid: tkid, trackingKids: [tkid], sealed: [tkid], opened: [tkid] };
    await vault.report({ ...mailer, activeKid: newKid, kids });
    expect(rotationStep(await readRotation(vault.rotating(), vault.test.db)).step).toBe('reseal');
    await vault.report({ ...mailer, kids });
    const leaving = vault.project({ staged: [vault.oldKey] });
    expect(rotationStep(await readRotation(leaving, vault.test.db, { road: 'leave' })).step).toBe('soften');
  });

  run('the road out ends when nobody is asked for the keys any more', async () => {
    const leaving = vault.project({ staged: [vault.oldKey] });
    const step = async () => rotationStep(await readRotation(leaving, vault.test.db, { road: 'leave' }));
    // As after a run that was killed before its end: every field is softened, and the canary is there.
    for (const only of Object.keys(vaultFields)) await harden(leaving, vault.test.db, { act: 'soften', only: [only] });
    expect([await step(), await canaries()]).toEqual([{ step: 'soften', total: 0, stuck: 0 }, [vault.oldKid]]);
    // What no scheme ever wrote is nothing that a key would open.
    await vault.execute(`update users set password = 'not base64 !!' where id = 6`);
    await harden(leaving, vault.test.db, { act: 'soften' });
    expect([(await step()).step, await canaries()]).toEqual(['done', []]);
    expect((await attach({})).codes).toEqual([]);
  });

  run('the road out does not end while a value is there that keeps everybody without a key from saving', async () => {
    const leaving = vault.project({ staged: [vault.oldKey] });
    const other = createCasehard({
      fields: vaultFields,
      keyring: createKeyring({ active: vault.newKey }),
      warn: () => {},
    });
    const lost = other.field('password').seal('x', { id: 6 });
    await vault.execute(`update users set password = '${lost}' where id = 6`);
    await harden(leaving, vault.test.db, { act: 'soften' });
    const step = async () => rotationStep(await readRotation(leaving, vault.test.db, { road: 'leave' }));
    expect(await step()).toEqual({ step: 'soften', total: 0, stuck: 1 });
    expect((await attach({})).save).toThrow(expect.objectContaining({ code: 'KEY_MISSING' }));
    await setValue(leaving, vault.test.db, { field: 'password', key: ['6'] }, 'typed anew');
    await harden(leaving, vault.test.db, { act: 'soften' });
    expect((await step()).step).toBe('done');
    expect((await attach({})).save()).toBe(Buffer.from('x').toString('base64'));
  });

  it.skipIf(engine.absent || engine.engine !== 'postgres')(
    'a connection that dies in the hands of a session does not end the process',
    async () => {
      await expect(
        withSession(vault.test.db, async ({ kysely }) => {
          const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(kysely);
          const other = vault.test.connect();
          await sql`select pg_terminate_backend(${rows[0]?.pid ?? 0})`.execute(other.kysely);
          await other.close();
          await new Promise((done) => setTimeout(done, 200));
          await sql`select 1`.execute(kysely);
        }),
      ).rejects.toBeInstanceOf(Error);
      expect(await canaries()).toEqual([vault.oldKid]);
    },
  );

  run('the road out is refused at its first step where a field could not be softened', async () => {
    const fields = { ...vaultFields, password: { ...vaultFields.password, strict: true } };
    const strict = vault.project({ active: vault.oldKey }, { fields });
    await expect(readRotation(strict, vault.test.db, { road: 'leave' })).rejects.toMatchObject({
      code: 'REFUSED',
      field: 'password',
    });
  });

  run('without a key, a table that is not there yet keeps no application from starting', async () => {
    for (const keys of [{}, { staged: [vault.newKey] }]) {
      await vault.execute('alter table users rename to users_away');
      await attach(keys);
      await vault.execute('alter table users_away rename to users');
    }
    // Beside a table that is missing, sealed values are still met.
    await vault.execute('alter table clients rename to clients_away');
    expect((await attach({})).save).toThrow(expect.objectContaining({ code: 'KEY_MISSING' }));
    await vault.execute('alter table clients_away rename to clients');
  });

  run('an altered canary of a tracking key that is here says nothing of the key', async () => {
    const tracking = { active: generateKey('trk') };
    const keys = { active: vault.oldKey };
    await attach(keys, tracking);
    await vault.execute("update casehard_keys set canary = 'altered' where length(kid) = 4");
    expect((await attach(keys, tracking)).codes).toEqual([]);
    await vault.execute('delete from casehard_keys where length(kid) = 4');
  });

  run('a harden that runs under the old key keeps it from being withdrawn, until it has ended', async () => {
    await reseal();
    for (let id = 100; id < 160; id++) await vault.execute(`insert into users (id, password) values (${id}, 'b2xk')`);
    const other = engine.engine === 'sqlite' ? vault.test.db : vault.test.connect();
    const stale = vault.project({ active: vault.oldKey, staged: [vault.newKey] });
    const project = vault.rotating({ quietDays: 0 });
    const refused: string[] = [];
    const look = async (): Promise<void> => {
      await checkWithdrawal(project, vault.test.db, vault.oldKid).catch(({ message }) => refused.push(message));
    };
    try {
      const going = harden(stale, other, { act: 'harden', only: ['password'], batch: 20, rate: 40 });
      // SQLite has one connection here: what asks waits for the run.
      if (engine.engine !== 'sqlite') {
        await new Promise((done) => setTimeout(done, 700));
        await look();
        expect(refused[0]).toMatch(/it is active in \S+ harden \(0\.1\.0\)/);
      }
      expect((await going).changed).toBe(60);
      await look();
      expect(refused.at(-1)).toContain('60 values are under it');
      expect(refused.at(-1)).not.toContain('active in');
      expect((await vault.read('select count(*) from casehard_processes')).map(Number)).toEqual([0]);
    } finally {
      if (other !== vault.test.db) await other.close();
    }
  });

  it.skipIf(engine.absent || engine.engine === 'sqlite')(
    'a run that visits locked rows again goes on reporting, and can be stopped between two of them',
    async () => {
      const project = vault.rotating();
      const { fields } = await resolveFields(vault.test.db, project.hard, { keyring: project.keyring });
      const [field] = fields.filter(({ name }) => name === 'password');
      if (!field) throw new Error('no field');
      const other = vault.test.connect();
      try {
        await other.kysely.connection().execute(async (connection) => {
          await sql`begin`.execute(connection);
          await sql`update users set note = 'locked' where id in (3, 4, 5)`.execute(connection);
          const stop = new AbortController();
          const seen: number[] = [];
          const walked = await withSession(vault.test.db, (session) =>
            walk(session, field, {
              act: 'harden',
              batch: 100,
              signal: stop.signal,
              onPage: async ({ changed }) => {
                seen.push(changed);
                if (seen.length === 3) stop.abort();
              },
            }),
          );
          // The one page, then two of the three rows that were locked: each is a sign of life.
          expect([seen, walked.stopped, walked.busy]).toEqual([[27, 27, 27], true, 3]);
          await sql`rollback`.execute(connection);
        });
      } finally {
        await other.close();
      }
    },
  );

  run('a process lives as long as its own heartbeat says, whatever --heartbeat says', async () => {
    await reseal();
    await vault.report({ id: 'web', activeKid: vault.oldKid, kids: [vault.oldKid], heartbeat: 30_000 });
    await vault.age(10_000);
    await expect(
      checkWithdrawal(vault.rotating(), vault.test.db, vault.oldKid, { heartbeat: 1000 }),
    ).rejects.toMatchObject({ code: 'KEY_IN_USE' });
  });
});
