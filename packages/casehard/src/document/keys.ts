import type { DocumentFormat } from './document.ts';

/** Where a string or a null stands in a document: the names that lead to it. */
export interface DocumentKey {
  readonly names: readonly string[];
  /** A list, whose members have no names of their own, lies on the way. */
  readonly inList: boolean;
}

/** Lists the places of the strings in a document; `undefined` where the text is none, or holds a lone scalar. */
export function listKeys(text: string, format: DocumentFormat): readonly DocumentKey[] | undefined {
  const document = format === 'json' ? parseJson(text) : parsePhp(text);
  if (!(document instanceof Map) && !Array.isArray(document)) return undefined;
  const found: DocumentKey[] = [];
  walk(document, { names: [], inList: false }, found);
  return found;
}

// --- internal ---

/** The shape of a document: only what leads to a string matters. */
type Shape = 'string' | 'other' | readonly Shape[] | ReadonlyMap<string, Shape>;

const MAX_DEPTH = 32;

function walk(shape: Shape, at: DocumentKey, found: DocumentKey[]): void {
  if (shape === 'string') found.push(at);
  if (typeof shape === 'string' || at.names.length >= MAX_DEPTH) return;
  const inList = at.inList || Array.isArray(shape);
  for (const [name, inner] of shape.entries()) walk(inner, { names: [...at.names, String(name)], inList }, found);
}

function parseJson(text: string): Shape | undefined {
  try {
    return ofJson(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function ofJson(value: unknown): Shape {
  if (typeof value === 'string') return 'string';
  if (typeof value !== 'object' || value === null) return 'other';
  if (Array.isArray(value)) return value.map(ofJson);
  return new Map(Object.entries(value).map(([name, inner]) => [name, ofJson(inner)]));
}

/** Reads PHP's `serialize`. Lengths count bytes, so the text is read as one character a byte. */
function parsePhp(text: string): Shape | undefined {
  const reader = new PhpReader(Buffer.from(text, 'utf8').toString('latin1'));
  const shape = reader.value(0);
  return reader.ended ? shape : undefined;
}

class PhpReader {
  readonly #bytes: string;
  #at = 0;

  constructor(bytes: string) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  value(depth: number): Shape | undefined {
    if (depth > MAX_DEPTH) return undefined;
    if (this.#match(/N;|b:[01];|i:[+-]?\d+;|d:[\w.+-]+;|[Rr]:\d+;/y)) return 'other';
    if (this.#string() !== undefined) return 'string';
    const array = this.#match(/a:(\d+):\{/y);
    if (array) return this.#pairs(Number(array[1]), depth);
    const head = this.#match(/O:(\d+):"/y);
    if (!head) return undefined;
    this.#at += Number(head[1]);
    const size = this.#match(/":(\d+):\{/y);
    return size && this.#pairs(Number(size[1]), depth);
  }

  #pairs(count: number, depth: number): Shape | undefined {
    const pairs = new Map<string, Shape>();
    let list = count > 0;
    for (let i = 0; i < count; i++) {
      const number = this.#match(/i:(-?\d+);/y);
      const key = number ? number[1] : this.#string()?.replace(/^\0[^\0]+\0/, '');
      const inner = key === undefined ? undefined : this.value(depth + 1);
      if (key === undefined || inner === undefined) return undefined;
      list &&= number !== undefined;
      pairs.set(Buffer.from(key, 'latin1').toString('utf8'), inner);
    }
    if (!this.#match(/\}/y)) return undefined;
    return list ? [...pairs.values()] : pairs;
  }

  #string(): string | undefined {
    const start = this.#at;
    const head = this.#match(/s:(\d+):"/y);
    if (!head) return undefined;
    const end = this.#at + Number(head[1]);
    const content = this.#bytes.slice(this.#at, end);
    this.#at = end;
    if (this.#match(/";/y)) return content;
    this.#at = start;
    return undefined;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#bytes);
    if (found) this.#at = pattern.lastIndex;
    return found ?? undefined;
  }
}
