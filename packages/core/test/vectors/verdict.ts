import { type ReferenceContext, seal } from '../reference.ts';
import { ivFor, keyOf, type MasterName, publishedMasters } from './masters.ts';

export interface VerdictVector {
  readonly name: string;
  /** What differs from the default field: `was: 'base64'`, row key `user_id: 'int'`, bound to the row. */
  readonly field: {
    readonly was?: 'plaintext' | 'base64' | 'hex' | 'none';
    readonly strict?: boolean;
    readonly bind?: 'row' | 'field';
    readonly contexts?: readonly { readonly bind: 'row' | 'field' | 'none'; readonly scope?: string }[];
  };
  readonly keyring: Keyring;
  /** Text, null for NULL; bytes in hex where `storedIn` is bytes. */
  readonly stored: string | null;
  readonly storedIn: 'text' | 'bytes';
  readonly verdict: Readonly<Record<string, string | boolean>>;
}

interface Keyring {
  readonly active?: MasterName;
  readonly previous?: readonly MasterName[];
  readonly staged?: readonly MasterName[];
  readonly withdrawn?: readonly string[];
}

export function verdictFile(): { vectors: readonly VerdictVector[] } & Record<string, unknown> {
  const vectors = [...empty(), ...legacy(), ...current(), ...stale(), ...foreign(), ...unexpected(), ...unreadable()];
  return {
    description:
      'The one exact verdict on a stored value. The field is `mailer.smtp.password`, its row { user_id: 42 } of type int, ' +
      'bound to the row, legacy scheme base64, not strict; `field` names what differs (`was` none: no legacy scheme). ' +
      '`keyring` names masters. Published test keys: never use them.',
    format: 'docs/format.md',
    masters: publishedMasters(),
    vectors,
  };
}

// --- internal ---

const SCOPE = 'mailer.smtp.password';
const ROW: ReferenceContext = { binding: 'row', scope: SCOPE, row: ['42'] };
const FIELD: ReferenceContext = { binding: 'field', scope: SCOPE, row: [] };
const NONE: ReferenceContext = { binding: 'none', scope: '', row: [] };
const kid = (name: MasterName) => keyOf(name).kid;

function empty(): VerdictVector[] {
  const verdict = { kind: 'empty' };
  return [
    one('NULL', null, verdict),
    one('the empty string', '', verdict),
    one('empty bytes', '', verdict, { storedIn: 'bytes' }),
    one('NULL in a strict field', null, verdict, { field: { strict: true } }),
    one('the empty string without any key', '', verdict, { keyring: {} }),
  ];
}

function legacy(): VerdictVector[] {
  const as = (scheme: string) => ({ kind: 'legacy', scheme });
  return [
    one('base64', b64('hunter2'), as('base64')),
    one('base64 of bytes that are not UTF-8', '//4A', as('base64')),
    one('base64 in a binary column', Buffer.from(b64('hunter2')).toString('hex'), as('base64'), { storedIn: 'bytes' }),
    one('base64 without any key', b64('hunter2'), as('base64'), { keyring: {} }),
    one('hex', '68756e74657232', as('hex'), { field: { was: 'hex' } }),
    one('plaintext', 'hunter2', as('plaintext'), { field: { was: 'plaintext' } }),
    one('plaintext that is valid base64', 'Zm9vYmFy', as('plaintext'), { field: { was: 'plaintext' } }),
    one('plaintext with a space before a marker', ` ${sealed(ROW)}`, as('plaintext'), { field: { was: 'plaintext' } }),
    one('plaintext that begins with chd1 and no dot', 'chd1password', as('plaintext'), { field: { was: 'plaintext' } }),
    one('plaintext that begins with chd and four digits', 'chd2024.', as('plaintext'), { field: { was: 'plaintext' } }),
    one(
      'a three-part JWT is an ordinary token',
      'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl',
      as('plaintext'),
      {
        field: { was: 'plaintext' },
      },
    ),
  ];
}

