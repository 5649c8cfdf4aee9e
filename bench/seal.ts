/** Our `seal` and `open` beside those of other libraries, in one run. `npm run bench` runs it; prints Markdown. */
import { column, createCasehard, createKeyring, generateKey, plaintext } from '@casehard/core';
import { bare } from './bare.ts';
import { type Measured, measure, type Subject } from './measure.ts';
import { loadPeers, type Peer } from './peers.ts';
import { printMicros, printRatio } from './table.ts';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 300);
const SLICE_MS = 2.5;
/** Different secrets in turn, so that nobody profits from seeing the same one again. */
const SECRETS = 64;
const LENGTHS = [
  { bytes: 20, title: 'A password of 20 bytes' },
  { bytes: 200, title: 'A secret of 200 bytes' },
] as const;

const peers = [ours(), bare(), ...(await loadPeers())];
for (const { bytes, title } of LENGTHS) {
  const secrets = Array.from({ length: SECRETS }, (_, i) => secretOf(bytes, i));
  const sealing: Subject[] = [];
  const opening: Subject[] = [];
  for (const peer of peers) {
    const stored = await sealAll(peer, secrets);
    await checkRoundTrips(peer, secrets, stored);
    sealing.push({ name: peer.name, run: loop(peer.sync, (i) => peer.seal(secrets[i] as string, i)) });
    opening.push({ name: peer.name, run: loop(peer.sync, (i) => peer.open(stored[i] as string, i)) });
  }
  const options = { rounds: ROUNDS, slice: SLICE_MS };
  const sealed = await measure(sealing, options);
  const opened = await measure(opening, options);
  print(title, sealed, opened);
}

// --- internal ---

/** The public API as an application uses it: a field bound to its row. */
function ours(): Peer {
  const hard = createCasehard({
    fields: { 'user.smtp.password': column('users', 'smtp_password', { row: { user_id: 'int' }, was: plaintext() }) },
    keyring: createKeyring({ active: generateKey('enc') }),
  });
  const field = hard.field('user.smtp.password');
  return {
    name: 'casehard',
    sync: true,
    seal: (secret, row) => field.seal(secret, { user_id: row }),
    open: (stored, row) => field.openText(stored, { user_id: row }) ?? '',
  };
}

function secretOf(bytes: number, seed: number): string {
  let text = '';
  for (let i = 0; i < bytes; i++) text += String.fromCharCode(33 + ((seed * 31 + i * 17) % 94));
  return text;
}

async function sealAll(peer: Peer, secrets: readonly string[]): Promise<string[]> {
  const stored: string[] = [];
  for (const [row, secret] of secrets.entries()) stored.push(await peer.seal(secret, row));
  return stored;
}

async function checkRoundTrips(peer: Peer, secrets: readonly string[], stored: readonly string[]): Promise<void> {
  for (const [row, secret] of secrets.entries()) {
    if ((await peer.open(stored[row] as string, row)) !== secret) throw new Error(`${peer.name}: no round trip`);
  }
}

/** One loop for each kind, made anew for every subject, so that the compiler does not mix what it learns of them. */
function loop(sync: boolean, step: (i: number) => string | Promise<string>): Subject['run'] {
  let at = 0;
  let seen = 0;
  if (!sync) {
    return async (times) => {
      for (let i = 0; i < times; i++) seen += (await step(at++ % SECRETS)).length;
      if (seen === 0) throw new Error('nothing was done');
    };
  }
  return (times) => {
    for (let i = 0; i < times; i++) seen += (step(at++ % SECRETS) as string).length;
    if (seen === 0) throw new Error('nothing was done');
  };
}

function print(title: string, sealed: readonly Measured[], opened: readonly Measured[]): void {
  console.log(`### ${title}\n`);
  console.log('| | seal, µs | times ours | open, µs | times ours |');
  console.log('|---|---:|---:|---:|---:|');
  for (const [i, seal] of sealed.entries()) {
    const open = opened[i] as Measured;
    const cells = [printMicros(seal.micros), printRatio(seal.ratio), printMicros(open.micros), printRatio(open.ratio)];
    console.log(`| ${seal.name} | ${cells.join(' | ')} |`);
  }
  console.log('');
}
