import { CasehardError } from '../errors.ts';

/** One name that a file gives a value to. */
export interface Definition {
  readonly name: string;
  /** `undefined` where the file computes the value instead of spelling it. */
  readonly value: string | undefined;
  /** Counted from 1. */
  readonly line: number;
}

/** The assignments of a `.env` text by name. A name with two different values is an error that names both lines. */
export function parseDotenv(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const lines = new Map<string, number>();
  for (const { name, value, line } of scanDotenv(text)) {
    if (found.has(name) && found.get(name) !== value) {
      throw new CasehardError(
        'KEY_CONFLICT',
        `${name} has different values in line ${lines.get(name)} and line ${line}`,
        {
          hint: 'keep the right line and delete the other one',
        },
      );
    }
    found.set(name, value);
    lines.set(name, line);
  }
  return found;
}

/**
 * Every assignment of a `.env` text in order, duplicates included. Understands `export`, comments, single, double and
 * back quotes (also over several lines), CRLF and a BOM; expands no variables and skips lines it does not understand.
 */
export function scanDotenv(text: string): (Definition & { readonly value: string })[] {
  const source = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  const found: (Definition & { readonly value: string })[] = [];
  let line = 1;
  for (let at = 0; at < source.length; ) {
    ASSIGNMENT.lastIndex = at;
    const assignment = ASSIGNMENT.exec(source);
    let end: number;
    if (assignment) {
      const value = readValue(source, ASSIGNMENT.lastIndex);
      found.push({ name: assignment[1] as string, value: value.value, line });
      end = value.end;
    } else {
      end = lineEnd(source, at);
    }
    for (let i = source.indexOf('\n', at); i !== -1 && i <= end; i = source.indexOf('\n', i + 1)) line++;
    at = end + 1;
  }
  return found;
}

// --- internal ---

const ASSIGNMENT = /[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$' };

/** The value that begins at `start`, and the index of the line end after it. */
function readValue(source: string, start: number): { value: string; end: number } {
  const quoted = readQuoted(source, start);
  if (quoted) return quoted;
  const end = lineEnd(source, start);
  const raw = source.slice(start, end);
  const comment = raw.search(/(?:^|[ \t])#/);
  return { value: (comment === -1 ? raw : raw.slice(0, comment)).trim(), end };
}

/** A quoted value; `undefined` where the quote never closes or more than a comment follows: then it is not a quote. */
function readQuoted(source: string, start: number): { value: string; end: number } | undefined {
  const quote = source[start];
  if (quote !== "'" && quote !== '"' && quote !== '`') return undefined;
  let close = start + 1;
  while (close < source.length && source[close] !== quote) close += quote === '"' && source[close] === '\\' ? 2 : 1;
  if (close >= source.length) return undefined;
  const end = lineEnd(source, close);
  if (!/^[ \t]*(?:#.*)?$/.test(source.slice(close + 1, end))) return undefined;
  const raw = source.slice(start + 1, close);
  return { value: quote === '"' ? raw.replace(/\\([\s\S])/g, (all, c: string) => ESCAPES[c] ?? all) : raw, end };
}

function lineEnd(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end === -1 ? source.length : end;
}
