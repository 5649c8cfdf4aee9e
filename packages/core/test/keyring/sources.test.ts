import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CasehardError, ErrorCode } from '../../src/errors.ts';
import { keyText } from '../../src/keyring/key-text.ts';
import { type KeySourceOptions, readKeySources } from '../../src/keyring/sources.ts';

const KEY = 'chkey1.enc.h2zivffe.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8';
const OTHER = 'ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=';

/** Reads with `files` as the whole file system; a string value `!CODE` is an error of that code. */
function read(options: Partial<KeySourceOptions> & { files?: Record<string, string | Uint8Array> } = {}) {
  const { files = {}, ...rest } = options;
  const readFile = (path: string): Uint8Array => {
    const content = files[path] ?? '!ENOENT';
    if (typeof content === 'string' && content.startsWith('!')) {
      throw Object.assign(new Error(`cannot open ${path}`), { code: content.slice(1) });
    }
    return typeof content === 'string' ? new TextEncoder().encode(content) : content;
  };
  return readKeySources({ env: {}, folder: '/app', readFile, ...rest });
}

function failure(run: () => unknown): CasehardError & { all: string } {
  try {
    run();
  } catch (error) {
    const all = `${inspect(error, { showHidden: true, depth: 9 })} ${JSON.stringify(error)} ${(error as CasehardError).hint}`;
    return Object.assign(error as CasehardError, { all });
  }
  throw new Error('nothing was thrown');
}

