import type { Command } from 'commander';

/** The group `casehard links`; the first of its commands makes it. */
export function linksGroup(program: Command): Command {
  const made = program.commands.find((command) => command.name() === 'links');
  return made ?? program.command('links').description('make and read links in mails');
}
