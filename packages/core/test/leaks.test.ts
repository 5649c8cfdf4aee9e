/** Plants marked keys and secrets, and looks for them wherever a program might print something. */
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { serialize } from 'node:v8';
import { describe, expect, test } from 'vitest';
import { createCasehard } from '../src/field/casehard.ts';
import { column } from '../src/field/define-config.ts';
import { parseKey, SealingKey } from '../src/keyring/key.ts';
import { createKeyring, type KeyringOptions } from '../src/keyring/keyring.ts';
import { Secret } from '../src/secret.ts';
import { trackingId } from './reference.ts';
import { keyOf, masterOf } from './vectors/masters.ts';

/** Every text that a thing shows when somebody prints, logs, clones or serializes it. */
function surfaces(thing: unknown): string {
  const printed: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      printed.push(String(chunk));
      done();
    },
  });
  const log = new Console(sink, sink);
  for (const show of [log.log, log.error, log.table, log.dir] as ((value: unknown) => void)[]) show(thing);
  for (const format of ['%s', '%o', '%O', '%j', '%d', '%c']) log.log(format, thing);
  for (const customInspect of [true, false]) {
    for (const getters of [true, false])
      printed.push(inspect({ thing: [thing] }, { showHidden: true, depth: Infinity, customInspect, getters }));
  }
  printed.push(String(thing), `${thing}`, JSON.stringify({ thing }) ?? '', Object.keys(thing as object).join());
  printed.push(JSON.stringify(Object.getOwnPropertyDescriptors(thing)) ?? '', JSON.stringify({ ...(thing as object) }));
  for (const clone of [
    () => inspect(structuredClone(thing), { depth: Infinity }),
    () => serialize(thing).toString('latin1'),
  ]) {
    try {
      printed.push(clone());
    } catch (error) {
      printed.push(inspect(error, { showHidden: true, depth: Infinity })); // functions cannot be cloned; the error shows them
    }
  }
  if (thing instanceof Error) {
    const hint = 'hint' in thing ? String(thing.hint) : '';
    printed.push(thing.message, thing.stack ?? '', hint, inspect(thing.cause, { depth: Infinity }));
  }
  const all = printed.join('\n');
  return `${all}\n${all.replace(/\s/g, '')}`; // buffers and arrays are printed with spaces and line ends in between
}

/** No run of six characters of a planted text may show; public parts are left out by the caller. */
function expectNoTrace(thing: unknown, planted: readonly string[]) {
  const shown = surfaces(thing).toLowerCase();
  for (const text of planted) {
    const mark = text.toLowerCase();
    for (let at = 0; at + 6 <= mark.length; at++) {
      const piece = mark.slice(at, at + 6);
      expect({ piece, shown: shown.includes(piece) }).toEqual({ piece, shown: false });
    }
  }
}

const master = masterOf('second');
const derived = keyOf('second');
const encodings = ['hex', 'base64', 'base64url'] as const;
const secretBytes = [master, derived.encKey, derived.macKey];
const keyMarks = secretBytes.flatMap((bytes) => encodings.map((encoding) => bytes.toString(encoding)));
/** Lists of byte values come in pieces of a few numbers; six characters of them would be found in any text. */
const keyLists = secretBytes.map((bytes) => [...bytes.subarray(0, 5)].join(','));

function expectNoKey(thing: unknown) {
  expectNoTrace(thing, keyMarks);
  for (const list of keyLists) expect(surfaces(thing)).not.toContain(list);
}

describe('the search itself', () => {
  test('finds what is planted', () => {
    expect(() => expectNoTrace({ password: 'Mark3d-S3cret' }, ['Mark3d-S3cret'])).toThrow();
    expect(() => expectNoTrace(new Error('x Mark3d'), ['Mark3d-S3cret'])).toThrow();
    expect(() => expectNoKey({ key: master.toString('hex') })).toThrow();
    expect(() => expectNoKey({ key: [...master] })).toThrow();
    expect(() => expectNoKey({ key: master })).toThrow();
    expect(() => expectNoKey({ key: new Uint8Array(master) })).toThrow();
    class Leaky {
      get key() {
        return master.toString('base64');
      }
    }
    expect(() => expectNoKey(Object.defineProperty({}, 'hidden', { value: master.toString('hex') }))).toThrow();
    expect(() =>
      expectNoKey(Object.defineProperty({}, 'key', { get: () => new Leaky().key, enumerable: true })),
    ).toThrow();
  });
});

