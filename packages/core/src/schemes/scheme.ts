/** Content of a value: text (well-formed Unicode), or bytes where it is not text. */
export type Content = string | Uint8Array;

/** The name of a legacy scheme, as configuration spells it. */
export type SchemeName = 'plaintext' | 'base64' | 'hex';

/** How a value is stored before it is sealed. */
export interface Scheme {
  readonly name: SchemeName;
  /** Content to stored text. */
  encode(content: Content): Content;
  /** Stored text to content; `undefined` where `encode(decode(stored))` would not be `stored`, byte for byte. */
  decode(stored: Content): Content | undefined;
}
