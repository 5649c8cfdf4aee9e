import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import type { Peer } from './peers.ts';

/**
 * What a careful person writes without a library: encrypt-then-MAC with a random IV and two keys held as KeyObjects,
 * the row in the MAC, a comparison in constant time, base64url. No key id, no hidden length, no verdicts.
 */
export function bare(): Peer {
  const key = createSecretKey(randomBytes(32));
  const macKey = createSecretKey(randomBytes(32));
  return {
    name: 'bare createCipheriv + createHmac',
    sync: true,
    seal(secret, row) {
      const iv = randomBytes(16);
      const cipher = createCipheriv('aes-256-cbc', key, iv);
      const sealed = Buffer.concat([iv, cipher.update(secret, 'utf8'), cipher.final()]);
      const tag = createHmac('sha256', macKey).update(`smtp.password/${row}/`).update(sealed).digest();
      return Buffer.concat([sealed, tag]).toString('base64url');
    },
    open(stored, row) {
      const bytes = Buffer.from(stored, 'base64url');
      const sealed = bytes.subarray(0, -32);
      const tag = createHmac('sha256', macKey).update(`smtp.password/${row}/`).update(sealed).digest();
      if (!timingSafeEqual(tag, bytes.subarray(-32))) throw new Error('the MAC does not hold');
      const decipher = createDecipheriv('aes-256-cbc', key, sealed.subarray(0, 16));
      return decipher.update(sealed.subarray(16), undefined, 'utf8') + decipher.final('utf8');
    },
  };
}
