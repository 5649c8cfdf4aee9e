import { type Attachment, generateKey } from '@casehard/core';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Trail } from '../../src/audit/trail.ts';
import { loadStateKey } from '../../src/config/state-key-file.ts';
import { MAX_UPLOAD_BYTES } from '../../src/console/http/form.ts';
import { openBackup } from '../../src/keys/backup.ts';
import { heardProcesses } from '../../src/keys/live.ts';
import { ENGINES } from '../engines.ts';
import {
  attachProcess,
  hardenAll,
  kidOf,
  openKeysOffice,
  plain,
  runHarden,
  saveUnder,
  scanned,
  upload,
} from './keys-office.ts';
import { type Office, PASSWORD, until } from './office.ts';
import type { Visitor } from './visitor.ts';

const PASSPHRASE = 'five random words of mine';

describe.each(ENGINES)('keys for life in the console, on $engine', (engine) => {
  const run = it.skipIf(engine.absent);
  // A passphrase is worth four seconds of work each time, on one engine; on the others an identity opens.
  const byPassphrase = engine.engine === 'sqlite';
  const whom = async (): Promise<Readonly<Record<string, string>>> =>
    byPassphrase ? { passphrase: PASSPHRASE, again: PASSPHRASE } : { recipients: await identityToRecipient(identity) };
  const [first, staged, stranger] = [generateKey('enc'), generateKey('enc'), generateKey('enc')];
  const tracking = generateKey('trk');
  const keys = { CASEHARD_ENC_KEY: first, CASEHARD_TRACKING_KEY: tracking };
  let office: Office;
  let ada: Visitor;
  let backup = '';
  let identity = '';
  const attached: Attachment[] = [];

  beforeAll(async () => {
    if (engine.absent) return;
    identity = await generateIdentity();
    office = await openKeysOffice(engine, keys);
    ada = await office.operator('ada');
  });
  afterAll(async () => {
    for (const process of attached) await process.detach();
    await office?.drop();
  });

  /** The fleet with other keys: every process says goodbye and starts anew. */
  const restartAll = async (count: number, options: Parameters<typeof attachProcess>[1]): Promise<void> => {
    for (const process of attached.splice(0)) await process.detach();
    for (let i = 0; i < count; i++) attached.push(await attachProcess(office, options));
  };
  const refreshed = async (settings: Readonly<Record<string, string>>): Promise<string> => {
    office.writeKeys({ CASEHARD_TRACKING_KEY: tracking, ...settings });
    await ada.get('/keys/rotation');
    await ada.post('/keys/rotation/refresh', { kind: 'enc' });
    await scanned(ada);
    return plain(await ada.get('/keys/rotation'));
  };
  /** What a rotation hears of the console itself. */
  const consoleKids = async (): Promise<readonly (string | undefined)[]> =>
    (await heardProcesses(office.test.db, 'enc')).flatMap(({ host, activeKid }) =>
      host.endsWith(' console') ? [activeKid] : [],
    );
  const newest = async (count: number): Promise<readonly string[]> => {
    const trail = new Trail(office.test.db, loadStateKey({ folder: office.folder, env: {} }).key);
    return (await trail.list(count)).map(
      ({ actor, act, subject, outcome }) => `${actor}: ${act} ${subject}: ${outcome}`,
    );
  };

  run('before the upgrade the pages answer, and say what is missing', async () => {
    await until(async () => !plain(await ada.get('/keys/rotation')).includes('The first scan'));
    expect(plain(await ada.get('/keys/rotation'))).toMatch(/table casehard_processes is missing.*UPGRADE_PENDING/);
    expect(plain(await ada.get('/audit'))).toContain('Nothing is recorded yet: the upgrade makes the table for it.');
    for (const path of ['/keys', '/keys/backup', '/recovery', '/doctor']) {
      expect((await ada.get(path)).status, path).toBe(200);
    }
  });

  run('the keys are listed with their values, and every page nags until a backup is proven', async () => {
    await hardenAll(office, ada);
    const page = await ada.get('/keys');
    expect(plain(page)).toMatch(
      new RegExp(`${kidOf(first)} ?sealing ?active: seals and opens ?1 active, 1 can open ?[1-9]`),
    );
    expect(plain(page)).toMatch(new RegExp(`${kidOf(tracking)} ?tracking ?active: makes and reads links`));
    for (const path of ['/', '/keys', '/jobs']) {
      expect(plain(await ada.get(path)), path).toContain(
        `No backup of key ${kidOf(first)} and ${kidOf(tracking)} was proven.`,
      );
    }
  });

  run('a backup is downloaded sealed, opens with its passphrase, and is recorded', async () => {
    await ada.get('/keys/backup');
    for (const [fields, problem] of [
      [{ passphrase: PASSPHRASE, again: `${PASSPHRASE}!` }, 'The two passphrases are not the same.'],
      [{ passphrase: 'too short', again: 'too short' }, 'The passphrase is shorter than 10 characters.'],
      [{ recipients: 'age1nobody' }, 'Recipient 1 is no age recipient.'],
      [{ recipients: 'age1nobody', passphrase: PASSPHRASE }, 'for recipients or for a passphrase, not for both'],
      [{}, 'Whom the backup is for is missing.'],
    ] as const) {
      const refused = await ada.post('/keys/backup', { ...fields, password: PASSWORD });
      expect([refused.status, refused.text.includes(PASSPHRASE)]).toEqual([400, false]);
      expect(plain(refused)).toContain(problem);
    }
    const made = await ada.post('/keys/backup', { ...(await whom()), password: PASSWORD });
    expect(made.headers.get('content-disposition')).toMatch(
      /^attachment; filename="casehard-keys-\d{4}-\d\d-\d\d\.age"$/,
    );
    expect([made.headers.get('cache-control'), made.headers.get('x-content-type-options')]).toEqual([
      'no-store',
      'nosniff',
    ]);
    backup = made.text;
    expect(backup).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----/);
    const { texts } = await openBackup(
      Buffer.from(backup),
      byPassphrase ? { passphrase: PASSPHRASE } : { identity },
      'it',
    );
    expect([texts.enc?.text, texts.tracking?.text]).toEqual([first, tracking]);
    expect(await newest(1)).toEqual([
      expect.stringMatching(
        `^console account ada: backup ${kidOf(first)}, ${kidOf(tracking)}: done: casehard-keys-.*age, to ${byPassphrase ? 'a passphrase' : '1 recipient'}$`,
      ),
    ]);
  });

  run('no backup leaves without a record of who took it', async () => {
    const { kysely } = office.test.db;
    await sql`alter table casehard_audit rename to casehard_audit_away`.execute(kysely);
    try {
      await ada.get('/keys/backup');
      const refused = await ada.post('/keys/backup', { ...(await whom()), password: PASSWORD });
      expect([refused.status, refused.headers.get('content-disposition')]).toEqual([409, null]);
      expect(refused.text).not.toContain('AGE ENCRYPTED');
      expect(plain(refused)).toContain('The table casehard_audit is missing');
    } finally {
      await sql`alter table casehard_audit_away rename to casehard_audit`.execute(kysely);
    }
  });

  run('a backup is refused while the settings have other keys than the console', async () => {
    office.writeKeys({ ...keys, CASEHARD_STAGED_ENC_KEYS: staged });
    await ada.get('/keys/backup');
    const refused = await ada.post('/keys/backup', { ...(await whom()), password: PASSWORD });
    expect([refused.status, plain(refused)]).toEqual([
      409,
      expect.stringContaining('other keys by now than the console'),
    ]);
    office.writeKeys(keys);
  });

  run('a form with a file is bounded, and needs the token like every other', async () => {
    await ada.get('/keys/backup');
    const file = { name: 'keys.age', content: backup };
    const tooLarge = { name: 'x', content: 'x'.repeat(MAX_UPLOAD_BYTES + 1) };
    expect((await upload(ada, '/keys/drill', { secret: PASSPHRASE }, tooLarge)).status).toBe(413);
    expect((await upload(ada, '/keys/drill', { secret: PASSPHRASE, csrf: 'x' }, file)).status).toBe(403);
    expect((await upload(ada, '/scan', {}, file)).status).toBe(415);
    for (const body of ['', '--x\r\ncontent-disposition: nonsense\r\n\r\n', '--x--']) {
      const headers = { origin: 'http://127.0.0.1:8437', 'content-type': 'multipart/form-data; boundary=x' };
      expect([403, 415]).toContain((await ada.raw('/keys/drill', { method: 'POST', body, headers })).status);
    }
    const without = await upload(ada, '/keys/drill', { secret: PASSPHRASE });
    expect([without.status, await without.text()]).toEqual([400, expect.stringContaining('The form has no file.')]);
    const other = await upload(ada, '/keys/drill', { secret: PASSPHRASE }, { name: 'x', content: 'no backup' });
    expect([other.status, await other.text()]).toEqual([400, expect.stringContaining('is no age file')]);
  });

  run('a drill that does not open proves nothing, and one that does ends the nagging', async () => {
    await ada.get('/keys/backup');
    const drilled = async (secret: string): Promise<string> => {
      const response = await upload(ada, '/keys/drill', { secret }, { name: '../<b>keys</b>.age', content: backup });
      expect(response.status).toBe(303);
      const page = await until(async () => {
        const shown = await ada.get('/keys/backup');
        return shown.text.includes('is under way') ? undefined : shown;
      });
      expect(page.text).not.toContain(secret);
      expect(page.text).not.toContain('<b>keys</b>');
      return plain(page);
    };
    expect(await drilled(byPassphrase ? 'the wrong passphrase' : await generateIdentity())).toMatch(
      /(passphrase|identity) does not open .*b>\.age\. .*BACKUP/,
    );
    expect(plain(await ada.get('/'))).toContain('No backup of key');
    expect(await drilled(byPassphrase ? PASSPHRASE : identity)).toContain(
      'is proven: everything that was tried opened.',
    );
    expect(plain(await ada.get('/'))).not.toContain('No backup of key');
    expect(await newest(2)).toEqual([
      expect.stringMatching(`: drill .*: proven: ${kidOf(first)}, ${kidOf(tracking)}$`),
      expect.stringMatching(/: drill .*: failed: BACKUP$/),
    ]);
  });

  run(
    'a rotation goes from step to step by what processes, settings and values say',
    async () => {
      await restartAll(2, { active: first });
      const idle = await refreshed({ CASEHARD_ENC_KEY: first });
      expect(idle).toContain('No rotation is under way.');
      expect(plain(await ada.get('/keys'))).toMatch(/3 active, 3 can open/); // the console is one of them
      const made = await ada.post('/keys/rotation/generate', { kind: 'enc' });
      expect(made.text.match(/chkey1\./g)).toHaveLength(1);
      const key = /CASEHARD_STAGED_ENC_KEYS=(\S+?)</.exec(made.text)?.[1] ?? '';
      expect(await newest(1)).toEqual([`console account ada: rotate ${kidOf(key)}: a key was made, to be staged`]);

      const waiting = await refreshed({ CASEHARD_ENC_KEY: first, CASEHARD_STAGED_ENC_KEYS: key });
      expect(waiting).toContain(`2 live processes cannot open with key ${kidOf(key)} yet.`);
      const twice = await ada.post('/keys/rotation/generate', { kind: 'enc' });
      expect([twice.status, plain(twice)]).toEqual([409, expect.stringContaining('A rotation is under way.')]);
      await restartAll(2, { active: first, staged: [key] });
      const activate = plain(await ada.get('/keys/rotation'));
      expect(activate).toContain(`Make key ${kidOf(key)} active.`);
      expect(activate).toContain(`CASEHARD_PREVIOUS_ENC_KEYS=<key ${kidOf(first)}, now in CASEHARD_ENC_KEY>`);

      const settings = { CASEHARD_ENC_KEY: key, CASEHARD_PREVIOUS_ENC_KEYS: first };
      expect(await consoleKids()).toEqual([kidOf(first)]); // as long as it has not looked the keys up
      expect(await refreshed(settings)).toContain('2 live processes have an older key active.');
      expect(await consoleKids()).toEqual([kidOf(key)]);
      await restartAll(2, { active: key, previous: [first] });
      await until(async () => plain(await ada.get('/keys/rotation')).includes('under older keys'));
      expect(plain(await ada.get('/keys/rotation'))).toMatch(new RegExp(`\\d+ values under ${kidOf(first)}`));
      await runHarden(ada);
      await scanned(ada);
      expect(plain(await ada.get('/keys/rotation'))).toContain(`${kidOf(first)} can be withdrawn now.`);

      // What an unattached process saves at the last moment is found by the scan that the withdrawal begins.
      await saveUnder(office, first, [3, 7]);
      const withdraw = async (): Promise<string> => {
        await ada.get('/keys/rotation');
        await ada.post('/keys/withdraw', { kid: kidOf(first), 'no-others': 'yes', password: PASSWORD });
        await until(async () => !plain(await ada.get('/keys/rotation')).includes('is being checked'));
        return plain(await ada.get('/keys/rotation'));
      };
      const unconfirmed = await ada.post('/keys/withdraw', { kid: kidOf(first), password: PASSWORD });
      expect([unconfirmed.status, plain(unconfirmed)]).toEqual([409, expect.stringContaining('no unattached process')]);
      const refused = await withdraw();
      expect(refused).toMatch(/2 values are under it: user\.smtp\.password#3, user\.smtp\.password#7.*KEY_IN_USE/);
      await runHarden(ada);
      await scanned(ada);
      const done = await withdraw();
      expect(done).toContain(`Key ${kidOf(first)} is withdrawn from this database.`);
      expect(done).toContain(`CASEHARD_WITHDRAWN_KIDS=${kidOf(first)}`);
      expect((await newest(9)).filter((act) => act.includes(' withdraw '))).toEqual([
        `console account ada: withdraw ${kidOf(first)}: done`,
        `console account ada: withdraw ${kidOf(first)}: refused: KEY_IN_USE`,
      ]);

      await restartAll(2, { active: key });
      const end = await refreshed({ CASEHARD_ENC_KEY: key, CASEHARD_WITHDRAWN_KIDS: kidOf(first) });
      expect(end).toContain('No rotation is under way.');
      // Its backup is another matter: the new key has none.
      expect(plain(await ada.get('/'))).toContain(`No backup of key ${kidOf(key)} was proven.`);
      for (const process of attached.splice(0)) await process.detach();
    },
    180_000,
  );

  run(
    'what is lost is a queue that shrinks as it is entered again',
    async () => {
      await saveUnder(office, stranger, [3, 7, 8]);
      await scanned(ada);
      const page = await ada.get('/recovery');
      expect(plain(page)).toMatch(/\d+ credentials can no longer be opened\./);
      expect(plain(page)).toContain(`Key ${kidOf(stranger)}: 3 values`);
      expect(plain(page)).toMatch(new RegExp(`user.smtp.password ?unreadable UNKNOWN_KEY ?${kidOf(stranger)} ?3`));
      const lost = Number(/(\d+) credentials can no longer/.exec(plain(page))?.[1]);
      const link = /href="(\/entry\/user\.smtp\.password%237)"/.exec(page.text)?.[1] ?? '';
      const version = /name="version" value="([^"]+)"/.exec((await ada.get(link)).text)?.[1] ?? '';
      await ada.post(link, { secret: 'MARKED-entered-again', version });
      await scanned(ada);
      const after = await ada.get('/recovery');
      expect(plain(after)).toContain(`${lost - 1} credentials can no longer be opened.`);
      expect(plain(after)).toContain(`1 of ${lost} open again`);
      expect(after.text).not.toContain('password%237"');
      const csv = await ada.post('/recovery/csv');
      expect(csv.headers.get('content-disposition')).toBe('attachment; filename="casehard-recover.csv"');
      expect(csv.text).toMatch(/^"locator","field","verdict","kid"\r\n/);
      expect(csv.text).toContain(
        `"user.smtp.password#3","user.smtp.password","unreadable UNKNOWN_KEY","${kidOf(stranger)}"\r\n`,
      );
      expect(csv.text).not.toMatch(/MARKED|chd1/);
      expect(await newest(1)).toEqual([`console account ada: recover : listed: ${lost - 1}`]);
    },
    120_000,
  );

  run(
    'the doctor names the classic, and the overview shows his worst finding',
    async () => {
      expect(plain(await ada.get('/'))).toContain('What the doctor says');
      office.writeKeys({ CASEHARD_ENC_KEY: stranger });
      await ada.get('/keys');
      await ada.post('/keys/look-up');
      await scanned(ada);
      const page = plain(await ada.get('/doctor'));
      expect(page).toContain('SMTP, bounces and OAuth all fail at once');
      expect(page).toMatch(/failed KEY_NOT_KNOWN_HERE.*Cause: A wrong paste.*Fix: /);
      expect(plain(await ada.get('/'))).toMatch(
        /failed .*SMTP, bounces and OAuth all fail at once.*KEY_NOT_KNOWN_HERE/,
      );
      expect(plain(await ada.get('/keys/rotation'))).toContain('KEY_NOT_KNOWN_HERE');
    },
    120_000,
  );

  run(
    'the trail is shown newest first, in pages, and checked against a head',
    async () => {
      const trail = new Trail(office.test.db, loadStateKey({ folder: office.folder, env: {} }).key);
      for (let i = 0; i < 60; i++) {
        await trail.record({
          actor: 'system user x',
          act: 'set',
          subject: `n${i}.<b>`,
          reason: '',
          outcome: 'done\u202e',
        });
      }
      const page = await ada.get('/audit');
      expect(page.text).not.toContain('<b>');
      expect(page.text).not.toContain('\u202e');
      expect(plain(page)).toMatch(/n59\.<b>.*n58\.<b>/);
      expect(plain(page)).not.toContain('n9.<b>');
      const older = /href="(\/audit\?before=\d+)"/.exec(page.text)?.[1] ?? '';
      expect(plain(await ada.get(older))).toMatch(/n9\.<b>.*n0\.<b>.*recover/);
      expect((await ada.get('/audit/head')).status).toBe(404);
      const check = async (head = ''): Promise<string> => {
        await ada.get('/audit');
        await ada.post('/audit/verify', { head });
        return until(async () => {
          const text = plain(await ada.get('/audit'));
          return text.includes('is being checked') ? undefined : text;
        });
      };
      expect(await check()).toMatch(/\d+ rows are as recorded\./);
      const head = await ada.get('/audit/head');
      expect(head.headers.get('content-disposition')).toBe('attachment; filename="casehard-audit-head.json"');
      expect(await check(head.text)).toContain('The trail goes on from the head that was kept.');
      await ada.get('/audit');
      expect(plain(await ada.post('/audit/verify', { head: 'x' }))).toContain('This is no head.');
      const { kysely } = office.test.db;
      await sql`delete from casehard_audit where subject = 'n59.<b>'`.execute(kysely);
      expect(await check()).toMatch(/\d+ rows are as recorded\./);
      expect(await check(head.text)).toMatch(/rows at the end were removed.*AUDIT/);
      await sql`update casehard_audit set actor = 'nobody' where subject = 'n30.<b>'`.execute(kysely);
      expect(await check()).toMatch(/is not as it was recorded.*AUDIT/);
      expect((await ada.get('/audit/head')).status).toBe(404);
    },
    120_000,
  );

  run('a viewer sees figures and verdicts, and no form, no button and no trail', async () => {
    await ada.get('/accounts');
    const page = await ada.post('/accounts/invite', { name: 'vera', role: 'viewer', password: PASSWORD });
    const vera = office.visitor('192.0.2.9');
    const link = /\/invitation\/[\w-]+/.exec(page.text)?.[0] ?? '';
    await vera.post(link, { password: PASSWORD, again: PASSWORD });
    for (const path of ['/keys', '/keys/rotation', '/keys/rotation/tracking', '/keys/backup', '/recovery', '/doctor']) {
      const { status, text } = await vera.get(path);
      const main = /<main[\s\S]*<\/main>/.exec(text)?.[0] ?? '';
      expect([path, status, main.includes('<form')]).toEqual([path, 200, false]);
      expect(text).not.toContain('href="/audit"');
    }
  });
});
