import { pae } from '../crypto/pae.ts';
import { GCM_TAG_BYTES } from '../crypto/xaes.ts';
import { MAX_CLAIMS_BYTES } from './claims.ts';
import { PURPOSES, type Purpose } from './purpose.ts';

/** token = b64u( h || R || G ); docs/format.md, "Link tokens". */
export const HEADER_BYTES = 3;
export const RANDOM_BYTES = 16;
/** As many bytes of R decide which key is derived; a maker may keep them. */
export const BATCH_BYTES = 4;
export const CLAIMS_AT = HEADER_BYTES + RANDOM_BYTES;
export const MAX_TOKEN_BYTES = CLAIMS_AT + MAX_CLAIMS_BYTES + GCM_TAG_BYTES;
export const MIN_TOKEN_CHARACTERS = 68;
export const MAX_TOKEN_CHARACTERS = 1391;
export const VERSION = 0x10;

/** h: version and purpose, and whose key it is. */
export function headerOf(purpose: Purpose, tkid: string): Buffer {
  return Buffer.concat([Buffer.of(VERSION | PURPOSES[purpose]), Buffer.from(tkid, 'hex')]);
}

/** What is authenticated beside the claims: header, purpose and audience. */
export function aadOf(header: Uint8Array, purpose: Purpose, audience: string): Buffer {
  return pae([LABEL, header, Buffer.from(purpose, 'ascii'), Buffer.from(audience, 'utf8')]);
}

/** N[0:12]: "chtok1" || purpose || 0x00 || the first four bytes of R. */
export function nonceStart(purpose: Purpose, batch: Uint8Array): Buffer {
  return Buffer.concat([NONCE_LABEL, Buffer.of(PURPOSES[purpose], 0), batch]);
}

// --- internal ---

const LABEL = Buffer.from('casehard/v1/token', 'ascii');
const NONCE_LABEL = Buffer.from('chtok1', 'ascii');
