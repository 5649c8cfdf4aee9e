import { generateKey } from '@casehard/core';
import { generateStateKey, parseStateKey } from '@casehard/core/state';
import { describe, expect, it } from 'vitest';
import { writeDrill } from '../../src/database/drills.ts';
import { listKeys } from '../../src/keys/list.ts';
import { ENGINES } from '../engines.ts';
import { kidOf, openVault } from './vault.ts';

describe.each(ENGINES)('the list of keys on $engine', (engine) => {
  it.skipIf(engine.absent)(
    'has every key that is configured, attached or in the database, with what is known of it',
    async () => {
      const vault = await openVault(engine);
      try {
        const { oldKid, newKid, newKey, test } = vault;
        const [trk, stateKey] = [generateKey('trk'), parseStateKey(generateStateKey(), 'test')];
        // Configured is the new key alone: the old one is known to the database, a third one to a process only.
        const project = vault.project({ active: newKey }, { tracking: { active: trk } });
        await vault.report({
          id: 'one',
          heartbeat: 1000,
          activeKid: oldKid,
          kids: [oldKid, 'cccccccc'],
          sealed: [oldKid],
          opened: [oldKid],
        });
        await vault.report({
          id: 'two',
          heartbeat: 1000,
          activeKid: newKid,
          kids: [newKid, oldKid],
          trackingKid: kidOf(trk),
          trackingKids: [kidOf(trk)],
        });
        const tag = (pieces: readonly string[]) => stateKey.tag('casehard_drills', pieces);
        const drill = { kid: oldKid, proven: true, opened: 4, file: 'backup.age' };
        await writeDrill(test.db, drill, tag);
        await writeDrill(test.db, { ...drill, proven: false, file: 'later.age' }, tag);
        await writeDrill(test.db, { ...drill, kid: newKid, file: 'forged.age' }, () => tag([]));

        const { keys, processes } = await listKeys(project, test.db, { stateKey });
        expect(processes).toBe(2);
        expect(keys.map(({ kid, kind, state }) => [kid, kind, state])).toEqual([
          [newKid, 'enc', 'active'],
          [oldKid, 'enc', undefined],
          ['cccccccc', 'enc', undefined],
          [kidOf(trk), 'trk', 'active'],
        ]);
        expect(keys[1]).toMatchObject({
          active: 1,
          able: 2,
          firstUse: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
          sealedAt: expect.any(Number),
          openedAt: expect.any(Number),
          fields: [
            { field: 'password', values: 30 },
            { field: 'token', values: 1 },
            { field: 'secret', values: 1 },
          ],
          values: 32,
          proven: { file: 'backup.age', opened: 4 },
        });
        expect(keys[0]).toMatchObject({ active: 1, able: 1, firstUse: undefined, values: 0, proven: undefined });
        expect(keys[3]).toMatchObject({ active: 1, able: 1, fields: [], values: 0 });
        // Who cannot check the records of drills believes none; who reports every second is gone after three.
        await vault.age(3000);
        const later = await listKeys(project, test.db, { heartbeat: 1000 });
        expect(later.processes).toBe(0);
        expect(later.keys.map(({ proven }) => proven)).toEqual(later.keys.map(() => undefined));
        expect(JSON.stringify(keys)).not.toContain('chkey1');
      } finally {
        await vault.drop();
      }
    },
  );
});
