// Runs commands in a folder of the clone as a person would type them, each printed before it runs.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { environment, node, root } from './prepare.mjs';

const casehard = join(root, 'packages', 'casehard', 'bin', 'casehard.js');

/** The command for a folder: returns its output where that goes `to` a file; ends the process where it fails. */
export function runIn(folder) {
  return (command, { to, allowed = [0] } = {}) => {
    console.log(`$ ${command}${to ? ` > ${to}` : ''}`);
    const [program, ...words] = command.split(' ');
    const args = program === 'npx' ? [casehard, ...words.slice(1)] : words;
    const stdio = ['ignore', to ? 'pipe' : 'inherit', 'inherit'];
    const { status, stdout, signal } = spawnSync(node, args, { cwd: folder, env: clean(), stdio, encoding: 'utf8' });
    if (signal !== null) process.exit(0); // a person has stopped it
    if (!allowed.includes(status)) {
      console.error(`\nthat was not expected: the command ended with ${status}`);
      process.exit(1);
    }
    return stdout;
  };
}

// --- internal ---

/** The environment without keys and database of the person who tries this out: the sample has its own. */
function clean() {
  const env = environment({ NODE_OPTIONS: '--disable-warning=ExperimentalWarning' });
  for (const name of Object.keys(env)) {
    if (/^(CASEHARD|SENDSTUDIO)_|^(DATABASE_URL|CREDENTIALS_DIRECTORY)$/.test(name)) delete env[name];
  }
  return env;
}
