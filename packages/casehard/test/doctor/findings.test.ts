import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CasehardError, column, createKeyring, generateKey } from '@casehard/core';
import { createTrackingKeyring } from '@casehard/core/links';
import { parseStateKey } from '@casehard/core/state';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/database/connect.ts';
import { writeDrill } from '../../src/database/drills.ts';
import { noteUses } from '../../src/database/key-uses.ts';
import { reportProcess } from '../../src/database/processes.ts';
import { withSession } from '../../src/database/session.ts';
import { check } from '../../src/doctor/examine.ts';
import type { Facts } from '../../src/doctor/facts.ts';
import { gather } from '../../src/doctor/gather.ts';
import { keepCanary } from '../../src/inventory/canary.ts';
import { keepTrackingCanary } from '../../src/inventory/driver.ts';
import { FOREIGN } from '../../src/sample/foreign-values.ts';
import { ENGINES } from '../engines.ts';
import {
  BOUNCE,
  CLIENT,
  FIELDS,
  found,
  makePatient,
  PASSWORD,
  type Patient,
  type PatientOptions,
  plainKey,
} from './patient.ts';

/** One way to be ill: what is done to the patient, and what the doctor must say of it. */
interface Case {
  readonly code: string;
  readonly verdict: 'failed' | 'warning' | 'notice' | 'ok';
  readonly evidence: RegExp;
  readonly fix?: RegExp;
  /** Default: all. */
  readonly engines?: readonly string[];
  readonly locators?: readonly object[];
  readonly arrange: (patient: Patient) => Promise<PatientOptions | undefined>;
}

const OTHER = generateKey('enc');
const OTHER_KID = createKeyring({ active: OTHER }).active?.kid ?? '';
const nothing = async (): Promise<undefined> => undefined;
const set = (patient: Patient, id: number, text: string) =>
  patient.execute(`update users set smtp_password = '${text.replaceAll("'", "''")}' where id = ${id}`);
const stored = async (patient: Patient, id: number) =>
  (await patient.read(`select smtp_password from users where id = ${id}`))[0] ?? '';
const hardened = async (patient: Patient): Promise<undefined> => {
  await patient.harden();
};
const canaryOf = (patient: Patient, keys: { active: string }) =>
  withSession(patient.test.db, (session) => keepCanary(session, createKeyring(keys)));
const process = (patient: Patient, report: object) =>
  reportProcess(patient.test.db, {
    id: 'p1',
    version: '0.1.0',
    host: 'mail1:42',
    activeKid: patient.kid,
    kids: [patient.kid],
    trackingKid: undefined,
    trackingKids: [],
    heartbeat: 30_000,
    sealed: [],
    opened: [],
    ...report,
  });
const links = (until: string) => ({
  baseUrl: 'https://example.com',
  purposes: { click: 'link.php' } as const,
  legacy: { until, shapes: {} },
});

