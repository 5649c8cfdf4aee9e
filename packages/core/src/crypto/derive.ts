import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

export type { KeyObject };

const SALT = Buffer.from('casehard/v1', 'ascii');

/** HKDF-SHA256 (RFC 5869) with casehard's salt and an ASCII info (docs/format.md section 1). */
export function derive(key: Uint8Array | KeyObject, info: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, SALT, Buffer.from(info, 'ascii'), length));
}

/** The same, as a KeyObject: it prints nothing and cannot be serialized by accident. The bytes in between are cleared. */
export function deriveKey(key: Uint8Array | KeyObject, info: string): KeyObject {
  const bytes = derive(key, info, 32);
  const object = createSecretKey(bytes);
  bytes.fill(0);
  return object;
}
