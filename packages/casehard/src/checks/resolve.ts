import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { judgeAddress } from './address.ts';
import { CheckStop } from './result.ts';
import type { Session } from './session.ts';

/** A host after its one resolution: only these addresses are dialled, so a later answer of the DNS changes nothing. */
export interface Endpoint {
  /** The name, or the IP address, that the certificate has to be for. */
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
  /** `private` if any of the addresses is. */
  readonly reach: 'public' | 'private';
}

/** Resolves a host once and vets every address. One refused address refuses the host: it is no server's name. */
export async function resolveHost(text: string, port: number, session: Session): Promise<Endpoint> {
  const host = parseHost(text);
  const addresses = isIP(host) === 0 ? await lookUp(host, session) : [host];
  const verdicts = addresses.map(judgeAddress);
  if (verdicts.includes('refused')) {
    throw new CheckStop(
      'REFUSED_ADDRESS',
      'the host has an address that is never dialled (link-local, cloud metadata, multicast or reserved): check its name',
    );
  }
  const reach = verdicts.includes('private') ? 'private' : 'public';
  if (reach === 'private' && !session.policy.privateAddresses) {
    throw new CheckStop(
      'REFUSED_ADDRESS',
      'the host has a private address, which the policy refuses: allow private addresses if this server is yours',
    );
  }
  return { host, port, addresses, reach };
}

// --- internal ---

/** The host in the one spelling of the URL standard: `0x7f.1` becomes 127.0.0.1, and then it is judged as that. */
function parseHost(text: string): string {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (isIP(bare) === 6) return bare;
  // Whatever would make the parser see a user, a port, a path or an escape beside the host.
  if (!/^[^\s/\\@:?#%[\]]+$/.test(text) || !URL.canParse(`https://${text}/`)) {
    throw new CheckStop('BAD_REQUEST', 'the host is neither a name nor an IP address');
  }
  // Certificates name hosts without the last dot.
  return new URL(`https://${text}/`).hostname.replace(/\.$/, '');
}

async function lookUp(name: string, session: Session): Promise<readonly string[]> {
  const lookup = session.policy.lookup ?? ((host: string) => systemLookup(host, { all: true, order: 'verbatim' }));
  try {
    const found = await lookup(name);
    if (found.length > 0) return found.map(({ address }) => address);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAI_AGAIN') {
      throw new CheckStop('NAME_NOT_FOUND', 'the name servers do not answer: check the DNS of this machine');
    }
  }
  throw new CheckStop('NAME_NOT_FOUND', 'the host name does not exist: check its spelling');
}
