import { styleText } from 'node:util';
import { CasehardError } from '@casehard/core';
import { EXIT, type Exit } from './exit.ts';
import { withoutKeyTexts } from './without-keys.ts';

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** The one place that writes to the terminal. Results go to stdout, everything else to stderr. */
export interface Output extends OutputOptions {
  /** A line of the result. Not printed with --json. */
  line(text?: string): void;
  /** What is going on, a warning or a reminder: stderr, not with --quiet. */
  note(text: string): void;
  /** What went wrong beside a result that stands: stderr, always. */
  problem(text: string): void;
  /** The result for programs: one object on stdout, only with --json. */
  result(value: Readonly<Record<string, unknown>>): void;
  /** A line that is drawn over, on a terminal only. */
  progress(text: string | undefined): void;
}

/** Writes to this process's stdout and stderr. */
export function createOutput(command: string, options: OutputOptions): Output {
  const { json, quiet } = options;
  const live = process.stderr.isTTY && !json && !quiet;
  let drawn = false;
  const clear = (): void => {
    if (drawn) process.stderr.write('\r\x1b[2K');
    drawn = false;
  };
  return {
    json,
    quiet,
    line(text = '') {
      clear();
      if (!json) process.stdout.write(`${text}\n`);
    },
    note(text) {
      clear();
      if (!quiet) process.stderr.write(`${text}\n`);
    },
    problem(text) {
      clear();
      process.stderr.write(`${text}\n`);
    },
    result(value) {
      clear();
      if (json) process.stdout.write(`${JSON.stringify({ command, ...value })}\n`);
    },
    progress(text) {
      if (!live) return;
      clear();
      if (text === undefined) return;
      process.stderr.write(text.slice(0, (process.stderr.columns ?? 80) - 1));
      drawn = true;
    },
  };
}

/** Prints an error with its fix, and gives the exit code. What is not ours is a bug or the system: shown by its kind only. */
export function reportError(output: Output, error: unknown): Exit {
  if (error instanceof CasehardError) {
    const exit = exitOf(error);
    const message = withoutKeyTexts(error.message);
    const details = { code: error.code, message, ...(error.hint ? { hint: error.hint } : {}) };
    output.result({ ok: false, exit, error: details });
    if (!output.json) {
      process.stderr.write(`${styleText('red', 'casehard:', { stream: process.stderr })} ${message} [${error.code}]\n`);
      if (error.hint) process.stderr.write(`  ${error.hint}\n`);
    }
    return exit;
  }
  // The message of an unknown error may quote anything, a value too; its name and place cannot.
  const name = error instanceof Error ? error.name : 'unknown error';
  const place = error instanceof Error ? /^\s+at .*$/m.exec(error.stack ?? '')?.[0]?.trim() : undefined;
  output.result({ ok: false, exit: EXIT.failed, error: { code: 'BUG', message: `${name} ${place ?? ''}` } });
  if (!output.json) {
    process.stderr.write(
      `casehard: unexpected ${name} ${place ?? ''}\n  please report this; its message is left out, as it may quote a value\n`,
    );
  }
  return EXIT.failed;
}

// --- internal ---

function exitOf(error: CasehardError): Exit {
  if (error.code === 'USAGE' || error.code === 'UNKNOWN_FIELD') return EXIT.usage;
  return error.code === 'UPGRADE_PENDING' || error.code === 'CANCELLED' ? EXIT.workRemains : EXIT.failed;
}
