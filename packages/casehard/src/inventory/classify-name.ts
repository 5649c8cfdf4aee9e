/** What the name of a column, a setting or a document's key says about what it holds. */
export type NameVerdict =
  | { readonly kind: 'credential'; readonly secret: 'password' | 'key'; readonly because: string }
  | { readonly kind: 'about'; readonly because: string }
  | { readonly kind: 'ordinary' };

/** Judges a name by its words: `smtpPassword`, `SMTP_PASSWORD` and `smtp-password` are one. */
export function classifyName(name: string): NameVerdict {
  const words = wordsOf(name);
  const found = passwordWord(words) ?? keyWord(words);
  if (found === undefined) return { kind: 'ordinary' };
  const last = words.at(-1) ?? '';
  const hash = words.find((word) => HASHES.has(word));
  if (hash !== undefined) return { kind: 'about', because: `named a ${hash}: it can be checked but not turned back` };
  if (words.some((word) => word === 'public')) return { kind: 'about', because: 'named public' };
  if (ABOUT.has(last) || QUESTIONS.has(words[0] ?? '')) {
    return { kind: 'about', because: `named as something about a credential ("${last}"), not the credential` };
  }
  const lookedUp = words.find((word) => ONE_TIME.has(word));
  if (lookedUp !== undefined && found.secret === 'key') {
    return {
      kind: 'about',
      because: `a ${lookedUp} token: short-lived, and looked up by its value, which sealing would stop`,
    };
  }
  return { kind: 'credential', secret: found.secret, because: `named like ${found.word}` };
}

/** Parts of names that can belong to a credential, for a first selection in SQL. */
export const CREDENTIAL_PARTS: readonly string[] = ['pass', 'pwd', 'secret', 'token', 'key', 'credential', 'bearer'];

/** The words of an identifier, in lower case: parted by anything but letters and digits, and where case changes. */
export function wordsOf(name: string): readonly string[] {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}

// --- internal ---

interface Found {
  readonly word: string;
  readonly secret: 'password' | 'key';
}

const HASHES = new Set(['hash', 'hashed', 'hashes', 'digest', 'salt', 'crypt', 'fingerprint', 'checksum']);

const ABOUT = new Set(
  (
    'id ids uuid at on date time timestamp expires expiry expired expiration expire ttl age lifetime created updated changed ' +
    'modified used hint count counter attempts attempt tries failures policy rule rules length min max type kind url uri link ' +
    'endpoint host path file name label title description required enabled disabled active valid status state strength scope ' +
    'scopes version prefix suffix last4 limit quota usage algorithm alg method format field fields question reminder ref'
  ).split(' '),
);

const QUESTIONS = new Set([
  'is',
  'has',
  'use',
  'uses',
  'show',
  'require',
  'requires',
  'allow',
  'force',
  'must',
  'can',
  'last',
  'num',
]);

const ONE_TIME = new Set([
  'csrf',
  'xsrf',
  'session',
  'remember',
  'reset',
  'confirmation',
  'verification',
  'activation',
  'invite',
  'invitation',
  'unsubscribe',
  'optin',
  'device',
  'push',
]);

const PASSWORD =
  /^(?:\p{L}*(?:password|passwd|passphrase|passcode|passwort|kennwort)|pwd|pass|pw|(?:db|smtp|ftp|sftp|imap|pop|pop3|mail|user|ssh|proxy|ldap|sql|bounce|admin|auth)(?:pass|pwd|pw))s?\d*$/u;
const KEY = /^(?:\p{L}*(?:secret|token|apikey|secretkey|privatekey|accesskey)|credential|bearer)s?\d*$/u;
/** Words that turn a `key` into a credential: alone it is any key of a map. */
const BEFORE_KEY = new Set(
  'api private secret access auth authentication encryption encrypt signing sign hmac master account service consumer app license licence storage shared'.split(
    ' ',
  ),
);

function passwordWord(words: readonly string[]): Found | undefined {
  return words.some((word) => PASSWORD.test(word)) ? { word: 'a password', secret: 'password' } : undefined;
}

function keyWord(words: readonly string[]): Found | undefined {
  const word = words.find((each) => KEY.test(each));
  if (word !== undefined)
    return { word: `a ${/credential|bearer|secret|token/.exec(word)?.[0] ?? 'key'}`, secret: 'key' };
  const at = words.findIndex((each, i) => /^keys?\d*$/.test(each) && BEFORE_KEY.has(words[i - 1] ?? ''));
  return at < 0 ? undefined : { word: `a key (${words[at - 1]} key)`, secret: 'key' };
}
