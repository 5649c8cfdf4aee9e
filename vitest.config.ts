import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // Tests read the sources, so that a stale build cannot make them pass; the packed packages have a test of their own.
    alias: [
      { find: /^@casehard\/core$/, replacement: source('index') },
      { find: /^@casehard\/core\/links$/, replacement: source('links/index') },
      { find: /^@casehard\/core\/links\/http$/, replacement: source('links/http/index') },
      { find: /^@casehard\/core\/state$/, replacement: source('state') },
    ],
  },
  test: {
    include: ['packages/*/test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});

function source(door: string): string {
  return fileURLToPath(new URL(`./packages/core/src/${door}.ts`, import.meta.url));
}
