// `npm start`: installs, builds, and opens the console on a sample database in .casehard-sample. The sample stays as it is
// between two starts; `npm start -- --fresh` makes it anew. Nothing outside the clone is read or written but package caches.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';
import { runIn } from './run-in.mjs';

const PORT = 8437;
const folder = join(root, '.casehard-sample');
const run = runIn(folder);

prepare();
if (process.argv.includes('--fresh')) rmSync(folder, { recursive: true, force: true });
if (!existsSync(join(folder, 'casehard.config.ts'))) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  console.log('\n# make a database that keeps credentials in plaintext and base64');
  run('npx casehard sample --database sqlite:./mailer.db --config-file casehard.config.ts --adopted');
}

console.log(`
# open the console on it. The road: an upgrade is pending; generate keys and paste them into .casehard-sample/.env;
# save a password, or press Harden now. The same by the command, without a browser: npm run tour`);
run(`npx casehard console --port ${(await isFree(PORT)) ? PORT : 0}`);

// --- internal ---

/** Whether nobody listens there; 0 then takes any port that is free. */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .once('listening', () => server.close(() => resolve(true)))
      .listen(port, '127.0.0.1');
  });
}
