import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { temporaryFolder } from './engines.ts';

/*
 * A document's walk, executed as it is written in an empty project: blocks with a title are files, blocks of `console`
 * are commands (`$ `) with the lines they print; `…` stands for anything. The packages are not published: the two that
 * `npm pack` makes take the place of their names in `npm install`.
 */
const ROOT = resolve(import.meta.dirname, '../../..');

export interface Walk {
  /** Walks a document, given by its path in the project, or one chapter of it, and returns how many commands it had. */
  walk(document: string, chapter?: string): number;
  run(command: string): Ran;
  /** Compiles files of the walk under strict. */
  compile(files: readonly string[]): { readonly status: number | null; readonly stdout: string };
}

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** An empty project for one test file, which calls this at its top. */
export function prepareWalk(name: string): Walk {
  const folder = temporaryFolder(name);
  const project = join(folder, 'mailer');
  const tarballs = new Map<string, string>();
  beforeAll(() => {
    mkdirSync(project);
    for (const part of ['core', 'casehard']) {
      const packed = npm(['pack', '--json', '--pack-destination', folder], join(ROOT, 'packages', part));
      const [file] = JSON.parse(packed) as readonly { readonly name: string; readonly filename: string }[];
      if (file) tarballs.set(file.name, join(folder, file.filename));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (command: string): Ran => {
    const installed = command.replace(/(?<= )(@casehard\/core|casehard)$/, (part) =>
      command.startsWith('npm install') ? (tarballs.get(part) ?? part) : part,
    );
    const { status, stdout, stderr } = spawnSync('sh', ['-c', installed], {
      cwd: project,
      env: environment(),
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  return {
    run,
    walk(document, chapter) {
      let commands = 0;
      for (const { language, title, lines } of blocksOf(
        chapterOf(readFileSync(join(ROOT, document), 'utf8'), chapter),
      )) {
        if (title !== undefined) writeFileSync(join(project, title), lines.map((line) => `${line}\n`).join(''));
        if (language !== 'console') continue;
        for (const { command, expected, exit } of commandsOf(lines)) {
          const result = run(command);
          expect(`${result.status} ${result.stderr}`, command).toMatch(new RegExp(`^${exit} `));
          if (!command.startsWith('npm ')) expect(result.stdout, command).toMatch(pattern(expected));
          commands++;
        }
      }
      return commands;
    },
    compile(files) {
      const options =
        '--ignoreConfig --noEmit --strict --target es2023 --module nodenext --allowImportingTsExtensions --skipLibCheck';
      const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
      const tsc = [join(ROOT, 'node_modules/typescript/bin/tsc'), ...options.split(' '), ...types];
      const { status, stdout } = spawnSync(process.execPath, [...tsc, ...files], { cwd: project, encoding: 'utf8' });
      return { status, stdout };
    },
  };
}

// --- internal ---

/** From a heading to the next one of its rank or a higher one. */
function chapterOf(markdown: string, heading: string | undefined): string {
  if (heading === undefined) return markdown;
  const start = markdown.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`there is no chapter ${heading}`);
  const rank = heading.indexOf(' ');
  const rest = markdown.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${rank}} `, 'm'));
  return end < 0 ? rest : rest.slice(0, end);
}

interface Block {
  readonly language: string;
  readonly title: string | undefined;
  readonly lines: readonly string[];
}

function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(\w+)(?: title="([^"]+)")?\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', title, body = '']) => ({ language, title, lines: body.split('\n').slice(0, -1) }),
  );
}

interface Step {
  readonly command: string;
  readonly expected: readonly string[];
  readonly exit: number;
}

/** `$ command`, with `# exit code 3: …` behind it where it is not 0, and the lines up to the next one. */
function commandsOf(lines: readonly string[]): readonly Step[] {
  const starts = lines.flatMap((line, i) => (line.startsWith('$ ') ? [i] : []));
  return starts.map((start, i) => {
    const [command = '', comment = ''] = (lines[start] ?? '').slice(2).split('  # ');
    const exit = Number(/exit code (\d)/.exec(comment)?.[1] ?? 0);
    return { command, exit, expected: lines.slice(start + 1, starts[i + 1] ?? lines.length) };
  });
}

/** Lines with `…` for anything: alone on a line for any number of lines, at the end of one for its rest. */
function pattern(expected: readonly string[]): RegExp {
  const lines = expected.map((line) =>
    line === '…'
      ? '(?:.*\\n)*?'
      : `${line
          .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
          .replaceAll(/ +/g, ' +')
          .replace(/\s*…$/, '.*')}\\n`,
  );
  return new RegExp(`^${lines.join('')}$`);
}

function npm(args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd, env: environment(), encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm ${args[0]} failed: ${stderr}`);
  return stdout;
}

/** The Node that runs this test, first in PATH, and no settings that would lead the walk elsewhere. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(CASEHARD|SENDSTUDIO)_|^(DATABASE_URL|CREDENTIALS_DIRECTORY|NODE_OPTIONS|NODE_ENV)$|^npm_/.test(name),
  );
  const PATH = [dirname(process.execPath), process.env.PATH].join(delimiter);
  return { ...Object.fromEntries(kept), PATH, npm_config_loglevel: 'error', npm_config_prefer_offline: 'true' };
}