function current(): VerdictVector[] {
  const verdict = { kind: 'current', kid: kid('counting'), nested: false };
  const staged = { ...verdict, kid: kid('second') };
  return [
    one('sealed under the active key', sealed(ROW), verdict),
    one('sealed, in a strict field', sealed(ROW), verdict, { field: { strict: true } }),
    one('sealed, with the padding of a CHAR column', `${sealed(ROW)}     `, verdict),
    one('sealed, with the padding of a BINARY column', Buffer.from(`${sealed(ROW)}\0\0`).toString('hex'), verdict, {
      storedIn: 'bytes',
    }),
    one('sealed, bound to the field', sealed(FIELD), verdict, { field: { bind: 'field' } }),
    one('sealed, bound to nothing', sealed(NONE), verdict, { field: { contexts: [{ bind: 'none' }] } }),
    one('sealed under a staged key', sealed(ROW, 'second'), staged, {
      keyring: { active: 'counting', staged: ['second'] },
    }),
    one('sealed under a staged key, without an active one', sealed(ROW, 'second'), staged, {
      keyring: { staged: ['second'] },
    }),
    one('content that looks sealed', sealed(ROW, 'counting', 'chd1.x'), { ...verdict, nested: true }),
    one('content that is a sealed value', sealed(ROW, 'counting', sealed(ROW), 16), { ...verdict, nested: true }),
    one('content that looks like damaged case', sealed(ROW, 'counting', 'CHD1.'), { ...verdict, nested: true }),
    one('content that is base64 of a sealed value is not nested', sealed(ROW, 'counting', b64('chd1.x')), verdict),
  ];
}

function stale(): VerdictVector[] {
  const because = (cause: string, master: MasterName = 'counting') => ({
    kind: 'stale',
    kid: kid(master),
    because: cause,
    nested: false,
  });
  const rotated = { active: 'counting', previous: ['second'] } as const;
  const renamed = { contexts: [{ bind: 'row' }, { bind: 'row', scope: 'old.name' }] } as const;
  const oldName = { ...ROW, scope: 'old.name' };
  return [
    one('sealed under a previous key', sealed(ROW, 'second'), because('key', 'second'), { keyring: rotated }),
    one(
      'sealed under a previous key, nested',
      sealed(ROW, 'second', 'chd1.x'),
      { ...because('key', 'second'), nested: true },
      { keyring: rotated },
    ),
    one('sealed in an older context: another name', sealed(oldName), because('context'), { field: renamed }),
    one('sealed in an older context: the field instead of the row', sealed(FIELD), because('context'), {
      field: { contexts: [{ bind: 'row' }, { bind: 'field' }] },
    }),
    one('sealed in an older context: bound to nothing', sealed(NONE), because('context'), {
      field: { contexts: [{ bind: 'row' }, { bind: 'none' }] },
    }),
    one('sealed in the third context', sealed({ ...ROW, scope: 'b' }), because('context'), {
      field: { contexts: [{ bind: 'row' }, { bind: 'row', scope: 'a' }, { bind: 'row', scope: 'b' }] },
    }),
    one('sealed under a previous key in an older context', sealed(oldName, 'second'), because('both', 'second'), {
      field: renamed,
      keyring: rotated,
    }),
  ];
}

/** Two exact markers; the whole table has a test of its own. */
function foreign(): VerdictVector[] {
  // The password_hash() example of the PHP manual, and the vector of the Fernet specification.
  const bcrypt = '$2y$10$.vGA1O9wmRjrwAVXD98HNOgsNpDczlqm3Jq7KnEd1rVAGv3Fykk1a';
  const fernet = 'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==';
  const verdict = { kind: 'foreign' };
  return [
    one('a bcrypt hash in a plaintext field', bcrypt, verdict, { field: { was: 'plaintext' } }),
    one('a bcrypt hash in a base64 field', bcrypt, verdict),
    one('a bcrypt hash in a strict field', bcrypt, verdict, { field: { strict: true } }),
    one('base64 of a bcrypt hash', b64(bcrypt), verdict),
    one('a Fernet token', fernet, verdict, { field: { was: 'plaintext' } }),
  ];
}

