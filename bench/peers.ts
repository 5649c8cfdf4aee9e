import { randomBytes, type webcrypto } from 'node:crypto';

/** A library that stores text as protected text, used as its documentation shows it at its best. */
export interface Peer {
  readonly name: string;
  readonly sync: boolean;
  /** `row` is the row's number, for those that bind a value to its row. */
  seal(secret: string, row: number): string | Promise<string>;
  open(stored: string, row: number): string | Promise<string>;
}

/** All peers, ready: keys are imported once wherever the library lets one. Needs bench/node_modules. */
export async function loadPeers(): Promise<Peer[]> {
  return [
    await cloak(),
    await typeormEncrypted('aes-256-cbc', 16, 'typeorm-encrypted 0.8.0, CBC without MAC'),
    await typeormEncrypted('aes-256-gcm', 12, 'typeorm-encrypted 0.8.0, GCM'),
    await laravel(),
    await iron(),
    await jose(),
    await nobleGcm(),
    await nobleCbc(),
  ];
}

// --- internal ---

// The peers are installed when the benchmark first runs, so the compiler must not look for them: the little that is
// called of each is described here.
async function load<T>(specifier: string): Promise<T> {
  return (await import(specifier)) as T;
}

interface Cloak {
  generateKey(): string;
  parseKeySync(key: string): object;
  encryptStringSync(text: string, key: object): string;
  decryptStringSync(text: string, key: object): string;
}

async function cloak(): Promise<Peer> {
  const { generateKey, parseKeySync, encryptStringSync, decryptStringSync } = await load<Cloak>('@47ng/cloak');
  const key = parseKeySync(generateKey());
  return {
    name: '@47ng/cloak 1.2.0',
    sync: true,
    seal: (secret) => encryptStringSync(secret, key),
    open: (stored) => decryptStringSync(stored, key),
  };
}

interface TypeormEncrypted {
  encryptData(data: Buffer, options: object): Buffer;
  decryptData(data: Buffer, options: object): Buffer;
}

/** What EncryptionTransformer's `to` and `from` do with a string; the class itself cannot be loaded without typeorm. */
async function typeormEncrypted(algorithm: string, ivLength: number, name: string): Promise<Peer> {
  const { encryptData, decryptData } = await load<TypeormEncrypted>('typeorm-encrypted/lib/crypto.js');
  const options = { key: randomBytes(32).toString('hex'), algorithm, ivLength };
  return {
    name,
    sync: true,
    seal: (secret) => encryptData(Buffer.from(secret, 'utf8'), options).toString('base64'),
    open: (stored) => decryptData(Buffer.from(stored, 'base64'), options).toString('utf8'),
  };
}

interface Laravel {
  Encryptor: new (options: { key: string }) => { encryptSync(text: string): string; decrypt(stored: string): string };
}

async function laravel(): Promise<Peer> {
  const { Encryptor } = await load<Laravel>('node-laravel-encryptor');
  const encryptor = new Encryptor({ key: randomBytes(32).toString('base64') });
  return {
    name: 'node-laravel-encryptor 3.0.2',
    sync: true,
    seal: (secret) => encryptor.encryptSync(secret),
    open: (stored) => encryptor.decrypt(stored),
  };
}

interface Iron {
  readonly defaults: object;
  seal(value: string, password: object, options: object): Promise<string>;
  unseal(stored: string, password: object, options: object): Promise<string>;
}

/** With two keys as buffers: passwords would go through PBKDF2 for every value. */
async function iron(): Promise<Peer> {
  const { seal, unseal, defaults } = await load<Iron>('@hapi/iron');
  const keys = { encryption: randomBytes(32), integrity: randomBytes(32) };
  const sealing = { id: 'k1', ...keys };
  const opening = { k1: keys };
  return {
    name: '@hapi/iron 7.0.1',
    sync: false,
    seal: (secret) => seal(secret, sealing, defaults),
    open: (stored) => unseal(stored, opening, defaults),
  };
}

