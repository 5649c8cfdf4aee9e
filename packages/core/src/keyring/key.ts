import { base32, fromBase64url } from '../crypto/bytes.ts';
import { Cbc } from '../crypto/cbc.ts';
import { derive, deriveKey, type KeyObject } from '../crypto/derive.ts';
import { MacKey } from '../crypto/hmac.ts';
import { randomBytes } from '../crypto/random.ts';
import { CasehardError } from '../errors.ts';
import { trimPasted } from './key-text.ts';

/** `enc` seals credentials, `trk` makes link tokens. Two separate masters; the user may use either alone. */
export type KeyKind = 'enc' | 'trk';

const MASTER_BYTES = 32;
const SETTING = { enc: 'CASEHARD_ENC_KEY', trk: 'CASEHARD_TRACKING_KEY' } as const;
const MEANING = { enc: 'a sealing key', trk: 'a tracking key' } as const;

/** The keys derived from a master. KeyObjects print nothing, and structured clone carries them to a worker thread. */
export interface DerivedKey {
  readonly kid: string;
  readonly enc: KeyObject;
  readonly mac: KeyObject;
}

/** The key's long-lived cipher; for sealed/ only. */
export let cbcOf: (key: SealingKey) => Cbc;
/** The key's MAC; for sealed/ only. Its buffers hold the key, so no public property leads there. */
export let macOf: (key: SealingKey) => MacKey;

/** A sealing key, derived and ready (docs/format.md section 1). Shows its kid and nothing else. */
export class SealingKey {
  static {
    cbcOf = (key) => key.#cbc;
    macOf = (key) => key.#macKey;
  }

  readonly kid: string;
  readonly #derived: DerivedKey;
  readonly #cbc: Cbc;
  readonly #macKey: MacKey;

  constructor(key: Uint8Array | DerivedKey) {
    this.#derived = key instanceof Uint8Array ? deriveAll(key) : key;
    this.kid = this.#derived.kid;
    this.#cbc = new Cbc(this.#derived.enc);
    this.#macKey = new MacKey(this.#derived.mac);
  }

  /** The same key for another thread of this process. */
  share(): DerivedKey {
    return this.#derived;
  }
  toString(): string {
    return `[sealing key ${this.kid}]`;
  }
  toJSON(): { kid: string } {
    return { kid: this.kid };
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** A new key as text for people to paste: `chkey1.enc.<kid>.<base64url>`. The one place where key text is made. */
export function generateKey(kind: KeyKind): string {
  const master = randomBytes(MASTER_BYTES);
  const text = printKey(kind, master);
  master.fill(0);
  return text;
}

/** The key id of a master: 8 characters for a sealing key, 4 hex digits for a tracking key. Public. */
export function keyId(kind: KeyKind, master: Uint8Array): string {
  const root = derive(master, kind === 'enc' ? 'casehard/v1/seal/root' : 'casehard/v1/token/root', 32);
  const id =
    kind === 'enc'
      ? base32(derive(root, 'casehard/v1/seal/kid', 5))
      : derive(root, 'casehard/v1/token/kid', 2).toString('hex');
  root.fill(0);
  return id;
}

/**
 * Reads key text: the `chkey1` form, or base64, base64url or hex of 32 bytes. `setting` is where it was found, for the
 * message. Throws KEY_FORMAT, KEY_CHECKSUM or KEY_IN_WRONG_SETTING; the message never quotes the key.
 */
export function parseKey(kind: KeyKind, text: string, setting: string = SETTING[kind]): Uint8Array {
  const trimmed = trimPasted(text);
  if (/^chkey/i.test(trimmed)) return parseTagged(kind, trimmed, setting);
  const master = fromHex(trimmed) ?? fromBase64(trimmed);
  if (!master && /_KEYS?\b/.test(trimmed)) {
    const hint = 'keep only what stands right of the name: chkey1.…, without the name, equals sign and quotes';
    throw format(setting, 'holds a whole line of settings, not the key alone', hint);
  }
  if (!master) throw format(setting, 'is not a key', 'paste the whole line that `casehard keys generate` printed');
  if (master.length !== MASTER_BYTES) {
    throw format(setting, `holds ${master.length} bytes, a key has 32`, 'look for a cut or doubled paste');
  }
  return refuseConstant(master, setting);
}

// --- internal ---

function deriveAll(master: Uint8Array): DerivedKey {
  const root = derive(master, 'casehard/v1/seal/root', 32);
  const derived = {
    kid: base32(derive(root, 'casehard/v1/seal/kid', 5)),
    enc: deriveKey(root, 'casehard/v1/seal/enc/aes-256-cbc'),
    mac: deriveKey(root, 'casehard/v1/seal/mac/hmac-sha256'),
  };
  root.fill(0);
  return derived;
}

function printKey(kind: KeyKind, master: Buffer): string {
  return `chkey1.${kind}.${keyId(kind, master)}.${master.toString('base64url')}`;
}

function parseTagged(kind: KeyKind, text: string, setting: string): Uint8Array {
  const [tag, found, id, body, ...more] = text.split('.');
  if (tag !== 'chkey1') {
    throw format(
      setting,
      'is a key of a version this release does not know',
      'update casehard, or look for a damaged paste',
    );
  }
  if (found !== 'enc' && found !== 'trk') throw format(setting, 'is a damaged key', 'paste the whole line again');
  if (found !== kind) {
    throw new CasehardError(
      'KEY_IN_WRONG_SETTING',
      `${setting} holds ${MEANING[found]} where ${MEANING[kind]} belongs`,
      {
        hint: `put this key into ${SETTING[found]}, and ${MEANING[kind]} (chkey1.${kind}.…) here`,
      },
    );
  }
  const master = fromBase64url(body ?? '');
  if (more.length > 0 || !master || master.length !== MASTER_BYTES) {
    throw format(setting, 'is a damaged key: characters are missing, added or changed', 'paste the whole line again');
  }
  if (keyId(kind, master) !== id) {
    throw new CasehardError('KEY_CHECKSUM', `${setting} holds a key whose key id does not match its text`, {
      hint: 'characters were changed or mixed up with another key; paste the whole line again',
    });
  }
  return refuseConstant(master, setting);
}

function fromHex(text: string): Buffer | undefined {
  return /^(?:[0-9a-f]{2})+$/i.test(text) && text.length === 2 * MASTER_BYTES ? Buffer.from(text, 'hex') : undefined;
}

function fromBase64(text: string): Buffer | undefined {
  const unpadded = text.replace(/=+$/, '');
  if (unpadded === '' || text.length - unpadded.length > 2) return undefined;
  return fromBase64url(unpadded.replaceAll('+', '-').replaceAll('/', '_'));
}

/** Not a test of randomness: it catches placeholders such as 64 zeros. */
function refuseConstant(master: Uint8Array, setting: string): Uint8Array {
  if (master.every((byte) => byte === master[0])) {
    throw format(setting, 'is a placeholder: all its bytes are the same', 'make a key with `casehard keys generate`');
  }
  return master;
}

function format(setting: string, problem: string, hint: string): CasehardError {
  return new CasehardError('KEY_FORMAT', `${setting} ${problem}`, { hint });
}
