import { assemble, encipherRaw, type ReferenceContext, seal } from '../reference.ts';
import { ivFor, keyOf } from './masters.ts';
import type { Reject } from './reject.ts';

const KEY = keyOf('counting');
const SCOPE = 'mailer.smtp.password';

/** Honest values that are opened in another place than the one they were sealed for. */
export function contextReject(): Reject[] {
  const row = (...keys: string[]): ReferenceContext => ({ binding: 'row', scope: SCOPE, row: keys });
  const field = (scope = SCOPE): ReferenceContext => ({ binding: 'field', scope, row: [] });
  const none: ReferenceContext = { binding: 'none', scope: '', row: [] };
  const scoped = (scope: string, ...keys: string[]): ReferenceContext => ({ binding: 'row', scope, row: keys });
  const uuid = '0190163d-8694-739b-aea5-966c26f8ad91';
  const cases: [
    bug: Reject['bug'],
    code: string,
    name: string,
    sealedIn: ReferenceContext,
    openedIn: ReferenceContext[],
  ][] = [
    ['CONTEXT', 'CONTEXT_POLICY', 'bound to nothing, where the row is asked for', none, [row('42')]],
    ['CONTEXT', 'CONTEXT_POLICY', 'bound to nothing, where the field is asked for', none, [field()]],
    ['CONTEXT', 'CONTEXT_POLICY', 'bound to the field, where the row is asked for', field(), [row('42')]],
    ['CONTEXT', 'CONTEXT_POLICY', 'bound to the row, where the field is asked for', row('42'), [field()]],
    ['CONTEXT', 'CONTEXT_POLICY', 'bound to the row, where nothing is asked for', row('42'), [none]],
    [
      'CONTEXT',
      'CONTEXT_POLICY',
      'bound to nothing, where the row or the field is asked for',
      none,
      [row('42'), field()],
    ],
    ['CONTEXT', 'CONTEXT_POLICY', 'no context is accepted', row('42'), []],
    ['CONTEXT', 'MAC', 'moved to another row', row('42'), [row('43')]],
    ['CONTEXT', 'MAC', 'moved to another field', field(), [field('mailer.imap.password')]],
    ['CONTEXT', 'MAC', 'moved to another field, same row', row('42'), [scoped('mailer.imap.password', '42')]],
    [
      'CONTEXT',
      'MAC',
      'opens under neither the current nor the older context',
      row('42'),
      [scoped('a', '42'), scoped('b', '42')],
    ],
    ['CONTEXT', 'MAC', 'the scope in another case', field(), [field(SCOPE.toUpperCase())]],
    ['CONTEXT', 'MAC', 'columns of a composite key swapped', row('1', '2'), [row('2', '1')]],
    ['CONTEXT', 'MAC', 'a column of a composite key left out', row('1', '2'), [row('1')]],
    ['AMBIGUITY', 'MAC', 'composite 1, 23 is not 12, 3', row('1', '23'), [row('12', '3')]],
    ['AMBIGUITY', 'MAC', 'composite 1, 2 is not the text "1,2"', row('1', '2'), [row('1,2')]],
    ['AMBIGUITY', 'MAC', 'an empty piece more', row('42'), [row('42', '')]],
    ['AMBIGUITY', 'MAC', 'empty pieces are at their places', row('', '42'), [row('42', '')]],
    ['AMBIGUITY', 'MAC', 'scope and row joined: a, bc is not ab, c', scoped('a', 'bc'), [scoped('ab', 'c')]],
    ['AMBIGUITY', 'MAC', 'an int with a leading zero as piece', row('42'), [row('042')]],
    ['AMBIGUITY', 'MAC', 'a uuid in upper case as piece', row(uuid), [row(uuid.toUpperCase())]],
    ['AMBIGUITY', 'MAC', 'a text key with another case', row('alice'), [row('Alice')]],
    ['AMBIGUITY', 'MAC', 'a text key with a space after it', row('alice'), [row('alice ')]],
    ['AMBIGUITY', 'MAC', 'a text key that ends at a NUL', row('alice\0x'), [row('alice')]],
    ['AMBIGUITY', 'MAC', 'a text key in the other normal form', row('\u00e9'), [row('e\u0301')]],
    ['AMBIGUITY', 'MAC', 'a text key read in latin1', row('\u00e9'), [row('\u00c3\u00a9')]],
    ['AMBIGUITY', 'MAC', 'a scope in the other normal form', field('caf\u00e9'), [field('cafe\u0301')]],
  ];
  const moved = cases.map(([bug, code, name, sealedIn, contexts]): Reject => {
    const sealed = seal(KEY, sealedIn, { content: 'hunter2', n: 2, iv: ivFor(name) });
    return { name, defect: 'sealed for another place', bug, code, sealed, contexts };
  });
  return [...moved, ...rebound(row('42'), field())];
}

