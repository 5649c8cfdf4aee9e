/** What bulk runs gain from `hardenMany` and `verdictMany` over a loop. `npm run bench` runs it; prints Markdown. */
import { base64, column, createCasehard, createKeyring, generateKey } from '@casehard/core';
import { measure } from './measure.ts';
import { printMicros, printRatio } from './table.ts';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 300);
/** Rows in a page: more than fit one call of the cipher would gain nothing. */
const PAGE = 500;

const field = createCasehard({
  fields: { 'user.smtp.password': column('users', 'smtp_password', { row: { user_id: 'int' }, was: base64() }) },
  keyring: createKeyring({ active: generateKey('enc') }),
}).field('user.smtp.password');

const legacy = Array.from({ length: PAGE }, (_, i) => ({
  stored: Buffer.from(`password ${i}`.padEnd(20, '.')).toString('base64'),
  row: { user_id: String(i) },
}));
const sealed = field.hardenMany(legacy).map(({ write }, i) => ({ stored: write, row: { user_id: String(i) } }));
for (const verdict of field.verdictMany(sealed)) {
  if (verdict.kind !== 'current') throw new Error('a value that was just sealed does not open');
}

console.log(`### A page of ${PAGE} rows, stored as base64: microseconds a row\n`);
console.log('| | many at once | one by one | times |');
console.log('|---|---:|---:|---:|');
await compare(
  'harden',
  () => field.hardenMany(legacy).length,
  () => legacy.map(({ stored, row }) => field.harden(stored, row)).length,
);
await compare(
  'verdict',
  () => field.verdictMany(sealed).length,
  () => sealed.map(({ stored, row }) => field.verdict(stored, row)).length,
);
console.log('');

// --- internal ---

async function compare(name: string, many: () => number, one: () => number): Promise<void> {
  const subjects = [many, one].map((step) => ({ name, run: (times: number) => repeat(step, times) }));
  const [together, singly] = await measure(subjects, { rounds: ROUNDS, slice: 2.5 });
  if (!together || !singly) return;
  const cells = [printMicros(together.micros, PAGE), printMicros(singly.micros, PAGE), printRatio(singly.ratio)];
  console.log(`| ${name} | ${cells.join(' | ')} |`);
}

function repeat(step: () => number, times: number): void {
  for (let i = 0; i < times; i++) if (step() !== PAGE) throw new Error('a row was lost');
}
