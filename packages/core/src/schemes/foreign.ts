/**
 * Names the product whose ciphertext or password hash a stored text is; `undefined` for everything else. A text counts
 * only where it follows the product's own grammar: a password that merely begins alike is a password. Spaces and zero
 * bytes at the end, as columns pad with, do not matter.
 */
export function foreignProduct(text: string): string | undefined {
  const candidates = BY_FIRST.get(text[0] ?? '');
  if (!candidates) return undefined;
  const begun = candidates.filter(({ begins }) => begins.some((marker) => text.startsWith(marker)));
  if (begun.length === 0) return undefined;
  const unpadded = text.slice(0, contentEnd(text));
  return begun.find(({ is }) => is(unpadded))?.name;
}

// --- internal ---

interface Product {
  readonly name: string;
  /** Compared first, because a bulk run asks this for every value. */
  readonly begins: readonly string[];
  readonly is: (text: string) => boolean;
}

/** The least number of base64 characters, without padding, that so many bytes take. */
const chars = (bytes: number): number => Math.ceil((bytes * 4) / 3);

const BASE64 = '[A-Za-z0-9+/]';
const BASE64URL = '[A-Za-z0-9_-]';

/** `grammar` is a regular expression for the whole text. No two of its repetitions may compete for one character. */
function product(name: string, begins: string | readonly string[], grammar: string): Product {
  const whole = new RegExp(`^(?:${grammar})$`);
  return { name, begins: [begins].flat(), is: (text) => whole.test(text) };
}

const PRODUCTS: readonly Product[] = [
  { name: 'laravel', begins: ['eyJpdiI6'], is: isLaravel },
  { name: 'jwe', begins: ['eyJ'], is: isJwe },
  // version 0x80, a time whose first bytes are zero, IV, at least one block, HMAC
  product('fernet', 'gAAAAA', `gAAAAA${BASE64URL}{${chars(73) - 6},}={0,2}`),
  product(
    'iron',
    'Fe26.',
    `Fe26\\.\\d+\\*\\w*\\*[0-9a-f]{32,}\\*${BASE64URL}{22}\\*${BASE64URL}+\\*\\d*\\*[0-9a-f]{32,}\\*${BASE64URL}{43}(?:~\\d+)?`,
  ),
  // magic, key id, key modifier, nonce, tag; applications spell the bytes in either alphabet
  product('aspnet-data-protection', 'CfDJ8', `CfDJ8[A-P][A-Za-z0-9+/_-]{${chars(64) - 6},}={0,2}`),
  // 'Salted__', 8 bytes of salt, content; `openssl enc` breaks lines
  product('openssl', 'U2FsdGVkX1', `U2FsdGVkX1[89+/][A-Za-z0-9+/\\r\\n]{${chars(17) - 11},}={0,2}`),
  product(
    'ansible-vault',
    '$ANSIBLE_VAULT;',
    '\\$ANSIBLE_VAULT;1\\.\\d;AES(?:256)?(?:;[^\\s;]+)?\\s+[0-9a-f]{32}[0-9a-f\\s]*',
  ),
  // the `public` purpose is signed, not sealed
  product(
    'paseto',
    ['v1.local.', 'v2.local.', 'v3.local.', 'v4.local.'],
    `v[1-4]\\.local\\.${BASE64URL}{${chars(40)},}(?:\\.${BASE64URL}*)?`,
  ),
  product('ciphersweet', 'fips:', `fips:${BASE64URL}{${chars(96)},}={0,2}`),
  product('ciphersweet', 'brng:', `brng:${BASE64URL}{${chars(56)},}={0,2}`),
  product('ciphersweet', 'nacl:', `nacl:${BASE64URL}{${chars(40)},}={0,2}`),
  // content and headers in any order; also where a narrow column has cut it
  product('rails', '{"p":"', `\\{"p":"(?:${BASE64}*={0,2}","h":\\{"(?:iv|at|i|k|c|e)":[^]*|${BASE64}{24,}={0,2})`),
  product('defuse', 'def50200', `def50200[0-9a-f]{${2 * (32 + 16 + 32)},}`),
  product('sops', 'ENC[', 'ENC\\[AES256_GCM,data:[^]*'),
  product('hiera-eyaml', 'ENC[', `ENC\\[(?:PKCS7|GPG),[A-Za-z0-9+/=\\s]{64,}\\]`),
  product('vault', 'vault:v', `vault:v[1-9]\\d*:${BASE64}{${chars(28)},}={0,2}`),
  product('cloak', 'v1.aesgcm256.', `v1\\.aesgcm256\\.[0-9a-fA-F]{8}\\.${BASE64URL}{16}\\.${BASE64URL}{22,}={0,2}`),
  product('bcrypt', ['$2a$', '$2b$', '$2y$'], '\\$2[aby]\\$\\d\\d\\$[./A-Za-z0-9]{22,53}'),
  product('argon2', '$argon2', `\\$argon2(?:id|i|d)\\$(?:v=\\d+\\$)?m=\\d+[^]*`),
  product(
    'age',
    '-----BEGIN AGE ENCRYPTED FILE-----',
    '-----BEGIN AGE ENCRYPTED FILE-----\\s+YWdlLWVuY3J5cHRpb24ub3Jn[^]*',
  ),
  product('pgp', '-----BEGIN PGP MESSAGE-----', '-----BEGIN PGP MESSAGE-----[ \\t]*[\\r\\n][^]*'),
];

const BY_FIRST: ReadonlyMap<string, readonly Product[]> = new Map(
  PRODUCTS.flatMap(({ begins }) => begins.map((marker) => marker.slice(0, 1))).map((first) => [
    first,
    PRODUCTS.filter(({ begins }) => begins.some((marker) => marker.startsWith(first))),
  ]),
);

/** Base64 of `{"iv":"…","value":"…","mac":"…"}`; recognised also where a narrow column has cut it. */
function isLaravel(text: string): boolean {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return false;
  return /^\{"iv":"[\w+/\\]{16,}={0,2}","value":"/.test(decoded(text));
}

/** Five parts, the first of which says how the content is encrypted (RFC 7516). Three parts are an ordinary token. */
function isJwe(text: string): boolean {
  const parts = /^([\w-]+)\.[\w-]*\.[\w-]+\.[\w-]*\.[\w-]+$/.exec(text);
  if (!parts) return false;
  try {
    const header: unknown = JSON.parse(decoded(parts[1] as string));
    return typeof header === 'object' && header !== null && 'enc' in header && typeof header.enc === 'string';
  } catch {
    return false;
  }
}

/** Where the padding begins. A regular expression would look at every run of spaces inside the text. */
function contentEnd(text: string): number {
  let end = text.length;
  while (end > 0 && /[\s\0]/.test(text[end - 1] as string)) end--;
  return end;
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