describe('a key is found in', () => {
  const PLACES: readonly (readonly [string, Parameters<typeof read>[0], string])[] = [
    ['the environment', { env: { CASEHARD_ENC_KEY: KEY } }, 'environment CASEHARD_ENC_KEY'],
    ['the environment, other name', { env: { SENDSTUDIO_ENC_KEY: KEY } }, 'environment SENDSTUDIO_ENC_KEY'],
    ['a file', { env: { CASEHARD_ENC_KEY_FILE: '/run/k' }, files: { '/run/k': `${KEY}\n` } }, 'file /run/k'],
    ['a file beside', { env: { CASEHARD_ENC_KEY_FILE: 'k' }, files: { '/app/k': KEY } }, 'file /app/k'],
    ['a file, other name', { env: { SENDSTUDIO_ENC_KEY_FILE: '/k' }, files: { '/k': KEY } }, 'file /k'],
    [
      'credentials',
      { env: { CREDENTIALS_DIRECTORY: '/c' }, files: { '/c/CASEHARD_ENC_KEY': KEY } },
      'file /c/CASEHARD_ENC_KEY',
    ],
    [
      'lower case',
      { env: { CREDENTIALS_DIRECTORY: '/c' }, files: { '/c/casehard_enc_key': KEY } },
      'file /c/casehard_enc_key',
    ],
    ['.env', { files: { '/app/.env': `A=b\n\nCASEHARD_ENC_KEY="${KEY}"` } }, 'file /app/.env line 3'],
    ['a file named in .env', { files: { '/app/.env': 'CASEHARD_ENC_KEY_FILE=k', '/app/k': KEY } }, 'file /app/k'],
    [
      'another .env',
      { settings: { envFile: '../x.env' }, files: { '/x.env': `SENDSTUDIO_ENC_KEY=${KEY}` } },
      'file /x.env line 1',
    ],
    [
      'PHP',
      { settings: { php: 'c.php' }, files: { '/app/c.php': `<?php\ndefine('SENDSTUDIO_ENC_KEY', '${KEY}');` } },
      'file /app/c.php line 2',
    ],
    [
      'PHP, our name',
      { settings: { php: '/c.php' }, files: { '/c.php': `<?php define('CASEHARD_ENC_KEY', '${KEY}');` } },
      'file /c.php line 1',
    ],
  ];
  it.each(PLACES)('%s', (_name, options, source) => {
    const { enc } = read(options);
    expect([enc?.text, enc?.source]).toEqual([KEY, source]);
  });

  it('real files, and a folder called .env is no file', () => {
    const tmp = resolve(import.meta.dirname, '../../../../.tmp');
    mkdirSync(tmp, { recursive: true });
    const folder = mkdtempSync(join(tmp, 'keys-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'k'), KEY);
    mkdirSync(join(folder, '.env'));
    expect(readKeySources({ env: { CASEHARD_ENC_KEY_FILE: 'k' }, folder }).enc?.text).toBe(KEY);
    rmSync(join(folder, '.env'), { recursive: true });
    writeFileSync(join(folder, '.env'), `CASEHARD_ENC_KEY=${KEY}`);
    expect(readKeySources({ env: {}, folder }).enc?.source).toBe(`file ${join(folder, '.env')} line 1`);
  });
});

describe('key sources', () => {
  it('without any setting give nothing', () => {
    expect(read()).toEqual({
      previousEnc: [],
      stagedEnc: [],
      withdrawnKids: [],
      withdrawnTkids: [],
      previousTracking: [],
      stagedTracking: [],
      encSetting: 'CASEHARD_ENC_KEY',
      trackingSetting: 'CASEHARD_TRACKING_KEY',
    });
  });

  it('give every setting', () => {
    const found = read({
      env: {
        CASEHARD_PREVIOUS_ENC_KEYS: ` "${KEY}", ${OTHER}\n`,
        CASEHARD_STAGED_ENC_KEYS: OTHER,
        CASEHARD_WITHDRAWN_KIDS: 'h2zivffe\naaaaaaaa,,h2zivffe',
        CASEHARD_PREVIOUS_TRACKING_KEYS: `${OTHER} ${KEY}`,
        SENDSTUDIO_TRACKING_KEY: OTHER,
      },
    });
    expect(found.previousEnc.map((k) => [k.text, k.source])).toEqual([
      [KEY, 'environment CASEHARD_PREVIOUS_ENC_KEYS item 1'],
      [OTHER, 'environment CASEHARD_PREVIOUS_ENC_KEYS item 2'],
    ]);
    expect(found.stagedEnc.map((k) => [k.text, k.source])).toEqual([[OTHER, 'environment CASEHARD_STAGED_ENC_KEYS']]);
    expect(found.withdrawnKids).toEqual(['h2zivffe', 'aaaaaaaa']);
    expect(found.previousTracking.map((k) => k.text)).toEqual([OTHER, KEY]);
    expect(found.tracking?.source).toBe('environment SENDSTUDIO_TRACKING_KEY');
    expect(found.enc).toBeUndefined();
  });

  it.each([
    ['quotes', `"${KEY}"`],
    ['single quotes', `'${KEY}'`],
    ['typographic quotes', `“${KEY}”`],
    ['spaces', `  ${KEY}\t`],
    ['line ends', `\r\n${KEY}\r\n`],
    ['a BOM', `\uFEFF${KEY}`],
    ['zero-width characters', `\u200B${KEY}\u2060\u200D`],
    ['a no-break space', `\u00A0${KEY}\u00A0`],
    ['all of them', `\uFEFF " '${KEY}' "\u200B\n`],
  ])('tolerate %s around a key', (_name, pasted) => {
    expect(read({ env: { CASEHARD_ENC_KEY: pasted } }).enc?.text).toBe(KEY);
    expect(read({ env: { CASEHARD_ENC_KEY_FILE: '/k' }, files: { '/k': pasted } }).enc?.text).toBe(KEY);
  });

  it('read a file that PowerShell wrote as UTF-16', () => {
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(`${KEY}\r\n`, 'utf16le')]);
    expect(read({ env: { CASEHARD_ENC_KEY_FILE: '/k' }, files: { '/k': utf16 } }).enc?.text).toBe(KEY);
  });

  it('change nothing inside of a key', () => {
    expect(read({ env: { CASEHARD_ENC_KEY: 'a b"c' } }).enc?.text).toBe('a b"c');
  });

  it.each(['', ' ', '""', "''", '\n'])('count the empty value %j as absent, in every source', (empty) => {
    const found = read({
      env: {
        CASEHARD_ENC_KEY: empty,
        CASEHARD_TRACKING_KEY_FILE: empty,
        SENDSTUDIO_ENC_KEY_FILE: '/k',
        CASEHARD_STAGED_ENC_KEYS: empty,
      },
      settings: { php: '/c.php' },
      files: { '/k': empty, '/app/.env': 'CASEHARD_ENC_KEY=\n', '/c.php': `<?php define('SENDSTUDIO_ENC_KEY', '');` },
    });
    expect([found.enc, found.tracking, found.stagedEnc]).toEqual([undefined, undefined, []]);
  });

  it('name the setting that the operator uses', () => {
    const php = { settings: { php: '/c.php' }, files: { '/c.php': '<?php' } };
    expect(read(php).encSetting).toBe('SENDSTUDIO_ENC_KEY');
    expect(read({ ...php, env: { CASEHARD_ENC_KEY: KEY } }).encSetting).toBe('CASEHARD_ENC_KEY');
    expect(read({ env: { SENDSTUDIO_ENC_KEY: KEY } }).encSetting).toBe('SENDSTUDIO_ENC_KEY');
    expect(read().encSetting).toBe('CASEHARD_ENC_KEY');
  });

  it('may agree', () => {
    const found = read({
      env: { CASEHARD_ENC_KEY: KEY, SENDSTUDIO_ENC_KEY: `"${KEY}"`, CASEHARD_PREVIOUS_ENC_KEYS: `${KEY},${OTHER}` },
      files: { '/app/.env': `CASEHARD_ENC_KEY=${KEY}\nCASEHARD_PREVIOUS_ENC_KEYS="${OTHER} ${KEY}"` },
    });
    expect([found.enc?.source, found.previousEnc.length]).toEqual(['environment CASEHARD_ENC_KEY', 2]);
  });

  it('ignore .env where the configuration says so', () => {
    const files = { '/app/.env': `CASEHARD_ENC_KEY=${KEY}` };
    expect(read({ files, settings: { envFile: false } }).enc).toBeUndefined();
  });

  it('do not mind what other settings of a shared .env say twice', () => {
    expect(read({ files: { '/app/.env': `A=1\nA=2\nCASEHARD_ENC_KEY=${KEY}` } }).enc?.text).toBe(KEY);
  });
});