/** Authentic values whose frame no sealer writes: made with the key, as only a faulty implementation would. */
export function corruptFrames(): Reject[] {
  const text = (hex: string) => framed(Buffer.from(hex, 'hex'));
  const cases: [name: string, padded: Buffer, flags?: number][] = [
    ['no end marker, only zeros', Buffer.concat([Buffer.alloc(31), Buffer.of(1)])],
    ['no end marker after the content', raw('hunter2', [])],
    ['the end marker is 0x81', raw('hunter2', [0x81])],
    ['the end marker is 0x40', raw('hunter2', [0x40])],
    ['a byte after the end marker', raw('hunter2', [0x80, 0, 0x01])],
    ['PKCS#7 of two bytes', Buffer.concat([Buffer.from('hunter2\x80', 'latin1'), Buffer.alloc(22), Buffer.of(2, 2)])],
    [
      'PKCS#7 of a whole block',
      Buffer.concat([Buffer.from('hunter2\x80', 'latin1'), Buffer.alloc(8), Buffer.alloc(16, 16)]),
    ],
    ['PKCS#7 byte 0', withLast(raw('hunter2', [0x80]), 0)],
    ['PKCS#7 byte 17', withLast(raw('hunter2', [0x80]), 17)],
    ['PKCS#7 byte 255', withLast(raw('hunter2', [0x80]), 255)],
    ['the end marker in the place of PKCS#7', withLast(raw('hunter2', []), 0x80)],
    ['text: 0xff is no UTF-8', text('61ff')],
    ['text: a UTF-8 sequence cut short', text('61c3')],
    ['text: a lone continuation byte', text('80')],
    ['text: an overlong NUL', text('c080')],
    ['text: an overlong slash', text('c0af')],
    ['text: a surrogate', text('eda080')],
    ['text: a surrogate pair in CESU-8', text('eda0bdedb490')],
    ['text: beyond the last code point', text('f4908080')],
    ['bytes: no end marker', Buffer.concat([Buffer.alloc(31), Buffer.of(1)]), 6],
    ['bytes: PKCS#7 byte 3', withLast(raw('hunter2', [0x80]), 3), 6],
  ];
  return cases.map(([name, padded, flags = 2]): Reject => {
    const iv = ivFor(name);
    const parts = { flags, n: padded.length / 16, iv, blocks: encipherRaw(KEY, iv, padded) };
    const sealed = assemble(KEY, { binding: 'row', scope: SCOPE, row: ['42'] }, parts);
    return {
      name: `frame: ${name}`,
      defect: 'the frame is not one that a sealer writes',
      bug: 'FRAME',
      code: 'CORRUPT_FRAME',
      sealed,
    };
  });
}

// --- internal ---

/** Values whose binding bits were rewritten, so that a more lenient context is asked for. */
function rebound(row: ReferenceContext, field: ReferenceContext): Reject[] {
  const rewrite = (context: ReferenceContext, flags: number) => {
    const sealed = seal(KEY, context, { content: 'hunter2', n: 2, iv: ivFor(`rebound ${flags}`) });
    const body = Buffer.from(sealed.slice(14), 'base64url');
    body[0] = flags;
    return sealed.slice(0, 14) + body.toString('base64url');
  };
  const none: ReferenceContext = { binding: 'none', scope: '', row: [] };
  const cases: [name: string, sealed: string, contexts: ReferenceContext[]][] = [
    ['binding bits rewritten from row to field', rewrite(row, 1), [row, field]],
    ['binding bits rewritten from row to none', rewrite(row, 0), [row, none]],
    ['binding bits rewritten from field to row', rewrite(field, 2), [row, field]],
  ];
  return cases.map(([name, sealed, contexts]) => ({
    name,
    defect: name,
    bug: 'CONTEXT',
    code: 'MAC',
    sealed,
    contexts,
  }));
}

/** Content and what follows it, filled to 31 bytes, and a good PKCS#7 byte. */
function raw(content: string, after: readonly number[]): Buffer {
  const blocks = Buffer.alloc(32);
  blocks.set(Buffer.concat([Buffer.from(content), Buffer.from(after)]));
  return withLast(blocks, 1);
}

function framed(content: Buffer): Buffer {
  const blocks = Buffer.alloc(32);
  blocks.set(Buffer.concat([content, Buffer.of(0x80)]));
  return withLast(blocks, 1);
}

function withLast(blocks: Buffer, byte: number): Buffer {
  blocks[blocks.length - 1] = byte;
  return blocks;
}
