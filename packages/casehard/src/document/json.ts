import { AMBIGUOUS, type JsonStyle, type Lookup, NOT_A_STRING, NOTHING, parsePointer } from './lookup.ts';

/**
 * Finds the string at a pointer in a JSON text (RFC 8259), without parsing and printing the document: that would
 * destroy big integers, duplicate keys and spacing.
 */
export function locateJson(text: string, pointer: string): Lookup {
  const path = parsePointer(pointer);
  if (!isJson(text)) return { found: 'problem', why: 'NOT_JSON' };
  let at = afterSpace(text, 0);
  for (const name of path) {
    if (isNull(text, at)) return NOTHING;
    if (text[at] !== '{' && text[at] !== '[') return NOT_A_STRING;
    const children = childrenNamed(name, text, at);
    if (children.length > 1) return AMBIGUOUS;
    if (children[0] === undefined) return NOTHING;
    at = children[0];
  }
  if (isNull(text, at)) return NOTHING;
  if (text[at] !== '"') return NOT_A_STRING;
  const end = afterString(text, at);
  const token = text.slice(at, end);
  const value = JSON.parse(token) as string;
  const style = STYLES.find((each) => printJsonString(value, each) === token);
  return { found: 'value', located: { value, start: at, end, exact: style !== undefined, style } };
}

/** A JSON string token. Sealed values are spelled alike in both styles. */
export function printJsonString(value: string, style: JsonStyle = 'json'): string {
  const token = JSON.stringify(value);
  if (style === 'json') return token;
  return token
    .replaceAll('/', '\\/')
    .replace(/[\u0080-\uFFFF]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// --- internal ---

const STYLES: readonly JsonStyle[] = ['json', 'php'];

/**
 * The one use of JSON.parse on a document, for its verdict only: everything below may rely on a well-formed text. Its
 * result is not looked at; in V8 13 and 14 it may hold wrong keys (nodejs/node#63785).
 */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Where the values of this name begin in the object or array at `at`. */
function childrenNamed(name: string, text: string, at: number): number[] {
  const found: number[] = [];
  const isObject = text[at] === '{';
  let i = afterSpace(text, at + 1);
  for (let index = 0; text[i] !== '}' && text[i] !== ']'; index++) {
    let key = String(index);
    if (isObject) {
      const end = afterString(text, i);
      key = JSON.parse(text.slice(i, end)) as string;
      i = afterSpace(text, afterSpace(text, end) + 1);
    }
    if (key === name) found.push(i);
    i = afterSpace(text, afterValue(text, i));
    if (text[i] === ',') i = afterSpace(text, i + 1);
  }
  return found;
}

/** Counts brackets instead of recursing, so that no nesting is too deep. */
function afterValue(text: string, at: number): number {
  let i = at;
  let depth = 0;
  do {
    const c = text[i];
    if (c === '"') i = afterString(text, i);
    else if (c === '{' || c === '[') [depth, i] = [depth + 1, i + 1];
    else if (c === '}' || c === ']') [depth, i] = [depth - 1, i + 1];
    else i = depth === 0 ? match(/[\w.+-]+/y, text, i) : i + 1;
  } while (depth > 0);
  return i;
}

function afterString(text: string, at: number): number {
  let i = at + 1;
  while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i + 1;
}

function afterSpace(text: string, at: number): number {
  return match(/[ \t\n\r]*/y, text, at);
}

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.test(text);
  return pattern.lastIndex;
}

function isNull(text: string, at: number): boolean {
  return text[at] === 'n';
}
