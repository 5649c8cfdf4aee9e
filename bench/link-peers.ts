import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
  randomBytes,
  type webcrypto,
} from 'node:crypto';
import { generateKey } from '@casehard/core';
import { createLinks, createTrackingKeyring, type Links } from '@casehard/core/links';

/** What every token says beside the time when it was made. */
export interface Numbers {
  readonly campaign: number;
  readonly recipient: number;
  readonly link: number;
}

/** Makes and reads tokens, used as its documentation shows it at its best. Verifying checks authenticity and age. */
export interface LinkPeer {
  readonly name: string;
  readonly sync: boolean;
  mint(numbers: Numbers): string | Promise<string>;
  /** Throws where a token is not authentic, or older than MAX_AGE_SECONDS. */
  verify(token: string): Numbers | Promise<Numbers>;
}

export const MAX_AGE_SECONDS = 90 * 86_400;

export function makeLinks(key = generateKey('trk')): Links {
  return createLinks({
    keyring: createTrackingKeyring({ active: key }),
    baseUrl: 'https://mail.example.com',
    purposes: { click: 'c' },
  });
}

/** The public API as an application uses it. */
export function ours(links: Links, name = 'casehard'): LinkPeer {
  return {
    name,
    sync: true,
    mint: (numbers) => links.mint('click', numbers),
    verify(token) {
      const result = links.verify('click', token);
      if (result.kind !== 'valid') throw new Error(`the token is ${result.kind}`);
      return result.claims as Numbers;
    },
  };
}

/** Everybody else, ready: keys are imported once wherever the library lets one. Needs bench/node_modules. */
export async function loadLinkPeers(): Promise<LinkPeer[]> {
  return [careful(), await jsonwebtoken(), await iron(), await jose(), await paseto()];
}

/**
 * The calls of node:crypto with nothing around them: 16 bytes in, ciphertext and tag out, the nonce from a counter. No
 * token, no claims, no age: what no implementation on these calls can undercut.
 */
export function bareCalls(): { mint(): number; verify(i: number): number } {
  const key = createSecretKey(randomBytes(32));
  const options = { authTagLength: 16 } as const;
  const plaintext = randomBytes(16);
  const nonce = randomBytes(12);
  let counter = 0;
  const seal = (): [nonce: Buffer, sealed: Buffer, tag: Buffer] => {
    nonce.writeUInt32BE(counter++, 8);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, options);
    const sealed = cipher.update(plaintext);
    cipher.final();
    return [nonce, sealed, cipher.getAuthTag()];
  };
  const sealed = Array.from({ length: 64 }, () => {
    const [own, text, tag] = seal();
    return [Buffer.from(own), text, tag] as const;
  });
  return {
    mint: () => seal()[1].length,
    verify(i) {
      const [own, text, tag] = sealed[i % sealed.length] as (typeof sealed)[number];
      const decipher = createDecipheriv('aes-256-gcm', key, own, options);
      decipher.setAuthTag(tag);
      const opened = decipher.update(text);
      decipher.final();
      return opened.length;
    },
  };
}

// --- internal ---

// The peers are installed when the benchmark first runs, so the compiler must not look for them: the little that is
// called of each is described here.
async function load<T>(specifier: string): Promise<T> {
  return (await import(specifier)) as T;
}

interface Timed extends Numbers {
  readonly iat: number;
}

const seconds = (): number => Math.floor(Date.now() / 1000);

/** A random nonce, JSON, one buffer, base64url. No key id, no purpose. */
function careful(): LinkPeer {
  const key = createSecretKey(randomBytes(32));
  return {
    name: 'a careful person: AES-256-GCM, JSON, base64url',
    sync: true,
    mint(numbers) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const sealed = cipher.update(JSON.stringify({ ...numbers, iat: seconds() }), 'utf8');
      return Buffer.concat([nonce, sealed, cipher.final(), cipher.getAuthTag()]).toString('base64url');
    },
    verify(token) {
      const bytes = Buffer.from(token, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 });
      decipher.setAuthTag(bytes.subarray(-16));
      const text = decipher.update(bytes.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8');
      const claims = JSON.parse(text) as Timed;
      if (claims.iat + MAX_AGE_SECONDS < seconds()) throw new Error('expired');
      return claims;
    },
  };
}

