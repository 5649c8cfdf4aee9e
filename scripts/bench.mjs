// `npm run bench`: installs the peers into bench/node_modules, builds the core package, and measures. Prints Markdown.
// `npm run bench:links`, or `npm run bench -- links`: link tokens, and clicks a second.
// `npm run bench -- bulk [rows] [rounds] [engine…]`: the bulk run on the real servers.
// `npm run bench -- console [users] [engine…]`: the pages of the console over a million credentials.
// `npm run bench -- doctor [rows] [rounds] [engine…]`: how many values a minute the doctor looks at.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const node = `${root}node_modules/.bin/node`;

// npm runs scripts with whatever Node it was started by; the numbers are those of the workspace's own.
if (process.env.CASEHARD_BENCH_NODE === undefined && existsSync(node)) {
  const env = { ...process.env, CASEHARD_BENCH_NODE: 'this' };
  const { status } = spawnSync(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    env,
    stdio: 'inherit',
  });
  process.exit(status ?? 1);
}

const [part, ...options] = process.argv.slice(2);
if (part === 'bulk' || part === 'console' || part === 'doctor') {
  run(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-b'], root);
  run(process.execPath, ['--disable-warning=ExperimentalWarning', `bench/${part}.ts`, ...options], root);
  process.exit(0);
}
const { dependencies } = JSON.parse(readFileSync(`${root}bench/package.json`, 'utf8'));
if (!Object.keys(dependencies).every((name) => existsSync(`${root}bench/node_modules/${name}`))) {
  console.error('installing the peers into bench/node_modules …');
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], `${root}bench`);
}
run(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-b', 'packages/core'], root);
for (const script of part === 'links' ? ['links', 'link-clicks'] : ['seal', 'page'])
  run(process.execPath, [`bench/${script}.ts`], root);

// --- internal ---

function run(command, args, cwd) {
  try {
    execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  } catch (error) {
    process.exit(error.status ?? 1);
  }
}
