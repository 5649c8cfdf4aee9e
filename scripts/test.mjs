// `npm test [-- vitest arguments]`: installs, builds and runs every test; the last line counts them. Exits as vitest
// does, and with 1 where no test ran.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { environment, node, prepare, root, tmp } from './prepare.mjs';

prepare();

const report = join(tmp, `vitest-${process.pid}.json`);
rmSync(report, { force: true });
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const { status } = spawnSync(node, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
  cwd: root,
  env: environment({ NODE_COMPILE_CACHE: join(tmp, 'compile-cache') }),
  stdio: 'inherit',
});

const { passed, failed, skipped } = count(report, status);
if (passed + failed === 0) console.error('no test ran');
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = status === 0 && passed + failed === 0 ? 1 : (status ?? 1);

// --- internal ---

function count(path, exit) {
  if (!existsSync(path)) return { passed: 0, failed: 1, skipped: 0 };
  const result = JSON.parse(readFileSync(path, 'utf8'));
  renameSync(path, join(tmp, 'vitest.json'));
  const { numPassedTests: passed, numPendingTests: pending, numTodoTests: todo, testResults } = result;
  // A file that cannot be loaded has no tests to fail; it is one failure, as is an error outside of all tests.
  const broken = testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some(isFailed));
  const failed = result.numFailedTests + broken.length;
  return { passed, failed: failed === 0 && exit !== 0 && passed > 0 ? 1 : failed, skipped: pending + todo };
}

function isFailed({ status }) {
  return status === 'failed';
}
