import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { casehard } from './command.ts';

/*
 * A transcript is what a person would see, and so documentation. `$ casehard …` runs the built command in one folder,
 * with an empty environment but for what `$ export NAME=value` set before. `< text` gives stdin, `> file` keeps stdout
 * in a file; `$ write file` makes a file of the indented lines below it, `$ edit file: a => b` replaces, `$ cd folder`
 * goes there. Then come the lines of stdout, those of stderr behind `2> `, and `exit N` where N is not 0. Key ids, keys,
 * tokens, times and folders have stand-ins; that of a token stands for the last one that was printed.
 */

/** Runs every command of a transcript anew and returns the transcript as it is now. */
export async function replay(text: string, folder: string): Promise<string> {
  const names = new StandIns(folder);
  const env: Record<string, string> = {};
  const out: string[] = [];
  let cwd = folder;
  for (const step of steps(text)) {
    out.push(...step.kept);
    if (step.command.startsWith('$ export ')) {
      const [, name = '', value = ''] = /^\$ export (\w+)=(.*)$/.exec(step.command) ?? [];
      env[name] = names.restore(value);
    } else if (step.command.startsWith('$ write ')) {
      const path = join(folder, step.command.slice('$ write '.length));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, names.restore(step.body.map((line) => `${line.slice(2)}\n`).join('')));
    } else if (step.command.startsWith('$ edit ')) {
      const [, file = '', from = '', to = ''] = /^\$ edit (\S+): (.*) => (.*)$/.exec(step.command) ?? [];
      const path = join(folder, file);
      writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
    } else if (step.command.startsWith('$ cd ')) {
      cwd = join(folder, step.command.slice('$ cd '.length));
    } else {
      out.push(...(await runStep(step.command, cwd, { env, names })));
    }
  }
  return `${out.join('\n')}\n`;
}

// --- internal ---

interface Step {
  /** Lines that stay as they are: comments, blank lines, the command, the body of a file. */
  readonly kept: readonly string[];
  readonly command: string;
  readonly body: readonly string[];
}

function steps(text: string): readonly Step[] {
  const found: { kept: string[]; command: string; body: string[] }[] = [];
  let gap: string[] = [];
  for (const line of text.trimEnd().split('\n')) {
    const last = found.at(-1);
    if (line.startsWith('$ ')) {
      found.push({ kept: [...gap, line], command: line, body: [] });
      gap = [];
    } else if (line.startsWith('#')) {
      gap.push('', line);
      if (gap.length > 2 && gap.at(-3)?.startsWith('#')) gap.splice(-2, 1); // one comment of several lines
    } else if (last?.command.startsWith('$ write ') && line.startsWith('  ')) {
      last.body.push(line);
      last.kept.push(line);
    }
  }
  if (found[0] && found[0].kept[0] === '') found[0].kept.shift();
  return found;
}

async function runStep(
  command: string,
  cwd: string,
  { env, names }: { readonly env: Readonly<Record<string, string>>; readonly names: StandIns },
): Promise<readonly string[]> {
  const [, line = '', input = '', file] = /^\$ casehard(.*?)(?: < (.*?))?(?: > (\S+))?$/.exec(command) ?? [];
  const args = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => names.restore(match[1] ?? match[2] ?? ''));
  const { code, stdout, stderr } = await casehard(args, { cwd, env, input: names.restore(input) });
  if (file !== undefined) writeFileSync(join(cwd, file), stdout);
  const shown = names.replace(stdout); // also of what goes into a file: keys get their stand-ins in the order they are met
  return [
    ...(file === undefined ? linesOf(shown) : []),
    ...linesOf(names.replace(stderr)).map((error) => `2> ${error}`.trimEnd()),
    ...(code === 0 ? [] : [`exit ${code}`]),
  ];
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** What differs from run to run, under names of the same width, so that tables keep their shape. */
class StandIns {
  readonly #folder: string;
  readonly #kids: string[] = [];
  readonly #tkids = new Set<string>();
  #token = '';

  constructor(folder: string) {
    this.#folder = folder;
  }

  replace(text: string): string {
    for (const [, kid = ''] of text.matchAll(/chkey1\.enc\.([a-z2-7]{8})\./g)) {
      if (!this.#kids.includes(kid)) this.#kids.push(kid);
    }
    for (const [, tkid = ''] of text.matchAll(/chkey1\.trk\.([0-9a-f]{4})\./g)) this.#tkids.add(tkid);
    for (const [, token = ''] of text.matchAll(TOKEN)) this.#token = token;
    let shown = text.replaceAll(this.#folder, '/srv/mailer').replace(TIME, '<time>');
    for (const tkid of this.#tkids) shown = shown.replace(new RegExp(`\\b${tkid}\\b(?=[ "]|$)`, 'gm'), 'f927');
    this.#kids.forEach((kid, i) => {
      shown = shown.replaceAll(kid, KIDS[i] ?? kid);
    });
    return shown
      .replace(/(chkey1\.(?:enc\.[\w-]{8}|trk\.)[0-9a-f]{0,4}\.)[\w-]{43}/g, '$1<43 characters>')
      .replace(/(chkey1\.trk\.)[0-9a-f]{4}/g, '$1f927')
      .replace(TOKEN, TOKEN_STAND_IN);
  }

  restore(text: string): string {
    return text.replaceAll('/srv/mailer', this.#folder).replaceAll(TOKEN_STAND_IN, `t=${this.#token}`);
  }
}

/** A link token of three numbers. */
const TOKEN = /\bt=([\w-]{68})(?![\w-])/g;
const TOKEN_STAND_IN = 't=<68 characters>';
/** As results print a moment that is now. */
const TIME = /\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z/g;
const KIDS = ['kid-one-', 'kid-two-', 'kid-3---'] as const;

/** The text of a transcript file. */
export function readTranscript(name: string): string {
  return readFileSync(join(TRANSCRIPTS, name), 'utf8');
}

/** Writes it down as it is now; for `UPDATE_TRANSCRIPTS=1`. Read the diff. */
export function writeTranscript(name: string, text: string): void {
  writeFileSync(join(TRANSCRIPTS, name), text);
}

export const TRANSCRIPTS = join(import.meta.dirname, 'transcripts');
