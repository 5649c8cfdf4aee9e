// `npm run tour`: installs, builds, and hardens a sample database in .casehard-tour by the command, step by step as a person would.
// Nothing outside the clone is read or written but package caches, and no key is printed.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';
import { runIn } from './run-in.mjs';

const folder = join(root, '.casehard-tour');
const WORK_REMAINS = 3;
const run = runIn(folder);

prepare();
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);

step('make a database that keeps credentials in plaintext and base64');
run('npx casehard sample --database sqlite:./mailer.db --config-file casehard.config.ts --adopted');

step('see what is in it; there is no key yet, so everything goes on as before');
run('npx casehard status');

step('make the keys; they go into .env (mode 0600), beside the configuration');
const keys = run('npx casehard keys generate --as env', { to: '.env' });
writeFileSync(join(folder, '.env'), keys, { mode: 0o600 });

step('prepare the database: widen what is too narrow, add the tables of casehard');
run('npx casehard upgrade');

step('the application saves one password: sealed at once, without any migration');
run('node ../examples/save.ts');

step('harden the rest');
run('npx casehard harden', { allowed: [0, WORK_REMAINS] });

step('open every value and list those that need a person; they were left exactly as they were');
run('npx casehard status --deep');

console.log(`
Next: cd .casehard-tour, then npx casehard --help. Give a listed credential a new value: npx casehard set LOCATOR
Read README.md for the ten-minute walk: declare, seal and open in your own application.
Read docs/operations.md before you harden a database of your own; it begins with a backup.`);

// --- internal ---

function step(title) {
  console.log(`\n# ${title}`);
}