interface Jose {
  CompactEncrypt: new (
    text: Uint8Array,
  ) => { setProtectedHeader(header: object): { encrypt(key: webcrypto.CryptoKey): Promise<string> } };
  compactDecrypt(stored: string, key: webcrypto.CryptoKey): Promise<{ plaintext: Uint8Array }>;
}

async function jose(): Promise<Peer> {
  const { CompactEncrypt, compactDecrypt } = await load<Jose>('jose');
  const key = await crypto.subtle.importKey('raw', randomBytes(32), 'AES-GCM', false, ['encrypt', 'decrypt']);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const header = { alg: 'dir', enc: 'A256GCM' };
  return {
    name: 'jose 6.2.18, dir + A256GCM',
    sync: false,
    seal: (secret) => new CompactEncrypt(encoder.encode(secret)).setProtectedHeader(header).encrypt(key),
    open: async (stored) => decoder.decode((await compactDecrypt(stored, key)).plaintext),
  };
}

interface NobleCipher {
  encrypt(data: Uint8Array): Uint8Array;
  decrypt(data: Uint8Array): Uint8Array;
}
interface NobleAes {
  readonly gcm: object;
  cbc(key: Uint8Array, iv: Uint8Array): NobleCipher;
}
interface NobleUtils {
  managedNonce(cipher: object): (key: Uint8Array) => NobleCipher;
  randomBytes(length: number): Uint8Array;
  concatBytes(...parts: Uint8Array[]): Uint8Array;
  equalBytes(a: Uint8Array, b: Uint8Array): boolean;
}
interface NobleHmac {
  hmac(hash: object, key: Uint8Array, message: Uint8Array): Uint8Array;
}

/** Its results are bytes; Buffer turns them into text, which is quicker than its own encoders. */
const text = (bytes: Uint8Array, encoding: 'base64url' | 'utf8'): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding);

async function nobleGcm(): Promise<Peer> {
  const { gcm } = await load<NobleAes>('@noble/ciphers/aes.js');
  const { managedNonce } = await load<NobleUtils>('@noble/ciphers/utils.js');
  const aes = managedNonce(gcm)(new Uint8Array(randomBytes(32)));
  return {
    name: '@noble/ciphers 2.4.0, gcm',
    sync: true,
    seal: (secret) => text(aes.encrypt(new TextEncoder().encode(secret)), 'base64url'),
    open: (stored) => text(aes.decrypt(Uint8Array.from(Buffer.from(stored, 'base64url'))), 'utf8'),
  };
}

async function nobleCbc(): Promise<Peer> {
  const { cbc } = await load<NobleAes>('@noble/ciphers/aes.js');
  const { randomBytes: random, concatBytes, equalBytes } = await load<NobleUtils>('@noble/ciphers/utils.js');
  const { hmac } = await load<NobleHmac>('@noble/hashes/hmac.js');
  const { sha256 } = await load<{ sha256: object }>('@noble/hashes/sha2.js');
  const key = random(32);
  const macKey = random(32);
  return {
    name: '@noble/ciphers 2.4.0, cbc + hmac',
    sync: true,
    seal(secret) {
      const iv = random(16);
      const sealed = concatBytes(iv, cbc(key, iv).encrypt(new TextEncoder().encode(secret)));
      return text(concatBytes(sealed, hmac(sha256, macKey, sealed)), 'base64url');
    },
    open(stored) {
      const bytes = Uint8Array.from(Buffer.from(stored, 'base64url'));
      const sealed = bytes.subarray(0, -32);
      if (!equalBytes(hmac(sha256, macKey, sealed), bytes.subarray(-32))) throw new Error('the MAC does not hold');
      return text(cbc(key, sealed.slice(0, 16)).decrypt(sealed.slice(16)), 'utf8');
    },
  };
}