interface JsonWebToken {
  readonly default: {
    sign(claims: object, key: KeyObject): string;
    verify(token: string, key: KeyObject, options: object): Timed;
  };
}

/** Signed only: anybody can read the numbers. */
async function jsonwebtoken(): Promise<LinkPeer> {
  const { sign, verify } = (await load<JsonWebToken>('jsonwebtoken')).default;
  const key = createSecretKey(randomBytes(32));
  const options = { algorithms: ['HS256'], maxAge: MAX_AGE_SECONDS };
  return {
    name: 'jsonwebtoken 9.0.3, HS256, signed only',
    sync: true,
    mint: (numbers) => sign(numbers, key),
    verify: (token) => verify(token, key, options),
  };
}

interface Iron {
  readonly defaults: object;
  seal(value: Numbers, password: object, options: object): Promise<string>;
  unseal(token: string, password: object, options: object): Promise<Numbers>;
}

/** With two keys as buffers: passwords would go through PBKDF2 for every token. Its own expiry is the age. */
async function iron(): Promise<LinkPeer> {
  const { seal, unseal, defaults } = await load<Iron>('@hapi/iron');
  const keys = { encryption: randomBytes(32), integrity: randomBytes(32) };
  const sealing = { id: 'k1', ...keys };
  const opening = { k1: keys };
  const options = { ...defaults, ttl: MAX_AGE_SECONDS * 1000 };
  return {
    name: '@hapi/iron 7.0.1',
    sync: false,
    mint: (numbers) => seal(numbers, sealing, options),
    verify: (token) => unseal(token, opening, options),
  };
}

interface Encrypting {
  setProtectedHeader(header: object): this;
  setIssuedAt(): this;
  encrypt(key: webcrypto.CryptoKey): Promise<string>;
}
interface Jose {
  EncryptJWT: new (claims: object) => Encrypting;
  jwtDecrypt(token: string, key: webcrypto.CryptoKey, options: object): Promise<{ payload: Timed }>;
}

async function jose(): Promise<LinkPeer> {
  const { EncryptJWT, jwtDecrypt } = await load<Jose>('jose');
  const key = await crypto.subtle.importKey('raw', randomBytes(32), 'AES-GCM', false, ['encrypt', 'decrypt']);
  const header = { alg: 'dir', enc: 'A256GCM' };
  const options = { maxTokenAge: MAX_AGE_SECONDS };
  return {
    name: 'jose 6.2.18, dir + A256GCM',
    sync: false,
    mint: (numbers) => new EncryptJWT({ ...numbers }).setProtectedHeader(header).setIssuedAt().encrypt(key),
    verify: async (token) => (await jwtDecrypt(token, key, options)).payload,
  };
}

interface Paseto {
  generateKeys(purpose: 'local', options: { format: 'buffer' }): Uint8Array;
  encrypt(key: Uint8Array, claims: object, options: object): string;
  decrypt(key: Uint8Array, token: string): { payload: Numbers & { readonly iat: string } };
}

/** The key as bytes, so that it is not decoded for every token. Its expiry would make tokens longer: we check `iat`. */
async function paseto(): Promise<LinkPeer> {
  const { generateKeys, encrypt, decrypt } = await load<Paseto>('paseto-ts/v4');
  const key = generateKeys('local', { format: 'buffer' });
  const options = { addIat: true, addExp: false };
  return {
    name: 'paseto-ts 2.0.7, v4.local',
    sync: true,
    mint: (numbers) => encrypt(key, { ...numbers }, options),
    verify(token) {
      const { payload } = decrypt(key, token);
      if (Date.parse(payload.iat) + MAX_AGE_SECONDS * 1000 < Date.now()) throw new Error('expired');
      return payload;
    },
  };
}