function unexpected(): VerdictVector[] {
  const why = (cause: string) => ({ kind: 'unexpected', why: cause });
  const cases: [name: string, stored: string, field?: VerdictVector['field']][] = [
    ['not base64', 'hunter2!'],
    ['base64 without padding', 'aHVudGVyMg'],
    ['base64url in a base64 field', '__8='],
    ['base64 with a line end', 'aHVudGVyMg==\n'],
    ['base64 with spare bits set', 'aHVudGVyMh=='],
    ['base64 with a space before', ' aHVudGVyMg=='],
    ['hex in upper case', '68756E74', { was: 'hex' }],
    ['hex of odd length', '687', { was: 'hex' }],
    ['hex with a letter that is none', '68zz', { was: 'hex' }],
  ];
  return [
    ...cases.map(([name, stored, field = {}]) => one(name, stored, why('NOT_LEGACY'), { field })),
    one('base64 of a sealed value', b64(sealed(ROW)), why('LOOKS_SEALED')),
    one('base64 of a cut sealed value', b64('chd1.h2zivffe.'), why('LOOKS_SEALED')),
    one('hex of a sealed value', Buffer.from(sealed(ROW)).toString('hex'), why('LOOKS_SEALED'), {
      field: { was: 'hex' },
    }),
    one('base64 in a strict field', b64('hunter2'), why('LEGACY_NOT_ACCEPTED'), { field: { strict: true } }),
    one('plaintext in a strict field', 'hunter2', why('LEGACY_NOT_ACCEPTED'), {
      field: { was: 'plaintext', strict: true },
    }),
    one('plaintext in a field without legacy scheme', 'hunter2', why('LEGACY_NOT_ACCEPTED'), {
      field: { was: 'none' },
    }),
  ];
}

function unreadable(): VerdictVector[] {
  const good = sealed(ROW);
  const because = (why: string, of?: string) => ({ kind: 'unreadable', why, ...(of === undefined ? {} : { kid: of }) });
  const plaintext = { field: { was: 'plaintext' } } as const;
  const active = kid('counting');
  return [
    one('the key is not configured', sealed(ROW, 'second'), because('UNKNOWN_KEY', kid('second'))),
    one('no key at all', good, because('UNKNOWN_KEY', active), { keyring: {} }),
    one('the key is withdrawn', sealed(ROW, 'second'), because('WITHDRAWN_KEY', kid('second')), {
      keyring: { active: 'counting', previous: ['second'], withdrawn: [kid('second')] },
    }),
    one('moved from another row', sealed({ ...ROW, row: ['43'] }), because('MAC', active)),
    one('bound to the field, where the row is asked for', sealed(FIELD), because('CONTEXT_POLICY', active)),
    one('cut', good.slice(0, 100), because('TRUNCATED')),
    one('in lower case', good.toLowerCase(), because('CASE_DAMAGED')),
    one('in upper case', good.toUpperCase(), because('CASE_DAMAGED')),
    one('longer than it declares', `${good}A`, because('MALFORMED')),
    one('not canonical', `${good.slice(0, -1)}3`, because('MALFORMED', active)),
    one('of a later version', good.replace('chd1.', 'chd2.'), because('UNKNOWN_VERSION')),
    one(
      'plaintext that begins like a sealed value is never taken for plaintext',
      'chd1.my-password',
      because('TRUNCATED'),
      plaintext,
    ),
    one(
      'a long plaintext that begins like a sealed value',
      'chd1.my-password-is-long',
      because('MALFORMED'),
      plaintext,
    ),
    one('plaintext that begins like a sealed value of a later version', 'chd7.', because('UNKNOWN_VERSION'), plaintext),
  ];
}

function sealed(context: ReferenceContext, master: MasterName = 'counting', content = 'hunter2', n = 2): string {
  const iv = ivFor(`verdict ${master} ${JSON.stringify(context)} ${content}`);
  return seal(keyOf(master), context, { content, n, iv });
}

function b64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function one(
  name: string,
  stored: string | null,
  verdict: VerdictVector['verdict'],
  rest: Partial<VerdictVector> = {},
): VerdictVector {
  return { name, field: {}, keyring: { active: 'counting' }, stored, storedIn: 'text', ...rest, verdict };
}
