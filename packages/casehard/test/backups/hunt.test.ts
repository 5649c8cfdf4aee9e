import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { generateKey } from '@casehard/core';
import { strToU8, zipSync } from 'fflate';
import { createTar } from 'nanotar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepTrackingCanary } from '../../src/inventory/driver.ts';
import { findCandidates } from '../../src/keys/candidates.ts';
import { hunt } from '../../src/keys/hunt.ts';
import { unpack } from '../../src/keys/unpack.ts';
import { walkFiles } from '../../src/keys/walk-files.ts';
import { wantedKeys } from '../../src/keys/wanted.ts';
import { ENGINES, temporaryFolder } from '../engines.ts';
import { bodyOf, kidOf, makeShop, projectOf, type Shop, sealUser } from './shop.ts';

const KEY = generateKey('enc');
const MASTER = Buffer.from(bodyOf(KEY), 'base64url');

/** The key in every spelling that a setting takes, and in none. */
const mastersIn = (text: string | Uint8Array): readonly string[] => [
  ...new Set([...findCandidates(Buffer.from(text as string))].map(({ master }) => Buffer.from(master).toString('hex'))),
];

describe('key-like strings', () => {
  const std = MASTER.toString('base64');
  it.each([
    ['the text that casehard prints', KEY],
    ['in quotes in a .env', `export CASEHARD_ENC_KEY="${KEY}"\n`],
    ['in a config.php', `define('SENDSTUDIO_ENC_KEY', '${KEY}');`],
    ['with a damaged key id', `KEY=${KEY.replace(/\.enc\.[^.]+\./, '.enc.xxxxxxxx.')}`],
    ['base64', `KEY=${std}`],
    ['base64 without padding', `KEY: ${std.replace('=', '')} # comment`],
    ['base64url', `{"key":"${MASTER.toString('base64url')}"}`],
    ['hex, upper case too', `key=${MASTER.toString('hex').toUpperCase()};`],
    ['UTF-16 as PowerShell writes it', Buffer.from(`\ufeffKEY=${KEY}\r\n`, 'utf16le')],
    ['UTF-16 in the other byte order', Buffer.from(`\ufeffKEY=${KEY}\r\n`, 'utf16le').swap16()],
    ['among binary data', Buffer.concat([randomBytes(99), Buffer.from(`\0${std}\0`), randomBytes(99)])],
  ])('are found: %s', (_, text) => {
    expect(mastersIn(text)).toContain(MASTER.toString('hex'));
  });

  it('are found in JSON whose slashes PHP has escaped, and across the border of two windows', () => {
    let slashed = randomBytes(32);
    while (!slashed.toString('base64').includes('/')) slashed = randomBytes(32);
    const json = JSON.stringify({ key: slashed.toString('base64') }).replaceAll('/', '\\/');
    expect(mastersIn(json)).toContain(slashed.toString('hex'));
    const window = 4 * 1024 * 1024;
    for (const at of [window - 120, window - 60, window - 20, window, window + 1]) {
      const found = [...findCandidates(Buffer.from(`${'\n'.repeat(at)}${KEY}\n`))];
      expect([
        at,
        ...new Set(found.map(({ line, master }) => `${line()} ${Buffer.from(master).equals(MASTER)}`)),
      ]).toEqual([at, `${at + 1} true`]);
    }
  });

  it.each([
    ['part of a longer base64 text', `x${std}`],
    ['part of longer hex', `${MASTER.toString('hex')}0`],
    ['a character short', std.slice(1)],
    ['base64 that is not canonical', `${std.slice(0, 42)}${std[42] === 'B' ? 'C' : 'B'}=`],
    ['the digest of a package', `sha512-${randomBytes(64).toString('base64')}`],
    ['a placeholder', `KEY=${'0'.repeat(64)}\nKEY=${'A'.repeat(43)}=`],
    ['a sealed value', sealUser(KEY, 'secret', 1)],
  ])('are not found in %s', (_, text) => {
    expect(mastersIn(text)).toEqual([]);
  });
});

