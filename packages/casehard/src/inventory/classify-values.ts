import { createCasehard, type SchemeName, setting } from '@casehard/core';

export type Confidence = 'sure' | 'likely' | 'unsure';

/** What sampled values say about how credentials are stored. Holds counts only, never a value. */
export type ValuesVerdict =
  | { readonly kind: 'credential'; readonly was: SchemeName; readonly confidence: Confidence; readonly because: string }
  | { readonly kind: 'not'; readonly because: string };

/** Judges the values of one place. `secret` is what its name promised. */
export function classifyValues(values: readonly (string | null)[], secret: 'password' | 'key'): ValuesVerdict {
  const filled = values.filter((value): value is string => value !== null && value.trimEnd() !== '');
  const sealed = filled.filter((value) => kindOf(value) === 'unreadable');
  const foreign = filled.filter((value) => kindOf(value) === 'foreign' || PASSWORD_HASH.test(value));
  const open = filled
    .filter((value) => !sealed.includes(value) && !foreign.includes(value))
    .map((value) => value.trimEnd());

  if (filled.length > 0 && isMost(foreign.length, filled.length)) {
    return foreign.every((value) => PASSWORD_HASH.test(value))
      ? { kind: 'not', because: `hash, left alone: ${count(foreign, filled)} password hashes` }
      : { kind: 'not', because: `${count(foreign, filled)} sealed by another product; open them with it first` };
  }
  if (open.length === 0) {
    const because =
      sealed.length > 0 ? 'its values are sealed already; was is a guess' : 'no values to look at; was is a guess';
    return { kind: 'credential', was: 'plaintext', confidence: 'unsure', because };
  }
  if (open.every((value) => FLAG.test(value)))
    return { kind: 'not', because: 'its values are switches, not credentials' };
  if (isConstantHex(open)) {
    if (secret === 'password') {
      return { kind: 'not', because: `hash, left alone: ${count(open, filled)} hex of one length, as a digest has` };
    }
    const because = `${count(open, filled)} hex of one length: a token, or the hash of one; if a hash, remove this field`;
    return { kind: 'credential', was: 'plaintext', confidence: 'unsure', because };
  }
  return schemeOf(open, filled.length - open.length);
}

// --- internal ---

const PASSWORD_HASH =
  /^(?:\$(?:2[abxy]?|argon2(?:id?|d)|5|6|1|apr1|y|7|P|H|S|scrypt|pbkdf2[\w-]*)\$|pbkdf2[_:]|scrypt[:$]|bcrypt[:$]|sha(?:1|256|512)[:$]|\{S?SHA\d*\}|argon2)/;
const FLAG = /^(?:0|1|y|n|yes|no|true|false|on|off|null|none)$/i;
const DIGEST_CHARS = new Set([32, 40, 56, 64, 96, 128]);
const MOST = 0.75;

// Sealed and foreign values are recognised by the library's own markers; strict, because only then does it look for both.
const markers = createCasehard({
  fields: { any: setting('any', { where: { name: 'any' }, value: 'any', strict: true, was: 'plaintext' }) },
  warn: () => {},
});

function kindOf(value: string): string {
  return markers.field('any').verdict(value).kind;
}

function isMost(part: number, all: number): boolean {
  return part / all >= MOST;
}

function count(part: readonly string[], all: readonly string[]): string {
  return `${part.length} of ${all.length} sampled values are`;
}

/** As digests are; what decodes to text is hex of something, not a digest. */
function isConstantHex(values: readonly string[]): boolean {
  const length = values[0]?.length ?? 0;
  if (!DIGEST_CHARS.has(length)) return false;
  if (!values.every((value) => value.length === length && /^(?:[0-9a-f]+|[0-9A-F]+)$/.test(value))) return false;
  return !isMost(values.filter((value) => isText(Buffer.from(value, 'hex'))).length, values.length);
}

/**
 * A token of 40 letters and digits is canonical base64 by chance, and a hex token is hex. So an encoding counts only where
 * what it decodes to is text: bytes at random almost never are.
 */
function schemeOf(values: readonly string[], others: number): ValuesVerdict {
  const aside = others > 0 ? `, ${others} more are sealed or foreign` : '';
  for (const was of ['base64', 'hex'] as const) {
    const canonical = values.filter((value) => Buffer.from(value, was).toString(was) === value);
    const text = canonical.filter((value) => isText(Buffer.from(value, was)));
    const share = text.length / values.length;
    const said = `${text.length} of ${values.length} sampled values are ${was} of text${aside}`;
    if (text.length === values.length) {
      return { kind: 'credential', was, confidence: values.length >= 5 ? 'sure' : 'likely', because: said };
    }
    if (share >= 0.5) {
      const rest = `the other ${values.length - text.length} will be listed one by one by status`;
      return { kind: 'credential', was, confidence: share >= MOST ? 'likely' : 'unsure', because: `${said}; ${rest}` };
    }
    if (share >= 0.2) {
      return {
        kind: 'credential',
        was: 'plaintext',
        confidence: 'unsure',
        because: `a mixture: ${said}; look at them before you harden`,
      };
    }
  }
  const because = `${values.length} sampled values are no encoding of text${aside}`;
  return { kind: 'credential', was: 'plaintext', confidence: values.length >= 5 ? 'sure' : 'likely', because };
}

function isText(bytes: Buffer): boolean {
  try {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what text does not have
    return !/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return false;
  }
}
