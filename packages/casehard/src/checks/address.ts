import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** `refused` is never dialled, `private` only where the policy allows it. */
export type AddressClass = 'public' | 'private' | 'refused';

/**
 * Judges an IP address in any spelling that `node:net` accepts. An IPv6 address that carries an IPv4 address (mapped,
 * NAT64, 6to4, Teredo, ISATAP) is judged by both, and the worse one counts: the network may deliver it to either.
 */
export function judgeAddress(address: string): AddressClass {
  if (isIPv4(address)) return judge(address, 'ipv4', 'public');
  const groups = isIPv6(address) ? groupsOf(address) : undefined;
  if (groups === undefined) return 'refused';
  const embedded = embeddedIn(groups);
  // A mapped address names the IPv4 host and nothing else; every other form is an IPv6 address too.
  const own = isMapped(groups) ? [] : [judge(address, 'ipv6', isGlobalUnicast(groups) ? 'public' : 'refused')];
  const all = [...own, ...embedded.map((v4) => judge(v4, 'ipv4', 'public'))];
  return WORST_FIRST.find((verdict) => all.includes(verdict)) ?? 'refused';
}

// --- internal ---

const WORST_FIRST: readonly AddressClass[] = ['refused', 'private', 'public'];

/** Nobody's mail server or API: this-network, link-local, multicast, reserved, and where clouds serve credentials. */
const REFUSED = listOf([
  ...['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'],
  // Metadata: Alibaba, Oracle, Azure's platform address; AWS, Google and Scaleway over IPv6. 169.254.169.254 is above.
  ...['100.100.100.200/32', '192.0.0.192/32', '168.63.129.16/32'],
  ...['fd00:ec2::254/128', 'fd20:ce::254/128', 'fd00:42::42/128'],
  ...['::/128', '100::/64', 'fe80::/10', 'ff00::/8'],
]);

/** Not reachable from the internet at large: loopback, private, shared, benchmark, documentation, transition. */
const PRIVATE = listOf([
  ...['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '198.18.0.0/15'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '198.51.100.0/24', '203.0.113.0/24'],
  ...['::1/128', 'fc00::/7', 'fec0::/10', '2001::/23', '2001:db8::/32', '3fff::/20', '64:ff9b:1::/96'],
]);

/** Outside of 2000::/3, and yet not reserved: what is embedded decides. */
const EMBEDDING = listOf(['64:ff9b::/96', '::/96', '::ffff:0:0:0/96']);

function listOf(nets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const net of nets) {
    const [address = '', bits = ''] = net.split('/');
    list.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6');
  }
  return list;
}

function judge(address: string, family: 'ipv4' | 'ipv6', otherwise: AddressClass): AddressClass {
  if (REFUSED.check(address, family)) return 'refused';
  if (PRIVATE.check(address, family)) return 'private';
  return family === 'ipv6' && EMBEDDING.check(address, family) ? 'public' : otherwise;
}

/** The eight groups of an IPv6 address; the URL parser writes every spelling (dotted tails, zeros) in one form. */
function groupsOf(address: string): readonly number[] | undefined {
  const url = `http://[${address}]/`;
  // A zone (`fe80::1%eth0`) is no URL host, and only link-local addresses have one.
  if (!URL.canParse(url)) return undefined;
  const [head = '', tail] = new URL(url).hostname.slice(1, -1).split('::');
  const parse = (text: string | undefined): number[] =>
    text ? text.split(':').map((group) => Number.parseInt(group, 16)) : [];
  const [left, right] = [parse(head), parse(tail)];
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function isMapped(groups: readonly number[]): boolean {
  return startsWith(groups, [0, 0, 0, 0, 0, 0xffff]);
}

function isGlobalUnicast([first = 0]: readonly number[]): boolean {
  return first >> 13 === 1;
}

/** The IPv4 addresses that an IPv6 address may lead to. */
function embeddedIn(groups: readonly number[]): readonly string[] {
  const [, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0] = groups;
  const found: string[] = [];
  const isLast32 =
    isMapped(groups) ||
    startsWith(groups, [0, 0, 0, 0, 0xffff, 0]) || // translated, RFC 2765
    startsWith(groups, [0x64, 0xff9b]) || // NAT64, RFC 6052; the local net as far as it is cut into /96
    (startsWith(groups, [0, 0, 0, 0, 0, 0]) && f + g > 1) || // compatible, RFC 4291; :: and ::1 are themselves
    ((d === 0 || d === 0x200) && e === 0x5efe); // ISATAP, RFC 5214
  if (isLast32) found.push(dotted(f, g));
  if (startsWith(groups, [0x2002])) found.push(dotted(a, b)); // 6to4, RFC 3056
  if (startsWith(groups, [0x2001, 0])) found.push(dotted(b, c), dotted(f ^ 0xffff, g ^ 0xffff)); // Teredo, RFC 4380
  return found;
}

function startsWith(groups: readonly number[], prefix: readonly number[]): boolean {
  return prefix.every((group, index) => groups[index] === group);
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}
