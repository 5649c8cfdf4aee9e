export type PhpValue = string | number | boolean | null | readonly PhpValue[] | { readonly [key: string]: PhpValue };

/** The text that PHP's `serialize` gives: lengths count bytes, lists have integer keys. */
export function printPhp(value: PhpValue): string {
  if (value === null) return 'N;';
  if (typeof value === 'boolean') return `b:${value ? 1 : 0};`;
  if (typeof value === 'number') return Number.isInteger(value) ? `i:${value};` : `d:${value};`;
  if (typeof value === 'string') return `s:${Buffer.byteLength(value)}:"${value}";`;
  const entries = Array.isArray(value)
    ? value.map((item: PhpValue, index) => `i:${index};${printPhp(item)}`)
    : Object.entries(value).map(([key, item]) => printPhp(key) + printPhp(item));
  return `a:${entries.length}:{${entries.join('')}}`;
}
