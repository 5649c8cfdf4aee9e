import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

/*
 * The walls of ARCHITECTURE.md. Folders (or files) import from their own folder and from what stands before them here.
 * An exception is listed with its reason, so that it is seen; most often it says that a type stands in the wrong place.
 */
const PACKAGES: Readonly<Record<Package, Walls>> = {
  core: {
    floors: [
      'errors',
      'version',
      'crypto',
      'schemes',
      'secret',
      'keyring',
      'sealed',
      'field',
      'links',
      'orm',
      'index',
      'state',
    ],
    // Where keys are looked for is part of the configuration, whose types stand together; no code is imported.
    exceptions: ['keyring/sources.ts > field/define-config.ts (type)'],
  },
  casehard: {
    floors: [
      ...[
        'document',
        'database',
        'config',
        'audit',
        'inventory',
        'sample',
        'upgrade',
        'jobs',
        'entries',
        'keys',
        'doctor',
        'checks',
      ],
      ...['console', 'cli', 'index'],
    ],
    exceptions: [],
  },
};

describe.each(Object.keys(PACKAGES) as Package[])('the walls of %s', (name) => {
  const { floors, exceptions } = PACKAGES[name];
  const files = sources(name);

  it('every folder has its floor', () => {
    expect([...new Set(files.map(({ path }) => floorOf(path)))].filter((floor) => !floors.includes(floor))).toEqual([]);
  });

  it('imports go down only', () => {
    const up = files.flatMap(({ path, imports }) =>
      imports
        .filter(({ inside }) => inside !== undefined && floors.indexOf(floorOf(inside)) > floors.indexOf(floorOf(path)))
        .map(({ inside, typeOnly }) => `${path} > ${inside}${typeOnly ? ' (type)' : ''}`),
    );
    expect(up.sort()).toEqual([...exceptions]);
  });

  it('doors re-export names and contain no logic', () => {
    for (const { path, text } of files.filter((file) => file.path.endsWith('index.ts') && !file.path.includes('/'))) {
      expect(withoutComments(text).replace(/export (?:type )?(?:\*|\{[^}]*\})(?: from '[^']+')?;/g, ''), path).toMatch(
        /^\s*$/,
      );
    }
  });
});

describe('one place for each of the dangerous things', () => {
  const core = sources('core');
  const casehard = sources('casehard');

  it('core imports nothing but Node, and node:crypto in crypto/ only', () => {
    const manifest: unknown = JSON.parse(readFileSync(resolve(ROOT, 'packages/core/package.json'), 'utf8'));
    expect(Object.keys(manifest as object).filter((key) => /dependencies/i.test(key))).toEqual([]);
    const foreign = outside(core).filter(({ to }) => !to.startsWith('node:'));
    expect(foreign).toEqual([]);
    const crypto = outside(core).filter(({ to }) => /^(node:)?crypto$/.test(to));
    expect(crypto.filter(({ path }) => !path.startsWith('crypto/'))).toEqual([]);
    expect(crypto).not.toEqual([]);
  });

  it('casehard takes its cryptography from core; libraries for passwords, codes and TLS aside', () => {
    expect(outside(casehard).filter(({ to }) => /^(node:)?crypto$/.test(to))).toEqual([]);
    expect(
      casehard.filter(({ text }) => /\bcrypto\.(subtle|randomUUID|getRandomValues)\b/.test(withoutComments(text))),
    ).toEqual([]);
  });

  it('SQL and database drivers stay in database/', () => {
    const drivers = outside(casehard).filter(({ to }) => /^(kysely|pg|mysql2|node:sqlite)(\/|$)/.test(to));
    expect(drivers.filter(({ path }) => !path.startsWith('database/'))).toEqual([]);
    expect(drivers).not.toEqual([]);
    const statements = [...core, ...casehard].filter(({ text }) => SQL.test(withoutComments(text)));
    expect(statements.map(({ path }) => path).filter((path) => !path.startsWith('database/'))).toEqual(ADVICE);
    expect(statements).not.toEqual([]);
  });

  it('checks/ stands alone, and is the only place that dials other servers', () => {
    const inside = casehard.flatMap(({ path, imports }) =>
      imports.filter(({ inside }) => path.startsWith('checks/') && inside && !inside.startsWith('checks/')),
    );
    expect(inside).toEqual([]);
    const dialling = outside(casehard).filter(({ to }) => /^(nodemailer|imapflow|node:(net|tls|dns))(\/|$)/.test(to));
    expect(dialling.filter(({ path }) => !path.startsWith('checks/'))).toEqual([]);
    expect(dialling).not.toEqual([]);
  });

  it('only cli/ and console/ print', () => {
    const printing = [...core, ...casehard].filter(({ text }) => PRINTS.test(withoutComments(text)));
    expect(printing.map(({ path }) => path).filter((path) => !/^(cli|console)\//.test(path))).toEqual([]);
    expect(printing).not.toEqual([]);
  });

  it('no file is longer than 300 lines', () => {
    const long = [...core, ...casehard].filter(({ text }) => text.split('\n').length > 301);
    expect(long.map(({ path }) => path)).toEqual([]);
  });
});

// --- internal ---

const ROOT = resolve(import.meta.dirname, '../../..');
const SQL =
  /\b(select\s[^;'"]*\sfrom|insert\s+into|update\s+\S+\s+set|delete\s+from|alter\s+table|create\s+table)\s[^.]/i;
/** A statement inside a hint, for a person to run. */
const ADVICE = ['upgrade/problems.ts'];
const PRINTS = /\bprocess\s*\.\s*(stdout|stderr)\b|\bconsole\s*\.\s*(log|error|warn|info|debug)\b/;

type Package = 'core' | 'casehard';

interface Walls {
  /** Folders and files of src, the lowest first. */
  readonly floors: readonly string[];
  readonly exceptions: readonly string[];
}

interface Import {
  readonly to: string;
  /** The imported file, from the package's src, where it is one of ours. */
  readonly inside: string | undefined;
  readonly typeOnly: boolean;
}

interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

function sources(name: Package): readonly Source[] {
  const src = join(ROOT, 'packages', name, 'src');
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => {
      const text = readFileSync(join(src, path), 'utf8');
      return { path: path.replaceAll(sep, '/'), text, imports: importsOf(src, path, text) };
    });
}

const IMPORT = /^(?:import|export)\s+(?:(type\s)?([^;'"]*?)\s*from\s*)?['"]([^'"]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

function importsOf(src: string, path: string, text: string): readonly Import[] {
  const made = (to: string, typeOnly: boolean): Import => {
    const file = to.startsWith('.') ? relative(src, resolve(dirname(join(src, path)), to)).replaceAll(sep, '/') : '';
    return { to, inside: file === '' ? undefined : file, typeOnly };
  };
  return [
    ...[...text.matchAll(IMPORT)].map(([, type, names = '', to = '']) =>
      made(to, type !== undefined || /^\{(\s*type\s+[^,{}]+,?)+\s*\}$/.test(names)),
    ),
    ...[...text.matchAll(DYNAMIC)].map(([, to = '']) => made(to, false)),
  ];
}

function outside(files: readonly Source[]): readonly { readonly path: string; readonly to: string }[] {
  return files.flatMap(({ path, imports }) =>
    imports.filter(({ inside }) => inside === undefined).map(({ to }) => ({ path, to })),
  );
}

function floorOf(path: string): string {
  return (path.split('/')[0] ?? '').replace(/\.ts$/, '');
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
}