const CASES: readonly Case[] = [
  // keys
  {
    code: 'KEY_MISSING',
    verdict: 'failed',
    evidence:
      /^CASEHARD_ENC_KEY not configured, but this database was hardened under key [a-z2-7]{8}; 5 sealed values here$/,
    fix: /^put the key with id [a-z2-7]{8} back into CASEHARD_ENC_KEY/,
    arrange: async (patient) => {
      await patient.harden();
      return { keys: {} };
    },
  },
  {
    code: 'KEY_NOT_KNOWN_HERE',
    verdict: 'failed',
    evidence: /^this database was hardened under key [a-z2-7]{8}; configured is [a-z2-7]{8}; 5 sealed values here$/,
    fix: /a wrong paste, the key of another environment, or a database restored/,
    arrange: async (patient) => {
      await patient.harden();
      return { keys: { active: OTHER } };
    },
  },
  {
    code: 'KEY_IN_WRONG_SETTING',
    verdict: 'failed',
    evidence:
      /^the key [a-z2-7]{8}, which hardened this database, is configured as a tracking key; 5 sealed values here$/,
    fix: /^the two keys were exchanged: put it into CASEHARD_ENC_KEY, and the other one into CASEHARD_TRACKING_KEY$/,
    arrange: async (patient) => {
      const [sealing, tracking] = [plainKey(), plainKey()];
      await patient.harden({ active: sealing });
      return { keys: { active: tracking }, tracking: createTrackingKeyring({ active: sealing }) };
    },
  },
  {
    code: 'PREVIOUS_KEY_MISSING',
    verdict: 'failed',
    evidence: /^5 values are under key [a-z2-7]{8}, which hardened here on \d{4}-\d\d-\d\d and is not configured$/,
    fix: /^list [a-z2-7]{8} in CASEHARD_PREVIOUS_ENC_KEYS/,
    arrange: async (patient) => {
      await patient.harden();
      await canaryOf(patient, { active: OTHER });
      return { keys: { active: OTHER } };
    },
  },
  {
    code: 'KEY_NO_LONGER_NEEDED',
    verdict: 'notice',
    evidence: /^key [a-z2-7]{8} hardened here, is not configured, and no value is under it$/,
    fix: /CASEHARD_WITHDRAWN_KIDS/,
    arrange: async (patient) => {
      await patient.harden();
      await patient.harden({ active: OTHER, previous: [patient.key] });
      return { keys: { active: OTHER } };
    },
  },
  {
    code: 'KEY_WITHDRAWN',
    verdict: 'warning',
    evidence: /^5 values are under the withdrawn key [a-z2-7]{8}, and refused$/,
    fix: /^take [a-z2-7]{8} out of CASEHARD_WITHDRAWN_KIDS, list the key as a previous one and reseal/,
    arrange: async (patient) => {
      await patient.harden();
      await canaryOf(patient, { active: OTHER });
      return { keys: { active: OTHER, withdrawn: [patient.kid] } };
    },
  },
  {
    code: 'CANARY_ALTERED',
    verdict: 'failed',
    evidence: /^the canary of key [a-z2-7]{8} in casehard_keys does not open under that key$/,
    fix: /^find out who writes casehard_keys; then delete its row/,
    arrange: async (patient) => {
      await patient.harden();
      await patient.execute(`update casehard_keys set canary = '${await stored(patient, 1)}'`);
      return undefined;
    },
  },
  {
    code: 'CANARY_MISSING',
    verdict: 'notice',
    evidence: /^values are under key [a-z2-7]{8}, and casehard_keys has no canary of it$/,
    fix: /^run `casehard harden`, which keeps one$/,
    arrange: async (patient) => {
      await patient.harden();
      await patient.execute('delete from casehard_keys');
      return undefined;
    },
  },
  {
    code: 'PREVIOUS_KEY_NEEDED',
    verdict: 'notice',
    evidence: /^5 values are under the previous key [a-z2-7]{8}$/,
    fix: /^run `casehard harden`, which reseals them/,
    arrange: async (patient) => {
      await patient.harden();
      return { keys: { active: OTHER, previous: [patient.key] } };
    },
  },
  {
    code: 'PREVIOUS_KEY_NEEDED',
    verdict: 'notice',
    evidence:
      /^0 values are under the previous key [a-z2-7]{8}; an attached process opened something with it 0 days ago$/,
    arrange: async (patient) => {
      await patient.harden();
      await noteUses(patient.test.db, { sealed: [], opened: [OTHER_KID] });
      return { keys: { active: patient.key, previous: [OTHER] } };
    },
  },
  {
    code: 'PREVIOUS_KEY_UNUSED',
    verdict: 'notice',
    evidence: /^no value is under the previous key [a-z2-7]{8}; no attached process has opened anything with it$/,
    fix: /^withdraw it: `casehard rotate`/,
    arrange: async (patient) => {
      await patient.harden();
      return { keys: { active: patient.key, previous: [OTHER] } };
    },
  },
  {
    code: 'BACKUP_NOT_PROVEN',
    verdict: 'warning',
    evidence: /^no drill has proven a backup of the active key [a-z2-7]{8}$/,
    fix: /casehard keys drill FILE/,
    arrange: async (patient) => {
      // A row of somebody who can write the database, and has no state key.
      await writeDrill(patient.test.db, { kid: patient.kid, proven: true, opened: 9, file: 'forged.age' }, () => 'x');
      return undefined;
    },
  },
  {
    code: 'BACKUP_NOT_PROVEN',
    verdict: 'warning',
    evidence: /^the last drill of a backup of key [a-z2-7]{8}, keys\.age, failed$/,
    arrange: async (patient) => {
      await drill(patient, false);
      return undefined;
    },
  },
  {
    code: 'BACKUP_NOT_PROVEN',
    verdict: 'warning',
    evidence: /^no drill has proven a backup of the tracking key [0-9a-f]{4}$/,
    fix: /casehard keys drill FILE/,
    arrange: async (patient) => {
      await drill(patient, true);
      return { tracking: createTrackingKeyring({ active: generateKey('trk') }) };
    },
  },
  {
    code: 'BACKUP_NOT_PROVEN',
    verdict: 'warning',
    evidence: /^no drill has proven a backup of key [a-z2-7]{8}, with 5 values$/,
    arrange: async (patient) => {
      await patient.harden();
      return { keys: { previous: [patient.key] } };
    },
  },
  {
    code: 'VALUES_UNKNOWN_KEY',
    verdict: 'failed',
    evidence:
      /^1 value is under key [a-z2-7]{8} in user\.smtp\.password, which is not configured and has no canary here$/,
    fix: /^`casehard doctor` names each where it opens all values/,
    arrange: async (patient) => {
      await patient.harden();
      await set(patient, 3, patient.seal(PASSWORD, 3, 'x', { active: OTHER }));
      return { quick: true };
    },
  },
  {
    code: 'BACKUP_PROVEN',
    verdict: 'ok',
    evidence: /^keys\.age was proven 0 days ago, with 7 values$/,
    arrange: async (patient) => {
      await drill(patient, true);
      return undefined;
    },
  },
  // values
  {
    code: 'VALUES_LEGACY',
    verdict: 'warning',
    evidence:
      /^3 legacy base64 in user\.smtp\.password, 1 legacy base64 in list\.bounce\.password, 1 legacy plaintext in oauth\.client\.secret$/,
    fix: /^run `casehard harden`$/,
    locators: [1, 2, 3]
      .map((id) => ({ locator: `${PASSWORD}#${id}` }))
      .concat({ locator: `${BOUNCE}#1` }, { locator: `${CLIENT}#1` }),
    arrange: nothing,
  },
  {
    code: 'VALUES_LEGACY',
    verdict: 'notice',
    evidence: /^3 legacy base64/,
    fix: /^configure a key, then run `casehard harden`$/,
    arrange: async () => ({ keys: {} }),
  },
  {
    code: 'VALUES_CURRENT',
    verdict: 'ok',
    evidence: /^5 values sealed under the active key, each opened$/,
    arrange: hardened,
  },
  {
    code: 'VALUES_STALE',
    verdict: 'notice',
    evidence: /^3 stale key in user\.smtp\.password/,
    fix: /reseals them/,
    arrange: async (patient) => {
      await patient.harden();
      return { keys: { active: OTHER, previous: [patient.key] } };
    },
  },
  {
    code: 'VALUES_NESTED',
    verdict: 'warning',
    evidence: /^1 current \(nested\) in user\.smtp\.password$/,
    fix: /^find out who saved it/,
    locators: [{ locator: `${PASSWORD}#2` }],
    arrange: async (patient) => {
      await patient.harden();
      await set(patient, 2, patient.seal(PASSWORD, 2, await stored(patient, 1)));
      return undefined;
    },
  },
  {
    code: 'VALUES_FOREIGN',
    verdict: 'warning',
    evidence: /^1 foreign bcrypt in user\.smtp\.password$/,
    fix: /set it anew/,
    locators: [{ locator: `${PASSWORD}#1` }],
    arrange: async (patient) => {
      await set(patient, 1, FOREIGN.bcrypt);
      return undefined;
    },
  },
  {
    code: 'VALUES_MOVED',
    verdict: 'failed',
    evidence: /^1 value was sealed for another row or field$/,
    fix: /still opens where it comes from/,
    locators: [{ locator: `${PASSWORD}#2`, from: `${PASSWORD}#1` }],
    arrange: async (patient) => {
      await patient.harden();
      await set(patient, 2, await stored(patient, 1));
      return undefined;
    },
  },
  {
    code: 'VALUES_ALTERED',
    verdict: 'failed',
    evidence: /^unreadable MAC: 1 value$/,
    fix: /restore it from a backup/,
    locators: [{ locator: `${PASSWORD}#1` }],
    arrange: async (patient) => {
      await patient.harden();
      const text = await stored(patient, 1);
      await set(patient, 1, `${text.slice(0, 40)}${text[40] === 'A' ? 'B' : 'A'}${text.slice(41)}`);
      return undefined;
    },
  },
  {
    code: 'VALUES_SAVED_OVER',
    verdict: 'failed',
    evidence: /^1 unexpected LOOKS_SEALED in user\.smtp\.password$/,
    fix: /^an old process saved over a sealed value: set it anew$/,
    locators: [{ locator: `${PASSWORD}#3` }],
    arrange: async (patient) => {
      await patient.harden();
      await set(patient, 3, Buffer.from(await stored(patient, 3)).toString('base64'));
      return undefined;
    },
  },
  {
    code: 'VALUES_UNKNOWN_KEY',
    verdict: 'failed',
    evidence: /^1 unreadable UNKNOWN_KEY in user\.smtp\.password$/,
    fix: /^configure its key as a previous key, or set it anew$/,
    arrange: async (patient) => {
      await patient.harden();
      await set(patient, 1, patient.seal(PASSWORD, 1, 'of another environment', { active: OTHER }));
      return undefined;
    },
  },
  {
    code: 'VALUES_UNKNOWN_KEY',
    verdict: 'failed',
    evidence: /^3 unreadable UNKNOWN_KEY in user\.smtp\.password/,
    fix: /^correct the keys first, and look again: nothing needs to be set anew for this$/,
    arrange: async (patient) => {
      await patient.harden();
      return { keys: { active: OTHER } };
    },
  },
  {
    code: 'VALUES_WITHDRAWN_KEY',
    verdict: 'warning',
    evidence: /^1 unreadable WITHDRAWN_KEY in user\.smtp\.password$/,
    fix: /^its key is withdrawn: set it anew$/,
    arrange: async (patient) => {
      await patient.harden();
      await set(patient, 1, patient.seal(PASSWORD, 1, 'old', { active: OTHER }));
      return { keys: { active: patient.key, withdrawn: [OTHER_KID] } };
    },
  },
  {
    code: 'VALUES_TRUNCATED',
    verdict: 'failed',
    evidence: /^1 unreadable TRUNCATED in user\.smtp\.password$/,
    fix: /^cut by a narrower column: restore it/,
    arrange: async (patient) => {
      await patient.harden();
      await set(patient, 1, (await stored(patient, 1)).slice(0, 100));
      return undefined;
    },
  },
  {
    code: 'VALUES_CASE_DAMAGED',
    verdict: 'failed',
    evidence: /^1 unreadable CASE_DAMAGED in user\.smtp\.password$/,
    fix: /restore it or set it anew/,
    arrange: async (patient) => {
      await patient.harden();
      await set(patient, 1, (await stored(patient, 1)).toUpperCase());
      return undefined;
    },
  },
  {
    code: 'VALUES_NOT_LEGACY',
    verdict: 'failed',
    evidence: /^1 unexpected NOT_LEGACY in user\.smtp\.password$/,
    fix: /harden --as-plaintext$/,
    arrange: async (patient) => {
      await set(patient, 1, 'no base64!');
      return undefined;
    },
  },
  {
    code: 'VALUES_LEGACY_NOT_ACCEPTED',
    verdict: 'failed',
    evidence: /^3 unexpected LEGACY_NOT_ACCEPTED in user\.smtp\.password$/,
    fix: /accept legacy for a while/,
    arrange: async () => ({ config: { fields: { ...FIELDS, [PASSWORD]: { ...FIELDS[PASSWORD], strict: true } } } }),
  },
  {
    code: 'VALUES_AMBIGUOUS',
    verdict: 'warning',
    evidence: /^1 unexpected AMBIGUOUS in oauth\.client\.secret$/,
    fix: /has the key twice/,
    arrange: async (patient) => {
      await patient.execute(`update clients set config = '{"secret":"a","secret":"b"}'`);
      return undefined;
    },
  },
  {
    code: 'VALUES_NOT_A_DOCUMENT',
    verdict: 'warning',
    evidence: /^1 unexpected NOT_A_DOCUMENT in oauth\.client\.secret$/,
    fix: /repair it in the application/,
    arrange: async (patient) => {
      await patient.execute(`update clients set config = 'none'`);
      return undefined;
    },
  },
  // database
  {
    code: 'UPGRADE_PENDING',
    verdict: 'warning',
    evidence: /^missing: casehard_keys, casehard_drills$/,
    fix: /^run `casehard upgrade`; it needs no key$/,
    arrange: async (patient) => {
      await patient.execute('drop table casehard_keys', 'drop table casehard_drills');
      return undefined;
    },
  },
  {
    code: 'COLUMN_NARROW',
    verdict: 'warning',
    engines: ['postgres', 'mysql'],
    evidence: /^narrow\.secret: .* holds 40 and \d+ are needed$/,
    fix: /^run `casehard upgrade`$/,
    arrange: async (patient) => {
      await patient.execute(
        'drop table if exists narrow',
        'create table narrow (id int primary key, secret varchar(40))',
      );
      return { config: { fields: { n: column('narrow', 'secret', { row: { id: 'int' }, was: 'base64' }) } } };
    },
  },
  {
    code: 'WIDTH_OUTDATED',
    verdict: 'warning',
    engines: ['postgres', 'mysql'],
    evidence: /^user\.smtp\.password: the configuration says 1000 characters, the column holds 400$/,
    fix: /^write `?max: \{ chars: 400 \}/,
    arrange: async () => ({
      config: { fields: { [PASSWORD]: { ...FIELDS[PASSWORD], max: { chars: 1000 } } } },
    }),
  },
  {
    code: 'FIELD_UNUSABLE',
    verdict: 'failed',
    evidence: /^field gone: there is no table gone$/,
    fix: /^check the configuration and the database it names$/,
    arrange: async () => ({ config: { fields: { ...FIELDS, gone: column('gone', 'x', { row: { id: 'int' } }) } } }),
  },
  {
    code: 'UPGRADE_BLOCKED',
    verdict: 'warning',
    evidence: /has an index \(users_secret\).* \[INDEXED\]$/,
    fix: /notLookedUp: true/,
    arrange: async (patient) => {
      await patient.execute('create index users_secret on users (smtp_password)');
      return undefined;
    },
  },
  {
    code: 'TABLE_COPIES_VALUES',
    verdict: 'warning',
    evidence: /^users: \S*keep_old.* \(user\.smtp\.password\)$/,
    fix: /--accept-triggers/,
    arrange: async (patient) => {
      await patient.execute(...TRIGGERS[patient.test.engine]);
      return undefined;
    },
  },
  {
    code: 'TABLE_NOT_TRANSACTIONAL',
    verdict: 'notice',
    engines: ['mysql'],
    evidence: /^lists has an engine without transactions$/,
    fix: /ENGINE = InnoDB/,
    arrange: async (patient) => {
      await patient.execute('alter table lists engine = MyISAM');
      return undefined;
    },
  },
  {
    code: 'ROWS_HIDDEN',
    verdict: 'warning',
    engines: ['postgres'],
    evidence: /^field user\.smtp\.password: database: row-level security hides rows/,
    fix: /BYPASSRLS/,
    arrange: async (patient) => {
      const url = new URL(patient.test.url);
      await patient.execute(
        `do $$ begin create role casehard_patient login password 'x'; exception when duplicate_object then null; end $$`,
        'grant select on all tables in schema public to casehard_patient',
        'alter table users enable row level security',
      );
      url.username = 'casehard_patient';
      url.password = 'x';
      return { db: openDatabase(url.href, { folder: '.' }) };
    },
  },
  // configuration
  {
    code: 'NO_KEY',
    verdict: 'warning',
    evidence: /^CASEHARD_ENC_KEY not configured$/,
    fix: /keys generate/,
    arrange: async () => ({ keys: {} }),
  },
  {
    code: 'NO_ACTIVE_KEY',
    verdict: 'notice',
    evidence: /^[a-z2-7]{8} \(staged\)$/,
    fix: /move the key into CASEHARD_ENC_KEY/,
    arrange: async ({ key }) => ({ keys: { staged: [key] } }),
  },
  {
    code: 'NO_ACTIVE_KEY',
    verdict: 'warning',
    evidence: /^[a-z2-7]{8} \(previous\)$/,
    arrange: async ({ key }) => ({ keys: { previous: [key] } }),
  },
  {
    code: 'NOT_ADOPTED',
    verdict: 'warning',
    evidence: /^5 sealed values, and the configuration does not say `adopted: true`$/,
    fix: /write `adopted: true`/,
    arrange: async (patient) => {
      await patient.harden();
      return { config: { adopted: false } };
    },
  },
  {
    code: 'FILE_READABLE_BY_EVERYONE',
    verdict: 'warning',
    evidence: /\/open\.key has mode 0644$/,
    fix: /^chmod o-rwx .*\/open\.key$/,
    arrange: async (patient) => {
      writeFileSync(join(patient.folder, 'open.key'), patient.key, { mode: 0o644 });
      return { env: { ...patient.env, CASEHARD_ENC_KEY_FILE: 'open.key' } };
    },
  },
  {
    code: 'KEY_CHECKSUM',
    verdict: 'failed',
    evidence: /^CASEHARD_ENC_KEY is damaged$/,
    fix: /^paste it again$/,
    arrange: async () => ({
      keys: {},
      keysProblem: new CasehardError('KEY_CHECKSUM', 'CASEHARD_ENC_KEY is damaged', { hint: 'paste it again' }),
    }),
  },
  // processes
  {
    code: 'PROCESS_CANNOT_OPEN',
    verdict: 'failed',
    evidence: /^mail1:42 opens [a-z2-7]{8}, and not [a-z2-7]{8}, which seals here$/,
    fix: /at least in CASEHARD_STAGED_ENC_KEYS, and start it again$/,
    arrange: async (patient) => {
      await process(patient, { activeKid: OTHER_KID, kids: [OTHER_KID] });
      return undefined;
    },
  },
  {
    code: 'PROCESS_CANNOT_OPEN',
    verdict: 'failed',
    evidence: /^mail1:42 cannot open with [a-z2-7]{8}, and 5 values are still under it$/,
    fix: /in its CASEHARD_PREVIOUS_ENC_KEYS and start it again/,
    arrange: async (patient) => {
      await patient.harden();
      await process(patient, { activeKid: OTHER_KID, kids: [OTHER_KID] });
      return { keys: { active: OTHER, previous: [patient.key] } };
    },
  },
  {
    code: 'PROCESS_CANNOT_VERIFY',
    verdict: 'failed',
    evidence: /^mail1:42 verifies links under 0a0a, and not under [0-9a-f]{4}, which makes them here$/,
    fix: /at least in CASEHARD_STAGED_TRACKING_KEYS/,
    arrange: async (patient) => {
      await process(patient, { trackingKid: '0a0a', trackingKids: ['0a0a'] });
      return { tracking: createTrackingKeyring({ active: generateKey('trk') }) };
    },
  },
  {
    code: 'PROCESS_HAS_OTHER_TRACKING_KEY',
    verdict: 'warning',
    evidence: /^mail1:42 makes links under 0a0a, this configuration under [0-9a-f]{4}$/,
    fix: /casehard rotate --tracking/,
    arrange: async (patient) => {
      const tracking = createTrackingKeyring({ active: generateKey('trk') });
      await process(patient, { trackingKid: '0a0a', trackingKids: ['0a0a', tracking.active?.tkid] });
      return { tracking };
    },
  },
  {
    code: 'PROCESS_HAS_OTHER_KEY',
    verdict: 'warning',
    evidence: /^mail1:42 seals with [a-z2-7]{8}, this configuration with [a-z2-7]{8}$/,
    fix: /as its active key/,
    arrange: async (patient) => {
      await process(patient, { activeKid: OTHER_KID, kids: [OTHER_KID, patient.kid] });
      return undefined;
    },
  },
  {
    code: 'PROCESS_LACKS_STAGED_KEY',
    verdict: 'warning',
    evidence: /^mail1:42 cannot open with the staged key [a-z2-7]{8}$/,
    fix: /before the key becomes active anywhere$/,
    arrange: async (patient) => {
      await process(patient, {});
      return { keys: { active: patient.key, staged: [OTHER] } };
    },
  },
  {
    code: 'TWO_ACTIVE_KEYS',
    verdict: 'warning',
    evidence: /^live processes seal with [a-z2-7]{8} and with [a-z2-7]{8}$/,
    fix: /casehard rotate/,
    arrange: async (patient) => {
      await process(patient, {});
      await process(patient, { id: 'p2', activeKid: OTHER_KID, kids: [OTHER_KID, patient.kid] });
      return undefined;
    },
  },
  {
    code: 'PROCESS_HAS_OLD_LIBRARY',
    verdict: 'warning',
    evidence: /^mail1:42 runs @casehard\/core 0\.0\.9, this is \d/,
    fix: /^update it and start it again$/,
    arrange: async (patient) => {
      await process(patient, { version: '0.0.9' });
      return undefined;
    },
  },
  {
    code: 'PROCESS_SILENT',
    verdict: 'notice',
    evidence: /^mail1:42, last heard of 10 minutes ago, seals with [a-z2-7]{8}$/,
    fix: /whether it still runs/,
    arrange: async (patient) => {
      await process(patient, {});
      await patient.execute('update casehard_processes set beat_at = beat_at - 600000');
      return undefined;
    },
  },
  {
    code: 'PROCESSES_AGREE',
    verdict: 'ok',
    evidence: /^1 live process$/,
    arrange: async (patient) => {
      await process(patient, {});
      return undefined;
    },
  },
  // policy
  {
    code: 'LEGACY_STILL_ACCEPTED',
    verdict: 'notice',
    evidence: /^user\.smtp\.password: 3 values are sealed, none is legacy$/,
    fix: /^`casehard strict user\.smtp\.password` prints the line that ends this$/,
    arrange: hardened,
  },
  {
    code: 'LEGACY_UNTIL_NEAR',
    verdict: 'warning',
    evidence: /^user\.smtp\.password: legacy values were to be accepted until 2031-05-20; 3 values are left$/,
    fix: /^run `casehard harden --field user\.smtp\.password`, or move `legacyUntil`$/,
    arrange: async () => until('2031-05-20', '2031-05-01'),
  },
  {
    code: 'LEGACY_UNTIL_PASSED',
    verdict: 'failed',
    evidence: /^user\.smtp\.password: legacy values were to be accepted until 2021-05-20; 3 values are left$/,
    fix: /after moving `legacyUntil` into the future$/,
    arrange: async () => until('2021-05-20', '2031-05-01'),
  },
  {
    code: 'NO_TRACKING_KEY',
    verdict: 'warning',
    evidence: /^`links` is configured, and CASEHARD_TRACKING_KEY is not$/,
    fix: /configure the tracking key$/,
    arrange: async () => ({ config: { links: links('2040-01-01') }, tracking: createTrackingKeyring() }),
  },
  {
    code: 'LEGACY_LINKS_NEAR',
    verdict: 'notice',
    evidence: /^links of the old shape are accepted until 2031-05-20$/,
    fix: /^move `links\.legacy\.until`/,
    arrange: async () => ({
      config: { links: links('2031-05-20') },
      tracking: createTrackingKeyring({ active: generateKey('trk') }),
      now: () => Date.parse('2031-05-01'),
    }),
  },
  {
    code: 'LEGACY_LINKS_PASSED',
    verdict: 'notice',
    evidence: /accepted until 2021-05-20$/,
    fix: /^take `links\.legacy` out/,
    arrange: async () => ({
      config: { links: links('2021-05-20') },
      tracking: createTrackingKeyring({ active: generateKey('trk') }),
    }),
  },
  {
    code: 'TRACKING_KEY_MISSING',
    verdict: 'failed',
    evidence: /^links were sent under tracking key [0-9a-f]{4}, which is not configured$/,
    // Nothing of links is in the configuration: they are made by a process that has its own.
    arrange: async (patient) => {
      await keepTrackingCanary(patient.test.db, createTrackingKeyring({ active: generateKey('trk') }));
      return { tracking: createTrackingKeyring() };
    },
  },
  {
    code: 'TRACKING_KEY_MISSING',
    verdict: 'failed',
    evidence: /^links were sent under tracking key [0-9a-f]{4}, which is not configured$/,
    fix: /^list it in CASEHARD_PREVIOUS_TRACKING_KEYS/,
    arrange: async (patient) => {
      await keepTrackingCanary(patient.test.db, createTrackingKeyring({ active: generateKey('trk') }));
      return {
        config: { links: links('2040-01-01') },
        tracking: createTrackingKeyring({ active: generateKey('trk') }),
      };
    },
  },
];

const TRIGGERS: Readonly<Record<Patient['test']['engine'], readonly string[]>> = {
  sqlite: ['create trigger keep_old after update on users begin select 1; end'],
  mysql: ['create trigger keep_old after update on users for each row set @x = 1'],
  postgres: [
    'create or replace function keep_old_row() returns trigger language plpgsql as $$ begin return new; end $$',
    'create trigger keep_old after update on users for each row execute function keep_old_row()',
  ],
};

function until(legacyUntil: string, now: string): PatientOptions {
  return {
    config: { fields: { ...FIELDS, [PASSWORD]: { ...FIELDS[PASSWORD], legacyUntil } } },
    now: () => Date.parse(now),
  };
}

async function drill(patient: Patient, proven: boolean): Promise<void> {
  const key = parseStateKey(patient.env.CASEHARD_STATE_KEY ?? '', 'CASEHARD_STATE_KEY');
  await writeDrill(patient.test.db, { kid: patient.kid, proven, opened: 7, file: 'keys.age' }, (pieces) =>
    key.tag('casehard_drills', pieces),
  );
}

describe.each(ENGINES)('what the doctor says on $engine', (engine) => {
  let patient: Patient;
  beforeAll(async () => {
    if (!engine.absent) patient = await makePatient(engine);
  });
  beforeEach(async () => {
    if (!engine.absent) await patient.reset();
  });
  afterAll(() => patient?.drop());

  const here = CASES.filter(({ engines }) => engines?.includes(engine.engine) ?? true);
  it.skipIf(engine.absent).for(here)('$verdict $code: $evidence', async ({ arrange, ...expected }) => {
    const options = (await arrange(patient)) ?? {};
    try {
      const diagnosis = await patient.diagnose(options);
      const all = found(diagnosis, expected.code);
      const finding = all.find(({ evidence }) => expected.evidence.test(evidence));
      expect(finding, JSON.stringify(all.length > 0 ? all : diagnosis.findings, null, 1)).toBeDefined();
      expect(finding?.verdict).toBe(expected.verdict);
      if (expected.verdict === 'ok') expect([finding?.cause, finding?.fix]).toEqual([undefined, undefined]);
      else expect(finding?.cause?.length).toBeGreaterThan(20);
      if (expected.fix) expect(finding?.fix).toMatch(expected.fix);
      if (expected.locators) {
        expect(finding?.locators).toEqual(expected.locators);
        expect(finding?.locatorsInAll).toBe(expected.locators.length);
      }
    } finally {
      await options.db?.close();
    }
  });

  it.skipIf(engine.absent)('says of a healthy database that all is well, check by check', async () => {
    await patient.harden();
    await drill(patient, true);
    await process(patient, {});
    const strict = Object.fromEntries(
      Object.entries(FIELDS).map(([name, spec]) => [name, { ...spec, strict: true }]),
    ) as unknown as typeof FIELDS;
    const diagnosis = await patient.diagnose({ config: { fields: strict } });
    const server = new Set(['STATEMENTS_LOGGED', 'READ_ONLY_DATABASE', 'SQL_MODE_NOT_STRICT']); // not ours to choose
    expect(diagnosis.findings.filter(({ verdict, code }) => verdict !== 'ok' && !server.has(code))).toEqual([]);
    expect(diagnosis).toMatchObject({ headline: undefined, values: { looked: 5, complete: true, stopped: false } });
    expect(diagnosis.findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining([
        ...['KEYS_BELONG_HERE', 'CANARIES_WHOLE', 'NO_PREVIOUS_KEYS', 'BACKUP_PROVEN', 'VALUES_CURRENT'],
        ...[
          'PROCESSES_AGREE',
          'DATABASE_WRITABLE',
          'FIELDS_FOUND',
          'TABLES_MADE',
          'NOTHING_IN_THE_WAY',
          'COLUMNS_WIDE',
        ],
        ...['NO_COPIES', 'TABLES_TRANSACTIONAL', 'KEYS_CONFIGURED', 'FILES_PRIVATE', 'ADOPTED', 'LEGACY_POLICY'],
      ]),
    );
  });

  it.skipIf(engine.absent)('reads the settings of the server, and says what is wrong with them', async () => {
    const facts = await gather(patient.project(), patient.test.db, { env: patient.env });
    expect(facts.server).toBeDefined();
    expect(facts.notLookedAt).toEqual([]);
    const ill: Facts = {
      ...facts,
      server: {
        readOnly: 'it is a replica (in recovery)',
        sqlMode: 'NO_ENGINE_SUBSTITUTION',
        logs: [
          { setting: 'log_statement = all', which: 'all' },
          { setting: 'slow_query_log = ON', which: 'slow' },
        ],
      },
    };
    const said = check(ill).map(({ code, verdict, evidence }) => `${verdict} ${code}: ${evidence}`);
    expect(said).toEqual(
      expect.arrayContaining([
        'notice READ_ONLY_DATABASE: it is a replica (in recovery)',
        'warning SQL_MODE_NOT_STRICT: sql_mode = NO_ENGINE_SUBSTITUTION',
        'warning STATEMENTS_LOGGED: log_statement = all',
        'notice STATEMENTS_LOGGED: slow_query_log = ON',
      ]),
    );
  });

  it.skipIf(engine.absent)(
    "says also of a field that was not looked at that its values are under nobody's key",
    async () => {
      await patient.harden();
      await patient.execute(
        `update lists set bounce_password = '${patient.seal(BOUNCE, 1, 'x', { active: OTHER })}' where id = 1`,
      );
      const one = found(await patient.diagnose({ only: [PASSWORD] }), 'VALUES_UNKNOWN_KEY');
      expect(one.map(({ field, group }) => [field, group])).toEqual([[BOUNCE, 'keys']]);
      const all = found(await patient.diagnose(), 'VALUES_UNKNOWN_KEY');
      expect(all.map(({ group }) => group)).toEqual(['values']);
    },
  );

  it.skipIf(engine.absent)('traces every value that was moved, and calls none of them altered', async () => {
    const ids = Array.from({ length: 60 }, (_, i) => 100 + i);
    const swapped = ids.map((id) => `(${id}, '${patient.seal(PASSWORD, id ^ 1, `moved ${id}`)}')`);
    await patient.execute(`insert into users values ${swapped}`);
    const diagnosis = await patient.diagnose();
    const [moved] = found(diagnosis, 'VALUES_MOVED');
    expect([moved?.locatorsInAll, moved?.locators?.length]).toEqual([60, 20]);
    expect(moved?.locators?.[0]).toEqual({ locator: `${PASSWORD}#100`, from: `${PASSWORD}#101` });
    expect(found(diagnosis, 'VALUES_ALTERED')).toEqual([]);
  });

  it.skipIf(engine.absent || engine.engine !== 'postgres')('sees what single users and databases log', async () => {
    const [name] = await patient.read('select current_database()');
    try {
      await patient.execute(
        `alter database "${name}" set log_transaction_sample_rate = '0.5'`,
        `alter role current_user in database "${name}" set log_min_duration_statement = '2s'`,
      );
      const said = found(await patient.diagnose(), 'STATEMENTS_LOGGED').map(({ verdict, evidence }) => [
        verdict,
        evidence,
      ]);
      expect(said).toEqual(
        expect.arrayContaining([
          ['warning', 'log_transaction_sample_rate = 0.5 (set for this database)'],
          ['notice', expect.stringMatching(/^log_min_duration_statement = 2s \(set for user \S+\)$/)],
        ]),
      );
    } finally {
      await patient.execute(
        `alter database "${name}" reset log_transaction_sample_rate`,
        `alter role current_user in database "${name}" reset log_min_duration_statement`,
      );
    }
  });

  it.skipIf(engine.absent)('without the database, says why and looks at the rest', async () => {
    const url = engine.engine === 'sqlite' ? 'sqlite:./nowhere/none.db' : patient.test.url.replace(/:\d+\//, ':1/');
    const db = openDatabase(url, { folder: patient.folder });
    try {
      const diagnosis = await patient.diagnose({ db });
      expect(diagnosis.findings[0]).toMatchObject({ code: 'DATABASE_AWAY', verdict: 'failed' });
      expect(diagnosis.findings.map(({ code }) => code)).toEqual(['DATABASE_AWAY', 'KEYS_CONFIGURED', 'FILES_PRIVATE']);
    } finally {
      await db.close();
    }
  });

  it.skipIf(engine.absent)('lists the first values and counts them all; --quick opens none', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `(${i + 10}, 'no base64!')`);
    await patient.execute(`insert into users values ${rows}`);
    const [finding] = found(await patient.diagnose({ maxLocators: 4 }), 'VALUES_NOT_LEGACY');
    expect([finding?.locators?.length, finding?.locatorsInAll]).toEqual([4, 30]);
    const quick = await patient.diagnose({ quick: true });
    expect(quick.findings.filter(({ group }) => group === 'values')).toEqual([]);
    expect(quick.values).toEqual({ looked: 0, complete: false, stopped: false });
  });
});
