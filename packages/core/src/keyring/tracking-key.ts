import { derive, deriveKey, type KeyObject } from '../crypto/derive.ts';
import { Xaes } from '../crypto/xaes.ts';
import { keyId, parseKey } from './key.ts';

/** The key's derivation of token keys; for links/ only. */
export let xaesOf: (key: TrackingKey) => Xaes;

/** What is derived from a tracking key's master. A KeyObject prints nothing, and structured clone carries it. */
export interface DerivedTrackingKey {
  readonly tkid: string;
  readonly kidAsSealing: string;
  readonly xaes: KeyObject;
}

/** A tracking key, derived and ready (docs/format.md, "Keys"). Shows its tkid and nothing else. */
export class TrackingKey {
  static {
    xaesOf = (key) => key.#xaes;
  }

  /** 4 hex digits, as key texts show them. */
  readonly tkid: string;
  /** The id that the same 32 bytes would have as a sealing key: shows two keys that were pasted in each other's place. */
  readonly kidAsSealing: string;
  readonly #derived: DerivedTrackingKey;
  readonly #xaes: Xaes;

  constructor(key: Uint8Array | DerivedTrackingKey) {
    this.#derived = key instanceof Uint8Array ? deriveAll(key) : key;
    this.tkid = this.#derived.tkid;
    this.kidAsSealing = this.#derived.kidAsSealing;
    this.#xaes = new Xaes(this.#derived.xaes);
  }

  /** The same key for another thread of this process. */
  share(): DerivedTrackingKey {
    return this.#derived;
  }
  toString(): string {
    return `[tracking key ${this.tkid}]`;
  }
  toJSON(): { tkid: string } {
    return { tkid: this.tkid };
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** Reads the text of a tracking key; `setting` is where it was found. Throws the KEY_ codes of `parseKey`. */
export function parseTrackingKey(
  text: string,
  setting: string,
): { readonly key: TrackingKey; readonly master: Uint8Array } {
  const master = parseKey('trk', text, setting);
  return { key: new TrackingKey(master), master };
}

// --- internal ---

function deriveAll(master: Uint8Array): DerivedTrackingKey {
  const root = derive(master, 'casehard/v1/token/root', 32);
  const derived = {
    tkid: derive(root, 'casehard/v1/token/kid', 2).toString('hex'),
    kidAsSealing: keyId('enc', master),
    xaes: deriveKey(root, 'casehard/v1/token/enc/xaes-256-gcm'),
  };
  root.fill(0);
  return derived;
}
