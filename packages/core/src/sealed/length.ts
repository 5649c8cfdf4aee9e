/** Lengths and buckets of sealed values (docs/format.md section 2). Blocks are AES blocks of 16 bytes. */

const HEADER_CHARS = 14; // "chd1." kid "."
const FIXED_BYTES = 51; // flags, n, IV, T
const SMALL_BUCKETS = [2, 4, 8, 16, 32, 64] as const;
const LARGE_BUCKET = 64;

export const MAX_BLOCKS = 65_535;
/** The longest secret that is sealed or opened by default, in bytes. */
export const DEFAULT_MAX_SECRET = 65_534;

/** Stored characters (and bytes: it is ASCII) of a sealed value with n blocks. */
export function sealedLength(n: number): number {
  return HEADER_CHARS + Math.ceil((4 * (FIXED_BYTES + 16 * n)) / 3);
}

/** The longest secret, in bytes, that n blocks hold. */
export function capacity(n: number): number {
  return 16 * n - 2;
}

/** The smallest n that holds a secret of so many bytes. */
export function tightBlocks(bytes: number): number {
  return Math.max(1, Math.ceil((bytes + 2) / 16));
}

/** The bucket for a secret of so many bytes: all secrets of one bucket have one stored length. */
export function bucketBlocks(bytes: number): number {
  const tight = tightBlocks(bytes);
  return SMALL_BUCKETS.find((n) => n >= tight) ?? Math.ceil(tight / LARGE_BUCKET) * LARGE_BUCKET;
}

export interface Fit {
  readonly n: number;
  /** The bucket does not fit the column and the smallest n does: the stored length tells more about the secret's. */
  readonly padding: 'bucket' | 'tight';
}

/** The number of blocks for a secret in a column that holds `maxChars`; `undefined` where none fits. */
export function fit(bytes: number, maxChars: number): Fit | undefined {
  const bucket = bucketBlocks(bytes);
  if (bucket <= MAX_BLOCKS && sealedLength(bucket) <= maxChars) return { n: bucket, padding: 'bucket' };
  const tight = tightBlocks(bytes);
  if (tight <= MAX_BLOCKS && sealedLength(tight) <= maxChars) return { n: tight, padding: 'tight' };
  return undefined;
}
