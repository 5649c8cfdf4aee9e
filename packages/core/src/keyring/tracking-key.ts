import { derive, deriveKey } from '../crypto/derive.ts';
import { Xaes } from '../crypto/xaes.ts';
import { parseKey } from './key.ts';

/** The key's derivation of token keys; for links/ only. */
export let xaesOf: (key: TrackingKey) => Xaes;

/** A tracking key, derived and ready (docs/format.md, "Keys"). Shows its tkid and nothing else. */
export class TrackingKey {
  static {
    xaesOf = (key) => key.#xaes;
  }

  /** 4 hex digits, as key texts show them. */
  readonly tkid: string;
  readonly #xaes: Xaes;

  constructor(master: Uint8Array) {
    const root = derive(master, 'casehard/v1/token/root', 32);
    this.tkid = derive(root, 'casehard/v1/token/kid', 2).toString('hex');
    this.#xaes = new Xaes(deriveKey(root, 'casehard/v1/token/enc/xaes-256-gcm'));
    root.fill(0);
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
