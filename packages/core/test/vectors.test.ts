import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { makeVectors } from '../../../vectors/make.ts';
import { hmac } from '../src/crypto/hmac.ts';
import { createCasehard } from '../src/field/casehard.ts';
import { column } from '../src/field/define-config.ts';
import { keyPiece } from '../src/field/row-key.ts';
import { keyId, macOf, parseKey } from '../src/keyring/key.ts';
import { createKeyring } from '../src/keyring/keyring.ts';
import { openContent } from '../src/sealed/open.ts';
import { openPage } from '../src/sealed/open-page.ts';
import { sealContent } from '../src/sealed/seal.ts';
import { contextIn, keyringOf, keysOf, sealingKey } from './make.ts';
import * as reference from './reference.ts';
import type { keyFile } from './vectors/key.ts';
import { keyOf, masterOf } from './vectors/masters.ts';
import type { RejectVector } from './vectors/reject.ts';
import { contentOf, contextOf, type SealedVector } from './vectors/sealed.ts';
import type { VerdictVector } from './vectors/verdict.ts';

const sealed = read<{ vectors: SealedVector[] }>('sealed.json').vectors;
const reject = read<{ vectors: RejectVector[]; bugs: Record<string, string> }>('reject.json');
const verdicts = read<{ vectors: VerdictVector[] }>('verdict.json').vectors;
const keys = read<ReturnType<typeof keyFile>>('key.json');

describe('the published files', () => {
  test.each(Object.entries(makeVectors()))('%s is what the generator prints', (name, text) => {
    expect(readFileSync(new URL(`../../../vectors/${name}`, import.meta.url), 'utf8')).toBe(text);
  });

  test('hold enough vectors, each name once', () => {
    expect(sealed.length).toBeGreaterThanOrEqual(20);
    expect(reject.vectors.length).toBeGreaterThanOrEqual(60);
    for (const { vectors } of [{ vectors: sealed }, reject, { vectors: verdicts }]) {
      expect(new Set(vectors.map(({ name }) => name)).size).toBe(vectors.length);
    }
  });

  test('cover every binding, both types, every row-key type and the block counts that matter', () => {
    const pairs = new Set(sealed.map(({ binding, type }) => `${binding} ${type}`));
    expect([...pairs].sort()).toEqual([
      'field bytes',
      'field text',
      'none bytes',
      'none text',
      'row bytes',
      'row text',
    ]);
    expect(new Set(sealed.flatMap(({ row }) => row.map(({ type }) => type)))).toEqual(
      new Set(['int', 'uuid', 'text', 'binary']),
    );
    expect([...new Set(sealed.map(({ n }) => n))]).toEqual(expect.arrayContaining([1, 2, 3, 4, 8, 16, 64, 384]));
  });

  test('have a rejected value for every code and every bug class', () => {
    const codes =
      'NOT_SEALED CASE_DAMAGED UNKNOWN_VERSION TRUNCATED MALFORMED TOO_LARGE UNKNOWN_KEY WITHDRAWN_KEY CONTEXT_POLICY MAC CORRUPT_FRAME';
    expect(new Set(reject.vectors.map(({ code }) => code))).toEqual(new Set(codes.split(' ')));
    expect(new Set(reject.vectors.map(({ bug }) => bug))).toEqual(new Set(Object.keys(reject.bugs)));
  });

  test('have a value for every verdict', () => {
    const kinds = 'current stale legacy empty foreign unexpected unreadable';
    expect(new Set(verdicts.map(({ verdict }) => verdict.kind))).toEqual(new Set(kinds.split(' ')));
  });
});

describe('the known answers of the format', () => {
  const key = reference.deriveKeys(masterOf('counting'));

  test('the key schedule', () => {
    expect(key.kid).toBe('h2zivffe');
    expect(key.encKey.toString('hex')).toBe('27e6d00096dccfd90def463d65a94236e31d7c1ea34f64eea2dbe5a2b74b9c3b');
    expect(key.macKey.toString('hex')).toBe('6188eefa3979472edb0c806bb815a800de057f37a3fe5883316217fad37fef3e');
    expect(reference.trackingId(masterOf('counting'))).toBe('f927');
    expect(sealingKey('counting').kid).toBe('h2zivffe');
    const tag = createHmac('sha256', key.macKey).update('a message').digest();
    expect(hmac(macOf(sealingKey('counting')), Buffer.from('a message')).equals(tag)).toBe(true);
  });

  test('the sealed value', () => {
    expect(sealed[0]?.sealed).toBe(
      'chd1.h2zivffe.AgACAwoRGB8mLTQ7QklQV15lbKPJo4Wuk1XkvbARi0O6LPyf5nAcsk3aXUVQCgx4fbFhMcwj62r1IBzv7xzDLRHv8RVO33EYfB--Ux2OsLsLmi0',
    );
  });
});

