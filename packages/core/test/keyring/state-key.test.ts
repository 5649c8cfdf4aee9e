import { describe, expect, test } from 'vitest';
import { generateStateKey, parseStateKey } from '../../src/keyring/state-key.ts';

const key = parseStateKey(generateStateKey(), 'the test');
const other = parseStateKey(generateStateKey(), 'the test');
const PIECES = ['the tag before', '7', 'system user ada', '', null] as const;

describe('tags of the audit chain', () => {
  test('hold for the very pieces, in their order, and for no others', () => {
    const tag = key.auditTag(PIECES);
    expect(tag).toMatch(/^[\w-]{43}$/);
    expect(key.holdsAudit(tag, PIECES)).toBe(true);
    const changed: readonly (readonly (string | null)[])[] = [
      ['the tag before', '8', 'system user ada', '', null],
      ['', '7', 'system user ada', '', null],
      ['7', 'the tag before', 'system user ada', '', null],
      ['the tag before', '7', 'system user ada', null, ''],
      ['the tag before', '7', 'system user ada', null, null],
      ['the tag before', '7', 'system user ad', 'a', null],
      ['the tag before7', '', 'system user ada', '', null],
      ['the tag before', '7', 'system user ada', ''],
      [...PIECES, ''],
      [],
    ];
    for (const pieces of changed) expect(key.holdsAudit(tag, pieces), JSON.stringify(pieces)).toBe(false);
  });

  test('hold under their own key only', () => {
    expect(other.holdsAudit(key.auditTag(PIECES), PIECES)).toBe(false);
    expect(other.auditTag(PIECES)).not.toBe(key.auditTag(PIECES));
  });

  test('are no tags of the console, and no bytes that it derives: each has a key of its own', () => {
    const tag = key.auditTag(PIECES);
    expect(key.tag('casehard_audit', PIECES)).not.toBe(tag);
    expect(key.holds(tag, 'casehard_audit', PIECES)).toBe(false);
    expect(key.holdsAudit(key.tag('casehard_audit', PIECES), PIECES)).toBe(false);
    expect(Buffer.from(key.bytes('casehard_audit', PIECES)).toString('base64url')).not.toBe(tag);
  });

  test('that are no tags hold for nothing, and nothing throws', () => {
    const tag = key.auditTag(PIECES);
    for (const text of ['', 'A', 'no tag', tag.slice(0, -1), `${tag}A`, `${tag}=`, ` ${tag}`, 'ä'.repeat(43)]) {
      expect(key.holdsAudit(text, PIECES), text).toBe(false);
    }
  });

  test('are the same for the same key, from one process to the next', () => {
    const text = generateStateKey();
    const [one, two] = [parseStateKey(text, 'one'), parseStateKey(` '${text}'\n`, 'two')];
    expect(two.holdsAudit(one.auditTag(PIECES), PIECES)).toBe(true);
  });
});
