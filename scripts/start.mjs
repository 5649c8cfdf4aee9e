// `npm start`: installs, builds, and hardens a sample database in .casehard-sample, step by step as a person would.
// Nothing outside the clone is read or written but package caches, and no key is printed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment, node, prepare, root } from './prepare.mjs';

const folder = join(root, '.casehard-sample');
const casehard = join(root, 'packages', 'casehard', 'bin', 'casehard.js');
const WORK_REMAINS = 3;

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
Next: cd .casehard-sample, then npx casehard --help. Give a listed credential a new value: npx casehard set LOCATOR
Read README.md for the ten-minute walk: declare, seal and open in your own application.
Read docs/operations.md before you harden a database of your own; it begins with a backup.`);

// --- internal ---

function step(title) {
  console.log(`\n# ${title}`);
}

/** Runs a command in the sample's folder as it is printed; returns its output where that goes `to` a file. */
function run(command, { to, allowed = [0] } = {}) {
  console.log(`$ ${command}${to ? ` > ${to}` : ''}`);
  const [program, ...words] = command.split(' ');
  const args = program === 'npx' ? [casehard, ...words.slice(1)] : words;
  const stdio = ['ignore', to ? 'pipe' : 'inherit', 'inherit'];
  const { status, stdout } = spawnSync(node, args, { cwd: folder, env: clean(), stdio, encoding: 'utf8' });
  if (!allowed.includes(status)) {
    console.error(`\nthat was not expected: the command ended with ${status}`);
    process.exit(1);
  }
  return stdout;
}

/** The environment without keys and database of the person who tries this out: the sample has its own. */
function clean() {
  const env = environment({ NODE_OPTIONS: '--disable-warning=ExperimentalWarning' });
  for (const name of Object.keys(env)) {
    if (/^(CASEHARD|SENDSTUDIO)_|^(DATABASE_URL|CREDENTIALS_DIRECTORY)$/.test(name)) delete env[name];
  }
  return env;
}
