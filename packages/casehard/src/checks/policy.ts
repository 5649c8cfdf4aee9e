/** Finds the addresses of a name. */
export type Lookup = (name: string) => Promise<readonly { readonly address: string }[]>;

/** What a check may do. */
export interface CheckPolicy {
  /** Whether loopback, private and other addresses that the internet does not reach may be dialled. */
  readonly privateAddresses: boolean;
  /** For the whole check, in milliseconds. Default: 10 000. */
  readonly timeoutMs?: number;
  /** `any` accepts every certificate; the result then says `not verified`. Default: `verify`. */
  readonly certificate?: 'verify' | 'any';
  /** Certificates (PEM) of an authority of one's own, trusted beside the ones that Node trusts. */
  readonly ca?: string;
  /** Stops the check; its code is then CANCELLED. */
  readonly signal?: AbortSignal;
  /** The resolver. Default: the system's. What it returns is vetted all the same. */
  readonly lookup?: Lookup;
}

/** Throws a TypeError for a policy that is wrong by construction. */
export function vetPolicy({ privateAddresses, timeoutMs, certificate, ca }: CheckPolicy): void {
  if (typeof privateAddresses !== 'boolean') throw new TypeError('"privateAddresses" must be true or false');
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= LONGEST)) {
    throw new TypeError('"timeoutMs" must be a number from 1 to 2147483647');
  }
  if (certificate !== undefined && certificate !== 'verify' && certificate !== 'any') {
    throw new TypeError('"certificate" must be "verify" or "any"');
  }
  // Node takes a text without a certificate in silence, and then trusts one authority less than was meant.
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----')) {
    throw new TypeError('"ca" must hold certificates in PEM form');
  }
}

// --- internal ---

/** What `setTimeout` can wait; beyond, it would not wait at all. */
const LONGEST = 2 ** 31 - 1;