describe('archives', () => {
  const settings = strToU8(`# old\nCASEHARD_ENC_KEY=${KEY}\n`);
  const zip = (files: Readonly<Record<string, Uint8Array>>): Uint8Array => zipSync(files);
  const tar = (files: Readonly<Record<string, Uint8Array>>): Uint8Array =>
    createTar(Object.entries(files).map(([name, data]) => ({ name, data })));
  const look = (bytes: Uint8Array, budget?: number) => {
    const unread: string[] = [];
    const found: string[] = [];
    const onUnread = ({ path, why }: { path: string; why: string }): void => void unread.push(`${path}: ${why}`);
    for (const { path, bytes: member } of unpack(bytes, { onUnread, ...(budget === undefined ? {} : { budget }) })) {
      if (mastersIn(member).includes(MASTER.toString('hex'))) found.push(path);
    }
    return { found, unread };
  };

  it.each([
    ['a plain file', settings, ''],
    ['zip', zip({ 'a/.env': settings }), 'a/.env'],
    ['gz', gzipSync(settings), ''],
    ['tar', tar({ 'a/.env': settings }), 'a/.env'],
    ['tar.gz', gzipSync(tar({ 'a/.env': settings })), 'a/.env'],
    ['zip in tar.gz', gzipSync(tar({ 'b.zip': zip({ '.env': settings }) })), 'b.zip!.env'],
    [
      'tar.gz in zip in tar.gz',
      gzipSync(tar({ 'b.zip': zip({ 'c.tgz': gzipSync(tar({ '.env': settings })) }) })),
      'b.zip!c.tgz!.env',
    ],
    ['.env.gz in a zip', zip({ '.env.gz': gzipSync(settings) }), '.env.gz'],
  ])('%s', (_, bytes, path) => {
    expect(look(bytes)).toEqual({ found: [path], unread: [] });
  });

  it('as the real commands make them', () => {
    const folder = temporaryFolder('tar');
    mkdirSync(join(folder, 'site'));
    writeFileSync(join(folder, 'site', `${'long-'.repeat(30)}.env`), settings);
    execFileSync('tar', ['-C', folder, '-czf', join(folder, 'site.tar.gz'), 'site']);
    const bytes = execFileSync('cat', [join(folder, 'site.tar.gz')], { maxBuffer: 1e9 });
    expect(look(bytes)).toEqual({ found: [`site/${'long-'.repeat(30)}.env`], unread: [] });
    rmSync(folder, { recursive: true, force: true });
  });

  it('two members of one name are both read, and one that cannot be is named', () => {
    // As `zip` never makes one, and other programs do: the second name is written over the first afterwards.
    const twice = Buffer.from(zip({ 'a.env': settings, 'b.env': strToU8('nothing') }));
    for (let at = twice.indexOf('b.env'); at >= 0; at = twice.indexOf('b.env', at + 1)) twice.write('a.env', at);
    expect(look(twice)).toEqual({ found: ['a.env'], unread: [] });
    const proto = Buffer.from(zip({ __pr0to__: settings }));
    for (let at = proto.indexOf('__pr0to__'); at >= 0; at = proto.indexOf('__pr0to__', at + 1))
      proto.write('__proto__', at);
    expect(look(proto)).toEqual({ found: [], unread: ['__proto__: its name cannot be unpacked here: rename it'] });
  });

  it('one damaged member among thousands hides no other, and takes few tries', () => {
    const files = Object.fromEntries(
      Array.from({ length: 3000 }, (_, i) => [`f${i}`, strToU8(`some text ${i}`.repeat(9))]),
    );
    const bytes = Buffer.from(zip({ ...files, '.env': settings }));
    const at = bytes.indexOf('f1500') + 'f1500'.length;
    bytes.fill(0xff, at, at + 8);
    const { found, unread } = look(bytes);
    expect([found, unread]).toEqual([['.env'], ['f1500: damaged, or sealed with a password']]);
  });

  it('a bomb is left alone and named, a deeper one too', () => {
    const zeros = new Uint8Array(20_000_000);
    const small = 10_000_000;
    const much = ': unpacks to too much: unpack it first';
    expect(look(gzipSync(zeros), small)).toEqual({ found: [], unread: [much] });
    expect(look(zip({ zeros }), small)).toEqual({ found: [], unread: [much] });
    expect(look(zip({ 'b.gz': gzipSync(zeros), '.env': settings }), small)).toEqual({
      found: ['.env'],
      unread: [`b.gz${much}`],
    });
    const deep = zip({ 'c.zip': zip({ 'd.zip': zip({ 'e.zip': zip({ '.env': settings }) }) }) });
    expect(look(deep)).toEqual({
      found: [],
      unread: ['c.zip!d.zip!e.zip: an archive in an archive in an archive: unpack it first'],
    });
  });

  it('a damaged archive is read as far as it goes, and named', () => {
    const cut = tar({ '.env': settings, big: randomBytes(5000) }).slice(0, 3000);
    expect(look(cut)).toEqual({ found: ['.env'], unread: [': a tar that was cut off: what is whole was read'] });
    const broken = Buffer.concat([zip({ '.env': new Uint8Array(9) }).slice(0, 60), Buffer.from('\n'), settings]);
    expect(look(broken)).toEqual({ found: [''], unread: [': a damaged archive, read as it is'] });
    const looping = Buffer.from(tar({ a: settings }));
    looping.write('-1000\0', 124);
    expect(look(looping).unread).toEqual([': a damaged archive, read as it is']);
    expect(look(gzipSync(settings).subarray(0, 40)).unread).toEqual([': a damaged archive, read as it is']);
  });
});

