/**
 * @casehard/core/state: what the package `casehard` needs to authenticate rows of its own tables and to make tokens, so that
 * cryptography stays in one folder. For that package; not covered by the promise for applications.
 */
export { randomBytes } from './crypto/random.ts';
export { equalTexts, hashToken, randomId, randomToken, sha256 } from './crypto/token.ts';
export { generateStateKey, type Piece, parseStateKey, StateKey } from './keyring/state-key.ts';
export { receiveTrackingKeyring, type SharedTrackingKeyring } from './keyring/tracking-keyring.ts';
export { VERSION } from './version.ts';
