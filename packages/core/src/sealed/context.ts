import { le64 } from '../crypto/pae.ts';
import type { SealingKey } from '../keyring/key.ts';

/** The binding bits of the flags byte. */
export const BINDING = { none: 0, field: 1, row: 2 } as const;
export type BindingBits = (typeof BINDING)[keyof typeof BINDING];

const LABEL = Buffer.from('casehard/v1/seal', 'ascii');
const MAX_SCOPE_BYTES = 1024;
const MAX_ROW_KEYS = 16;
const KEPT_BLOCKS = 64;

/**
 * What values are bound to, ready for use: the scope, and how many row keys follow. Keeps the constant front part of
 * the authenticated data, PAE("casehard/v1/seal", header, scope, …), for each header that it has met.
 */
export class Context {
  readonly binding: BindingBits;
  readonly scope: string;
  readonly rowKeys: number;
  readonly #fronts = new WeakMap<SealingKey, Map<number, Buffer>>();

  constructor(binding: BindingBits, scope: string, rowKeys: number) {
    const bytes = Buffer.byteLength(scope);
    if (!scope.isWellFormed() || bytes < 1 || bytes > MAX_SCOPE_BYTES) {
      throw new TypeError('"scope" must be 1 to 1024 bytes of well-formed text');
    }
    if (binding === BINDING.row && (rowKeys < 1 || rowKeys > MAX_ROW_KEYS)) {
      throw new TypeError('"row" must declare 1 to 16 row-key columns');
    }
    this.binding = binding;
    this.scope = scope;
    this.rowKeys = binding === BINDING.row ? rowKeys : 0;
  }

  /** Everything of the authenticated data up to and including the scope. */
  front(key: SealingKey, flags: number, n: number): Buffer {
    let fronts = this.#fronts.get(key);
    if (!fronts) {
      fronts = new Map();
      this.#fronts.set(key, fronts);
    }
    const id = flags * 65_536 + n;
    let front = fronts.get(id);
    if (!front) {
      front = this.#makeFront(headerOf(key.kid, flags, n));
      // n is whatever a stored value says, so only what is common is kept.
      if (n <= KEPT_BLOCKS) fronts.set(id, front);
    }
    return front;
  }

  #makeFront(header: string): Buffer {
    const pieces = [LABEL, Buffer.from(header, 'ascii')];
    if (this.binding !== BINDING.none) pieces.push(Buffer.from(this.scope, 'utf8'));
    return Buffer.concat([
      le64(pieces.length + this.rowKeys),
      ...pieces.flatMap((piece) => [le64(piece.length), piece]),
    ]);
  }
}

/** At least the bytes that the row-key pieces take in the authenticated data. */
export function rowRoom(row: readonly string[]): number {
  let bytes = 0;
  for (const piece of row) bytes += 8 + 3 * piece.length;
  return bytes;
}

/** Writes the row-key pieces of the PAE at `offset`; returns the offset behind them. */
export function writeRow(target: Buffer, offset: number, row: readonly string[]): number {
  let at = offset;
  for (const piece of row) {
    const length = target.write(piece, at + 8, 'utf8');
    target.writeUInt32LE(length, at);
    target.writeUInt32LE(0, at + 4);
    at += 8 + length;
  }
  return at;
}

// --- internal ---

/** The first 18 characters of a sealed value. */
function headerOf(kid: string, flags: number, n: number): string {
  return `chd1.${kid}.${Buffer.of(flags, n >>> 8, n & 0xff).toString('base64url')}`;
}
