import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { column, type FieldSpec, path, setting } from '@casehard/core';
import { afterAll, describe, expect, it } from 'vitest';
import { configFileName, printConfig } from '../../src/inventory/print-config.ts';
import { printSampleConfig, sampleFields } from '../../src/sample/config.ts';
import { temporaryFolder } from '../engines.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = temporaryFolder('config');
  folders.push(folder);
  return folder;
}

const ODD = 'it\'s "odd" \\ \n\r\u2028\t$`';
const oddFields: Readonly<Record<string, FieldSpec<never>>> = {
  'a.b-2': column(ODD, ODD, {
    row: { [ODD]: 'int', constructor: 'text', ['__proto__']: 'uuid' },
    was: 'hex',
    max: { chars: 1, bytes: 2 },
  }),
  'c.d': setting('select', { where: { 'Na me': ODD, n: 5 }, value: 'v', was: 'base64' }),
  'e.f': path('t', 'c', '/a~1b/ü', { row: { 'key-part': 'binary' }, in: 'json', was: 'plaintext' }),
};

describe('the printed configuration', () => {
  const texts = {
    sample: [printSampleConfig({ database: 'sqlite:./mailer.db', adopted: true }), sampleFields],
    odd: [print(oddFields), oddFields],
    empty: [print({}), {}],
  } as const;

  it.each(Object.entries(texts))('loads in Node and means what was proposed: %s', (_, [text, fields]) => {
    const folder = newFolder();
    writeFileSync(join(folder, 'casehard.config.mts'), text);
    const script = `import c from './casehard.config.mts';
      for (const f of Object.values(c.fields)) { f.was = f.was.name; if (f.row) f.row = Object.entries(f.row); }
      console.log(JSON.stringify(c));`;
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder,
      env: { ...process.env, DATABASE_URL: 'sqlite:./other.db', NODE_NO_WARNINGS: '1' },
    });
    const config = JSON.parse(out.toString()) as { database: string; fields: unknown };
    expect(config.database).toBe('sqlite:./other.db');
    const spelled = Object.entries(fields as Readonly<Record<string, FieldSpec<never>>>).map(([name, spec]) => [
      name,
      { ...spec, ...(spec.row ? { row: Object.entries(spec.row) } : {}) },
    ]);
    expect(config.fields).toEqual(Object.fromEntries(spelled));
  });

  it('passes the compiler, strict', () => {
    const folder = newFolder();
    for (const [name, [text]] of Object.entries(texts)) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'casehard.config.mts'), text);
    }
    const tsconfig = {
      extends: join(ROOT, 'tsconfig.base.json'),
      compilerOptions: {
        noEmit: true,
        rewriteRelativeImportExtensions: false,
        paths: { '@casehard/core': [join(ROOT, 'packages/core/src/index.ts')] },
      },
      include: ['*/*.mts'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
    expect(compile(folder)).toBe('');
    writeFileSync(
      join(folder, 'empty', 'casehard.config.mts'),
      texts.odd[0].replace("'hex'", '').replace('hex()', '5'),
    );
    expect(compile(folder)).toContain('error TS'); // the compiler does look at them
  });

  it('says why beside each field, on one line whatever it says', () => {
    const spec = oddFields['c.d'] as FieldSpec<never>;
    const text = printConfig({
      database: 'sqlite:x',
      fields: [{ name: 'c.d', spec, because: 'one\n*/ two\u2028three' }],
    });
    expect(text).toContain("    // one */ two three\n    'c.d': setting('select', {\n");
  });
});

describe('a database URL', () => {
  const databaseLines = (database: string): string => printConfig({ database, fields: [] }).split('adopted')[0] ?? '';

  it.each([
    'sqlite:./mailer.db',
    'sqlite::memory:',
    'postgres://app@db.example.com:5432/mailer',
    'mysql://root@127.0.0.1:3306/test?ssl=true',
  ])('without a password is written: %s', (url) => {
    expect(databaseLines(url)).toContain(`database: process.env.DATABASE_URL ?? '${url}',`);
  });

  it.each([
    'postgres://app:hunter2@db/mailer',
    'postgres://db/mailer?user=app&password=hunter2',
    'libsql://db.example.com?authToken=hunter2',
    'file:./x.db?encryptionKey=hunter2',
    'mysql://app:hunter2/with/slashes@db/x y',
    'not a url with hunter2',
  ])('that has a password, or cannot be read, is left to the environment: %s', (url) => {
    const lines = databaseLines(url);
    expect(lines).toContain('  database: process.env.DATABASE_URL,\n');
    expect(lines).toContain('The URL has a password, which belongs into the environment');
    expect(lines).not.toContain('hunter2');
  });
});

describe('the name of the configuration file', () => {
  it.each([
    ['{"type":"module"}', 'casehard.config.ts'],
    ['{"type":"commonjs"}', 'casehard.config.mts'],
    ['{}', 'casehard.config.mts'],
    ['not json', 'casehard.config.mts'],
  ])('beside a package.json of %s is %s', (manifest, name) => {
    const folder = newFolder();
    writeFileSync(join(folder, 'package.json'), manifest);
    const inner = join(folder, 'deep', 'er');
    mkdirSync(inner, { recursive: true });
    expect([configFileName(folder), configFileName(inner)]).toEqual([name, name]);
  });
});

// --- internal ---

function print(fields: Readonly<Record<string, FieldSpec<never>>>): string {
  return printConfig({
    database: 'sqlite:x',
    fields: Object.entries(fields).map(([name, spec]) => ({ name, spec, because: 'x' })),
  });
}

function compile(folder: string): string {
  try {
    return execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
