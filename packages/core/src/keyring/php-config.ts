import type { Definition } from './dotenv.ts';

/** The `define('NAME', 'value')` and `const NAME = 'value'` lines of a PHP text by name; the first of a name wins, as in PHP. Nothing is executed. */
export function parsePhpDefines(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name, value } of scanPhpDefines(text)) {
    if (value !== undefined && !found.has(name)) found.set(name, value);
  }
  return found;
}

/**
 * Every `define` of a PHP text in order, whichever branch or function it stands in. `value` is `undefined` where it is
 * more than one string literal: a concatenation, a call, a variable inside double quotes.
 */
export function scanPhpDefines(text: string): Definition[] {
  const found: Definition[] = [];
  let line = 1;
  let counted = 0;
  let at = 0;
  let before = '';
  for (let token = next(text, at, 'html'); token; token = next(text, at, token.mode)) {
    at = token.end;
    const isCall = !/^(?:->|\?->|::|function|new)$/i.test(before);
    if (token.kind === 'word' && isCall && /^(?:\\?define|const)$/i.test(token.text)) {
      const definition = /^const$/i.test(token.text) ? readConst(text, token.end) : readDefine(text, token.end);
      if (definition) {
        for (; counted < token.start; counted++) if (text[counted] === '\n') line++;
        found.push({ ...definition, line });
      }
    }
    if (token.kind !== 'space') before = token.text;
  }
  return found;
}

// --- internal ---

interface Token {
  readonly kind: 'space' | 'word' | 'string' | 'sign';
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** What follows the token: program text, or text outside `<?php`. */
  readonly mode: 'php' | 'html';
  /** Of a string: what it evaluates to, where that is known without running it. */
  readonly value?: string | undefined;
}

