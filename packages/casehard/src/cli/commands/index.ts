import type { AddCommand } from '../main.ts';

/** A command by its words, and where it is. */
type Entry = readonly [words: string, load: () => Promise<AddCommand>];

/** All commands, in the order of the help. */
const COMMANDS: readonly Entry[] = [
  ['init', async () => (await import('./init.ts')).init],
  ['keys generate', async () => (await import('./keys-generate.ts')).keysGenerate],
  ['keys backup', async () => (await import('./keys-backup.ts')).keysBackup],
  ['keys drill', async () => (await import('./keys-drill.ts')).keysDrill],
  ['keys restore', async () => (await import('./keys-restore.ts')).keysRestore],
  ['keys hunt', async () => (await import('./keys-hunt.ts')).keysHunt],
  ['keys list', async () => (await import('./keys-list.ts')).keysList],
  ['keys withdraw', async () => (await import('./keys-withdraw.ts')).keysWithdraw],
  ['status', async () => (await import('./status.ts')).status],
  ['doctor', async () => (await import('./doctor.ts')).doctor],
  ['upgrade', async () => (await import('./upgrade.ts')).upgrade],
  ['harden', async () => (await import('./harden.ts')).harden],
  ['soften', async () => (await import('./soften.ts')).soften],
  ['strict', async () => (await import('./strict.ts')).strict],
  ['rotate', async () => (await import('./rotate.ts')).rotate],
  ['set', async () => (await import('./set.ts')).set],
  ['recover', async () => (await import('./recover.ts')).recoverCommand],
  ['reveal', async () => (await import('./reveal.ts')).reveal],
  ['audit list', async () => (await import('./audit.ts')).auditList],
  ['audit verify', async () => (await import('./audit.ts')).auditVerify],
  ['audit export', async () => (await import('./audit.ts')).auditExport],
  ['links mint', async () => (await import('./links-mint.ts')).linksMint],
  ['links inspect', async () => (await import('./links-inspect.ts')).linksInspect],
  ['links check', async () => (await import('./links-check.ts')).linksCheck],
  ['console', async () => (await import('./console.ts')).consoleCommand],
  ['sample', async () => (await import('./sample.ts')).sample],
];

/**
 * The command that the words of a command line name, or all of them where they name none, for the help and for what
 * commander suggests. What a command does not need is not loaded: all of it takes half a second.
 */
export function commandsFor(argv: readonly string[]): Promise<readonly AddCommand[]> {
  const named = COMMANDS.filter(([words]) => words.split(' ').every((word, i) => word === argv[i]));
  return Promise.all((named.length === 1 ? named : COMMANDS).map(([, load]) => load()));
}