describe('walking', () => {
  it('follows no link, runs in no circle, names what it passes over, and stops when told', async () => {
    const folder = temporaryFolder('walk');
    mkdirSync(join(folder, 'a', 'b'), { recursive: true });
    writeFileSync(join(folder, 'a', 'b', 'file'), 'x');
    writeFileSync(join(folder, 'large'), 'x');
    truncateSync(join(folder, 'large'), 257 * 1024 * 1024);
    symlinkSync('..', join(folder, 'a', 'up'));
    symlinkSync('/etc/hostname', join(folder, 'a', 'out'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const skipped: string[] = [];
    const onSkipped = (path: string, why: string): void =>
      void skipped.push(`${path.slice(folder.length + 1)}: ${why}`);
    const read: string[] = [];
    for await (const { path } of walkFiles([folder, join(folder, 'a')], { onSkipped }))
      read.push(path.slice(folder.length + 1));
    expect([read, skipped.sort()]).toEqual([
      ['a/b/file'],
      ['large: larger than 256 MB', 'pipe: a device, pipe or socket'],
    ]);
    const none = walkFiles([join(folder, 'none')], { onSkipped }).next();
    await expect(none).rejects.toMatchObject({
      code: 'USAGE',
      message: `${join(folder, 'none')} cannot be read (ENOENT)`,
    });
    const stopped = walkFiles([folder], { onSkipped, signal: AbortSignal.abort() }).next();
    await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
    rmSync(folder, { recursive: true, force: true });
  });

  it.skipIf(process.getuid?.() === 0)('names what cannot be read', async () => {
    const folder = temporaryFolder('walk');
    writeFileSync(join(folder, 'closed'), 'x');
    chmodSync(join(folder, 'closed'), 0);
    const skipped: string[] = [];
    for await (const _ of walkFiles([folder], { onSkipped: (_, why) => void skipped.push(why) }));
    expect(skipped).toEqual(['cannot be read (EACCES)']);
    rmSync(folder, { recursive: true, force: true });
  });
});

describe.each(ENGINES)('keys hunt on $engine', (engine) => {
  const [active, previous, tracking, decoy] = [
    generateKey('enc'),
    generateKey('enc'),
    generateKey('trk'),
    generateKey('enc'),
  ];
  const keys = { CASEHARD_ENC_KEY: active, CASEHARD_TRACKING_KEY: tracking };
  let shop: Shop;
  let old: string;

  beforeAll(async () => {
    if (engine.absent) return;
    shop = await makeShop(engine, keys);
    await keepTrackingCanary(shop.test.db, projectOf(shop, keys).tracking);
    await shop.execute(`update users set secret = '${sealUser(previous, 'old', 7)}' where id = 7`);
    old = join(shop.folder, 'old');
    mkdirSync(join(old, 'etc'), { recursive: true });
    writeFileSync(join(old, '.env'), `DEBUG=1\n\nCASEHARD_ENC_KEY=${active}\n`);
    writeFileSync(join(old, 'etc', 'config.php'), `<?php\ndefine('SENDSTUDIO_ENC_KEY', '${bodyOf(previous)}');\n`);
    writeFileSync(join(old, 'windows.txt'), Buffer.from(`\ufeffa\r\ntracking ${tracking}\r\n`, 'utf16le'));
    writeFileSync(join(old, 'wrong-id'), active.replace(kidOf(active), 'aaaaaaaa'));
    writeFileSync(
      join(old, 'decoys'),
      `${decoy}\n${randomBytes(32).toString('hex')}\n${randomBytes(32).toString('base64')}\n`,
    );
    writeFileSync(join(old, 'site.zip'), zipSync({ 'a/.env': strToU8(`KEY=${active}`) }));
  });
  afterAll(() => shop?.drop());

  it.skipIf(engine.engine !== 'sqlite')(
    'goes on where the configured key is garbled, and prints none that a folder is named after',
    async () => {
      const garbled = { CASEHARD_ENC_KEY: active.slice(0, -1) };
      const folder = join(shop.folder, `saved-${active}`);
      mkdirSync(folder);
      writeFileSync(join(folder, 'env'), `KEY=${active}\n`);
      for (const json of [[], ['--json']]) {
        const { code, stdout, stderr } = await shop.runAs(garbled, ['keys', 'hunt', folder, ...json]);
        expect([code, `${stdout}${stderr}`.includes(bodyOf(active))], stderr).toEqual([0, false]);
        expect(stdout).toContain(`saved-chkey1.enc.${kidOf(active)}.…/env`);
        if (json.length === 0) expect(stderr).toMatch(/\[KEY_(FORMAT|CHECKSUM)\]; going on without keys/);
      }
      for (const act of ['verify', 'list']) {
        const { code, stderr } = await shop.runAs(garbled, ['audit', act]);
        expect([code, stderr.includes('not configured')], act).toEqual([0, false]);
      }
      const hex = Buffer.from(bodyOf(active), 'base64url').toString('hex');
      const pile = join(shop.folder, 'pile');
      mkdirSync(pile);
      const names = [bodyOf(active), `backup-of_the_key-of-production_${bodyOf(active)}.env`, `key-${hex}.env`, hex];
      const long = 'mailer-production-database-01-2026-11-24-full.env'; // long, and no key
      for (const name of [...names, long]) writeFileSync(join(pile, name), `KEY=${active}\n`);
      for (const more of [[], ['--json']]) {
        const { code, stdout } = await shop.runAs(garbled, ['keys', 'hunt', pile, ...more]);
        expect(code).toBe(0);
        expect(stdout).toContain(long);
        for (const part of [bodyOf(active).slice(4, 12), bodyOf(active).slice(-8), hex.slice(4, 14), hex.slice(-10)]) {
          expect(stdout.includes(part), part.slice(0, 2)).toBe(false);
        }
      }
      // Given for the name of a file, a key is no more said than anywhere else.
      for (const args of [
        ['keys', 'hunt', active],
        ['keys', 'hunt', join(pile, `nope-${active}.txt`)],
        ['keys', 'drill', bodyOf(active)],
        ['audit', 'verify', '--head', active],
        ['reveal', active, '--reason', 'x'],
      ]) {
        const { code, stdout, stderr } = await shop.runAs(garbled, args);
        expect([code === 0, `${stdout}${stderr}`.includes(bodyOf(active))], args[1]).toEqual([false, false]);
      }
      expect((await shop.runAs(garbled, ['recover'])).code).toBe(1);
    },
  );

  it.skipIf(engine.absent)('finds every key of the database, proves each, and says where it stands', async () => {
    const wanted = await wantedKeys(projectOf(shop, {}), shop.test.db);
    const { finds, found, files, candidates } = await hunt(wanted, [old]);
    expect(
      finds.map(({ file, member, ...rest }) => ({
        at: `${file.slice(old.length + 1)}${member ? `!${member}` : ''}:${rest.line}`,
        ...rest,
      })),
    ).toMatchObject([
      {
        at: '.env:3',
        kid: kidOf(active),
        kind: 'sealing',
        opens: 'canary',
        values: 35,
        misspelled: false,
        configured: false,
      },
      { at: 'etc/config.php:2', kid: kidOf(previous), opens: 'value', values: 1 },
      { at: 'site.zip!a/.env:1', kid: kidOf(active), opens: 'canary' },
      { at: 'windows.txt:2', kid: kidOf(tracking), kind: 'tracking', opens: 'canary', values: 0 },
      { at: 'wrong-id:1', kid: kidOf(active), opens: 'canary', misspelled: true },
    ]);
    expect([files, candidates]).toEqual([6, 6]);
    expect([...found].sort()).toEqual([active, previous, tracking].map(kidOf).sort());
  });

  it.skipIf(engine.absent)('looks for what is missing here, and for everything where nothing is', async () => {
    const wanted = await wantedKeys(projectOf(shop, keys), shop.test.db);
    expect(wanted.lookedFor).toEqual([kidOf(previous)]);
    const only = await hunt(wanted, [join(old, '.env')]);
    expect([only.found, only.finds.map(({ configured }) => configured)]).toEqual([[], [true]]);
    const all = await wantedKeys(projectOf(shop, { ...keys, CASEHARD_PREVIOUS_ENC_KEYS: previous }), shop.test.db);
    expect((await hunt(all, [join(old, '.env')])).found).toEqual([kidOf(active)]);
    // A key that was given up is still welcome.
    const given = await wantedKeys(
      projectOf(shop, {
        CASEHARD_ENC_KEY: active,
        CASEHARD_TRACKING_KEY: tracking,
        CASEHARD_WITHDRAWN_KIDS: kidOf(previous),
      }),
      shop.test.db,
    );
    expect(given.lookedFor).toEqual([kidOf(previous)]);
  });

  it.skipIf(engine.absent)('the command prints places and key ids, exits 0 or 1, and shows no key', async () => {
    const { code, stdout, stderr } = await shop.runAs({}, ['keys', 'hunt', old]);
    expect([code, stdout.split('\n')[0]]).toEqual([
      0,
      `${join(old, '.env')}:3  ${kidOf(active)}  opens canary: yes  35 values`,
    ]);
    expect(stdout).toContain(
      `${join(old, 'etc/config.php')}:2  ${kidOf(previous)}  opens canary: no  1 value  opens values`,
    );
    expect(stdout).toContain('6 files read, 6 strings tried: 3 keys found.');
    const none = await shop.runAs({}, ['keys', 'hunt', join(old, 'decoys'), '--json']);
    expect([none.code, none.json]).toMatchObject([1, { ok: false, finds: [], found: [], files: 1, candidates: 3 }]);
    for (const key of [active, previous, tracking, decoy])
      expect(stdout + stderr + none.stdout + none.stderr).not.toContain(bodyOf(key));
  });
});
