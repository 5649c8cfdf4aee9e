import type { CasehardError } from '../errors.ts';
import type { KeyUses } from '../keyring/key-uses.ts';
import type { Keyring } from '../keyring/keyring.ts';
import { foreignProduct } from '../schemes/foreign.ts';
import type { Content } from '../schemes/scheme.ts';
import { BINDING } from '../sealed/context.ts';
import { looksSealed, type Opened, openContent, parseHeader } from '../sealed/open.ts';
import { openPage } from '../sealed/open-page.ts';
import type { Definition } from './definition.ts';
import { rowPieces } from './row-key.ts';
import type { Unexpected, Verdict } from './verdict.ts';

/** What a column holds: text, bytes of a binary column, or nothing. */
export type Stored = string | Uint8Array | null | undefined;

/** State that the fields of one `createCasehard` share. */
export interface Shared {
  readonly keyring: Keyring;
  readonly now: () => number;
  readonly maxSecret: number;
  /** Takes warnings for people. */
  readonly warn: (message: string) => void;
  /** A sealed value was met by this process, or lies in the attached database: falling back would be a step back. */
  sealedMet: boolean;
  /** Why nothing may be sealed: the keys do not belong to the attached database. */
  refusal?: CasehardError;
  /** Key ids in use since the last report; present while attached. */
  uses?: KeyUses;
}

/** What a stored value turned out to be. */
export type Read =
  | { readonly kind: 'empty'; readonly stored: Stored }
  | { readonly kind: 'sealed'; readonly content: Content; readonly verdict: Verdict }
  | { readonly kind: 'legacy'; readonly content: Content; readonly verdict: Verdict }
  | { readonly kind: 'refused'; readonly verdict: Verdict };

/** One stored value, its row, and whether to look for foreign ciphertexts too. */
export interface Readable {
  readonly stored: Stored;
  readonly row: unknown;
  readonly thorough: boolean;
}

/** Detects the format by exact marker and reads the value. */
export function readStored(definition: Definition, shared: Shared, value: Readable): Read {
  const found = detect(definition, shared, value);
  if (found.kind !== 'marked') return found;
  const { keyring, maxSecret } = shared;
  return judge(shared, openContent(keyring, definition.contexts, found.stored, { row: found.row, maxSecret }));
}

/** The same for many values; the sealed ones are opened together. */
export function readMany(definition: Definition, shared: Shared, values: readonly Readable[]): Read[] {
  const found = values.map((value) => detect(definition, shared, value));
  const marked = found.filter((each) => each.kind === 'marked');
  const opened = openPage(shared.keyring, definition.contexts, marked, shared.maxSecret);
  let next = 0;
  return found.map((each) => (each.kind === 'marked' ? judge(shared, opened[next++] as Opened) : each));
}

/** True where no legacy value is accepted, or not any more. */
export function isStrict(definition: Definition, shared: Shared): boolean {
  return shared.now() >= definition.strictFrom;
}

/** Bytes are read as one character each: markers are ASCII. */
export function asText(content: Content): string {
  return typeof content === 'string'
    ? content
    : Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
}

// --- internal ---

// One object for all: a page of a thousand equal verdicts travels between threads as one.
const LEGACY = {
  plaintext: { kind: 'legacy', scheme: 'plaintext' },
  base64: { kind: 'legacy', scheme: 'base64' },
  hex: { kind: 'legacy', scheme: 'hex' },
} as const;

/** A value that carries the marker of a sealed one, to be opened. */
interface Marked {
  readonly kind: 'marked';
  readonly stored: string;
  readonly row: readonly string[];
}

function detect(definition: Definition, shared: Shared, { stored, row, thorough }: Readable): Marked | Read {
  if (stored === null || stored === undefined || stored.length === 0) return { kind: 'empty', stored };
  if (typeof stored !== 'string' && !(stored instanceof Uint8Array)) return unexpected('NOT_LEGACY'); // a driver's number
  const text = asText(stored);
  if (looksSealed(text)) return marked(definition, shared, text, row);
  const { scheme } = definition;
  const strict = isStrict(definition, shared);
  if (thorough || strict) {
    const product = foreignProduct(text);
    if (product !== undefined) return refused({ kind: 'foreign', product });
  }
  if (strict || !scheme) return unexpected('LEGACY_NOT_ACCEPTED');
  const content = scheme.decode(stored);
  if (content === undefined) return unexpected('NOT_LEGACY');
  if (scheme.name !== 'plaintext') {
    const inner = asText(content);
    if (looksSealed(inner)) {
      shared.sealedMet = true;
      return unexpected('LOOKS_SEALED');
    }
    const product = thorough ? foreignProduct(inner) : undefined;
    if (product !== undefined) return refused({ kind: 'foreign', product });
  }
  return { kind: 'legacy', content, verdict: LEGACY[scheme.name] };
}

function marked(definition: Definition, shared: Shared, text: string, row: unknown): Marked {
  shared.sealedMet = true;
  const { contexts, name, spec } = definition;
  const bound = contexts.some((context) => context.rowKeys > 0);
  const pieces = bound && (row !== undefined || isRowBound(text)) ? rowPieces(name, spec.row ?? {}, row) : [];
  return { kind: 'marked', stored: text, row: pieces };
}

/** Whether a sealed value says that it is bound to its row: only then is the row needed to open it. */
function isRowBound(text: string): boolean {
  const header = parseHeader(text);
  return typeof header !== 'string' && (header.flags & 3) === BINDING.row;
}

function judge({ keyring, uses }: Shared, opened: Opened): Read {
  if (!opened.ok) return refused({ kind: 'unreadable', why: opened.failure, kid: opened.kid });
  uses?.opened.add(opened.key.kid);
  const { content } = opened;
  const { kid } = opened.key;
  const nested = looksSealed(asText(content));
  // A staged key is newer than the active one; resealing would be a step back.
  const oldKey = keyring.active !== undefined && keyring.stateOf(kid) === 'previous';
  const oldContext = opened.context > 0;
  if (!oldKey && !oldContext) return { kind: 'sealed', content, verdict: { kind: 'current', kid, nested } };
  const because = oldKey && oldContext ? 'both' : oldKey ? 'key' : 'context';
  return { kind: 'sealed', content, verdict: { kind: 'stale', kid, because, nested } };
}

function refused(verdict: Verdict): Read {
  return { kind: 'refused', verdict };
}

function unexpected(why: Unexpected): Read {
  return refused({ kind: 'unexpected', why });
}
