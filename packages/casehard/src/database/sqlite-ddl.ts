import type { CheckInfo } from './catalogue.ts';

/** The CHECK constraints in a CREATE TABLE statement: SQLite has no other catalogue of them. */
export function checksOf(statement: string): CheckInfo[] {
  const tokens = tokenize(statement);
  const found: CheckInfo[] = [];
  tokens.forEach((token, at) => {
    if (token.text.toLowerCase() !== 'check' || tokens[at + 1]?.text !== '(') return;
    const close = closing(tokens, at + 1);
    if (close === undefined) return;
    const expression = statement.slice((tokens[at + 1]?.start ?? 0) + 1, tokens[close]?.start).trim();
    const named = tokens[at - 2]?.text.toLowerCase() === 'constraint' ? tokens[at - 1]?.text : undefined;
    found.push({ name: named ? unquote(named) : `check (${expression})`, expression });
  });
  return found;
}

/** Whether a CREATE TRIGGER statement is for UPDATE. */
export function firesOnUpdate(statement: string): boolean {
  const words = tokenize(statement).map((token) => token.text.toLowerCase());
  // CREATE TRIGGER [IF NOT EXISTS] name [BEFORE|AFTER|INSTEAD OF] event [OF columns] ON table: a name may be any word.
  let at = words.indexOf('trigger') + 1;
  if (words[at] === 'if') at += 3;
  at += words[at + 1] === '.' ? 3 : 1;
  if (words[at] === 'before' || words[at] === 'after') at += 1;
  if (words[at] === 'instead') at += 2;
  return words[at] === 'update';
}

/** Whether a statement names a table, in any quoting. */
export function mentions(statement: string, name: string): boolean {
  return tokenize(statement).some((token) => unquote(token.text).toLowerCase() === name.toLowerCase());
}

// --- internal ---

interface Token {
  readonly text: string;
  readonly start: number;
}

const COMMENT_OR_SPACE = /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\s+/y;
const PIECE = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[\p{L}\p{N}_$]+|[\s\S]/uy;

function tokenize(statement: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < statement.length) {
    COMMENT_OR_SPACE.lastIndex = at;
    const skipped = COMMENT_OR_SPACE.exec(statement);
    if (skipped) {
      at += skipped[0].length;
      continue;
    }
    PIECE.lastIndex = at;
    const text = PIECE.exec(statement)?.[0] ?? statement.charAt(at);
    tokens.push({ text, start: at });
    at += text.length;
  }
  return tokens;
}

function closing(tokens: readonly Token[], open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    const text = tokens[at]?.text;
    if (text === '(') depth++;
    if (text === ')' && --depth === 0) return at;
  }
  return undefined;
}

function unquote(text: string): string {
  if (/^["`']/.test(text)) return text.slice(1, -1).replaceAll(text.charAt(0).repeat(2), text.charAt(0));
  return text.startsWith('[') ? text.slice(1, -1) : text;
}
