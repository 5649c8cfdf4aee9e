import { createHash } from 'node:crypto';
import { deriveKeys, type ReferenceKey } from '../reference.ts';

/** Published test keys: everybody has them, nobody may use them. */
const HEX = {
  counting: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
  second: digest('casehard test master 8').toString('hex'),
  third: digest('casehard test master 18').toString('hex'),
} as const;

export type MasterName = keyof typeof HEX;

export function masterOf(name: MasterName): Buffer {
  return Buffer.from(HEX[name], 'hex');
}

export function keyOf(name: MasterName): ReferenceKey {
  return deriveKeys(masterOf(name));
}

/** Masters as the files publish them. */
export function publishedMasters(): Record<string, { master: string; kid: string }> {
  const names = Object.keys(HEX) as MasterName[];
  return Object.fromEntries(names.map((name) => [name, { master: HEX[name], kid: keyOf(name).kid }]));
}

/** An IV that depends on the vector's name only, so that the files can be made again. */
export function ivFor(name: string): Buffer {
  return digest(`casehard test iv ${name}`).subarray(0, 16);
}

// --- internal ---

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
