import { aadOf, assembleToken, deriveTokenKey, mintToken, nonceOf, type PurposeName } from '../reference-token.ts';
import { ivFor, type MasterName, masterOf } from './masters.ts';
import { rFor } from './token-good.ts';

/** The known answer, which bad tokens are made from, and the tools to damage it. */
export const TOKEN_KEY = deriveTokenKey(masterOf('counting'));
export const GOOD_TOKEN = 'EvknZGtyeYCHjpWco6qxuL_GzWzHjFmJJWxcX7IOHumdj61HpndXps3QZvQrTZHm7mTy';
export const CLAIMS = { campaign: '81234', recipient: '99000123', link: '17' } as const;

/** An honest token of a click. */
export function honest(name: string, rest: Partial<Said> = {}): string {
  const { master = 'counting', purpose = 'click', audience = '', claims = CLAIMS } = rest;
  const key = deriveTokenKey(masterOf(master));
  const mint = (r: Buffer) => mintToken(key, { purpose, audience, iat: 1_800_000_000, claims }, r);
  return mint(rFor(name, mint));
}

/** A token with an honest tag over a first byte or claims that no maker writes. */
export function crafted(name: string, parts: { first?: number; claims: Uint8Array }): string {
  const first = parts.first ?? 0x12;
  const header = Buffer.concat([Buffer.of(first), TOKEN_KEY.tkid]);
  const r = ivFor(`crafted ${name}`);
  return assembleToken(TOKEN_KEY, {
    header,
    r,
    nonce: nonceOf(first & 0x0f, r),
    aad: aadOf(header, 'click', ''),
    claims: parts.claims,
  });
}

export function edit(token: string, change: (bytes: Buffer) => void): string {
  const bytes = Buffer.from(token, 'base64url');
  change(bytes);
  return bytes.toString('base64url');
}

export function flip(token: string, index: number, mask: number): string {
  return edit(token, (bytes) => {
    const at = index < 0 ? bytes.length + index : index;
    bytes[at] = (bytes[at] as number) ^ mask;
  });
}

// --- internal ---

interface Said {
  readonly master: MasterName;
  readonly purpose: PurposeName;
  readonly audience: string;
  readonly claims: Parameters<typeof mintToken>[1]['claims'];
}
