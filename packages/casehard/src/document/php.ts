import { AMBIGUOUS, type Lookup, NOT_A_STRING, NOTHING, parsePointer } from './lookup.ts';

export interface PhpOptions {
  /** How the document's bytes spell its text, because its lengths count bytes; default `utf-8`. */
  readonly encoding?: 'utf-8' | 'latin1';
}

/**
 * Finds the string at a pointer in a text made by PHP's `serialize`. Every length is verified and the whole text must
 * parse. Properties are found by their bare names, private and protected ones too; a reference is not a string.
 */
export function locatePhp(text: string, pointer: string, options: PhpOptions = {}): Lookup {
  const path = parsePointer(pointer);
  const reader = new Reader(text, options);
  const hits: Lookup[] = [];
  // A stack of our own instead of recursion: no nesting is too deep. `depth` of a value is how many names of the path
  // lead to it, or -1 beside the path.
  const open: Container[] = [];
  for (let depth = 0; ; ) {
    const start = reader.at;
    const value = reader.value();
    if (!value) return NOT_SERIALIZED;
    if (value.kind === 'container') open.push({ left: value.pairs, depth });
    if (depth === path.length) hits.push(found(value, text, start, reader.at, options));
    else if (depth >= 0 && value.kind !== 'container') hits.push(value.kind === 'null' ? NOTHING : NOT_A_STRING);

    while (open.at(-1)?.left === 0) {
      open.pop();
      if (!reader.take('}')) return NOT_SERIALIZED;
    }
    const inside = open.at(-1);
    if (!inside) break;
    inside.left--;
    const key = reader.key();
    if (key === undefined) return NOT_SERIALIZED;
    depth = inside.depth >= 0 && key === path[inside.depth] ? inside.depth + 1 : -1;
    if (depth > 0 && inside.seen) hits.push(AMBIGUOUS);
    if (depth > 0) inside.seen = true;
  }
  if (reader.at !== text.length) return NOT_SERIALIZED;
  return hits.includes(AMBIGUOUS) ? AMBIGUOUS : (hits[0] ?? NOTHING);
}

/** A string as `serialize` prints it: `s:7:"hunter2";`. */
export function printPhpString(value: string, options: PhpOptions = {}): string {
  const bytes = options.encoding === 'latin1' ? value.length : Buffer.byteLength(value);
  return `s:${bytes}:"${value}";`;
}

// --- internal ---

const NOT_SERIALIZED: Lookup = { found: 'problem', why: 'NOT_SERIALIZED' };

/** An array or object that has been begun: how many pairs are still to come, and its place on the path. */
interface Container {
  left: number;
  readonly depth: number;
  seen?: boolean;
}

type Value =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'container'; readonly pairs: number }
  | { readonly kind: 'null' | 'other' };

const NULL = /N;/y;
const OTHER = /b:[01];|i:[+-]?\d+;|d:(?:NAN|-?INF|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?);|[Rr]:\d+;/y;
const INTEGER = /i:([+-]?\d+);/y;
const STRING = /[sE]:(\d+):"/y;
const ARRAY = /a:(\d+):\{/y;
const OBJECT = /([OC]):(\d+):"/y;
const SIZE = /":(\d+):\{/y;

function found(value: Value, text: string, start: number, end: number, options: PhpOptions): Lookup {
  if (value.kind === 'null') return NOTHING;
  if (value.kind !== 'string') return NOT_A_STRING;
  const exact = printPhpString(value.text, options) === text.slice(start, end);
  return { found: 'value', located: { value: value.text, start, end, exact, style: undefined } };
}

/** Reads one piece of the text at a time; `undefined` wherever the text is not what `serialize` makes. */
class Reader {
  at = 0;
  readonly #text: string;
  readonly #latin1: boolean;

  constructor(text: string, { encoding }: PhpOptions) {
    this.#text = text;
    this.#latin1 = encoding === 'latin1';
  }

  value(): Value | undefined {
    const type = this.#text[this.at];
    if (type === 's' || type === 'E') {
      const text = this.#string();
      if (text === undefined) return undefined;
      return type === 's' ? { kind: 'string', text } : { kind: 'other' };
    }
    if (type === 'a') {
      const head = this.#match(ARRAY);
      return head && { kind: 'container', pairs: Number(head[1]) };
    }
    if (type === 'O' || type === 'C') return this.#object();
    if (this.#match(NULL)) return { kind: 'null' };
    return this.#match(OTHER) && { kind: 'other' };
  }

  /** An array key or the bare name of a property; PHP makes `"7"` and `7` one key. */
  key(): string | undefined {
    const integer = this.#match(INTEGER);
    if (integer) return String(BigInt((integer[1] as string).replace('+', '')));
    if (this.#text[this.at] !== 's') return undefined;
    return this.#string()?.replace(/^\0[^\0]+\0/, '');
  }

  take(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.at)) return false;
    this.at += expected.length;
    return true;
  }

  #string(): string | undefined {
    const head = this.#match(STRING);
    const content = head && this.#bytes(Number(head[1]));
    return content !== undefined && this.take('";') ? content : undefined;
  }

  /** What a class serializes by itself (`C:`) is opaque. */
  #object(): Value | undefined {
    const head = this.#match(OBJECT);
    if (!head || this.#bytes(Number(head[2])) === undefined) return undefined;
    const size = this.#match(SIZE);
    if (!size) return undefined;
    if (head[1] === 'O') return { kind: 'container', pairs: Number(size[1]) };
    return this.#bytes(Number(size[1])) !== undefined && this.take('}') ? { kind: 'other' } : undefined;
  }

  /** The next text of exactly so many bytes. */
  #bytes(count: number): string | undefined {
    const start = this.at;
    let end = start;
    for (let left = count; left > 0; ) {
      const point = this.#text.codePointAt(end);
      if (point === undefined) return undefined;
      const units = this.#latin1 || point <= 0xffff ? 1 : 2;
      left -= this.#latin1 || point < 0x80 ? 1 : point < 0x800 ? 2 : point <= 0xffff ? 3 : 4;
      if (left < 0) return undefined;
      end += units;
    }
    this.at = end;
    return this.#text.slice(start, end);
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text);
    if (found) this.at = pattern.lastIndex;
    return found ?? undefined;
  }
}
