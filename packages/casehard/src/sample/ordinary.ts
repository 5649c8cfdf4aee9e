import type { SampleValue } from '../database/sample-schema.ts';
import { printPhp } from './php-text.ts';
import { base64Text } from './special-row.ts';

/** Ordinary rows are numbered from here; below are the special ones. */
export const FIRST_ORDINARY = 101;

type Rows = Generator<readonly SampleValue[]>;

/** Users with legacy values: some without a password, some soft-deleted. The same ones every time. */
export function* ordinaryUsers(count: number): Rows {
  const draw = new Draw(1);
  for (let id = FIRST_ORDINARY; id < FIRST_ORDINARY + count; id++) {
    const name = `${draw.of(NAMES)}${id}`;
    const kind = draw.below(100);
    const password =
      kind < 5 ? null : kind < 8 ? '' : base64Text(kind < 12 ? `${draw.text(6)}-ñé✓` : draw.text(8 + draw.below(17)));
    yield [
      id,
      name,
      `${name}@example.com`,
      `smtp${draw.below(9)}.example.net`,
      draw.below(2) === 0 ? 587 : 465,
      name,
      password,
      draw.below(10) === 0 ? null : draw.text(40),
      draw.below(50) === 0 ? 1 : 0,
      draw.day(2020),
      draw.day(2024),
    ];
  }
}

/** Lists with bounce mailboxes. */
export function* ordinaryLists(count: number, users: number): Rows {
  const draw = new Draw(2);
  for (let id = FIRST_ORDINARY; id < FIRST_ORDINARY + count; id++) {
    const password = draw.below(12) === 0 ? null : base64Text(draw.text(8 + draw.below(13)));
    yield [
      id,
      `${draw.of(TOPICS)} ${id}`,
      FIRST_ORDINARY + draw.below(users),
      'imap.example.net',
      `bounce+${id}`,
      password,
    ];
  }
}

/** Add-ons with PHP-serialized settings. */
export function* ordinaryAddons(count: number): Rows {
  const draw = new Draw(3);
  for (let i = 1; i <= count; i++) {
    const settings = {
      apiKey: draw.text(32),
      endpoint: `https://api${i}.example.net/v1`,
      retries: draw.below(5),
      tags: ['a', 'ü'],
    };
    yield [`addon-${i}`, draw.below(2), printPhp(settings)];
  }
}

/** OAuth clients with JSON. */
export function* ordinaryClients(count: number): Rows {
  const draw = new Draw(4);
  for (let i = 1; i <= count; i++) {
    const config = `{"client_secret":"${draw.text(24)}","account":${i}9007199254740993,"scopes":["send",["read",{"max":${i}}]]}`;
    yield [`client-${i}`, `Client ${i}`, config];
  }
}

// --- internal ---

const NAMES = ['ada', 'ben', 'chloé', 'dmitri', 'eva', 'farid', 'grace', 'hugo', 'ines', 'jörg', 'kofi', 'lena'];
const TOPICS = ['News', 'Offers', 'Releases', 'Événements', 'Weekly', 'Alerts'];
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Draws that look random and are the same every time (mulberry32). Never for keys. */
class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    return this.#next() % limit;
  }

  of(list: readonly string[]): string {
    return list[this.below(list.length)] ?? '';
  }

  text(length: number): string {
    let text = '';
    let bits = 0;
    for (let i = 0; i < length; i++) {
      if (i % 5 === 0) bits = this.#next();
      text += LETTERS[bits & 63];
      bits >>>= 6;
    }
    return text;
  }

  /** A time in one of four years, as every engine reads it. */
  day(from: number): string {
    const two = (n: number): string => (n < 10 ? `0${n}` : `${n}`);
    const bits = this.#next();
    return `${from + (bits & 3)}-${two(1 + ((bits >>> 2) % 12))}-${two(1 + ((bits >>> 6) % 28))} ${two((bits >>> 12) % 24)}:${two((bits >>> 18) % 60)}:00`;
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }
}
