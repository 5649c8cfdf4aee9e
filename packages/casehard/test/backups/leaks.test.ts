import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { generateKey } from '@casehard/core';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ENGINES, type TestEngine } from '../engines.ts';
import { bodyOf, filesBelow, kidOf, makeShop, type Shop } from './shop.ts';

const PASSPHRASE = 'orchid gravel tunnel saddle';
const [active, previous, tracking] = [generateKey('enc'), generateKey('enc'), generateKey('trk')];
const keys = {
  CASEHARD_ENC_KEY: active,
  CASEHARD_PREVIOUS_ENC_KEYS: previous,
  CASEHARD_TRACKING_KEY: tracking,
};
const bodies = [active, previous, tracking].map(bodyOf);
const secrets = [...bodies, ...bodies.map((body) => Buffer.from(body, 'base64url').toString('base64'))];

let shop: Shop;
let identity: string;
let recorder: string;
beforeAll(async () => {
  shop = await makeShop(ENGINES[0] as TestEngine, keys);
  identity = await generateIdentity();
  writeFileSync(join(shop.folder, 'identity.txt'), `${identity}\n`);
  writeFileSync(join(shop.folder, 'old.env'), `CASEHARD_ENC_KEY=${active}\nOTHER="${previous}"\n`);
  // Loaded before the command: notes every byte that goes to a file, also of one that is gone again afterwards.
  recorder = join(shop.folder, 'recorder.mjs');
  writeFileSync(
    recorder,
    `import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const { appendFileSync, writeSync, writeFileSync, openSync } = fs;
const note = (data) => { const fd = openSync(process.env.WRITES, 'a'); writeSync(fd, Buffer.from(data)); writeSync(fd, '\\n'); fs.closeSync(fd); };
fs.writeSync = (fd, data, ...rest) => { note(data); return writeSync(fd, data, ...rest); };
fs.writeFileSync = (path, data, ...rest) => { note(data); return writeFileSync(path, data, ...rest); };
fs.appendFileSync = (path, data, ...rest) => { note(data); return appendFileSync(path, data, ...rest); };
const { writeFile } = fs.promises;
fs.promises.writeFile = (path, data, ...rest) => { note(data); return writeFile(path, data, ...rest); };
syncBuiltinESMExports();\n`,
  );
});
afterAll(() => shop?.drop());

const watched = (args: readonly string[], input = '') =>
  shop.run(args, {
    input,
    env: { ...shop.env, NODE_OPTIONS: `--import=${recorder}`, WRITES: join(shop.folder, 'writes') },
  });
const shows = (text: string): readonly string[] =>
  [...secrets, identity, PASSPHRASE].filter((secret) => text.includes(secret));

it.each([
  ['keys backup r.age --to RECIPIENT', 0, ''],
  ['keys backup p.age --passphrase', 0, PASSPHRASE],
  ['keys backup json.age --to RECIPIENT --json', 0, ''],
  ['keys backup bad.age --to IDENTITY', 1, ''],
  ['keys backup bad.age --to IDENTITY --json', 1, ''],
  ['keys drill r.age --identity identity.txt', 0, ''],
  ['keys drill r.age --identity identity.txt --json', 0, ''],
  ['keys drill p.age', 0, PASSPHRASE],
  ['keys drill p.age', 1, `${PASSPHRASE} `],
  ['keys drill old.env --identity identity.txt', 1, ''],
  ['keys drill r.age --identity old.env', 1, ''],
  ['keys restore r.age --identity old.env --json', 1, ''],
  ['keys hunt .', 0, ''],
  ['keys hunt . --json', 0, ''],
  ['recover --csv -', 0, ''],
  ['recover --json', 0, ''],
  ['status', 0, ''],
])('%s prints no key, no identity and no passphrase', async (line, code, input) => {
  const stands = { RECIPIENT: await identityToRecipient(identity), IDENTITY: identity };
  const args = line.split(' ').map((arg) => stands[arg as keyof typeof stands] ?? arg);
  const { code: exit, stdout, stderr } = await watched(args, input);
  expect([exit, shows(stdout + stderr)], stderr).toEqual([code, []]);
});

it('no byte of a key was written to any file but sealed, not even to one that is gone', () => {
  const written = readFileSync(join(shop.folder, 'writes'), 'latin1');
  expect(written).toContain('-----BEGIN AGE ENCRYPTED FILE-----');
  expect(shows(written)).toEqual([]);
  const own = new Set(['identity.txt', 'old.env', 'recorder.mjs'].map((name) => join(shop.folder, name)));
  for (const [path, bytes] of filesBelow(shop.folder))
    if (!own.has(path)) expect([path, shows(bytes)]).toEqual([path, []]);
  expect([...filesBelow(shop.folder).keys()].filter((path) => path.endsWith('.tmp'))).toEqual([]);
});

it('restore prints the settings on stdout, and nothing else of them anywhere', async () => {
  const { code, stdout, stderr } = await watched(['keys', 'restore', 'p.age'], PASSPHRASE);
  expect([code, stdout, shows(stderr)]).toEqual([
    0,
    `CASEHARD_ENC_KEY=${active}\nCASEHARD_PREVIOUS_ENC_KEYS=${previous}\nCASEHARD_TRACKING_KEY=${tracking}\n`,
    [],
  ]);
  expect(shows(readFileSync(join(shop.folder, 'writes'), 'latin1'))).toEqual([]);
  expect(resolve(shop.folder)).not.toContain(kidOf(active));
});
