import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CasehardError, generateKey, readKeySources } from '@casehard/core';
import { armor, Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, describe, expect, it } from 'vitest';
import { makeBackup, openBackup } from '../../src/keys/backup.ts';
import { writeBackupFile } from '../../src/keys/backup-file.ts';
import { printSettings } from '../../src/keys/backup-text.ts';
import { casehard } from '../cli/command.ts';
import { temporaryFolder } from '../engines.ts';
import { AGE_ABSENT, age, ageWithPassphrase, makeAgePair, writeSettings } from './age.ts';

const ABOUT = { database: 'postgres 127.0.0.1/mailer', madeAt: new Date('2026-11-25T10:00:00Z') };
const PASSPHRASE = 'orchid gravel tunnel saddle';
const folder = temporaryFolder('backup');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SETTINGS: Readonly<Record<string, string>> = {
  CASEHARD_ENC_KEY: generateKey('enc'),
  CASEHARD_PREVIOUS_ENC_KEYS: `${generateKey('enc')},${generateKey('enc')}`,
  CASEHARD_STAGED_ENC_KEYS: generateKey('enc'),
  CASEHARD_TRACKING_KEY: generateKey('trk'),
  CASEHARD_PREVIOUS_TRACKING_KEYS: generateKey('trk'),
  CASEHARD_STAGED_TRACKING_KEYS: generateKey('trk'),
  CASEHARD_WITHDRAWN_KIDS: 'abcdefgh,0f0f',
};
const DOTENV = Object.entries(SETTINGS)
  .map(([name, value]) => `${name}=${value}\n`)
  .join('');
const textsOf = (env: Readonly<Record<string, string>>) =>
  readKeySources({ env, folder, settings: { envFile: false } });

async function refusal(work: Promise<unknown>): Promise<readonly [string, string, string | undefined]> {
  try {
    await work;
  } catch (error) {
    if (error instanceof CasehardError) return [error.code, error.message, error.hint];
    throw error;
  }
  throw new Error('nothing was refused');
}

