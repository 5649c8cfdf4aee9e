import { CasehardError } from '@casehard/core';
import { Command, CommanderError } from 'commander';
import { commandsFor } from './commands/index.ts';
import { EXIT, type Exit } from './exit.ts';
import { createOutput, type Output, reportError } from './output.ts';
import { withoutKeys } from './without-keys.ts';

/** What a command gets: where to print, the global options, and a signal that Ctrl-C raises. */
export interface Invocation {
  readonly output: Output;
  readonly config: string | undefined;
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** The command line. Returns the exit code; never throws and never ends the process. */
export async function main(argv: readonly string[]): Promise<Exit> {
  let exit: Exit = EXIT.done;
  const program = new Command('casehard')
    .description('Hardens, in place, the credentials that an application keeps in its SQL database.')
    .version(VERSION)
    .showHelpAfterError('(casehard --help lists the commands)')
    .showSuggestionAfterError()
    .configureOutput({ writeErr: (text) => process.stderr.write(withoutKeys(text)) })
    .exitOverride();
  for (const add of await commandsFor(argv)) {
    add(program, (command, work) =>
      withGlobalOptions(command).action(async (...args: unknown[]) => {
        exit = await invoke(command, work, args);
      }),
    );
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    const output = createOutput('casehard', { json: argv.includes('--json'), quiet: false });
    if (!(error instanceof CommanderError)) return reportError(output, error);
    // commander has said it to people already.
    return output.json ? reportError(output, usage(error)) : EXIT.usage;
  }
}

/** Adds a command to the program; `action` wraps its work with output, errors and Ctrl-C. */
export type AddCommand = (program: Command, action: (command: Command, work: Work) => void) => void;

/** The work of a command: its arguments by position, its options by name. */
export type Work = (
  invocation: Invocation,
  options: Readonly<Record<string, unknown>>,
  args: readonly string[],
) => Promise<Exit>;

export const VERSION = '0.1.0';

// --- internal ---

function withGlobalOptions(command: Command): Command {
  return command
    .option('--config <file>', 'the configuration (default: casehard.config.ts, found upwards)')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print results and errors only')
    .exitOverride();
}

async function invoke(command: Command, work: Work, args: unknown[]): Promise<Exit> {
  const options: Readonly<Record<string, unknown>> = command.opts();
  const positional = args
    .slice(0, -2)
    .flat()
    .filter((arg): arg is string => typeof arg === 'string');
  const output = createOutput(nameOf(command), { json: options.json === true, quiet: options.quiet === true });
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130); // asked twice: leave now; the open page is undone by the database
    output.note('stopping after this page; once more to leave at once');
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    const config = typeof options.config === 'string' ? options.config : undefined;
    return await work(
      { output, config, folder: process.cwd(), env: process.env, signal: controller.signal },
      options,
      positional,
    );
  } catch (error) {
    return reportError(output, error instanceof CommanderError ? usage(error) : error);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

function usage({ message }: CommanderError): CasehardError {
  return new CasehardError('USAGE', withoutKeys(message.replace(/^error: /, '').split('\n')[0] ?? ''), {
    hint: 'casehard --help lists the commands',
  });
}

function nameOf(command: Command): string {
  const parent = command.parent;
  return parent?.parent ? `${parent.name()} ${command.name()}` : command.name();
}
