/** Our link tokens beside those of other libraries, in one run. `npm run bench:links` runs it; prints Markdown. */
import { generateKey } from '@casehard/core';
import { bareCalls, type LinkPeer, loadLinkPeers, makeLinks, type Numbers, ours } from './link-peers.ts';
import { type Measured, measure, type Subject } from './measure.ts';
import { printMicros, printRatio } from './table.ts';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 300);
const SLICE_MS = 2.5;
/** Different claims and tokens in turn, so that nobody profits from seeing the same one again. */
const TOKENS = 64;
const MANY = 500;
/** More than a verifier keeps derived keys of, so that each token brings a new one. */
const BATCHES = 1_100;

const numbers: Numbers[] = Array.from({ length: TOKENS }, (_, i) => ({
  campaign: 81_234 + i,
  recipient: 99_000_123 + 7_919 * i,
  link: 17 + i,
}));
const key = generateKey('trk');
const links = makeLinks(key);
const casehard = ours(links);
const peers = [casehard, ...(await loadLinkPeers())];

const minting: Subject[] = [];
const verifying: Subject[] = [];
const lengths = new Map<string, number>();
for (const peer of peers) {
  const tokens = await mintAll(peer);
  await check(peer, tokens);
  lengths.set(peer.name, Math.max(...tokens.map(({ length }) => length)));
  minting.push({ name: peer.name, run: loop(peer.sync, (i) => peer.mint(numbers[i] as Numbers), lengthOf) });
  verifying.push({ name: peer.name, run: loop(peer.sync, (i) => peer.verify(tokens[i] as string), linkOf) });
}

const together = { name: `casehard, mintMany of ${MANY}`, run: (times: number) => mintMany(times) };
minting.splice(1, 0, together);
const apart = { name: 'casehard, each token with a derived key of its own', run: verifyApart() };
verifying.splice(1, 0, apart);
const bare = bareCalls();
const calls = 'bare AES-256-GCM calls';
minting.push({ name: calls, run: loop(true, () => bare.mint(), Number) });
verifying.push({ name: calls, run: loop(true, (i) => bare.verify(i), Number) });

const options = { rounds: ROUNDS, slice: SLICE_MS };
const minted = await measure(minting, options);
const verified = await measure(verifying, options);
print();
judge();

// --- internal ---

function lengthOf(token: string): number {
  return token.length;
}

function linkOf({ link }: Numbers): number {
  return link;
}

async function mintAll(peer: LinkPeer): Promise<string[]> {
  const tokens: string[] = [];
  for (const one of numbers) tokens.push(await peer.mint(one));
  return tokens;
}

/** Every token says what was put into it, and none does that with a character changed. */
async function check(peer: LinkPeer, tokens: readonly string[]): Promise<void> {
  for (const [i, token] of tokens.entries()) {
    const { campaign, recipient, link } = await peer.verify(token);
    const given = numbers[i] as Numbers;
    if (campaign !== given.campaign || recipient !== given.recipient || link !== given.link) {
      throw new Error(`${peer.name}: no round trip`);
    }
    const at = token.length - 30;
    const altered = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
    let believed = true;
    try {
      await peer.verify(altered);
    } catch {
      believed = false;
    }
    if (believed) throw new Error(`${peer.name}: believes an altered token`);
  }
}

/** One loop for each kind, made anew for every subject, so that the compiler does not mix what it learns of them. */
function loop<T>(sync: boolean, step: (i: number) => T | Promise<T>, sizeOf: (result: T) => number): Subject['run'] {
  let at = 0;
  let seen = 0;
  if (!sync) {
    return async (times) => {
      for (let i = 0; i < times; i++) seen += sizeOf(await step(at++ % TOKENS));
      if (seen === 0) throw new Error('nothing was done');
    };
  }
  return (times) => {
    for (let i = 0; i < times; i++) seen += sizeOf(step(at++ % TOKENS) as T);
    if (seen === 0) throw new Error('nothing was done');
  };
}

/** `times` tokens, in as many calls as it takes. */
function mintMany(times: number): void {
  for (let left = times; left > 0; left -= MANY) {
    const many = Array.from({ length: Math.min(MANY, left) }, (_, i) => numbers[i % TOKENS] as Numbers);
    if (links.mintMany('click', many).length !== many.length) throw new Error('a token was lost');
  }
}

/** What the first token of each batch costs: its key is derived. */
function verifyApart(): Subject['run'] {
  const tokens = Array.from({ length: BATCHES }, () => makeLinks(key).mint('click', numbers[0] as Numbers));
  let at = 0;
  return (times) => {
    for (let i = 0; i < times; i++) casehard.verify(tokens[at++ % BATCHES] as string);
  };
}

function print(): void {
  console.log('### A token for three numbers\n');
  console.log('| | mint, µs | times ours | verify, µs | times ours | characters |');
  console.log('|---|---:|---:|---:|---:|---:|');
  const names = [...new Set([...minted, ...verified].map(({ name }) => name))];
  const order = [casehard.name, together.name, apart.name, calls];
  const rank = (name: string): number => (order.indexOf(name) + 1 || order.length + 1) as number;
  for (const name of names.toSorted((a, b) => rank(a) - rank(b))) {
    const cells = [minted, verified].flatMap((measured) => {
      const found = measured.find((one) => one.name === name);
      return found ? [printMicros(found.micros), printRatio(found.ratio)] : ['', ''];
    });
    console.log(`| ${[name, ...cells, lengths.get(name) ?? ''].join(' | ')} |`);
  }
  console.log('');
}

/** The goals, beside what was measured. */
function judge(): void {
  const ratio = (measured: readonly Measured[], start: string): number =>
    measured.find(({ name }) => name.startsWith(start))?.ratio.median ?? Number.NaN;
  const both = (start: string): number[] => [ratio(minted, start), ratio(verified, start)];
  const tell = (goal: string, met: boolean, values: readonly number[]): void =>
    console.log(`- ${goal}: ${met ? 'met' : 'not met'} (${values.map((value) => value.toFixed(2)).join(' and ')})`);
  for (const name of ['jose', 'paseto']) {
    const values = both(name);
    tell(`minting and verifying at least 10 times ${name}`, Math.min(...values) >= 10, values);
  }
  const signed = both('jsonwebtoken');
  tell('ahead of signed-only jsonwebtoken on both', Math.min(...signed) > 1, signed);
  const bareMint = ratio(minted, calls);
  tell('minting at least 0.8 of the speed of the bare calls', bareMint >= 0.8, [bareMint]);
  const own = lengths.get(casehard.name) ?? Number.NaN;
  const theirs = Math.max(
    ...peers.filter(({ name }) => name.startsWith('jose')).map(({ name }) => lengths.get(name) ?? 0),
  );
  console.log(
    `- 68 characters, jose over 160: ${own === 68 && theirs > 160 ? 'met' : 'not met'} (${own} and ${theirs})`,
  );
  console.log('');
}