const OPENING = /<\?(?:php(?=\s|$)|=|(?=\s))/gi;
const SPACE = /(?:\s+|\/\*[\s\S]*?(?:\*\/|$)|(?:\/\/|#(?!\[))(?:(?!\?>)[^\r\n])*)/y;
const WORD = /[\\$]?[A-Za-z_\x80-\uFFFF][\w\\\x80-\uFFFF]*/y;
const HEREDOC = /<<<[ \t]*(["']?)([A-Za-z_\x80-\uFFFF][\w\x80-\uFFFF]*)\1\r?\n/y;
const SIGN = /\?->|->|::|[\s\S]/y;
const DEEPEST = 50;

/** The token at `at`, in program text or outside of it. */
function next(text: string, at: number, mode: 'php' | 'html', depth = 0): Token | undefined {
  if (mode === 'html') {
    OPENING.lastIndex = at;
    const opening = OPENING.exec(text);
    return opening ? token('space', text, opening.index, OPENING.lastIndex) : undefined;
  }
  if (at >= text.length) return undefined;
  if (text.startsWith('?>', at)) return { ...token('sign', text, at, at + 2), mode: 'html' };
  const space = match(SPACE, text, at);
  if (space) return token('space', text, at, space);
  const word = match(WORD, text, at);
  if (word) {
    const end = /^\\?__halt_compiler$/i.test(text.slice(at, word)) ? text.length : word;
    return token('word', text, at, end);
  }
  const c = text[at];
  if (c === "'") return singleQuoted(text, at);
  if (c === '"' || c === '`') return doubleQuoted(text, at, c, depth);
  HEREDOC.lastIndex = at;
  const heredoc = HEREDOC.exec(text);
  if (heredoc) {
    // The closing name may be indented and may be the first line; what follows it may be anything but a name.
    const closing = new RegExp(`(?<=\\n)[ \\t]*${heredoc[2]}(?![\\w\\x80-\\uFFFF])`, 'g');
    closing.lastIndex = HEREDOC.lastIndex;
    const end = closing.exec(text) ? closing.lastIndex : text.length;
    return { ...token('string', text, at, end), value: undefined };
  }
  return token('sign', text, at, match(SIGN, text, at) as number);
}

/** `('NAME', 'value')` after the word `define`; `undefined` where its name is not a literal. */
function readDefine(text: string, from: number): Omit<Definition, 'line'> | undefined {
  const tokens = significant(text, from);
  if (tokens.next().value?.text !== '(') return undefined;
  const name = tokens.next().value;
  if (name?.value === undefined || tokens.next().value?.text !== ',') return readOddly(text, from);
  const value = tokens.next().value;
  const after = tokens.next().value?.text;
  return { name: name.value, value: after === ')' || after === ',' ? value?.value : undefined };
}

/** `NAME = 'value';` after the word `const`. */
function readConst(text: string, from: number): Omit<Definition, 'line'> | undefined {
  const tokens = significant(text, from);
  const name = tokens.next().value;
  if (name?.kind !== 'word' || tokens.next().value?.text !== '=') return undefined;
  const value = tokens.next().value;
  const after = tokens.next().value?.text;
  return { name: name.text, value: after === ';' || after === ',' ? value?.value : undefined };
}

/** A call that is spelled in another way, with named arguments say: its name is seen, its value is not read. */
function readOddly(text: string, from: number): Omit<Definition, 'line'> | undefined {
  for (const token of significant(text, from)) {
    if (token.text === ';' || token.text === ',') return undefined;
    if (token.kind === 'string') return token.value === undefined ? undefined : { name: token.value, value: undefined };
  }
  return undefined;
}

function* significant(text: string, from: number): Generator<Token, undefined> {
  for (let t = next(text, from, 'php'); t && t.mode === 'php'; t = next(text, t.end, 'php')) {
    if (t.kind !== 'space') yield t;
  }
}

function singleQuoted(text: string, at: number): Token {
  let end = at + 1;
  while (end < text.length && text[end] !== "'") end += text[end] === '\\' ? 2 : 1;
  const closed = end < text.length;
  const value = closed ? text.slice(at + 1, end).replace(/\\([\\'])/g, '$1') : undefined;
  return { ...token('string', text, at, Math.min(end + 1, text.length)), value };
}

/** Also a shell call in back quotes. `{$a["b"]}` and `${a}` hold program text, in which quotes do not end the string. */
function doubleQuoted(text: string, at: number, quote: string, depth: number): Token {
  let literal = quote === '"';
  let end = at + 1;
  while (end < text.length && text[end] !== quote) {
    if (text[end] === '\\') end += 2;
    else if ((text.startsWith('{$', end) || text.startsWith('${', end)) && depth < DEEPEST) {
      literal = false;
      end = afterBraces(text, text[end] === '{' ? end : end + 1, depth + 1);
    } else {
      if (text[end] === '$' && /[A-Za-z_\x80-\uFFFF{]/.test(text[end + 1] ?? '')) literal = false;
      end++;
    }
  }
  const value = literal && end < text.length ? unescaped(text.slice(at + 1, end)) : undefined;
  return { ...token('string', text, at, Math.min(end + 1, text.length)), value };
}

/** The index after the brace that closes the one at `at`. */
function afterBraces(text: string, at: number, depth: number): number {
  let open = 0;
  for (let t = next(text, at, 'php', depth); t; t = next(text, t.end, 'php', depth)) {
    if (t.text === '{') open++;
    if (t.text === '}' && --open === 0) return t.end;
  }
  return text.length;
}

const SIMPLE: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  v: '\v',
  e: '\x1b',
  f: '\f',
  '\\': '\\',
  $: '$',
  '"': '"',
};

/** The content of a double-quoted literal; `undefined` where an escape makes a byte that is not ASCII: no key has one. */
function unescaped(raw: string): string | undefined {
  let ascii = true;
  const value = raw.replace(
    /\\(?:([ntrvef\\$"])|([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u\{([0-9A-Fa-f]{1,6})\})/g,
    (_all, simple?: string, octal?: string, hex?: string, point?: string) => {
      if (simple !== undefined) return SIMPLE[simple] as string;
      const code = octal ? Number.parseInt(octal, 8) & 0xff : Number.parseInt((hex ?? point) as string, 16);
      if (code > 0x7f) ascii = false;
      return ascii ? String.fromCharCode(code) : '';
    },
  );
  return ascii ? value : undefined;
}

function match(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

function token(kind: Token['kind'], text: string, start: number, end: number): Token {
  return { kind, text: text.slice(start, end), start, end, mode: 'php' };
}
