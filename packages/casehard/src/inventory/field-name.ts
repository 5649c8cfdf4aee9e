import { wordsOf } from './classify-name.ts';

/** A logical name from the words of a table and of what is in it: users.smtp_password is `user.smtp.password`. */
export function fieldName(table: string, inside: readonly string[], kind: 'setting' | 'column' | 'path'): string {
  const tableWords = wordsOf(table.split('.').at(-1) ?? '');
  const front =
    kind === 'setting' && SETTINGS.has(tableWords.at(-1) ?? '')
      ? [...tableWords.slice(0, -1), 'system']
      : [...tableWords.slice(0, -1), singular(tableWords.at(-1) ?? '')];
  const back = inside.flatMap(wordsOf);
  // oauth_clients and client_secret share a word: oauth.client.secret.
  let shared = Math.min(front.length, back.length - 1);
  while (shared > 0 && !front.slice(-shared).every((word, i) => word === back[i])) shared--;
  const words = [...front, ...back.slice(Math.max(shared, 0))]
    .map((word) => word.replace(/[^a-z0-9]/g, ''))
    .filter((word) => word !== '');
  return words.join('.') || 'field';
}

/** The same name where it is free, else with a number. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  for (let n = 2; ; n++) {
    if (!taken.has(`${name}-${n}`)) return `${name}-${n}`;
  }
}

// --- internal ---

const SETTINGS = new Set(
  'settings setting options option config configs configuration preferences parameters params variables'.split(' '),
);

function singular(word: string): string {
  if (/[^aeiou]ies$/.test(word)) return `${word.slice(0, -3)}y`;
  if (/(?:ss|sh|ch|x)es$/.test(word)) return word.slice(0, -2);
  return /[^sui]s$/.test(word) ? word.slice(0, -1) : word;
}
