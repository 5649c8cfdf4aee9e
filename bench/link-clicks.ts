/** How many clicks a second one process answers on loopback. `npm run bench:links` runs it; prints Markdown. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { generateKey } from '@casehard/core';
import { type Click, load } from './link-load.ts';
import { makeLinks } from './link-peers.ts';
import type { Report, ServerKind, Setup } from './link-server.ts';
import { shuffled } from './measure.ts';

const ROUNDS = Number(process.env.BENCH_CLICK_ROUNDS ?? 5);
const ROUND_MS = Number(process.env.BENCH_CLICK_MS ?? 5_000);
const WARM_UP_MS = 2_000;
const CONNECTIONS = 64;
const LINKS = 1_000;
const GOAL = 5_000;

const KINDS: readonly ServerKind[] = [
  { name: 'casehard behind @hono/node-server', answers: 'clicks', adapter: 'hono' },
  { name: 'casehard behind a small adapter', answers: 'clicks', adapter: 'small' },
  { name: 'constant 302 behind @hono/node-server', answers: 'constant', adapter: 'hono' },
  { name: 'constant 302 behind a small adapter', answers: 'constant', adapter: 'small' },
  { name: 'constant 302 of node:http', answers: 'constant', adapter: 'none' },
];

interface Server {
  readonly kind: ServerKind;
  readonly child: ChildProcess;
  readonly port: number;
  readonly clicks: readonly Click[];
  /** Clicks a second, clicks a second of the server's own computing, and its share of a core: one each round. */
  readonly rates: number[];
  readonly perCpu: number[];
  readonly shares: number[];
}

const key = generateKey('trk');
const destinations = Array.from({ length: LINKS }, (_, i) => `https://www.example.org/offers/${i}?from=mail`);
const tokens = makeLinks(key).mintMany(
  'click',
  destinations.map((_, link) => ({ campaign: 81_234, recipient: 99_000_123 + link, link })),
);

const servers: Server[] = [];
for (const kind of KINDS) servers.push(await start(kind));
try {
  for (const server of servers) await followLinks(server, WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round++) {
    for (const server of shuffled(servers)) await measureOnce(server);
  }
  print();
} finally {
  for (const { child } of servers) child.disconnect();
}

// --- internal ---

async function start(kind: ServerKind): Promise<Server> {
  const child = fork(new URL('./link-server.ts', import.meta.url));
  child.once('exit', (code) => {
    if (code !== 0) throw new Error(`${kind.name}: the server ended`);
  });
  child.send({ kind, key, destinations } satisfies Setup);
  const [{ port }] = (await once(child, 'message')) as [Report];
  const clicks = tokens.map((token, i) => ({
    request: requestFor(token, port),
    location: destinations[kind.answers === 'clicks' ? i : 0] as string,
  }));
  return { kind, child, port, clicks, rates: [], perCpu: [], shares: [] };
}

/** What a browser sends, so that header fields are there to be read. */
function requestFor(token: string, port: number): Buffer {
  const lines = [
    `GET /c?t=${token} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: keep-alive',
    'Upgrade-Insecure-Requests: 1',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
    'Sec-Fetch-Site: cross-site',
    'Sec-Fetch-Mode: navigate',
    'Sec-Fetch-User: ?1',
    'Sec-Fetch-Dest: document',
    'Accept-Encoding: gzip, deflate, br',
    'Accept-Language: en-GB,en;q=0.9',
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

async function ask({ child }: Server): Promise<Report> {
  const answer = once(child, 'message');
  child.send('report');
  return (await answer)[0] as Report;
}

function followLinks({ port, clicks }: Server, ms: number): Promise<number> {
  return load(port, clicks, CONNECTIONS, ms);
}

async function measureOnce(server: Server): Promise<void> {
  const before = await ask(server);
  const start = performance.now();
  const answered = await followLinks(server, ROUND_MS);
  const seconds = (performance.now() - start) / 1000;
  const after = await ask(server);
  const cpu = after.cpu - before.cpu;
  if (server.kind.answers === 'clicks' && after.events - before.events !== answered) {
    throw new Error(`${server.kind.name}: ${answered} clicks, ${after.events - before.events} events`);
  }
  server.rates.push(answered / seconds);
  server.perCpu.push(answered / cpu);
  server.shares.push(cpu / seconds);
}

function print(): void {
  console.log(`### Clicks on ${LINKS} links, ${CONNECTIONS} connections, ${ROUNDS} rounds of ${ROUND_MS / 1000} s\n`);
  console.log('| | clicks a second | per second of its computing | µs of computing | cores used |');
  console.log('|---|---:|---:|---:|---:|');
  for (const { kind, rates, perCpu, shares } of servers) {
    const micros = spreadOf(perCpu.map((rate) => 1e6 / rate));
    const cells = [spreadOf(rates), spreadOf(perCpu), micros, spreadOf(shares, 2)];
    console.log(`| ${kind.name} | ${cells.join(' | ')} |`);
  }
  const [first] = servers as [Server];
  const tell = (name: string, rate: number): string =>
    `${name} ${rate >= GOAL ? 'met' : 'not met'} (${rate.toFixed(0)})`;
  const verdicts = [
    tell('by the clock', middle(first.rates)),
    tell('per second of its computing', middle(first.perCpu)),
  ];
  console.log(`\n- at least ${GOAL} clicks a second on one core: ${verdicts.join(', ')}\n`);
}

/** Median, smallest and largest. */
function spreadOf(values: readonly number[], digits = 0): string {
  const ends = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits)).join('–');
  return `${middle(values).toFixed(digits)} (${ends})`;
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