describe.each(sealed)('sealed.json: $name', (vector) => {
  const content = contentOf(vector);
  const context = contextOf(vector);
  const iv = Buffer.from(vector.iv, 'hex');

  test('row keys give their pieces', () => {
    for (const { type, value, piece } of vector.row) {
      expect(keyPiece(type, value)).toBe(piece);
      expect(reference.pieceOf(type, value)).toBe(piece);
    }
  });

  test('seals to the same text on both sides', () => {
    const value = { row: context.row, content, n: vector.n, iv };
    expect(sealContent(sealingKey(vector.master), contextIn(context), value)).toBe(vector.sealed);
    expect(reference.seal(keyOf(vector.master), context, { content, n: vector.n, iv })).toBe(vector.sealed);
  });

  test('opens on both sides', () => {
    const opened = openContent(keysOf([vector.master]), [contextIn(context)], vector.sealed, { row: context.row });
    expect(opened).toMatchObject({ ok: true, content, context: 0, n: vector.n });
    const [paged] = openPage(
      keysOf([vector.master]),
      [contextIn(context)],
      [{ stored: vector.sealed, row: context.row }],
    );
    expect(paged).toMatchObject({ ok: true, content, context: 0, n: vector.n });
    const input = { keys: [keyOf(vector.master)], withdrawn: [], contexts: [context], maxSecret: 65_534 };
    expect(reference.open(input, vector.sealed)).toMatchObject({ ok: true, content, context: 0 });
  });
});

describe.each(reject.vectors)('reject.json: $code, $name', (vector) => {
  test('is refused on both sides, for the same reason', () => {
    const { contexts, maxSecret, withdrawn } = vector;
    const input = { keys: vector.keys.map(keyOf), withdrawn, contexts, maxSecret };
    expect(reference.open(input, vector.sealed)).toEqual({ ok: false, code: vector.code });
    const row = contexts.find(({ binding }) => binding === 'row')?.row ?? [];
    const opened = openContent(keysOf(vector.keys, withdrawn), contexts.map(contextIn), vector.sealed, {
      row,
      maxSecret,
    });
    expect(opened).toMatchObject({ ok: false, failure: vector.code });
    expect(opened).not.toHaveProperty('content');
    const paged = openPage(
      keysOf(vector.keys, withdrawn),
      contexts.map(contextIn),
      [{ stored: vector.sealed, row }],
      maxSecret,
    );
    expect(paged).toEqual([opened]);
  });
});

describe.each(verdicts)('verdict.json: $name', (vector) => {
  test(`is ${vector.verdict.kind}`, () => {
    const { was = 'base64', ...rest } = vector.field;
    const options = { row: { user_id: 'int' }, ...(was === 'none' ? {} : { was }), ...rest } as const;
    const fields = { 'mailer.smtp.password': column('users', 'smtp_password', options) };
    const field = createCasehard({ fields, keyring: keyringOf(vector.keyring), warn: () => {} }).field(
      'mailer.smtp.password',
    );
    const { stored, storedIn } = vector;
    const value = storedIn === 'bytes' && stored !== null ? Buffer.from(stored, 'hex') : stored;
    const verdict = field.verdict(value, { user_id: 42 });
    expect(field.verdictMany([{ stored: value, row: { user_id: 42 } }])).toEqual([verdict]);
    // The names of products may grow more exact; that it is foreign may not change.
    if (vector.verdict.kind === 'foreign') expect(verdict).toMatchObject(vector.verdict);
    else expect(verdict).toEqual(vector.verdict);
  });
});

describe('key.json', () => {
  test.each(keys.good)('$name is read', ({ kind, text, master, id }) => {
    expect(Buffer.from(parseKey(kind, text)).toString('hex')).toBe(master);
    expect(keyId(kind, Buffer.from(master, 'hex'))).toBe(id);
  });

  test.each(keys.bad)('$name is refused as $code', ({ kind, text, code }) => {
    expect(() => parseKey(kind, text)).toThrow(expect.objectContaining({ code }));
  });

  test('two different keys with one kid cannot be loaded together, in whatever role', () => {
    const { kid, masters } = keys.collision;
    const [one, other] = masters as [string, string];
    for (const master of masters) expect(reference.deriveKeys(Buffer.from(master, 'hex')).kid).toBe(kid);
    const conflict = expect.objectContaining({
      code: 'KEY_CONFLICT',
      kid,
      message: `two different keys have the key id ${kid}`,
    });
    for (const options of [
      { active: one, previous: [other] },
      { active: one, staged: [other] },
      { previous: [one, other] },
      { staged: [one], previous: [other] },
      { active: one, previous: [other], withdrawn: [] },
    ]) {
      expect(() => createKeyring(options)).toThrow(conflict);
    }
  });
});

// --- internal ---

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../vectors/${name}`, import.meta.url), 'utf8')) as T;
}