describe('refused', () => {
  const php = { php: '/c.php' };
  const REFUSED: readonly (readonly [string, Parameters<typeof read>[0], ErrorCode, string])[] = [
    [
      'two names',
      { env: { CASEHARD_ENC_KEY: KEY, SENDSTUDIO_ENC_KEY: OTHER } },
      'KEY_CONFLICT',
      'CASEHARD_ENC_KEY has different values in environment CASEHARD_ENC_KEY and in environment SENDSTUDIO_ENC_KEY',
    ],
    [
      'two sources',
      { env: { CASEHARD_ENC_KEY: KEY }, files: { '/app/.env': `CASEHARD_ENC_KEY=${OTHER}` } },
      'KEY_CONFLICT',
      'CASEHARD_ENC_KEY has different values in environment CASEHARD_ENC_KEY and in file /app/.env line 1',
    ],
    [
      'the third source',
      {
        env: { CASEHARD_ENC_KEY: KEY },
        settings: php,
        files: { '/app/.env': `CASEHARD_ENC_KEY=${KEY}`, '/c.php': `<?php define('SENDSTUDIO_ENC_KEY', '${OTHER}');` },
      },
      'KEY_CONFLICT',
      'CASEHARD_ENC_KEY has different values in environment CASEHARD_ENC_KEY and in file /c.php line 1',
    ],
    [
      'one file twice',
      { files: { '/app/.env': `CASEHARD_ENC_KEY=${KEY}\nCASEHARD_ENC_KEY=${OTHER}` } },
      'KEY_CONFLICT',
      'CASEHARD_ENC_KEY has different values in file /app/.env line 1 and in file /app/.env line 2',
    ],
    [
      'two PHP branches',
      {
        settings: php,
        files: {
          '/c.php': `<?php\ndefine('SENDSTUDIO_ENC_KEY', '${KEY}');\ndefine('SENDSTUDIO_ENC_KEY', '${OTHER}');`,
        },
      },
      'KEY_CONFLICT',
      'CASEHARD_ENC_KEY has different values in file /c.php line 2 and in file /c.php line 3',
    ],
    [
      'two lists',
      {
        env: { CASEHARD_PREVIOUS_ENC_KEYS: KEY },
        files: { '/app/.env': `CASEHARD_PREVIOUS_ENC_KEYS=${KEY},${OTHER}` },
      },
      'KEY_CONFLICT',
      'CASEHARD_PREVIOUS_ENC_KEYS has different values in environment CASEHARD_PREVIOUS_ENC_KEYS and in file /app/.env line 1',
    ],
    [
      'a missing file',
      { env: { CASEHARD_ENC_KEY_FILE: '/run/k' } },
      'KEY_SOURCE',
      'the file that environment CASEHARD_ENC_KEY_FILE names cannot be read (ENOENT)',
    ],
    [
      'a closed file',
      { env: { CASEHARD_ENC_KEY_FILE: '/run/k' }, files: { '/run/k': '!EACCES' } },
      'KEY_SOURCE',
      'the file that environment CASEHARD_ENC_KEY_FILE names cannot be read (EACCES)',
    ],
    [
      'a folder',
      { env: { CASEHARD_ENC_KEY_FILE: '/run/k' }, files: { '/run/k': '!EISDIR' } },
      'KEY_SOURCE',
      'the file that environment CASEHARD_ENC_KEY_FILE names cannot be read (EISDIR)',
    ],
    [
      'a closed credential',
      { env: { CREDENTIALS_DIRECTORY: '/c' }, files: { '/c/casehard_enc_key': '!EACCES' } },
      'KEY_SOURCE',
      'file /c/casehard_enc_key cannot be read (EACCES)',
    ],
    ['a closed .env', { files: { '/app/.env': '!EACCES' } }, 'KEY_SOURCE', 'file /app/.env cannot be read (EACCES)'],
    ['a missing named .env', { settings: { envFile: '.env' } }, 'KEY_SOURCE', 'file /app/.env cannot be read (ENOENT)'],
    ['a missing PHP file', { settings: php }, 'KEY_SOURCE', 'file /c.php cannot be read (ENOENT)'],
    [
      'a computed define',
      { settings: php, files: { '/c.php': `<?php\ndefine('SENDSTUDIO_ENC_KEY', '${KEY}' . '${OTHER}');` } },
      'KEY_SOURCE',
      'SENDSTUDIO_ENC_KEY in file /c.php line 2 is not a literal: PHP would compute it',
    ],
    [
      'a key in place of its path',
      { env: { CASEHARD_ENC_KEY_FILE: KEY } },
      'KEY_SOURCE',
      'the file that environment CASEHARD_ENC_KEY_FILE names cannot be read (ENOENT)',
    ],
    [
      'base64 in place of its path',
      { env: { CASEHARD_ENC_KEY_FILE: `/${OTHER.slice(1)}` } },
      'KEY_SOURCE',
      'the file that environment CASEHARD_ENC_KEY_FILE names cannot be read (ENOENT)',
    ],
    [
      'a key with something around it in place of its path',
      { env: { CASEHARD_ENC_KEY_FILE: `./${OTHER}.txt` } },
      'KEY_SOURCE',
      'the file that environment CASEHARD_ENC_KEY_FILE names cannot be read (ENOENT)',
    ],
    [
      'a key in place of a key id',
      { env: { CASEHARD_WITHDRAWN_KIDS: `h2zivffe ${OTHER}` } },
      'KEY_FORMAT',
      'CASEHARD_WITHDRAWN_KIDS holds something that is not a key id',
    ],
    [
      'hex in place of its path',
      { env: { CASEHARD_ENC_KEY_FILE: '0123456789abcdef'.repeat(4) } },
      'KEY_SOURCE',
      'the file that environment CASEHARD_ENC_KEY_FILE names cannot be read (ENOENT)',
    ],
  ];
  it.each(REFUSED)('%s, without showing a key', (_name, options, code, message) => {
    const error = failure(() => read(options));
    expect([error.code, error.message]).toEqual([code, message]);
    expect(error.hint).toBeTruthy();
    for (const secret of [KEY.slice(20), OTHER.slice(1), '0123456789abcdef'.repeat(4)])
      expect(error.all).not.toContain(secret);
  });

  it('not: a computed define of another name', () => {
    expect(read({ settings: php, files: { '/c.php': `<?php define('X', getenv('X'));` } }).enc).toBeUndefined();
  });
});

describe('a key text', () => {
  it('shows only where it was found', () => {
    const key = keyText(KEY, 'environment X');
    const shown = [
      inspect(key),
      inspect({ deep: [key] }, { depth: 9 }),
      inspect(key, { showHidden: true, getters: true }),
      JSON.stringify({ key }),
      `${key}`,
      String(key),
      JSON.stringify(Object.entries(key)),
      JSON.stringify({ ...key }),
      JSON.stringify(structuredClone(key)),
    ];
    for (const text of shown) expect(text).toContain('environment X');
    for (const text of shown) expect(text).not.toContain('AAECAw');
    expect(JSON.parse(JSON.stringify(key))).toEqual({ source: 'environment X' });
    expect(Object.keys(key)).toEqual(['source']);
    expect(key.text).toBe(KEY);
  });
});