describe.skipIf(AGE_ABSENT)('the age command and casehard open each other', () => {
  it('a backup made by casehard is opened by `age`: any of its recipients', async () => {
    const [first, second] = [makeAgePair(folder, 'first'), makeAgePair(folder, 'second')];
    const sealed = await makeBackup(textsOf(SETTINGS), { recipients: [first.recipient, second.recipient] }, ABOUT);
    for (const { file } of [first, second]) {
      const text = age('age', ['-d', '-i', file], sealed);
      expect(text.replace(/^#.*\n/gm, '')).toBe(DOTENV);
      expect(text).toMatch(/^# database {7}postgres 127\.0\.0\.1\/mailer$/m);
      expect(text).toMatch(/^# made {11}2026-11-25T10:00:00\.000Z$/m);
      expect(text).toContain('casehard keys restore FILE, or age -d FILE');
      expect(text).toMatch(/^# sealing keys {3}[a-z2-7]{8} \(active\), /m);
    }
  });

  it('a backup made by casehard is opened by `age`: with the passphrase', async () => {
    const sealed = join(folder, 'by-passphrase.age');
    writeFileSync(sealed, await makeBackup(textsOf(SETTINGS), { passphrase: PASSPHRASE }, ABOUT));
    const out = join(folder, 'by-passphrase.env');
    await ageWithPassphrase(['-d', '-o', out, sealed], PASSPHRASE);
    expect(readFileSync(out, 'utf8').replace(/^#.*\n/gm, '')).toBe(DOTENV);
  });

  it.each([
    ['armored', ['-a']],
    ['binary', []],
  ])('a backup made by `age` to a recipient, %s, is restored by casehard', async (_, form) => {
    const { recipient, file } = makeAgePair(folder, `identity-${form.length}`);
    const sealed = join(folder, `by-age-${form.length}.age`);
    age('age', [
      ...form,
      '-r',
      recipient,
      '-o',
      sealed,
      writeSettings(folder, 'plain.env', `# old\n${DOTENV}MAIL=1\n`),
    ]);
    const { code, stdout } = await casehard(['keys', 'restore', sealed, '--identity', file], { cwd: folder });
    expect([code, stdout]).toEqual([0, DOTENV]);
  });

  it('a backup made by `age` with a passphrase is restored by casehard', async () => {
    const sealed = join(folder, 'age-p.age');
    await ageWithPassphrase(['-p', '-o', sealed, writeSettings(folder, 'plain.env', DOTENV)], PASSPHRASE);
    const { code, stdout } = await casehard(['keys', 'restore', sealed], { cwd: folder, input: `${PASSPHRASE}\n` });
    expect([code, stdout]).toEqual([0, DOTENV]);
  });

  it('a config.php that was sealed with `age` is a backup too', async () => {
    const { recipient, file } = makeAgePair(folder, 'php');
    const php = `<?php\ndefine('SENDSTUDIO_ENC_KEY', '${SETTINGS.CASEHARD_ENC_KEY}');\n`;
    const sealed = age('age', ['-a', '-r', recipient], php);
    const { texts } = await openBackup(Buffer.from(sealed), { identity: readFileSync(file, 'utf8') }, 'config.age');
    expect(printSettings(texts)).toBe(`CASEHARD_ENC_KEY=${SETTINGS.CASEHARD_ENC_KEY}\n`);
  });

  it('an identity on stdin opens too, so that it may be sealed itself', async () => {
    const { recipient, file } = makeAgePair(folder, 'stdin');
    const sealed = join(folder, 'stdin.age');
    writeFileSync(sealed, await makeBackup(textsOf(SETTINGS), { recipients: [recipient] }, ABOUT));
    const input = readFileSync(file, 'utf8');
    const { code, stdout } = await casehard(['keys', 'restore', sealed, '--identity', '-'], { cwd: folder, input });
    expect([code, stdout]).toEqual([0, DOTENV]);
  });
});

describe('opening a backup', () => {
  const parts = (async () => {
    const [identity, other] = [await generateIdentity(), await generateIdentity()];
    const recipients = [await identityToRecipient(identity)];
    return {
      identity: `# made by a test\n${identity}\n`,
      other,
      recipients,
      sealed: await makeBackup(textsOf(SETTINGS), { recipients }, ABOUT),
      byPassphrase: await makeBackup(textsOf(SETTINGS), { passphrase: PASSPHRASE }, ABOUT),
    };
  })();
  const seal = async (text: string): Promise<Uint8Array> => {
    const sealer = new Encrypter();
    for (const recipient of (await parts).recipients) sealer.addRecipient(recipient);
    return sealer.encrypt(text);
  };

  it('gives the very settings, armored or not, with what a mail client did to it', async () => {
    const { identity, sealed } = await parts;
    const forms = [sealed, `\ufeff\r\n${sealed.replaceAll('\n', '\r\n')}\r\n`, armor.decode(sealed)];
    for (const form of forms) {
      const { texts, keyring, tracking } = await openBackup(Buffer.from(form as string), { identity }, 'b.age');
      expect(printSettings(texts)).toBe(DOTENV);
      expect(keyring.list().map(({ state }) => state)).toEqual([
        'active',
        'staged',
        'previous',
        'previous',
        'withdrawn',
      ]);
      expect(tracking.list().map(({ state }) => state)).toEqual(['active', 'staged', 'previous', 'withdrawn']);
    }
  });

  it('a wrong passphrase or identity is said, and so is the wrong kind of it', async () => {
    const { identity, other, sealed, byPassphrase, recipients } = await parts;
    const open = (text: string, how: Parameters<typeof openBackup>[1]) =>
      refusal(openBackup(Buffer.from(text), how, 'b.age'));
    expect((await open(sealed, { identity: other })).slice(0, 2)).toEqual([
      'BACKUP',
      'the identity does not open b.age',
    ]);
    expect((await open(byPassphrase, { passphrase: `${PASSPHRASE}x` })).slice(0, 2)).toEqual([
      'BACKUP',
      'the passphrase does not open b.age',
    ]);
    expect((await open(sealed, { passphrase: PASSPHRASE })).slice(0, 2)).toEqual([
      'BACKUP',
      'b.age is sealed to recipients and has no passphrase',
    ]);
    expect((await open(byPassphrase, { identity })).slice(0, 2)).toEqual([
      'BACKUP',
      'b.age is sealed with a passphrase, not to an identity',
    ]);
    for (const [text, problem] of [
      [recipients[0] ?? '', 'holds a recipient, not an identity'],
      ['# nothing\n', 'holds no identity'],
      ['ssh-ed25519 AAAA', 'holds something else than identities'],
    ]) {
      expect((await open(sealed, { identity: text ?? '' })).slice(0, 2)).toEqual([
        'BACKUP',
        `the file of the identity ${problem}`,
      ]);
    }
    expect((await open(sealed, { identity: byPassphrase })).slice(0, 2)).toEqual([
      'BACKUP',
      'the file of the identity is itself sealed',
    ]);
  });

  it('what was cut, changed or is something else is said, and nothing of it believed', async () => {
    const { identity, sealed } = await parts;
    const binary = Buffer.from(armor.decode(sealed));
    const changed = Buffer.from(binary);
    changed[changed.length - 40] = (changed.at(-40) ?? 0) ^ 1;
    for (const [bytes, message] of [
      [Buffer.from(sealed.slice(0, sealed.length / 2)), 'b.age is damaged: it was cut or changed'],
      [binary.subarray(0, binary.length - 3), 'b.age is damaged: it was cut or changed'],
      [changed, 'b.age is damaged: it was cut or changed'],
      [Buffer.from(DOTENV), 'b.age is no age file'],
      [Buffer.alloc(2_000_000), 'b.age is no age file'],
      [await seal('MAIL=1\n'), 'b.age opens, and holds no key'],
      [await seal('CASEHARD_WITHDRAWN_KIDS=abcdefgh\n'), 'b.age opens, and holds no key'],
    ] as const) {
      expect((await refusal(openBackup(bytes, { identity }, 'b.age'))).slice(0, 2)).toEqual(['BACKUP', message]);
    }
  });

  it('key texts in it have the rules of every other source', async () => {
    const { identity } = await parts;
    const key = SETTINGS.CASEHARD_ENC_KEY ?? '';
    const open = async (text: string) => openBackup(await seal(text), { identity }, join(folder, 'b.age'));
    expect(printSettings((await open(`export CASEHARD_ENC_KEY="${key}"  # the key\r\n`)).texts)).toBe(
      `CASEHARD_ENC_KEY=${key}\n`,
    );
    const last = key.endsWith('A') ? 'E' : 'A';
    const [code, message] = await refusal(open(`\n\nCASEHARD_ENC_KEY=${key.slice(0, -1)}${last}\n`));
    expect(code).toMatch(/^KEY_(CHECKSUM|FORMAT)$/);
    expect(message).toContain(`file ${join(folder, 'b.age')} line 3`);
    const named = await refusal(open('CASEHARD_ENC_KEY_FILE=/etc/hostname\n'));
    expect(named.slice(0, 2)).toEqual(['KEY_SOURCE', expect.stringMatching(/cannot be read \(ENOENT\)$/)]);
  });

  it('nothing is made without a key, a passphrase worth the name or a real recipient', async () => {
    const { recipients, identity } = await parts;
    expect((await refusal(makeBackup(textsOf({}), { recipients }, ABOUT)))[0]).toBe('BACKUP');
    expect((await refusal(makeBackup(textsOf(SETTINGS), { passphrase: 'short' }, ABOUT)))[1]).toBe(
      'the passphrase is shorter than 10 characters',
    );
    const secret = identity.split('\n')[1] ?? '';
    for (const [recipient, message] of [
      ['age1nonsense', 'recipient 2 is no age recipient'],
      ['ssh-ed25519 AAAA', 'recipient 2 is no age recipient'],
      [secret, 'recipient 2 is a secret identity'],
    ] as const) {
      const said = await refusal(makeBackup(textsOf(SETTINGS), { recipients: [...recipients, recipient] }, ABOUT));
      expect(said.slice(0, 2)).toEqual(['BACKUP', message]);
      expect(said.join()).not.toContain(secret);
    }
  });
});

describe('the file of a backup', () => {
  it('is for its owner alone, whole, and never written over', () => {
    const path = join(folder, 'file.age');
    writeBackupFile(path, 'sealed');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => writeBackupFile(path, 'another')).toThrow(
      expect.objectContaining({ code: 'BACKUP', message: `${path} exists already` }) as Error,
    );
    expect(readFileSync(path, 'utf8')).toBe('sealed');
    const missing = join(folder, 'no', 'file.age');
    expect(() => writeBackupFile(missing, 'sealed')).toThrow(
      expect.objectContaining({ code: 'BACKUP', message: `${missing} cannot be written (ENOENT)` }) as Error,
    );
  });

  it('restore needs no configuration, prints JSON where asked, and says what it cannot open', async () => {
    const path = join(folder, 'restore.age');
    const identity = await generateIdentity();
    const recipients = [await identityToRecipient(identity)];
    writeBackupFile(path, await makeBackup(textsOf(SETTINGS), { recipients }, ABOUT));
    const restore = (input: string, ...more: readonly string[]) =>
      casehard(['keys', 'restore', path, '--identity', '-', ...more], { cwd: folder, input });
    const restored = await restore(identity, '--json');
    expect([restored.code, restored.json]).toEqual([0, SETTINGS]);
    const wrong = await restore(await generateIdentity());
    expect([wrong.code, wrong.stdout, wrong.stderr]).toEqual([
      1,
      '',
      `casehard: the identity does not open ${path} [BACKUP]\n  it was sealed to another recipient: name the file of that identity\n`,
    ]);
    const missing = await casehard(['keys', 'restore', 'none.age', '--json'], { cwd: folder });
    expect([missing.code, missing.json.error]).toMatchObject([
      1,
      { code: 'BACKUP', message: `${join(folder, 'none.age')} cannot be read (ENOENT)` },
    ]);
  });
});
