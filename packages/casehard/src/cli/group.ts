import type { Command } from 'commander';

/** A group of commands such as `casehard keys`; the first of its commands makes it. */
export function groupOf(program: Command, name: string, description: string): Command {
  return program.commands.find((command) => command.name() === name) ?? program.command(name).description(description);
}

/** The group `casehard keys`. */
export function keysGroup(program: Command): Command {
  return groupOf(program, 'keys', 'make, list, back up, prove, find and withdraw keys');
}
