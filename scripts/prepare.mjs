// What `npm start` and `npm test` have in common: install, build, and run our own code on a current Node. Plain
// JavaScript for Node 18 and newer, because it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '');
/** Everything temporary stays inside the clone. */
export const tmp = join(root, '.tmp');

const bins = join(root, 'node_modules', '.bin');

/** The workspace's own Node (npm package `node`), whatever Node runs npm. */
export const node =
  process.platform === 'win32'
    ? join(root, 'node_modules', 'node', 'bin', 'node.exe')
    : join(root, 'node_modules', 'node', 'bin', 'node');

/** The environment for our own code: its Node first in PATH, temporary files in the clone. */
export function environment(changes = {}) {
  return { ...process.env, PATH: [bins, ...outside()].join(delimiter), TMPDIR: tmp, TEMP: tmp, TMP: tmp, ...changes };
}

/** Installs what package-lock.json says, unless it is there already, and builds. Ends the process where that fails. */
export function prepare() {
  mkdirSync(tmp, { recursive: true });
  if (!isInstalled()) {
    const locked = existsSync(join(root, 'package-lock.json'));
    // loglevel: npm warns that an old Node cannot run our packages. It only runs npm; errors are shown as ever.
    npm([locked ? 'ci' : 'install', '--loglevel=error', '--no-audit', '--no-fund'], {
      env: { ...process.env, PATH: outside().join(delimiter), TMPDIR: tmp },
    });
  }
  npm(['run', 'build', '--silent'], { env: environment() });
}

/** Runs npm with the Node that runs it now; ends the process where it fails. */
export function npm(args, options) {
  console.log(`$ npm ${args.filter((arg) => !arg.startsWith('--')).join(' ')}`);
  const { npm_node_execpath: execNode, npm_execpath: execNpm } = process.env;
  const own = execNode && execNpm && existsSync(execNode) && existsSync(execNpm);
  // npm's own Node may be the one that `npm ci` is about to replace: then the one found outside of the clone.
  const [file, first] = own && !execNode.startsWith(root) ? [execNode, [execNpm]] : ['npm', []];
  const { status, signal } = spawnSync(file, [...first, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32' && file === 'npm',
    ...options,
  });
  if (status !== 0) {
    console.error(`npm ${args[0]} failed${signal ? ` (${signal})` : ''}; its messages are above`);
    process.exit(status || 1);
  }
}

// --- internal ---

/** PATH without the folders of this clone: while they are replaced, the programs in them come and go. */
function outside() {
  return (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(root));
}

/** Whether node_modules holds every package of package-lock.json in the locked version. */
function isInstalled() {
  const wanted = packages(join(root, 'package-lock.json'));
  const there = packages(join(root, 'node_modules', '.package-lock.json'));
  if (!wanted || !there || !existsSync(node) || !existsSync(join(bins, 'casehard'))) return false;
  return Object.entries(wanted)
    .filter(([path]) => path.startsWith('node_modules/'))
    .every(([path, { version, link, optional }]) => {
      const found = there[path];
      return found ? Boolean(link) || found.version === version : optional === true;
    });
}

function packages(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}
