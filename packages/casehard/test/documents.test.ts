import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');
const DOCUMENTS = ['*.md', 'docs/*.md', 'vectors/*.md', 'bench/*.md', 'packages/*/*.md'].flatMap((pattern) =>
  globSync(pattern, { cwd: ROOT }),
);

it('every link between documents leads somewhere', () => {
  expect(DOCUMENTS.length).toBeGreaterThan(8);
  const broken = DOCUMENTS.flatMap((document) =>
    [...read(document).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !existsSync(join(ROOT, dirname(document), target)))
      .map((target) => `${document} > ${target}`),
  );
  expect(broken).toEqual([]);
});

it('operations.md has cause and fix for every verdict that needs a person, and every error', () => {
  const codes = [
    ...union('packages/core/src/errors.ts', 'OpenFailure').filter((code) => code !== 'NOT_SEALED'),
    ...union('packages/core/src/field/verdict.ts', 'Unexpected'),
    ...union('packages/core/src/errors.ts', 'ErrorCode'),
  ];
  expect(codes.length).toBeGreaterThan(20);
  const document = read('docs/operations.md');
  expect(codes.filter((code) => !new RegExp(`\\b${code}\\b`).test(document))).toEqual([]);
});

it('format.md defines every code of a failed opening', () => {
  const document = read('docs/format.md');
  expect(union('packages/core/src/errors.ts', 'OpenFailure').filter((code) => !document.includes(code))).toEqual([]);
});

// --- internal ---

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The literals of an exported union type, as the source spells them. */
function union(path: string, name: string): readonly string[] {
  const body = new RegExp(`export type ${name} =([\\s\\S]*?);\\n`).exec(read(path).replace(/\/\/.*$/gm, ''))?.[1] ?? '';
  return [...body.matchAll(/'([A-Z_]+)'/g)].map(([, code = '']) => code);
}