describe('a key shows on no surface', () => {
  const text = master.toString('base64url');
  const keyring = createKeyring({ active: text, previous: [masterOf('third').toString('hex')] });
  const fields = { f: column('t', 'c', { row: { id: 'int' }, was: 'base64' }) };

  test.each([
    ['a sealing key', new SealingKey(master)],
    ['a keyring', keyring],
    ['a list of keys', keyring.list()],
    ['a keyring on its way to a worker', keyring.share()],
    ['casehard', createCasehard({ fields, keyring })],
    ['a field', createCasehard({ fields, keyring }).field('f')],
  ])('of %s', (_name, thing) => expectNoKey(thing));

  test('but its key id does', () => {
    for (const thing of [new SealingKey(master), keyring]) {
      expect(inspect(thing)).toContain(derived.kid);
      expect(JSON.stringify(thing)).toContain(derived.kid);
    }
    expect(String(new SealingKey(master))).toBe(`[sealing key ${derived.kid}]`);
  });

  const kid = derived.kid;
  const hex = master.toString('hex');
  const padded = master.toString('base64');
  const pastes: [name: string, kind: 'enc' | 'trk', text: string][] = [
    ['cut', 'enc', text.slice(0, -4)],
    ['cut to a half', 'enc', text.slice(0, 20)],
    ['with a character more', 'enc', `${text}A`],
    ['with a space inside', 'enc', `${text.slice(0, 20)} ${text.slice(20)}`],
    ['with a line end inside', 'enc', `${text.slice(0, 20)}\n${text.slice(20)}`],
    ['doubled', 'enc', text + text],
    ['in hex, cut', 'enc', hex.slice(2)],
    ['in hex, with a wrong letter', 'enc', `${hex.slice(1)}x`],
    ['in base64 with too much padding', 'enc', `${padded}===`],
    ['with the name of its setting', 'enc', `CASEHARD_ENC_KEY=chkey1.enc.${kid}.${text}`],
    ['as a PHP line', 'enc', `define('SENDSTUDIO_ENC_KEY', '${padded}');`],
    ['as JSON', 'enc', JSON.stringify({ key: text })],
    ['as a URL', 'enc', `https://example.com/?key=${text}`],
    ['tagged and cut', 'enc', `chkey1.enc.${kid}.${text.slice(0, -1)}`],
    ['tagged, of a later version', 'enc', `chkey9.enc.${kid}.${text}`],
    ['tagged, with another kind', 'enc', `chkey1.${text}.${kid}.${text}`],
    ['tagged, without kid', 'enc', `chkey1.enc.${text}`],
    ['tagged, with the key as kid', 'enc', `chkey1.enc.${text}.${text}`],
    ['tagged, one character changed', 'enc', `chkey1.enc.${kid}.${text[0] === 'A' ? 'B' : 'A'}${text.slice(1)}`],
    ['tagged, kid of another key', 'enc', `chkey1.enc.aaaaaaaa.${text}`],
    ['tracking where sealing belongs', 'enc', `chkey1.trk.${trackingId(master)}.${text}`],
    ['sealing where tracking belongs', 'trk', `chkey1.enc.${kid}.${text}`],
  ];

  test.each(pastes)('of the error for a key that is pasted wrongly: %s', (_name, kind, pasted) => {
    expectNoKey(caught(() => parseKey(kind, pasted)));
    if (kind === 'enc') {
      for (const options of [
        { active: pasted },
        { previous: [pasted] },
        { staged: [pasted] },
        { withdrawn: [pasted] },
      ] as KeyringOptions[]) {
        expectNoKey(caught(() => createKeyring(options)));
      }
    }
  });
});

describe('a secret shows on no surface', () => {
  const planted = 'Mark3d-S3cret/9zQ';
  const row = { id: 42 };
  const marks = [planted, Buffer.from(planted).toString('base64'), Buffer.from(planted).toString('hex')];
  const fields = { f: column('t', 'c', { row: { id: 'int' }, was: 'plaintext', max: { chars: 130 } }) };
  const keyring = createKeyring({ active: master.toString('hex') });
  const field = createCasehard({ fields, keyring }).field('f');
  const without = createCasehard({ fields, warn: () => {} }).field('f');
  const strict = createCasehard({ fields: { f: { ...fields.f, strict: true } }, keyring }).field('f');
  const sealed = field.seal(planted, row);

  test.each([
    ['text', new Secret(planted)],
    ['bytes', new Secret(Buffer.from(planted))],
    ['what open returns', field.open(sealed, row)],
    ['what open returns of a legacy value', field.open(planted, row)],
    ['an object that holds it', { user: { password: field.open(sealed, row) } }],
  ])('of a Secret: %s', (_name, thing) => expectNoTrace(thing, marks));

  const broken = sealed.slice(0, -1) + (sealed.endsWith('A') ? 'E' : 'A');
  const chd = `chd1.${planted}`;
  test.each([
    ['opening a tampered value', () => field.open(broken, row)],
    ['opening in another row', () => field.open(sealed, { id: 43 })],
    ['opening a plaintext with the marker', () => field.open(chd, row)],
    ['opening a plaintext in a strict field', () => strict.open(planted, row)],
    ['opening without a key', () => without.open(sealed, row)],
    ['opening with the secret as row key', () => field.open(sealed, { id: planted })],
    ['sealing with the secret as row key', () => field.seal('x', { id: planted })],
    ['sealing what is too long', () => field.seal(planted.repeat(9), row)],
    ['sealing half of a surrogate pair', () => field.seal(`${planted}\ud800`, row)],
    ['saving without a key over a sealed value', () => without.seal(planted, row, { stored: sealed })],
    [
      'saving what looks sealed without a key',
      () =>
        createCasehard({ fields, warn: () => {} })
          .field('f')
          .seal(chd, row),
    ],
    ['sealing an array', () => field.seal([planted] as unknown as string, row)],
    ['sealing text as bytes', () => field.sealBytes(planted as unknown as Uint8Array, row)],
    ['revealing bytes as text', () => new Secret(Buffer.from(`${planted}\xff`, 'latin1')).reveal()],
  ])('of the error: %s', (_name, run) => {
    const error = caught(run);
    expectNoTrace(error, [...marks, sealed.slice(18), broken.slice(18)]);
  });

  test('of verdicts and outcomes that write nothing', () => {
    for (const stored of [broken, chd, sealed, null]) {
      expectNoTrace(field.verdict(stored, row), [...marks, sealed.slice(18)]);
      expectNoTrace(field.harden(stored, row), [...marks, sealed.slice(18)]);
    }
  });
});

// --- internal ---

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
