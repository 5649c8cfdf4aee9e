/**
 * @casehard/core seals and opens the credentials that an application keeps in its SQL database. Most applications need
 * `defineConfig`, `loadKeyring` and `createCasehard`; then `field(name).seal` on save and `.open` on read.
 *
 * Values sealed by one 1.x release open in every later one.
 */
export * from './errors.ts';
export {
  type Attachment,
  type AttachOptions,
  type Driver,
  HEARTBEAT_MS,
  LONGEST_HEARTBEAT_MS,
  type ProcessReport,
} from './field/attach.ts';
export { type Casehard, type CasehardOptions, createCasehard, type RowFor } from './field/casehard.ts';
export * from './field/define-config.ts';
export type { Definition } from './field/definition.ts';
export type { Field, Item, Outcome, RowArguments, SealOptions, Stored } from './field/field.ts';
export * from './field/group.ts';
export type * from './field/link-settings.ts';
export { type Locator, parseLocator, printLocator } from './field/locator.ts';
export { keyPiece } from './field/row-key.ts';
export * from './field/verdict.ts';
export { generateKey, type KeyKind, keyId, parseKey } from './keyring/key.ts';
export {
  createKeyring,
  type KeyInput,
  type Keyring,
  type KeyringOptions,
  type KeyState,
  receiveKeyring,
  type SharedKeyring,
} from './keyring/keyring.ts';
export { loadKeyring, loadKeyrings } from './keyring/load.ts';
export { type KeySourceOptions, type KeyTexts, readKeySources } from './keyring/sources.ts';
export type { TrackingKeyring } from './keyring/tracking-keyring.ts';
export { base64, hex, plaintext } from './schemes/legacy.ts';
export type { Content, Scheme, SchemeName } from './schemes/scheme.ts';
export { bucketBlocks, capacity, DEFAULT_MAX_SECRET, sealedLength, tightBlocks } from './sealed/length.ts';
export { looksSealed, parseHeader } from './sealed/open.ts';
export { Secret } from './secret.ts';
