import { locateJson, printJsonString } from './json.ts';
import { type JsonStyle, type Located, type Lookup, NOTHING } from './lookup.ts';
import { locatePhp, type PhpOptions, printPhpString } from './php.ts';

export type { JsonStyle, Located, Lookup } from './lookup.ts';

/** The formats of documents that hold credentials. */
export type DocumentFormat = 'json' | 'php-serialize';

export interface Place extends PhpOptions {
  readonly in: DocumentFormat;
  /** A JSON pointer (RFC 6901). */
  readonly pointer: string;
}

export interface TokenOptions extends PhpOptions {
  /** Of JSON; default `json`. */
  readonly style?: JsonStyle | undefined;
}

/** Finds the string at a place in a document. An empty text holds no document and so no credential. */
export function locate(text: string, place: Place): Lookup {
  if (text === '') return NOTHING;
  return place.in === 'json' ? locateJson(text, place.pointer) : locatePhp(text, place.pointer, place);
}

/** A string as a token of the document's format. */
export function printToken(value: string, format: DocumentFormat, options: TokenOptions = {}): string {
  return format === 'json' ? printJsonString(value, options.style) : printPhpString(value, options);
}

/** The document with another token at the located place; every other byte is as it was. */
export function splice(text: string, located: Pick<Located, 'start' | 'end'>, token: string): string {
  return text.slice(0, located.start) + token + text.slice(located.end);
}
