import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** The command as users get it: built. `npm test` builds first. */
export const BIN = resolve(import.meta.dirname, '../../dist/cli/bin.js');

/** Temporary files of the command stay inside the clone. */
const TMP = resolve(import.meta.dirname, '../../../../.tmp');
/** Node's own cache of compiled modules: the tests start the command more than a thousand times. */
const COMPILED = resolve(TMP, 'compile-cache');

export interface CommandOptions {
  /** The working directory. */
  readonly cwd: string;
  /** The whole environment, but for TMPDIR and Node's cache. Default: empty. */
  readonly env?: Readonly<Record<string, string>>;
  /** What stands on stdin; default: nothing. */
  readonly input?: string | Uint8Array;
  /** Called with what has been printed so far, at every piece of output. */
  readonly onOutput?: (child: ReturnType<typeof spawn>) => void;
  /** Another Node than the one that runs the tests. */
  readonly node?: string;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as the one JSON object that it must be. Throws where it is none. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Runs the built command as a child process, with an environment that holds only what is given. */
export async function casehard(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  if (!existsSync(BIN)) throw new Error('there is no built command: run npx tsc -b');
  const child = spawn(options.node ?? process.execPath, [BIN, ...args], {
    cwd: options.cwd,
    env: { TMPDIR: TMP, NODE_COMPILE_CACHE: COMPILED, ...options.env },
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
      options.onOutput?.(child);
    });
  }
  child.stdin.on('error', () => {}); // a command that refuses its arguments reads no stdin
  child.stdin.end(options.input ?? '');
  const code = await new Promise<number | null>((done, failed) => child.on('error', failed).on('close', done));
  return {
    code,
    ...output,
    get json() {
      try {
        return JSON.parse(output.stdout) as Record<string, unknown>;
      } catch {
        throw new Error(`casehard ${args.join(' ')} printed no JSON:\n${output.stdout}\n${output.stderr}`);
      }
    },
  };
}
